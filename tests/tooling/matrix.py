# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs on each supported ansible-core, and on each Python of hosts, without containers.

Each series of ansible-core has an environment of its newest release. On a host, a module runs with the utilities of
the controller's ansible-core: so a row of units has a Python and a series, which may not run on that Python as a whole.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from . import attack, cores, integration, molecule, sanity, tree, units, venvs
from .environment import prepare_home_for_ansible_test, private_environment
from .process import run
from .result import Result, judged

# A Python of hosts, and the ansible-core whose utilities the modules get: the oldest and the newest that support it.
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
_ON_HOSTS = ("tests/unit/plugins/module_utils", "tests/unit/plugins/modules")
# The oldest requests that is supported goes with the oldest Python.
_OLDEST_REQUESTS = ("requests==2.25.0", "urllib3<1.27", "chardet<5")


def _sanity(core: str, options: list[str], log: Path) -> Result:
    venv = cores.venv_of(core)
    copy = tree.copied_collection(f"matrix-sanity-{core}")
    env = _environment(core, venv)
    # The pre-release's pylint takes a library from a host besides the package index.
    without = ["--skip-test", "pylint"] if core == cores.PRE_RELEASE and not os.environ.get("CI") else []
    result = sanity.counted(run(["ansible-test", "sanity", "--color", "no", *without], cwd=copy, env=env, log=log))
    shutil.rmtree(copy.parents[2], ignore_errors=True)
    return dataclasses.replace(result, summary=f"{result.summary}{', without pylint' if without else ''}")


def _integration(core: str, options: list[str], log: Path) -> Result:
    venv = cores.venv_of(core)
    return integration.on(_environment(core, venv), [], log)


def _molecule(core: str, options: list[str], log: Path) -> Result:
    return molecule.on(_environment(core, cores.venv_of(core)), [], log)


def _attack(core: str, options: list[str], log: Path) -> Result:
    return attack.attack(cores.venv_of(core), options, log)


KINDS: dict[str, t.Callable[[str, list[str], Path], Result]] = {
    "sanity": _sanity,
    "integration": _integration,
    "molecule": _molecule,
    "attack": _attack,
}


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the rows whose names contain one of *arguments*, such as ``2.16`` or ``molecule-2.18``, or all.

    ``newest`` stands for the newest release that a Python of this machine can run. ``--quick`` leaves out sanity, and
    runs the quick attacks only. A row without its Python is reported, and does not pass.
    """
    options = [argument for argument in arguments if argument == "--quick"]
    words = [word.replace("newest", cores.newest()) for word in arguments if word not in options]
    rows = [f"{kind}-{core}" for core in cores.PYTHONS for kind in KINDS]
    rows += [f"units-{python}-{core}" for python, core in UNITS]
    # "2.16" alone means that ansible-core, not the Pythons that are tested with its utilities.
    chosen = [row for row in rows if not words or any(_matches(word, row) for word in words)]
    chosen = [row for row in chosen if not (options and row.startswith("sanity-"))]
    results: dict[str, Result] = {}
    missing = []
    for row in chosen:
        kind, _dash, rest = row.partition("-")
        needed = (rest.split("-")[0],) if kind == "units" else cores.PYTHONS[rest]
        if not any(python in cores.pythons_at_hand() for python in needed):
            missing.append(f"{row} (Python {' or '.join(needed)})")
            continue
        print(f"--- {row}", flush=True)
        row_log = log.with_name(f"{log.stem}-{row}.log")
        row_log.unlink(missing_ok=True)
        try:
            results[row] = KINDS[kind](rest, options, row_log) if kind in KINDS else _units(rest, row_log)
        except Exception as exc:  # one broken row must not hide the results of the others
            results[row] = Result(0, 1, f"{type(exc).__name__}: {exc}")
    _print_table(results, missing)
    failed = [name for name, result in results.items() if result.failed]
    summary = f"failed: {', '.join(failed)}" if failed else f"{len(results)} of {len(chosen)} rows"
    if missing:
        summary += f"; not at hand: {', '.join(missing)}"
    return judged(len(results) - len(failed), len(failed), summary, 0)


def _matches(word: str, row: str) -> bool:
    return word in row and not (word in cores.PYTHONS and row.startswith("units-"))


def _print_table(results: dict[str, Result], missing: list[str]) -> None:
    print(f"\n{'ansible-core':<14}" + "".join(f"{kind:>14}" for kind in KINDS))
    for core in cores.PYTHONS:
        cells = [results.get(f"{kind}-{core}") for kind in KINDS]
        if any(cells):
            shown = [f"{cell.passed} ok, {cell.failed} bad" if cell else "-" for cell in cells]
            print(f"{cores.version_of(cores.venv_of(core)):<14}" + "".join(f"{each:>14}" for each in shown))
    for name, result in results.items():
        if result.failed or name.startswith("units-"):
            print(f"{name}: {result.passed} passed, {result.failed} failed ({result.summary})")
    for name in missing:
        print(f"{name}: not at hand")


def _environment(core: str, venv: Path) -> dict[str, str]:
    """The environment of the tests, in which the programs of another ansible-core come first."""
    env = venvs.on_path(private_environment(home=tree.CACHE / f"home-core-{core}"), venv)
    env["ANSIBLE_PYTHON_INTERPRETER"] = str(venv / "bin" / "python")
    prepare_home_for_ansible_test(env, venv)
    return env


def _units(row: str, log: Path) -> Result:
    python, _dash, core = row.partition("-")
    name = f"units-{python}-{core}"
    packages = ["pytest", "pytest-xdist", "hypothesis", "pyyaml", "jinja2", "packaging"]
    packages += _OLDEST_REQUESTS if (python, core) == UNITS[0] else ["requests"]
    interpreter_of_venv = cores.pythons_at_hand()[python]
    venv = venvs.made(
        f"matrix-{name}", interpreter_of_venv, ["--upgrade", *packages], f"{interpreter_of_venv}\n{packages}\n"
    )
    interpreter = str(venv / "bin" / "python")
    # Not all of ansible-core runs on a host's Python, but the utilities of its modules do.
    install = ["--quiet", "--no-deps", "--ignore-requires-python", "--upgrade", f"ansible-core~={core}.0"]
    env = venvs.on_path(private_environment(), venv)
    if run([interpreter, "-m", "pip", "install", *install], env={**os.environ}, log=log).returncode:
        return Result(0, 1, f"ansible-core {core} could not be installed")
    env["EMULATOR_PYTHON"] = sys.executable
    program = "import requests, ansible.release as r; print(r.__version__, 'requests', requests.__version__)"
    versions = subprocess.check_output([interpreter, "-c", program], text=True).strip()
    result = units.by_pytest(f"matrix-{name}", ["--numprocesses", "auto", *_ON_HOSTS], env, log)
    return dataclasses.replace(result, summary=f"{versions}, {result.summary}")
