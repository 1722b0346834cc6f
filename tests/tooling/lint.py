# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ruff, mypy in strict mode, ansible-lint with the production profile, the wording, and the changelog."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t
from pathlib import Path

from . import tree
from .environment import private_environment
from .process import Finished, run
from .result import Result, judged

# By their import names, because mypy treats a file as another module if it gets the path.
PLUGINS = [f"--package=ansible_collections.community.soda.{folder}" for folder in ("plugins", "extensions.eda.plugins")]
TESTS = [
    f"tests/{folder}"
    for folder in (
        "bench",
        "emulator",
        "tooling",
        *(f"system/{name}" for name in ("attack", "automation", "crash", "demo", "eda", "examples", "hosts", "leaks")),
        *(f"system/{name}" for name in ("kubernetes", "servers", "vault")),
    )
]


@dataclasses.dataclass(frozen=True)
class Check:
    """A linter: its command, and its output if it checked files and found no fault."""

    name: str
    command: tuple[str, ...]
    clean: str


CHANGELOG = "CHANGELOG.md"

CHECKS = (
    Check("ruff format", ("ruff", "format", "--check", "."), r"[1-9]\d* files? already formatted"),
    Check("ruff check", ("ruff", "check", "."), r"All checks passed"),
    Check("mypy --strict of plugins", ("mypy", *PLUGINS), r"no issues found in [1-9]\d* source files?"),
    Check("mypy --strict of tests", ("mypy", *TESTS), r"no issues found in [1-9]\d* source files?"),
    Check("ansible-lint", ("ansible-lint", "--profile", "production"), r"Passed: .* in [1-9]\d* files processed"),
    Check("prose", ("python", "tests/tooling/prose.py"), r"no unclear wording in [1-9]\d* files"),
    Check("changelog fragments", ("antsibull-changelog", "lint", "--verbose"), r""),
    Check(
        "changelog.yaml", ("antsibull-changelog", "lint-changelog-yaml", "--strict", "changelogs/changelog.yaml"), r""
    ),
    # The generated file is the same, so nobody edited it or forgot to generate it.
    Check(
        CHANGELOG,
        ("sh", "-c", f"test -s {CHANGELOG} && antsibull-changelog generate && git diff --exit-code {CHANGELOG}"),
        r"",
    ),
)
# Some linters succeed without files.
IDLE = re.compile(r"No Python files found|No fragments found")


def found_no_fault(check: Check, finished: Finished) -> bool:
    """Whether the linter succeeded, reported success, and checked files."""
    said = re.search(check.clean, finished.output) and not IDLE.search(finished.output)
    return finished.returncode == 0 and bool(said)


def chosen_checks(words: t.Sequence[str]) -> list[Check]:
    """The checks whose names contain one of the words, or all."""
    chosen = [check for check in CHECKS if not words or any(word in check.name for word in words)]
    if not chosen:
        raise SystemExit(f"Unknown check. Choose from: {', '.join(check.name for check in CHECKS)}")
    return chosen


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the checks whose names contain one of *arguments*, or all."""
    copy = tree.copied_collection("lint")
    collections = str(copy.parents[2])
    # The linters check a copy without caches and environments.
    env = private_environment()
    env.update(
        ANSIBLE_COLLECTIONS_PATH=collections,
        MYPYPATH=os.pathsep.join([collections, str(copy / "tests"), str(copy / "tests" / "system")]),
        MYPY_CACHE_DIR=str(tree.CACHE / "mypy"),
        RUFF_CACHE_DIR=str(tree.CACHE / "ruff"),
    )
    checks = chosen_checks(arguments)
    failed = []
    for check in checks:
        print(f"--- {check.name}", flush=True)
        if not found_no_fault(check, run(check.command, cwd=copy, env=env, log=log)):
            failed.append(check.name)
    summary = f"fault found by {', '.join(failed)}" if failed else "no fault found"
    return judged(len(checks) - len(failed), len(failed), summary, len(failed))
