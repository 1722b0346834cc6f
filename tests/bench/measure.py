# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs programs, measures their time and memory, and describes the rows of the table."""

from __future__ import annotations

import dataclasses
import os
import statistics
import subprocess
import time
import typing as t
from pathlib import Path

from tooling import tree
from tooling.environment import private_environment

WORK = tree.BUILD / "bench"
LIBRARY = Path(__file__).parent / "library"


Row = dict[str, t.Any]
"""The measurements: ``ours``, ``rival`` and ``ratio``, and the other fields in the text of the row."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Sizes and numbers of runs."""

    quick: bool = False

    @property
    def runners(self) -> int:
        """Runners of a very large account."""
        return 2_000 if self.quick else 100_000

    @property
    def account(self) -> int:
        """Runners of a large account."""
        return 2_500 if self.quick else 10_000

    @property
    def hosts(self) -> int:
        """Hosts of a large fleet."""
        return 10 if self.quick else 500

    @property
    def window(self) -> float:
        """Seconds in which the emulator allows ten creates or deletes; Soda Cloud's own are 60."""
        return 30.0

    @property
    def pairs(self) -> int:
        """Pairs of runs that take seconds."""
        return 1 if self.quick else 5

    @property
    def long_pairs(self) -> int:
        """Pairs of runs that take a minute or two."""
        return 1 if self.quick else 2


@dataclasses.dataclass(frozen=True)
class Measure:
    """A row before it is measured. The measurements replace the braces in its texts."""

    name: str
    what: str
    against: str
    limit: float
    """The largest ratio of ours to the rival."""
    measured: t.Callable[[Options], Row]
    unit: str = "s"

    def met(self, row: Row) -> bool:
        return bool(row["ratio"] <= self.limit)


class Broken(Exception):
    """The measured program failed, so there is no measurement."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """The time and memory of one run."""

    seconds: float
    cpu: float
    """Seconds of processor time, of the program and its descendants."""
    memory: float
    """The largest memory of one of its processes, in MiB. Less than that of this process cannot be measured."""
    output: str = dataclasses.field(repr=False, default="")


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Runs of ours and of the rival, in turn."""

    ours: list[Cost]
    rival: list[Cost]

    def as_result(self, of: str = "seconds") -> dict[str, t.Any]:
        """The medians, and the median of the ratios of the pairs: of ``seconds``, or of ``memory``."""
        pairs = [(getattr(a, of), getattr(b, of)) for a, b in zip(self.ours, self.rival, strict=True)]
        return {
            "ours": statistics.median(a for a, _b in pairs),
            "rival": statistics.median(b for _a, b in pairs),
            "ratio": statistics.median(a / b for a, b in pairs),
            "ours_cpu": statistics.median(cost.cpu for cost in self.ours),
            "rival_cpu": statistics.median(cost.cpu for cost in self.rival),
            "pairs": len(pairs),
        }


def in_turn(pairs: int, ours: t.Callable[[], Cost], rival: t.Callable[[], Cost]) -> Pairs:
    """Run both the same number of times, alternately first, so that a slow machine slows both."""
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    for pair in range(pairs):
        for which in (0, 1) if pair % 2 == 0 else (1, 0):
            cost = (ours, rival)[which]()
            costs[which].append(cost)
            say(f"  pair {pair + 1} of {pairs}, {('ours', 'rival')[which]}: {cost.seconds:.2f} s")
    return Pairs(*costs)


def run(command: t.Sequence[str], env: t.Mapping[str, str], cwd: Path | None = None) -> Cost:
    """Run a program. Raises ``Broken`` if it fails."""
    WORK.mkdir(parents=True, exist_ok=True)
    output = WORK / "output"
    with output.open("wb") as file:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(env), cwd=cwd or WORK, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            _pid, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    text = output.read_text("utf-8", "replace")
    if process.returncode:
        raise Broken(f"{' '.join(command)[:200]} ended with {process.returncode}:\n{text[-3000:]}")
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text)


def environment(**settings: str) -> dict[str, str]:
    """The environment of all plays: no settings of the caller, and our modules."""
    return private_environment() | {"ANSIBLE_LIBRARY": str(LIBRARY), "ANSIBLE_LOCALHOST_WARNING": "0", **settings}


def say(text: str) -> None:
    """Show progress, at once."""
    print(text, flush=True)
