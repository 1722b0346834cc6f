# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutation testing with mutmut: small changes to the utilities of the plugins, each of which a unit test must detect.

Each file is changed in a separate folder below build/mutation, and tried with the unit tests that mirror it.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

import yaml

from emulator.client import Emulator

from . import tree, venvs
from .environment import private_environment
from .process import run
from .result import Result, judged

LEAST = 95
"""Per cent of all mutants that the tests must notice."""

LEAST_OF_A_FILE = 90

WORKERS = 2
FOLDER = tree.BUILD / "mutation"
EXPLAINED = tree.ROOT / "tests" / "system" / "mutation" / "explained.yml"

_ROOMS = ("module_utils", "plugin_utils")
_COLLECTION = Path("ansible_collections", "community", "soda")
_UNIT = Path("tests", "unit", "plugins")

# What the tests need beside the plugins.
_BESIDE = ("tests/unit/plugins/", "tests/emulator/", "tests/system/mutation/", "galaxy.yml", "meta/")

# Files whose tests are not found by their name.
_CLIENT = ("module_utils/_api/test_client.py",)
_TESTS = {
    "module_utils/_api/connection": _CLIENT,
    "module_utils/_api/messages": _CLIENT,
    "module_utils/_api/policy": _CLIENT,
    "module_utils/_api/transport": _CLIENT,
    "module_utils/_api/waiting": ("modules/test_soda_runner_info.py",),
    "module_utils/_key/atomic_write": (
        "module_utils/_key/test_atomic_write.py",
        "module_utils/_key/test_key_file.py",
        "module_utils/_key/test_trust.py",
    ),
    "module_utils/_key/key_file": ("module_utils/_key/test_key_file.py", "module_utils/_key/test_trust.py"),
    "module_utils/_key/stored_key": ("module_utils/_key/test_key_file.py", "module_utils/_key/test_stored_key.py"),
    "module_utils/_names": ("modules/test_soda_runner.py", "module_utils/test__filters.py"),
    "module_utils/_runner/key_store": ("modules/test_soda_runner.py",),
    "module_utils/_runner/reconcile": ("modules/test_soda_runner.py",),
}

# No test pins each word of a message. The names and numbers inside a message are changed.
SENTENCES = r'^\s*(message=|return )?"[^"]*[^" ]+ [^" ]+ [^"]*"[,)]*$'

_SETTINGS = """
[tool.pytest.ini_options]
pythonpath = [".", "{tests}", "{tests}/system/mutation"]
addopts = ["--import-mode=importlib", "-p", "no:cacheprovider"]

[tool.mutmut]
source_paths = ["{collection}/plugins"]
only_mutate = ["{collection}/plugins/{name}.py"]
pytest_add_cli_args = ["-p", "noticing"]
pytest_add_cli_args_test_selection = [{selection}]
do_not_mutate_patterns = ['{sentences}']
use_git_change_detection = false
use_setproctitle = false
timeout_multiplier = 5.0
timeout_constant = 30.0
"""

# mutmut's numbers for a test that failed, and for tests that did not end, which notices the mutant as well.
_NOTICED = (1, 3, 255, -9, -11, 24, 36, 152, -24)
_FATES = {
    0: "survived",
    33: "no test reaches it",
    77: "its tests could not be run",  # from tests/system/mutation/noticing.py
    None: "not tried",
}

_CAST = re.compile(r't\.cast\(("[^"]*"|[\w.]+(\[[^]]*\])?), ')

Change = tuple[str, str, str, str]
"""A file, a function in it, the original lines, and the changed lines."""


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change, and mutmut's number for the result of the tests."""

    file: str
    function: str
    was: str
    now: str
    code: int | None

    @property
    def noticed(self) -> bool:
        return self.code in _NOTICED

    @property
    def is_of_a_cast(self) -> bool:
        """Whether only the type of a cast differs, which has no effect when the code runs."""
        return _CAST.sub("", self.was) == _CAST.sub("", self.now)

    @property
    def change(self) -> Change:
        return self.file, self.function, self.was, self.now

    def __str__(self) -> str:
        lines = [f"{self.file}, {self.function}: {_FATES.get(self.code, f'ended with {self.code}')}"]
        lines += [f"  - {line}" for line in self.was.splitlines()]
        lines += [f"  + {line}" for line in self.now.splitlines()]
        return "\n".join(lines)


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Try the files whose names contain one of *arguments*, such as ``_runner/plan``, or all."""
    names = [name for name in files() if not arguments or any(word in name for word in arguments)]
    venv = venvs.pinned("mutation")
    env = venvs.on_path(private_environment(), venv)
    del env["ANSIBLE_COLLECTIONS_PATH"]
    env["ANSIBLE_PYTHON_INTERPRETER"] = str(venv / "bin" / "python")
    mutants: list[Mutant] = []
    ended_early = []
    with Emulator(log=tree.LOGS / "mutation-emulator.log", start_timeout=300, violations_expected=True) as emulator:
        env["COLLECTION_TEST_EMULATOR"] = emulator.url
        for name in names:
            found, fault = _try(name, env, log)
            mutants += found
            ended_early += [f"{name}: {fault}"] if fault else []
            print(f"{name}: {sum(m.noticed for m in found)} of {len(found)} mutants noticed", flush=True)
    return judge(mutants, explained(), ended_early)


def files() -> list[str]:
    """The files to change, such as ``module_utils/_runner/plan``."""
    plugins = tree.ROOT / "plugins"
    paths = sorted(path for room in _ROOMS for path in (plugins / room).rglob("*.py"))
    return [path.relative_to(plugins).with_suffix("").as_posix() for path in paths if path.stem != "__init__"]


def tests_of(name: str) -> list[Path]:
    """The tests that mirror a file: those of its name, or all of its folder."""
    folder, stem = tree.ROOT / _UNIT / Path(name).parent, Path(name).name
    if name in _TESTS:
        return [tree.ROOT / _UNIT / test for test in _TESTS[name]]
    return sorted(folder.glob(f"test_{stem}.py")) or sorted(folder.rglob("test_*.py"))


def _try(name: str, env: dict[str, str], log: Path) -> tuple[list[Mutant], str]:
    """Let mutmut try one file. Returns its mutants, and why the run ended early if it did."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    selection = [f'"{_COLLECTION / test.relative_to(tree.ROOT)}"' for test in tests_of(name)]
    settings = _SETTINGS.format(
        collection=_COLLECTION,
        tests=_COLLECTION / "tests",
        name=name,
        selection=", ".join(selection),
        sentences=SENTENCES,
    )
    for file in tree.own_files():
        beside = file.startswith(_BESIDE)
        if beside or file.startswith("plugins/"):
            target = folder / ("mutants" if beside else "") / _COLLECTION / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tree.ROOT / file, target)
    (folder / "pyproject.toml").write_text(settings, "utf-8")
    finished = run(["mutmut", "run", "--max-children", str(WORKERS)], cwd=folder, env=env, log=log, quiet=True)
    if finished.returncode:
        return [], f"mutmut ended with exit status {finished.returncode}, see {log.relative_to(tree.ROOT)}"
    # By the functions of mutmut itself, so in its own Python.
    command = ["python", str(EXPLAINED.with_name("read_results.py"))]
    read = subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.PIPE, text=True)
    mutants = [Mutant(name, **fields) for fields in json.loads(read.stdout)]
    return [mutant for mutant in mutants if not mutant.is_of_a_cast], ""


def explained() -> dict[Change, str]:
    """Why no test can notice a mutant, by file, function and change."""
    entries = yaml.safe_load(EXPLAINED.read_text("utf-8")) or []
    return {
        (entry["file"], change["function"], change["was"], change["now"]): entry["reason"].strip()
        for entry in entries
        for change in entry["changes"]
    }


def judge(mutants: t.Sequence[Mutant], explanations: t.Mapping[Change, str], faults: t.Sequence[str] = ()) -> Result:
    """Count the mutants. An explained mutant does not fail the part, but it does not raise the score either."""
    by_file: dict[str, list[Mutant]] = collections.defaultdict(list)
    for mutant in mutants:
        by_file[mutant.file].append(mutant)
    survivors = [mutant for mutant in mutants if not mutant.noticed and mutant.change not in explanations]
    left = {mutant.change for mutant in mutants if not mutant.noticed}
    found = list(faults)
    found += [f"{file}: {score(of):.1f} % noticed, less than {LEAST_OF_A_FILE} %" for file, of in by_file.items()
              if score(of) < LEAST_OF_A_FILE]  # fmt: skip
    if score(mutants) < LEAST:
        found.append(f"{score(mutants):.1f} % noticed, less than {LEAST} %")
    found += [
        f"{change[0]}, {change[1]}: explained, but a test notices it or it is not made any more"
        for change in sorted(explanations.keys() - left)
        if change[0] in by_file
    ]
    print("", *survivors, *found, "", f"{'file':<40} {'mutants':>8} {'noticed':>8} {'score':>7}", sep="\n")
    for file, of in [*by_file.items(), ("all", mutants)]:
        print(f"{file:<40} {len(of):>8} {sum(mutant.noticed for mutant in of):>8} {score(of):>7.1f}")
    noticed = sum(mutant.noticed for mutant in mutants)
    summary = f"{score(mutants):.1f} % of {len(mutants)} mutants noticed, {len(left) - len(survivors)} explained"
    return judged(noticed + len(mutants) - noticed - len(survivors), len(survivors) + len(found), summary, 0)


def score(mutants: t.Sequence[Mutant]) -> float:
    """Per cent of the mutants that the tests noticed. One that was not tried was not noticed."""
    return 100 * sum(mutant.noticed for mutant in mutants) / len(mutants) if mutants else 0.0
