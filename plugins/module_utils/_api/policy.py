# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
Retries: the outcomes of a request, the reaction to each, and how long the client waits. No I/O.

urllib3's C(Retry) cannot express these rules: it has no budget across requests, no default and no lower bound for
C(Retry-After), takes dates, and does not distinguish a POST that was never sent from one that was.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import typing as t

# Soda's own client waits this long if a 429 has no usable Retry-After, and never less than the minimum.
DEFAULT_RETRY_AFTER = 15.0
MINIMUM_RETRY_AFTER = 1.0
JITTER = (1.0, 1.3)
LONGEST_BACKOFF = 30.0

CONNECT_BUDGET = 45.0
"""
Seconds after which the client no longer tries to connect, however long retry_budget is. A mistyped endpoint fails
within a minute: one more attempt takes up to C(transport.LONGEST_CONNECT).
"""


class Operation(enum.Enum):
    """The four calls of the API."""

    LIST = "list"
    CREATE = "create"
    GET = "get"
    DELETE = "delete"

    @property
    def method(self) -> str:
        return {"create": "POST", "delete": "DELETE"}.get(self.value, "GET")

    @property
    def changes_something(self) -> bool:
        return self in (Operation.CREATE, Operation.DELETE)


class Outcome(enum.Enum):
    """What can happen to a request."""

    ANSWERED = "a 2xx answer with a JSON object"
    RATE_LIMITED = "429: refused before any work was done"
    NOT_CONNECTED = "no connection was made, so nothing was sent"
    NO_TLS = "no TLS, a certificate that is not trusted or nothing to check it with, so nothing was sent"
    NO_ANSWER = "sent, and then no answer, or a broken one"
    UNAVAILABLE = "502, 503 or 504"
    SERVER_ERROR = "any other 5xx"
    NOT_SODA_CLOUD = "an answer that Soda Cloud does not give: HTML, other JSON, a redirect"
    REFUSED = "any other 4xx: Soda Cloud understood the request and refused it"

    @property
    def was_sent(self) -> bool:
        return self not in (Outcome.NOT_CONNECTED, Outcome.NO_TLS)

    @property
    def may_have_worked(self) -> bool:
        """Whether Soda Cloud may have carried out a request with this outcome."""
        return self in (Outcome.NO_ANSWER, Outcome.UNAVAILABLE, Outcome.SERVER_ERROR, Outcome.NOT_SODA_CLOUD)

    @property
    def is_transient(self) -> bool:
        """Time spent on these counts against retry_budget: a server that is gone must not block a task for longer."""
        return self in (Outcome.NOT_CONNECTED, Outcome.NO_ANSWER, Outcome.UNAVAILABLE)


class Reaction(enum.Enum):
    """The reaction of the client to an outcome."""

    RETURN = "return the answer to the caller"
    SEND_AGAIN = "wait, then send the same request again"
    FAIL = "fail; the request did no work"
    FAIL_IN_DOUBT = "fail, and report that the work may have been done"


def _row(list_and_get: Reaction, delete: Reaction, create: Reaction) -> dict[Operation, Reaction]:
    return {
        Operation.LIST: list_and_get,
        Operation.GET: list_and_get,
        Operation.DELETE: delete,
        Operation.CREATE: create,
    }


_AGAIN, _FAIL, _DOUBT = Reaction.SEND_AGAIN, Reaction.FAIL, Reaction.FAIL_IN_DOUBT

# What happened: list and get, delete, create.
REACTIONS: dict[Outcome, dict[Operation, Reaction]] = {
    Outcome.ANSWERED: _row(Reaction.RETURN, Reaction.RETURN, Reaction.RETURN),
    Outcome.RATE_LIMITED: _row(_AGAIN, _AGAIN, _AGAIN),
    Outcome.NOT_CONNECTED: _row(_AGAIN, _AGAIN, _AGAIN),
    Outcome.NO_TLS: _row(_FAIL, _FAIL, _FAIL),
    Outcome.NO_ANSWER: _row(_AGAIN, _AGAIN, _DOUBT),
    Outcome.UNAVAILABLE: _row(_AGAIN, _AGAIN, _DOUBT),
    Outcome.SERVER_ERROR: _row(_FAIL, _DOUBT, _DOUBT),
    Outcome.NOT_SODA_CLOUD: _row(_FAIL, _DOUBT, _DOUBT),
    Outcome.REFUSED: _row(_FAIL, _FAIL, _FAIL),
}
"""A POST is sent again only if it did no work. The caller settles a DELETE that ends in doubt with a GET."""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One attempt to send a request, and its outcome."""

    outcome: Outcome
    status: int | None = None
    trace_id: str | None = None
    retry_after: str | None = None
    body: t.Any = None
    detail: str = ""
    """A description for people."""
    proxy: str | None = None
    """The URL of the proxy of an attempt without an answer. It can contain a login."""


class Budget:
    """The remaining seconds that the requests of one task may wait."""

    def __init__(self, seconds: float, jitter: t.Callable[[float, float], float]) -> None:
        self._seconds = seconds
        self._jitter = jitter
        self.waited = 0.0
        self._connecting = 0.0
        """The part that was spent on connections that were not made."""

    def spend(self, outcome: Outcome, seconds: float) -> None:
        """Count the time of an attempt."""
        if outcome.is_transient:
            self.waited += seconds
        if outcome is Outcome.NOT_CONNECTED:
            self._connecting += seconds
        else:
            self._connecting = 0.0

    def wait_before_next(self, attempt: Attempt, attempts: int) -> float | None:
        """The seconds to wait before the next attempt, or None if the budget does not allow it. They count as spent."""
        left = self._seconds - self.waited
        connecting = attempt.outcome is Outcome.NOT_CONNECTED
        if connecting:
            left = min(left, CONNECT_BUDGET - self._connecting)
        if left <= 0:
            return None
        if attempt.outcome is Outcome.RATE_LIMITED or attempt.retry_after is not None:
            wanted = retry_after(attempt.retry_after)
            if wanted > left:
                # A request that is sent sooner than Soda Cloud allows is rate limited again.
                return None
        else:
            wanted = min(2.0 ** (attempts - 1), LONGEST_BACKOFF)
        # The jitter keeps many hosts that were rate limited together from sending again together.
        wait = min(wanted * self._jitter(*JITTER), left)
        self.waited += wait
        self._connecting += wait if connecting else 0.0
        return wait


def retry_after(value: str | None) -> float:
    """The seconds of a C(Retry-After). Soda Cloud sends whole seconds, never a date."""
    if value is None:
        return DEFAULT_RETRY_AFTER
    try:
        seconds = float(value)
    except ValueError:
        return DEFAULT_RETRY_AFTER
    return max(seconds, MINIMUM_RETRY_AFTER) if math.isfinite(seconds) else DEFAULT_RETRY_AFTER
