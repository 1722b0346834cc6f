# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What time it is: real, or as a test says."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970 in UTC; never goes backwards."""


class SystemClock:
    """The time of day when it was made, moved on by the monotonic clock: setting the system's time harms nothing."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        return self._offset + time.monotonic()


class ManualClock:
    """Stands still until a test moves it."""

    def __init__(self, now: float = 1_767_225_600.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


class ShiftedClock:
    """Another clock, run forward by as many seconds as a test has asked for."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._shift = 0.0

    def now(self) -> float:
        return self._base.now() + self._shift

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("a clock cannot be turned back")
        self._shift += seconds
