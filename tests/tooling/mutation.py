# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes plugins/module_utils in thousands of small ways, by mutmut, and asks of the unit tests to notice each.

Each file is changed in a folder of its own below build/mutation, against the tests that are meant to hold it. What was
found out stays there until the file, its tests or what both stand on change, so a run that was ended goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import shutil
import subprocess
import time
import typing as t
from pathlib import Path

import yaml

from emulator.client import Emulator

from . import tree, venvs
from .environment import private_environment
from .process import ended
from .result import Result, judged

LEAST = 90
"""Per cent of the mutants of each file, and of all, that the tests must notice."""

WORKERS = 2
FOLDER = tree.BUILD / "mutation"
DOCUMENT = tree.ROOT / "docs" / "mutation.md"
EXPLAINED = tree.ROOT / "tests" / "system" / "mutation" / "explained.yml"
READ_RESULTS = tree.ROOT / "tests" / "system" / "mutation" / "read_results.py"

_UNDER_TEST = Path("plugins", "module_utils")
_COLLECTION = Path("ansible_collections", "community", "soda")
_UNIT = Path("tests", "unit", "plugins")

# What those tests stand on.
_BESIDE = ("tests/unit/plugins/", "tests/emulator/", "tests/system/mutation/", "galaxy.yml", "meta/")

# The tests that are meant to hold each file. A mutant costs as much time as those of them that reach it.
TESTS: dict[str, tuple[str, ...]] = {
    "_arguments": ("module_utils/test__arguments.py",),
    "_audit": ("module_utils/test__audit.py",),
    "_audit_page": ("module_utils/test__audit_page.py",),
    "_audit_text": ("module_utils/test__audit_text.py",),
    "_changes": ("module_utils/test__changes.py",),
    "_client": ("module_utils/test__client.py",),
    "_config": ("module_utils/test__config.py",),
    "_endpoint": ("module_utils/test__endpoint.py",),
    "_escrow": ("module_utils/test__escrow.py",),
    "_failure": ("module_utils/test__failure.py",),
    "_files": ("module_utils/test__files.py", "module_utils/test__key_file.py"),
    "_filters": ("module_utils/test__filters.py",),
    "_host": ("module_utils/test__host.py",),
    "_host_names": ("module_utils/test__host_names.py",),
    "_key_file": ("module_utils/test__key_file.py",),
    "_module": ("module_utils/test__module.py",),
    "_plan": ("module_utils/test__plan.py",),
    "_reconcile": ("modules/test_soda_runner.py",),
    "_runners": ("module_utils/test__runners.py",),
    "_seal": ("module_utils/test__seal.py",),
    "_signals": ("module_utils/test__signals.py",),
}

# How the sentences of messages read is for people to judge: no test pins each word. What stands between them, such as
# names and numbers, is changed.
SENTENCES = r'^\s*(message=|return )?"[^"]*[^" ]+ [^" ]+ [^"]*"[,)]*$'

_SETTINGS = """
[tool.pytest.ini_options]
pythonpath = [".", "{tests}", "{tests}/mutation"]
addopts = ["--import-mode=importlib", "--strict-markers", "-p", "no:cacheprovider"]

[tool.mutmut]
source_paths = ["{collection}/plugins"]
only_mutate = ["{collection}/plugins/module_utils/{name}.py"]
pytest_add_cli_args = ["-p", "noticing"]
pytest_add_cli_args_test_selection = [{selection}]
do_not_mutate_patterns = ['{sentences}']
use_git_change_detection = false
use_setproctitle = false
timeout_multiplier = 5.0
timeout_constant = 30.0
"""


_ENDLESS = (24, 36, 152, -24)
"""mutmut's numbers for tests that did not end in time."""

_NOTICED = (1, 3, 255, -9, -11, *_ENDLESS)
"""mutmut's numbers for a test that failed, and for a hang, which is noticed as well."""

_PATIENCE = 300.0
"""Seconds that the emulator may take to start, where all of this is of the least priority."""

_EVERY = 10.0
"""Seconds between two lines about how far it is."""

_HEAD = """# Do the tests test?

[mutmut](https://mutmut.readthedocs.io) changes `plugins/module_utils` in small ways, one at a time: a comparison, an
argument, a text, a number. A change that no test notices is a rule that no test states. In each file, at least
{least} % must be noticed, and each that is left is explained below. `make test-mutation` makes this table, of the files
named with `ARGS="_plan _runners"`, or of all in an hour; `ARGS=--write` writes this page.

Not changed are functions with a decorator and what stands outside of functions, which mutmut cannot change, and
sentences for people, whose words no test pins. The score is the share of what was killed in all: what is explained
counts as not killed. There is none for a file whose mutants were not all tried. A mutant that is killed by time is one
with which the tests did not end.

Commit {commit}.
"""

Change = tuple[str, str, str, str]
"""A file, a function in it, the lines that were, and those in their place."""


_FATES: dict[int | None, str] = {
    0: "survived",
    33: "reached by no test",
    77: "its tests could not be run",  # as tests/system/mutation/noticing.py says it
    None: "not tried",
}


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change, and what the tests made of it."""

    file: str
    function: str
    was: str
    now: str
    code: int | None
    """mutmut's number; 0 survived, 33 no test has reached it, None not tried."""

    @property
    def noticed(self) -> bool:
        return self.code in _NOTICED

    @property
    def endless(self) -> bool:
        return self.code in _ENDLESS

    @property
    def tried(self) -> bool:
        return self.code is not None

    @property
    def change(self) -> Change:
        return self.file, self.function, self.was, self.now

    def __str__(self) -> str:
        fate = _FATES.get(self.code, f"ended with {self.code}")
        return "\n".join(
            [f"{self.file}, {self.function}: {fate}"]
            + [f"  - {line}" for line in self.was.splitlines()]
            + [f"  + {line}" for line in self.now.splitlines()]
        )


@dataclasses.dataclass(frozen=True)
class Row:
    """One file in the table."""

    name: str
    mutants: int
    untried: int
    killed: int
    endless: int
    """Of those killed, by the time that their tests took: on a machine with too much to do it may be any mutant."""
    explained: int

    @property
    def survived(self) -> int:
        return self.mutants - self.untried - self.killed - self.explained

    @property
    def score(self) -> float | None:
        """
        Per cent of all mutants that the tests noticed. What is explained is not left out.

        None where some were not tried: what was tried may be what was noticed before.
        """
        return None if self.untried or not self.mutants else 100 * self.killed / self.mutants

    @property
    def shown_score(self) -> str:
        if self.score is not None:
            return f"{self.score:.1f} %"
        return "not all tried" if self.untried < self.mutants else "not tried"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Try the files named, such as ``_plan``, or all; ``--help`` tells the options."""
    options = _options(arguments)
    names = [Path(name).stem for name in options.files] or list(TESTS)
    unknown = sorted(set(names) - set(TESTS))
    if unknown:
        raise ValueError(f"no tests are named for {', '.join(unknown)}; there are for {', '.join(TESTS)}")
    found: dict[str, list[Mutant]] = {}
    faults: list[str] = []
    with contextlib.ExitStack() as stack:
        env = _environment()
        if not options.table:
            log_of_emulator = tree.LOGS / "mutation-emulator.log"
            emulator = Emulator(log=log_of_emulator, start_timeout=_PATIENCE, violations_expected=True)
            env["COLLECTION_TEST_EMULATOR"] = stack.enter_context(emulator).url
        for number, name in enumerate(names):
            folder = _prepare(name, keep_noticed=options.again or options.table)
            if not options.table and not _try(folder, f"{name}, {number + 1} of {len(names)}", env, log):
                faults.append(f"{name}: mutmut ended early, see {log.relative_to(tree.ROOT)}")
            found[name] = _results(folder, env)

    explanations = explained()
    rows = [_row(name, mutants, explanations) for name, mutants in found.items()]
    whole = total(rows)
    left = [mutant for mutants in found.values() for mutant in mutants if not mutant.noticed]
    survivors = [mutant for mutant in left if mutant.tried and mutant.change not in explanations]
    for row in rows:
        if row.untried or not row.mutants:
            faults.append(f"{row.name}: {row.untried or 'all'} mutants were not tried")
        if row.score is not None and row.score < LEAST:
            faults.append(f"{row.name}: {row.shown_score} noticed, less than {LEAST} %")
    stale = explanations.keys() - {mutant.change for mutant in left}
    faults += [
        f"{change[0]}, {change[1]}: explained, but no survivor" for change in sorted(stale) if change[0] in found
    ]
    if not options.files:
        here = {path.stem for path in (tree.ROOT / _UNDER_TEST).glob("*.py")} - {"__init__"}
        faults += [f"{name}: no tests are named for it" for name in sorted(here - set(TESTS))]
    print("", *survivors, *faults, "", *table(rows), sep="\n")
    if options.write:
        DOCUMENT.write_text(document(rows, explanations), "utf-8")
    summary = (
        f"{whole.shown_score} of {whole.mutants - whole.untried} mutants noticed, {whole.endless} of them by time,"
        f" {whole.explained} explained"
    )
    return judged(whole.killed + whole.explained, len(survivors) + len(faults), summary, 0)


def _options(arguments: t.Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make test-mutation", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"of {', '.join(TESTS)}")
    parser.add_argument("--again", action="store_true", help="keep what was noticed, whatever changed in the tests")
    parser.add_argument("--table", action="store_true", help="run nothing, show what was found out before")
    parser.add_argument("--write", action="store_true", help="write docs/mutation.md")
    return parser.parse_args(arguments)


def _environment() -> dict[str, str]:
    """As the unit tests have it, but with the tools' own Python."""
    venv = venvs.pinned("mutation")
    env = venvs.on_path(private_environment(), venv)
    del env["ANSIBLE_COLLECTIONS_PATH"]
    env["ANSIBLE_PYTHON_INTERPRETER"] = str(venv / "bin" / "python")
    return env


def _prepare(name: str, keep_noticed: bool) -> Path:
    """The folder of one file: what is changed, what it is tested with, and what was found out that still holds."""
    folder = FOLDER / name
    mutants = folder / "mutants"
    selection = [str(_COLLECTION / _UNIT / test) for test in TESTS[name]]
    settings = _SETTINGS.format(
        collection=_COLLECTION,
        tests=_COLLECTION / "tests",
        name=name,
        selection=", ".join(f'"{test}"' for test in selection),
        sentences=SENTENCES,
    )
    # What mutants there are, and what they are tried with.
    stamp = [hashlib.sha256(SENTENCES.encode()), hashlib.sha256(settings.encode())]
    for test in (*TESTS[name], "conftest.py", "harness.py"):
        stamp[1].update((tree.ROOT / _UNIT / test).read_bytes())
    told = folder / "stamp"
    now = [part.hexdigest() for part in stamp]
    before = told.read_text("utf-8").split() if told.exists() else []
    if before != now and keep_noticed and before[:1] == now[:1]:
        _forget_survivors(mutants / _COLLECTION / _UNDER_TEST / f"{name}.py.meta")
        (mutants / "mutmut-stats.json").unlink(missing_ok=True)
    elif before != now:
        shutil.rmtree(folder, ignore_errors=True)
    _write(folder / "pyproject.toml", settings.encode())
    for file in tree.own_files():
        content = (tree.ROOT / file).read_bytes() if (tree.ROOT / file).is_file() else None
        if content is not None and file.startswith("plugins/"):
            _write(folder / _COLLECTION / file, content)
        elif content is not None and file.startswith(_BESIDE):
            _write(mutants / _COLLECTION / file, content)
    _write(told, "\n".join(now).encode())
    return folder


def _write(path: Path, content: bytes) -> None:
    """Write what is new: by the time of a file mutmut knows whether it has changed."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _forget_survivors(meta: Path) -> None:
    if meta.exists():
        known = json.loads(meta.read_text("utf-8"))
        codes = known["exit_code_by_key"]
        known["exit_code_by_key"] = {key: code if code in _NOTICED else None for key, code in codes.items()}
        meta.write_text(json.dumps(known), "utf-8")


def _try(folder: Path, title: str, env: dict[str, str], log: Path) -> bool:
    """Have mutmut try all that is not known yet, and say how far it is. False where it ended otherwise."""
    command = ["mutmut", "run", "--max-children", str(WORKERS)]
    began = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process,
        ended(process),
    ):
        known = said = _progress(folder)[0]
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_EVERY)
            done, all_, survived = _progress(folder)
            if done != said and done > known:
                left = (time.monotonic() - began) / (done - known) * (all_ - done)
                print(f"{title}: {done} of {all_} mutants, {survived} survived, {left:.0f} s left", flush=True)
                said = done
    return process.returncode == 0


def _progress(folder: Path) -> tuple[int, int, int]:
    """Mutants that were tried, all, and those that survived. The file may be being written."""
    for meta in folder.glob("mutants/**/module_utils/*.py.meta"):
        with contextlib.suppress(ValueError, KeyError):
            codes = list(json.loads(meta.read_text("utf-8"))["exit_code_by_key"].values())
            return len(codes) - codes.count(None), len(codes), len([c for c in codes if c not in (*_NOTICED, None)])
    return 0, 0, 0


def _results(folder: Path, env: dict[str, str]) -> list[Mutant]:
    """All mutants of a file, by the functions of mutmut itself, so in its own Python."""
    if not any(folder.glob("mutants/**/module_utils/*.py.meta")):
        return []
    command = ["python", str(READ_RESULTS)]
    read = subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return [Mutant(folder.name, **fields) for fields in json.loads(read.stdout)]


def explained() -> dict[Change, str]:
    """Why no test notices a mutant that is left, by file, function and change."""
    entries = yaml.safe_load(EXPLAINED.read_text("utf-8")) or []
    return {
        (entry["file"], change["function"], change["was"], change["now"]): entry["reason"].strip()
        for entry in entries
        for change in entry["changes"]
    }


def _row(name: str, mutants: t.Sequence[Mutant], explanations: t.Container[Change]) -> Row:
    return Row(
        name=name,
        mutants=len(mutants),
        untried=sum(not mutant.tried for mutant in mutants),
        killed=sum(mutant.noticed for mutant in mutants),
        endless=sum(mutant.endless for mutant in mutants),
        explained=sum(m.tried and not m.noticed and m.change in explanations for m in mutants),
    )


def total(rows: t.Sequence[Row]) -> Row:
    """The last row of the table."""
    columns = ("mutants", "untried", "killed", "endless", "explained")
    return Row("all", **{column: sum(getattr(row, column) for row in rows) for column in columns})


def table(rows: t.Sequence[Row]) -> list[str]:
    """Lines in Markdown, which people can read as well."""
    lines = [
        "| file | mutants | not tried | killed | of them by time | explained | survived | score |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for row in (*rows, total(rows)):
        columns = (row.mutants, row.untried, row.killed, row.endless, row.explained, row.survived, row.shown_score)
        lines.append(f"| `{row.name}` | {' | '.join(map(str, columns))} |")
    return lines


def document(rows: t.Sequence[Row], explanations: t.Mapping[Change, str]) -> str:
    """docs/mutation.md."""
    commit = subprocess.run(
        ["git", "-c", "safe.directory=*", "log", "-1", "--format=%h of %cs"],
        cwd=tree.ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()
    reasons: dict[tuple[str, str], list[Change]] = {}
    for change, reason in explanations.items():
        if change[0] in {row.name for row in rows}:
            reasons.setdefault((change[0], reason), []).append(change)
    lines = [_HEAD.format(commit=commit, least=LEAST), *table(rows), "", "## What no test can notice", ""]
    for (name, reason), changes in reasons.items():
        lines += [f"`{name}`: {' '.join(reason.split())}", "", "```diff"]
        for _file, function, was, now in changes:
            lines += [f"@@ {function} @@", *(f"-{line}" for line in was.splitlines())]
            lines += [f"+{line}" for line in now.splitlines()]
        lines += ["```", ""]
    return "\n".join(lines)
