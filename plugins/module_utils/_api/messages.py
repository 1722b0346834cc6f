# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The error class, the message and the advice for a failed request, without any secret. No I/O."""

from __future__ import annotations

import base64
import contextlib
import re
import typing as t
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

from .. import _errors
from .._endpoint import redact
from .._wording import count
from .connection import Connection
from .policy import Attempt, Operation, Outcome
from .text import sanitize_line

_HIDDEN = "********"

_BY_STATUS: dict[int | None, type[_errors.SodaError]] = {
    400: _errors.BadRequest,
    401: _errors.Unauthorized,
    403: _errors.Forbidden,
    404: _errors.NotFound,
    429: _errors.RateLimited,
}

_BY_OUTCOME: dict[Outcome, type[_errors.SodaError]] = {
    Outcome.NOT_CONNECTED: _errors.Unreachable,
    Outcome.NO_ANSWER: _errors.NoAnswer,
    Outcome.NO_TLS: _errors.TlsFailed,
    Outcome.NOT_SODA_CLOUD: _errors.NotSodaCloud,
    Outcome.UNAVAILABLE: _errors.ServerError,
    Outcome.SERVER_ERROR: _errors.ServerError,
}

_ADVICE = {
    401: "The usual cause is the wrong region: a Soda Cloud API key works at one of https://cloud.soda.io (EU) and"
    " https://cloud.us.soda.io (US) only. Check endpoint, api_key_id and api_key_secret.",
    403: "The user of the Soda Cloud API key needs the permission MANAGE_DATASOURCES_AND_RUNNERS"
    " (MANAGE_DATASOURCES_AND_AGENTS before it was renamed).",
    429: "Raise retry_budget to wait longer, or run the task on fewer hosts at once.",
}

IN_USE_ADVICE = "Stop the runner, and remove it from its data sources in Soda Cloud. Nothing was deleted."

ORPHAN_ADVICE = (
    "Soda Cloud may have issued a runner key that nobody has. It cannot be listed or revoked through the API."
    " Nothing was stored; the next run may issue another key."
)


class Reporter:
    """Makes the errors of one connection."""

    def __init__(self, to: Connection) -> None:
        self._to = to
        self._hidden = sorted(_secrets(to), key=len, reverse=True)

    def error(
        self, operation: Operation, attempt: Attempt, in_doubt: bool, attempts: int = 1, waited: float = 0.0
    ) -> _errors.SodaError:
        """The error for the last attempt of a request."""
        body = attempt.body if isinstance(attempt.body, dict) else {}
        api_code, api_message = (self._text_of(body, field) for field in ("code", "message"))
        cls = _error_class(operation, attempt, api_code, in_doubt)
        message = self._sentence(attempt, api_message)
        if cls is _errors.RunnerInUse:
            message += f" {IN_USE_ADVICE}"
        if attempt.status in _ADVICE:
            message += f" {_ADVICE[attempt.status]}"
        if attempts > 1 or waited >= 1:
            done = (
                f"Sent {count(attempts, 'request')}"
                if attempt.outcome.was_sent
                else f"Made {count(attempts, 'attempt')}"
            )
            message += f" {done}, waited {waited:.0f} s in all."
        if operation is Operation.CREATE and in_doubt:
            message += f" {ORPHAN_ADVICE}"
        return cls(
            message,
            operation=operation.value,
            http_status=attempt.status,
            trace_id=None if attempt.trace_id is None else self.safe(attempt.trace_id),
            api_code=api_code,
            in_doubt=in_doubt,
        )

    def safe(self, text: str) -> str:
        """Text from outside for a message: inert, in one line, of limited length, without secrets."""
        for secret in self._hidden:
            text = text.replace(secret, _HIDDEN)
        return sanitize_line(redact(text))

    def host_of(self, url: str | None) -> str:
        with contextlib.suppress(ValueError):
            if url is not None and urlsplit(url).netloc:
                return self.safe(urlsplit(url).netloc)
        return "nowhere"

    def _proxy(self, url: str) -> str:
        """Host and port of a proxy, without its login. The URL can be malformed."""
        host = url.rpartition("@")[2]
        return self.safe(re.split("[/?#]", host.partition("//")[2] or host)[0])

    def _text_of(self, body: t.Mapping[str, t.Any], field: str) -> str | None:
        value = body.get(field)
        return (self.safe(value) or None) if isinstance(value, str) else None

    def _sentence(self, attempt: Attempt, api_message: str | None) -> str:
        endpoint = self._to.endpoint
        through = endpoint if attempt.proxy is None else f"{endpoint} through the proxy {self._proxy(attempt.proxy)}"
        detail = self.safe(attempt.detail)
        if attempt.outcome is Outcome.NO_TLS:
            return (
                f"No secure connection to {through} ({detail})."
                " If your own authority issued its certificate, set ca_path to that authority's certificate."
            )
        if attempt.outcome is Outcome.NOT_SODA_CLOUD:
            return (
                f"{endpoint} does not answer as Soda Cloud: {detail}."
                " Check endpoint: it is https://cloud.soda.io, https://cloud.us.soda.io or your organization's own."
            )
        if attempt.status is None:
            what = "connection to" if attempt.outcome is Outcome.NOT_CONNECTED else "answer from"
            return f"No {what} Soda Cloud at {through} ({detail})."
        answered = f"Soda Cloud at {endpoint} answered {attempt.status}"
        return answered + (f": {api_message.rstrip('.')}." if api_message else ".")


def _error_class(
    operation: Operation, attempt: Attempt, api_code: str | None, in_doubt: bool
) -> type[_errors.SodaError]:
    """The class of a failure. The API's own code decides nothing except that a 400 can mean "not found"."""
    if operation is Operation.CREATE and in_doubt:
        return _errors.CreateOutcomeUnknown
    if attempt.outcome in _BY_OUTCOME:
        return _BY_OUTCOME[attempt.outcome]
    if attempt.status == 400 and operation in (Operation.GET, Operation.DELETE):
        if api_code is not None and api_code.endswith("_not_found"):
            return _errors.NotFound
        if operation is Operation.DELETE:
            return _errors.RunnerInUse
    return _BY_STATUS.get(attempt.status, _errors.Refused)


def _secrets(to: Connection) -> set[str]:
    """Text that no message may show: the secret of the API key, and the user names and passwords of proxies."""
    basic = base64.b64encode(f"{to.api_key_id}:{to.api_key_secret}".encode(errors="surrogatepass")).decode()
    found = {to.api_key_secret, basic}
    for proxy in getproxies().values():
        user, at, _host = proxy.rpartition("@")
        if at:
            login = user.partition("//")[2] or user
            password = login.partition(":")[2]
            # A malformed URL is reported in pieces. Pieces of one or two characters would hide half of every message.
            pieces = [piece for text in (login, password, unquote(password)) for piece in re.split("[/?#@]", text)]
            found |= {login, *(piece for piece in pieces if len(piece) > 2)}
    return {secret for secret in found if secret}
