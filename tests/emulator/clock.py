# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real time, or a time that a test sets."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970 in UTC; never goes backwards."""


class SystemClock:
    """The time of its creation plus the monotonic clock, so a change of the system time has no effect."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        return self._offset + time.monotonic()


class ManualClock:
    """A clock that only a test moves."""

    def __init__(self, now: float = 1_767_225_600.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


class ShiftedClock:
    """Another clock plus the seconds that a test has added."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._shift = 0.0

    def now(self) -> float:
        return self._base.now() + self._shift

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("a clock cannot be turned back")
        self._shift += seconds
