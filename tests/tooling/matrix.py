# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sanity on every ansible-core that is supported, and units on every Python of targets, without containers.

Each row has an environment of its own, of the newest release in its series. What runs on a target is a module with
the utilities of the controller's ansible-core: so a row of units has both, and may have an ansible-core that does not
run there as a whole.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from . import sanity, tree, units, venvs
from .environment import prepare_home_for_ansible_test, private_environment, usable_path
from .process import run
from .result import Result, judged

NEWEST = "newest"
# An ansible-core, and the Pythons that it runs on, those first that have most of their life before them.
SANITY: dict[str, tuple[str, ...]] = {
    "2.16": ("3.12", "3.11", "3.10"),
    "2.18": ("3.12", "3.13", "3.11"),
    "2.19": ("3.12", "3.13", "3.11"),
    "2.20": ("3.13", "3.14", "3.12"),
    "2.21": ("3.13", "3.14", "3.12"),
    NEWEST: ("3.14", "3.13"),
}
# A Python of targets, and the ansible-core whose utilities the modules get: the oldest and the newest that know it.
UNITS: tuple[tuple[str, str], ...] = (
    ("3.9", "2.16"),
    ("3.9", "2.21"),
    ("3.10", "2.16"),
    ("3.11", "2.16"),
    ("3.12", "2.16"),
    ("3.12", "2.21"),
    ("3.13", "2.21"),
    ("3.14", "2.21"),
)
_ON_TARGETS = ("tests/unit/plugins/module_utils", "tests/unit/plugins/modules")
# The oldest requests that is supported goes with the oldest Python.
_OLDEST_REQUESTS = ("requests==2.25.0", "urllib3<1.27", "chardet<5")


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table, and the Pythons that would do for it."""

    kind: str
    core: str
    pythons: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"sanity-{self.core}" if self.kind == "sanity" else f"units-{self.pythons[0]}-{self.core}"


ROWS = [Row("sanity", core, pythons) for core, pythons in SANITY.items()]
ROWS += [Row("units", core, (python,)) for python, core in UNITS]


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the rows whose names contain one of *arguments*, or all. One without its Python is said, not passed."""
    rows = [row for row in ROWS if not arguments or any(word in row.name for word in arguments)]
    at_hand = pythons_at_hand()
    table, missing = [], []
    for row in rows:
        python = next((at_hand[version] for version in row.pythons if version in at_hand), None)
        if python is None:
            missing.append(f"{row.name} (Python {' or '.join(row.pythons)})")
            continue
        print(f"--- {row.name} with {python}", flush=True)
        result = (_sanity if row.kind == "sanity" else _units)(row, python, log)
        table.append((row.name, result))
    print(f"\n{'row':<22} {'passed':>7} {'failed':>7}")
    for name, result in table:
        print(f"{name:<22} {result.passed:>7} {result.failed:>7}   {result.summary}")
    for name in missing:
        print(f"{name:<22} not at hand")
    failed = [name for name, result in table if result.failed]
    summary = f"failed: {', '.join(failed)}" if failed else f"{len(table)} of {len(rows)} rows"
    if missing:
        summary += f"; not at hand: {', '.join(missing)}"
    return judged(len(table) - len(failed), len(failed), summary, 0)


def pythons_at_hand() -> dict[str, str]:
    """Versions such as ``3.9``, and an interpreter of each that runs."""
    found: dict[str, str] = {}
    for minor in range(9, 16):
        for folder in usable_path():
            python = Path(folder, f"python3.{minor}")
            if os.access(python, os.X_OK) and subprocess.run([python, "-c", ""], check=False).returncode == 0:
                found.setdefault(f"3.{minor}", str(python))
    return found


def _venv(row: Row, python: str, packages: list[str]) -> Path:
    stamp = f"{python}\n{packages}\n"
    return venvs.made(f"matrix-{row.name}", python, ["--upgrade", *packages], stamp)


def _core(row: Row) -> list[str]:
    return ["--prerelease=allow", "ansible-core"] if row.core == NEWEST else [f"ansible-core~={row.core}.0"]


def _sanity(row: Row, python: str, log: Path) -> Result:
    venv = _venv(row, python, _core(row))
    copy = tree.copied_collection(f"matrix-{row.name}")
    if list((copy / "tests" / "sanity").glob("ignore*.txt")):
        return Result(0, 1, "the collection has no ignore file, and that is to stay so")
    env = venvs.on_path(private_environment(home=tree.CACHE / f"home-{row.name}"), venv)
    prepare_home_for_ansible_test(env, venv)
    # The pre-release's pylint takes a library from a host besides the package index.
    without = ["--skip-test", "pylint"] if row.core == NEWEST and not os.environ.get("CI") else []
    version = subprocess.check_output(["ansible", "--version"], env=env, text=True).partition("[")[2].partition("]")[0]
    result = sanity.counted(run(["ansible-test", "sanity", "--color", "no", *without], cwd=copy, env=env, log=log))
    shutil.rmtree(copy.parents[2], ignore_errors=True)
    return dataclasses.replace(result, summary=f"{version}, {result.summary}{', without pylint' if without else ''}")


def _units(row: Row, python: str, log: Path) -> Result:
    oldest = row == next(row for row in ROWS if row.kind == "units")
    packages = ["pytest", "pytest-xdist", "hypothesis", "pyyaml", "jinja2", "packaging"]
    packages += _OLDEST_REQUESTS if oldest else ["requests"]
    venv = _venv(row, python, packages)
    interpreter = str(venv / "bin" / "python")
    # Not all of ansible-core runs on a target's Python, but the utilities of its modules do.
    core = ["--quiet", "--no-deps", "--ignore-requires-python", "--upgrade", f"ansible-core~={row.core}.0"]
    env = venvs.on_path(private_environment(), venv)
    if run([interpreter, "-m", "pip", "install", *core], env={**os.environ}, log=log).returncode:
        return Result(0, 1, f"ansible-core {row.core} could not be installed")
    env["EMULATOR_PYTHON"] = sys.executable
    versions = subprocess.check_output(
        [
            interpreter,
            "-c",
            "import requests, ansible.release as r; print(r.__version__, 'requests', requests.__version__)",
        ],
        text=True,
    )
    result = units.by_pytest(f"matrix-{row.name}", ["--numprocesses", "auto", *_ON_TARGETS], env, log)
    return dataclasses.replace(result, summary=f"{re.sub(chr(10), '', versions)}, {result.summary}")
