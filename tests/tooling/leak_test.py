# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Searches for secrets in whatever is printed and written while runners come and go, and things go wrong."""

from __future__ import annotations

import collections
import shutil
import typing as t
from pathlib import Path

from emulator.client import Emulator
from leaks.runs import Runs, all_runs, environment_of

from . import tree, venvs
from .environment import private_environment
from .leaks import forms, search
from .result import Result, judged

FOLDER = tree.BUILD / "leaks"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run everything, then search."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    base = venvs.on_path(private_environment(FOLDER / "home", FOLDER / "tmp"), venvs.pinned("leaks"))
    base.pop("ANSIBLE_PYTHON_INTERPRETER")
    with Emulator(log=FOLDER / "emulator.log") as emulator:
        runs = Runs(FOLDER, environment_of(base, FOLDER), emulator.account(name="leaks", window_factor=0))
        all_runs(runs)
        kept = FOLDER / "kept"
        runs.play(
            "provision and keep the remote files",
            env={"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TEMP": str(kept)},
        )
    _search(runs, kept)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("\n".join(runs.faults), "utf-8")
    summary = f"{len(runs.secrets)} secrets nowhere" if not runs.faults else "; ".join(runs.faults)[:300]
    return judged(runs.checks - len(runs.faults), len(runs.faults), summary, 0)


def _search(runs: Runs, kept: Path) -> None:
    def left_out(path: Path) -> bool:
        return runs.may_hold(path) or _is_kept_module(path, kept)

    found = search(runs.secrets, FOLDER, left_out)
    print("\nSearched:")
    for kind, (files, size) in _kinds(FOLDER, left_out).items():
        print(f"  {kind:<14} {files:>5} files {size:>10} bytes")
    number = sum(len(forms(secret)) for secret in runs.secrets)
    print(
        f"{found.files} files, {found.size} bytes, for {len(runs.secrets)} secrets in {number} forms"
        " (raw, URL-encoded, base64 at each of three alignments, Basic header)"
    )
    print(f"Hits: {len(found.found)}" + "".join(f"\n  {path}" for path in found.found), flush=True)
    runs.check(not found.found, f"a secret is in {', '.join(found.found)}")
    runs.check(len(runs.secrets) >= ENOUGH, f"only {len(runs.secrets)} secrets were seen")
    for folder in ("junit", "plays", "facts", "runner/artifacts", "out"):
        runs.check(any((FOLDER / folder).rglob("*")), f"nothing was written to {folder}")
    sampled = (FOLDER / "out" / "processes").read_bytes()
    for module in (b"AnsiballZ_soda_runner.py", b"AnsiballZ_soda_runner_files.py"):
        runs.check(module in sampled, f"the processes were not seen, of {module.decode()} none")

    everywhere = search(runs.secrets, kept, lambda path: False).found
    print(f"With ANSIBLE_KEEP_REMOTE_FILES: in {len(everywhere)} files that Ansible itself keeps")
    runs.check(bool(everywhere), "with ANSIBLE_KEEP_REMOTE_FILES the modules should hold the secrets they were given")

    artifact = sorted((FOLDER / "junit").glob("*.xml"))[0]
    whole = artifact.read_bytes()
    for secret in (runs.secrets[0], runs.secrets[-1]):
        for form in forms(secret):
            artifact.write_bytes(whole + form)
            planted = search(runs.secrets, FOLDER, left_out).found
            runs.check(str(artifact.relative_to(FOLDER)) in planted, "a secret that was planted was not found")
    artifact.write_bytes(whole)


ENOUGH = 8
"""The Soda Cloud API key, and the keys of two hosts from three rotations and one reissue."""


def _is_kept_module(path: Path, kept: Path) -> bool:
    return kept in path.parents and path.name.startswith("AnsiballZ_")


def _kinds(folder: Path, left_out: t.Callable[[Path], bool]) -> dict[str, tuple[int, int]]:
    """Files and bytes by the first folder in which they are."""
    kinds: dict[str, tuple[int, int]] = collections.defaultdict(lambda: (0, 0))
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not left_out(path):
            files, size = kinds[path.relative_to(folder).parts[0]]
            kinds[path.relative_to(folder).parts[0]] = files + 1, size + path.stat().st_size
    return kinds
