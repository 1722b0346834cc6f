# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of the table: what is measured, against what, and what is to be reached."""

from __future__ import annotations

import dataclasses
import typing as t

Row = dict[str, t.Any]
"""What was measured: ``ours``, ``rival`` and ``ratio`` at least, and whatever the text of the row names."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How large and how often."""

    quick: bool = False

    @property
    def runners(self) -> int:
        """Runners of a large account."""
        return 2_000 if self.quick else 100_000

    @property
    def inventory(self) -> int:
        """Runners that are an inventory."""
        return 500 if self.quick else 10_000

    @property
    def hosts(self) -> int:
        """Hosts of a large fleet."""
        return 10 if self.quick else 500

    @property
    def most_hosts(self) -> int:
        """The largest fleet of the picture."""
        return 10 if self.quick else 1_000

    @property
    def window(self) -> float:
        """
        Seconds in which the emulator issues ten keys; Soda Cloud's own are 60. Ansible has to be done with ten hosts
        meanwhile, which takes two slow cores more than 20.
        """
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
    """A row before it is measured."""

    name: str
    what: str
    against: str
    limit: float
    """What the ratio of ours to the rival must not exceed."""
    rule: str
    """The limit in words."""
    unit: str
    measured: t.Callable[[Options], Row]

    def met(self, row: Row) -> bool:
        """Whether a row as it was measured is what was to be reached."""
        return bool(row["ratio"] <= self.limit)


@dataclasses.dataclass(frozen=True)
class Growth:
    """A picture before it is measured."""

    name: str
    title: str
    measured: t.Callable[[Options], dict[str, t.Any]]


class Rows:
    """Some rows and pictures, in their order."""

    def __init__(self) -> None:
        self.measures: dict[str, Measure] = {}
        self.growths: dict[str, Growth] = {}

    def add(
        self, name: str, *, what: str, against: str, limit: float, rule: str, unit: str = "s"
    ) -> t.Callable[[t.Callable[[Options], Row]], t.Callable[[Options], Row]]:
        """Make a function a row. What it measured fills the braces in the text."""

        def added(measured: t.Callable[[Options], Row]) -> t.Callable[[Options], Row]:
            self.measures[name] = Measure(name, what, against, limit, rule, unit, measured)
            return measured

        return added

    def growth(
        self, name: str, title: str
    ) -> t.Callable[[t.Callable[[Options], dict[str, t.Any]]], t.Callable[[Options], dict[str, t.Any]]]:
        """Make a function a picture."""

        def added(measured: t.Callable[[Options], dict[str, t.Any]]) -> t.Callable[[Options], dict[str, t.Any]]:
            self.growths[name] = Growth(name, title, measured)
            return measured

        return added
