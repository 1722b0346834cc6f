# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Searches for secrets in all output and files of runs that provision, fail and decommission."""

from __future__ import annotations

import collections
import os
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
    """Run the plays, then search."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    if "LEAKS_COLLECTIONS" in os.environ:
        print(f"The collection is that of {os.environ['LEAKS_COLLECTIONS']}", flush=True)
    base = venvs.on_path(private_environment(FOLDER / "home", FOLDER / "tmp"), venvs.pinned("leaks"))
    base.pop("ANSIBLE_PYTHON_INTERPRETER")
    base["ANSIBLE_COLLECTIONS_PATH"] = os.environ.get("LEAKS_COLLECTIONS", base["ANSIBLE_COLLECTIONS_PATH"])
    with Emulator(log=FOLDER / "emulator.log") as emulator:
        runs = Runs(FOLDER, environment_of(base, FOLDER), emulator.account(name="leaks", window_factor=0))
        all_runs(runs)
    _search(runs)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("\n".join(runs.faults), "utf-8")
    summary = f"{len(runs.secrets)} secrets nowhere" if not runs.faults else "; ".join(runs.faults)[:300]
    return judged(runs.checks - len(runs.faults), len(runs.faults), summary, 0)


def _search(runs: Runs) -> None:
    left_out = runs.may_hold
    found = search(runs.secrets, FOLDER, left_out)
    print("\nSearched:")
    for kind, (files, size) in _kinds(FOLDER, left_out).items():
        print(f"  {kind:<14} {files:>5} files {size:>10} bytes")
    number = sum(len(forms(secret)) for secret in runs.secrets)
    print(
        f"{found.files} files, {found.size} bytes, for {len(runs.secrets)} secrets in {number} forms"
        " (plain, JSON-escaped, URL-encoded, hexadecimal, base64 at each of three alignments, Basic header)"
    )
    print(f"Hits: {len(found.found)}" + "".join(f"\n  {path}" for path in found.found), flush=True)
    runs.check(not found.found, f"a secret is in {', '.join(found.found)}")
    runs.check(len(runs.secrets) >= ENOUGH, f"only {len(runs.secrets)} secrets were seen")
    for folder in ("junit", "plays", "facts", "runner/artifacts", "out"):
        runs.check(any((FOLDER / folder).rglob("*")), f"nothing was written to {folder}")
    sampled = (FOLDER / "out" / "processes").read_bytes()
    runs.check(b"AnsiballZ_soda_runner_info.py" in sampled, "the processes of modules were not seen")
    # These are sent through standard input, because a killed run would leave their files.
    for module in (b"AnsiballZ_soda_runner.py", b"AnsiballZ_soda_runner_files.py"):
        runs.check(module not in sampled, f"a secret was in the file {module.decode()}")

    logged = FOLDER / "out" / "syslog"
    entry = b"ansible-community.soda.soda_runner_info: Invoked"
    runs.check(entry in logged.read_bytes(), "the system log was not seen: it has no entry of soda_runner_info")

    for place in (sorted((FOLDER / "junit").glob("*.xml"))[0], logged):
        whole = place.read_bytes()
        for secret in (runs.secrets[0], runs.secrets[-1]):
            for form in forms(secret):
                place.write_bytes(whole + form)
                planted = search(runs.secrets, FOLDER, left_out).found
                runs.check(str(place.relative_to(FOLDER)) in planted, "a planted secret was not found")
        place.write_bytes(whole)


ENOUGH = 8
"""The Soda Cloud API key, and the keys of two hosts from three rotations and one reissue."""


def _kinds(folder: Path, left_out: t.Callable[[Path], bool]) -> dict[str, tuple[int, int]]:
    """Files and bytes by the first folder in which they are."""
    kinds: dict[str, tuple[int, int]] = collections.defaultdict(lambda: (0, 0))
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not left_out(path):
            files, size = kinds[path.relative_to(folder).parts[0]]
            kinds[path.relative_to(folder).parts[0]] = files + 1, size + path.stat().st_size
    return kinds
