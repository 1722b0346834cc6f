# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Sends requests for one task: one exchange after another, as the policy requires, within one budget for waiting."""

from __future__ import annotations

import random
import time
import typing as t

from .._errors import SodaError
from . import transport
from .connection import Connection, connection
from .messages import Reporter
from .policy import REACTIONS, Attempt, Budget, Operation, Outcome, Reaction
from .transport import REQUESTS_IMPORT_ERROR, Transport

__all__ = ["REQUESTS_IMPORT_ERROR", "Client", "Connection", "Operation", "connection"]


class Client:
    """Sends the requests of one task. The budget for waiting applies to all of them together."""

    def __init__(
        self,
        to: Connection,
        sleep: t.Callable[[float], None] = time.sleep,
        clock: t.Callable[[], float] = time.monotonic,
        jitter: t.Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.connection = to
        self.deadline: float | None = None
        """A moment of the clock after which the client neither sends nor waits."""
        self.seconds_in_requests = 0.0
        self._sleep = sleep
        self._clock = clock
        self._budget = Budget(to.retry_budget, jitter)
        self._transport = Transport(to)
        self._reporter = Reporter(to)

    @property
    def bytes_received(self) -> int:
        return self._transport.bytes_received

    def now(self) -> float:
        return self._clock()

    def sleep(self, seconds: float) -> None:
        self._sleep(seconds)

    def send(
        self, operation: Operation, path: str, parameters: t.Mapping[str, int] | None = None
    ) -> tuple[dict[str, t.Any], str | None]:
        """
        The JSON object that Soda Cloud answered with, and the answer's trace id.

        Raises a C(SodaError) after everything that the table C(REACTIONS) does not send again, and when the budget
        for waiting or the deadline does not allow another attempt.
        """
        attempts = 0
        in_doubt = False
        while True:
            attempts += 1
            began = self._clock()
            attempt = self._attempt(operation, path, parameters)
            seconds = self._clock() - began
            self.seconds_in_requests += seconds
            self._budget.spend(attempt.outcome, seconds)
            reaction = REACTIONS[attempt.outcome][operation]
            if reaction is Reaction.RETURN:
                return attempt.body, attempt.trace_id
            in_doubt |= operation.changes_something and attempt.outcome.may_have_worked
            if reaction is not Reaction.SEND_AGAIN or not self._wait(attempt, attempts):
                raise self._reporter.error(operation, attempt, in_doubt, attempts, self._budget.waited)

    def close(self) -> None:
        self._transport.close()

    def not_soda_cloud(
        self, operation: Operation, detail: str, trace_id: str | None, in_doubt: bool = False
    ) -> SodaError:
        """The error for a 2xx answer whose JSON object is not the expected one."""
        attempt = Attempt(Outcome.NOT_SODA_CLOUD, status=200, trace_id=trace_id, detail=detail)
        return self._reporter.error(operation, attempt, in_doubt)

    def _wait(self, attempt: Attempt, attempts: int) -> bool:
        """Wait before the next attempt. False if the budget or the deadline does not allow one."""
        wait = self._budget.wait_before_next(attempt, attempts)
        if wait is None or (self.deadline is not None and self._clock() + wait >= self.deadline):
            return False
        self._sleep(wait)
        return True

    def _attempt(self, operation: Operation, path: str, parameters: t.Mapping[str, int] | None) -> Attempt:
        timeout = self.connection.timeout
        if self.deadline is not None:
            timeout = max(min(timeout, self.deadline - self._clock()), 0.01)
        try:
            answer = self._transport.exchange(
                operation.method, path, parameters, timeout, new_connection=operation is Operation.CREATE
            )
        except transport.NoConnection as exc:
            return Attempt(Outcome.NOT_CONNECTED, detail=str(exc), proxy=self._transport.proxy)
        except transport.NoTls as exc:
            return Attempt(Outcome.NO_TLS, detail=str(exc), proxy=self._transport.proxy)
        except transport.BadAnswer as exc:
            return Attempt(Outcome.NOT_SODA_CLOUD, detail=str(exc))
        except transport.NoAnswer as exc:
            return Attempt(Outcome.NO_ANSWER, detail=str(exc), proxy=self._transport.proxy)
        return self._answered(operation, answer)

    def _answered(self, operation: Operation, answer: transport.Answer) -> Attempt:
        status = answer.status
        # A 204 or 404 may have no body. Any other answer without one may have been cut off.
        body, problem = transport.json_object(answer.content, empty_is_object=status in (204, 404))
        trace_id = None if answer.trace_id is None else self._reporter.safe(answer.trace_id)
        seen: dict[str, t.Any] = {"status": status, "trace_id": trace_id}
        if status == 429:
            return Attempt(Outcome.RATE_LIMITED, retry_after=answer.retry_after, body=body, **seen)
        if status in (502, 503, 504):
            return Attempt(Outcome.UNAVAILABLE, retry_after=answer.retry_after, body=body, **seen)
        if status >= 500:
            return Attempt(Outcome.SERVER_ERROR, body=body, **seen)
        if status >= 400:
            if status == 404 and (problem or operation in (Operation.LIST, Operation.CREATE)):
                # The two paths always exist in Soda Cloud, and its 404s are JSON.
                return Attempt(
                    Outcome.REFUSED if operation is Operation.CREATE else Outcome.NOT_SODA_CLOUD,
                    body=body,
                    detail=f"404 {problem or 'for a path that Soda Cloud always has'}",
                    **seen,
                )
            return Attempt(Outcome.REFUSED, body=body, **seen)
        if status >= 300:
            target = self._reporter.host_of(answer.location)
            problem = f"with a redirect to {target}, and redirects are not followed"
        elif status < 200:
            problem = "which is not a final answer"
        if problem is None:
            return Attempt(Outcome.ANSWERED, body=body, **seen)
        return Attempt(Outcome.NOT_SODA_CLOUD, detail=f"{status} {problem}", **seen)
