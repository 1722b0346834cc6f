# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rate limits: at most so many requests in any window of so many seconds."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class RateLimit:
    requests: int
    seconds: float

    def shortened(self, factor: float) -> RateLimit:
        """The same number of requests in a window of ``factor`` times its length."""
        return RateLimit(self.requests, self.seconds * factor)


class SlidingWindow:
    """Remembers when requests were admitted. Refused requests do not count."""

    def __init__(self) -> None:
        self._admitted: deque[float] = deque()

    def admit(self, limit: RateLimit, now: float) -> int | None:
        """Admit a request and return None, or refuse it and return the seconds to wait.

        The result is in whole seconds and at least 1, like ``Retry-After``, for any window.
        """
        while self._admitted and self._admitted[0] + limit.seconds <= now:
            self._admitted.popleft()
        if len(self._admitted) < limit.requests:
            self._admitted.append(now)
            return None
        return max(1, math.ceil(self._admitted[0] + limit.seconds - now))
