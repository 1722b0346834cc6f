# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outcome of a kill and of the run after it, and the table of all outcomes."""

from __future__ import annotations

import collections
import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One or more kills in a row, and the undisturbed run that came after."""

    what: str
    """The scenario, or the play."""
    victim: str
    point: str
    """The point of the last kill."""
    kills: int
    issued: int
    """All keys that Soda Cloud issued."""
    stored: int
    """The keys that are stored, or were stored until they were replaced or removed."""
    orphaned: int
    """Keys that no one received: killed after POST was sent, before the answer was on disk."""
    lost: int
    """Keys that are not stored although their answer was on disk, or whose loss the kill does not explain."""
    doubled: int
    """Keys that the next run issued although it could have had one."""
    converged: bool
    problem: str = ""
    """Other faults."""
    unnotified: bool = False
    """Whether the handler of the play never ran. Ansible loses notifications when a play ends."""

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return self.converged and not (self.lost or self.doubled or self.problem)


COLUMNS = ("kills", "issued", "stored", "orphaned", "lost", "doubled", "unnotified")


def table(outcomes: t.Iterable[Outcome]) -> list[str]:
    """A line for each kill point, in order of appearance, and one for all of them."""
    rows: dict[str, list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        rows[outcome.point].append(outcome)
    everything = [outcome for row in rows.values() for outcome in row]
    width = max(map(len, (*rows, "kill point")))
    return [
        f"{'kill point':<{width}} " + " ".join(f"{column:>10}" for column in (*COLUMNS, "converged")),
        *(_line(point, row, width) for point, row in rows.items()),
        _line("all", everything, width),
    ]


def _line(title: str, row: list[Outcome], width: int) -> str:
    sums = " ".join(f"{sum(getattr(outcome, column) for outcome in row):>10}" for column in COLUMNS)
    return f"{title:<{width}} {sums} {sum(outcome.converged for outcome in row):>4}/{len(row):<4}"
