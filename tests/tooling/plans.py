# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which parts run together, in which order, and which parts run beside the others."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import subprocess
import sys
import typing as t

from . import tree
from .process import Finished, stop
from .result import Result, judged

Row = tuple[str, tuple[str, ...]]
"""A part and its arguments."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """Parts that run one after the other, and parts beside them that wait much or use one core."""

    rows: tuple[Row, ...]
    beside: tuple[Row, ...] = ()

    @property
    def parts(self) -> set[str]:
        return {part for part, _arguments in self.rows + self.beside}


def _rows(*names: str) -> tuple[Row, ...]:
    """Rows from lines such as ``units --quick``."""
    return tuple((name.split()[0], tuple(name.split()[1:])) for name in names)


# The parts that protect users come first, so that a run that stops early has tested the most important ones.
_GUARDS = (
    "attack",
    "leaks",
    "integration --quick",
    "vault",
    "molecule",
    "matrix integration-2.16 molecule-2.16 attack-2.16 integration-newest molecule-newest attack-newest --quick",
    "platform",
    "vendor",
    "sanity",
    "lint",
)
"""
The oldest and the newest ansible-core run all integration targets, the scenario and the quick attacks. All rows of the
matrix run every night.
"""

PLANS = {
    # The command of newcomers: 8 minutes on two cores, without root, containers and real servers.
    "test": Plan(
        _rows("lint", "units --quick", "attack --quick", "molecule"), beside=_rows("sanity", "integration --quick")
    ),
    "ci": Plan(_rows("units", *_GUARDS), beside=_rows("hosts")),
    # The coverage part runs all unit tests.
    "release-check": Plan(
        _rows("coverage", *_GUARDS) + _rows("tarball", "docs", "nox", "vulnerabilities", "examples", "eda", "browser"),
        beside=_rows("hosts"),
    ),
    "nightly": Plan(_rows("mutation", "crash", "kubernetes", "kills", "deep", "limits", "adoption", "matrix")),
}

Finish = t.Callable[[], tuple[float, Result]]


@contextlib.contextmanager
def beside(part: str, *arguments: str) -> t.Iterator[Finish]:
    """
    Run a part in the background for as long as the block takes.

    The function that the block gets waits for the part's end, prints its output, and returns its seconds and result.
    """
    output = tree.LOGS / f"{part}-beside.log"
    output.parent.mkdir(parents=True, exist_ok=True)
    shown = os.path.relpath(output, tree.ROOT)
    print(f"{part} runs beside the others: {shown}", flush=True)
    with (
        output.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            [sys.executable, "-m", "tooling", part, *arguments],
            cwd=tree.ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, tree.TESTS))},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):

        def finish() -> tuple[float, Result]:
            print(f"Waiting for {part}: {shown}", flush=True)
            process.wait()
            printed = output.read_text("utf-8")
            print(printed, flush=True)
            return counted(part, Finished(process.returncode, printed))

        try:
            yield finish
        finally:
            if process.poll() is None:
                stop(process)


def counted(part: str, finished: Finished) -> tuple[float, Result]:
    """The counts that a part prints at its end. A part that prints none has failed."""
    found = re.findall(rf"^{part}: (\d+) passed, (\d+) failed in (\d+) s \((.*)\)$", finished.output, re.MULTILINE)
    if not found:
        return 0.0, judged(0, 0, f"{part} ended before it could count", finished.returncode)
    passed, failed, seconds, summary = found[-1]
    return float(seconds), judged(int(passed), int(failed), summary, finished.returncode)
