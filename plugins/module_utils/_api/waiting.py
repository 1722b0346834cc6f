# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Wait until runners are listed, online or offline, with one listing in each interval for any number of runners."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import InvalidArguments, SodaError, Unreachable, WaitTimeout
from .._numbers import check_duration
from .._wording import list_few
from .policy import Operation
from .runner import Runner
from .runners import Listing, Runners

LISTED, ONLINE, OFFLINE = "listed", "online", "offline"


@dataclasses.dataclass(frozen=True)
class Wait:
    """The runners to wait for, and the limits."""

    names: frozenset[str]
    until: str
    """V(listed), V(online) or V(offline)."""
    timeout: float
    interval: float

    def __post_init__(self) -> None:
        for option, value in (("wait_timeout", self.timeout), ("wait_interval", self.interval)):
            check_duration(option, value)
        if not self.names:
            raise InvalidArguments("wait requires name or names: the runners to wait for.")

    def missing(self, listing: Listing | None) -> list[str]:
        return missing(self.names, [] if listing is None else listing.named(self.names), self.until)


class StillMissing(WaitTimeout):
    """The time is over. Contains the last listing."""

    def __init__(self, message: str, listing: Listing | None, missing: list[str]) -> None:
        super().__init__(message, operation=Operation.LIST.value)
        self.listing = listing
        self.missing = missing


def missing(names: t.Iterable[str], runners: t.Sequence[Runner], until: str = LISTED) -> list[str]:
    """
    The names that are not as wanted, in alphabetical order: those that no runner has, or with V(online), no runner that
    is online. With V(offline), the names of runners that are online or may be.
    """
    if until == OFFLINE:
        return sorted(set(names) & {runner.exact_name for runner in runners if runner.is_online is not False})
    found = {runner.exact_name for runner in runners if until == LISTED or runner.is_online}
    return sorted(set(names) - found)


def wait_for(runners: Runners, wanted: Wait) -> Listing:
    """
    The first listing in which no runner is missing. Raises C(StillMissing) at the deadline.

    The deadline bounds everything: requests, retries, and waits for rate limits. A failure that may pass, such as a
    500, does not end the wait. A refused API key does, and so does an endpoint that could never be reached.
    """
    deadline = runners.now() + wanted.timeout
    listing: Listing | None = None
    problem: SodaError | None = None
    while True:
        try:
            with runners.until(deadline):
                listing = runners.list()
            problem = None
        except SodaError as exc:
            if not exc.failure.retryable or (listing is None and isinstance(exc, Unreachable)):
                raise
            problem = exc
        names = wanted.missing(listing)
        if not names and problem is None and listing is not None:
            return listing
        left = deadline - runners.now()
        if left > 0:
            runners.sleep(min(wanted.interval, left))
        if left <= wanted.interval:
            raise StillMissing(_sentence(wanted, names, problem), listing, names)


def _sentence(wanted: Wait, names: list[str], problem: SodaError | None) -> str:
    listed = list_few([repr(name) for name in names], 10)
    number = f"{len(names)} of {len(wanted.names)} runners"
    sentence = f"After {wanted.timeout:g} s, {number} are not {wanted.until}: {listed}."
    if problem is not None:
        sentence += f" The last listing failed: {problem}"
    if wanted.until == OFFLINE:
        return sentence + " Stop these runners, then run the task again."
    return sentence + " Check the log of each runner on its host, then run the task again."
