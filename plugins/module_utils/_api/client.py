# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""HTTP to Soda Cloud: authentication, TLS, deferral, and what may be sent again. Nothing of Ansible is in it."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import enum
import json
import math
import os
import queue
import random
import ssl
import threading
import time
import typing as t
from urllib.parse import urlsplit

from .. import _errors
from .._account import Account
from .._endpoint import normalise_endpoint
from .._errors import SodaError, error

REQUESTS_IMPORT_ERROR: Exception | None
try:
    import requests
    import requests.auth
    from requests.exceptions import InvalidSchema, InvalidURL
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
    from urllib3.exceptions import SSLError as HandshakeError
except ImportError as exc:
    REQUESTS_IMPORT_ERROR = exc
else:
    REQUESTS_IMPORT_ERROR = None

VERSION = "1.0.0"

# Soda's own client waits this long when a 429 says nothing usable, and never less than the minimum.
DEFAULT_RETRY_AFTER = 15.0
MINIMUM_RETRY_AFTER = 1.0
JITTER = (1.0, 1.3)
LONGEST_BACKOFF = 30.0

# A page of 1000 runners is about 400 kB. An answer without end must not fill the memory.
LARGEST_ANSWER = 64 * 1024 * 1024

# requests bounds each read, this bounds the whole exchange. The grace lets requests speak first,
# because it can tell a connection that was never made from an answer that never came.
GRACE = 0.5


class Operation(enum.Enum):
    """The four calls of the API."""

    LIST = "list"
    CREATE = "create"
    GET = "get"
    DELETE = "delete"


class Outcome(enum.Enum):
    """What can happen to a request."""

    ANSWERED = "a 2xx answer that holds a JSON object"
    DEFERRED = "429: refused before any work was done"
    NOT_CONNECTED = "no connection was made, so nothing was sent"
    NO_TLS = "no TLS, a certificate that is not trusted or nothing to check it with, so nothing was sent"
    NO_ANSWER = "sent, and then no answer, or a broken one"
    UNAVAILABLE = "502, 503 or 504"
    SERVER_ERROR = "any other 5xx"
    NOT_SODA_CLOUD = "an answer that Soda Cloud does not give: HTML, other JSON, a redirect"
    REFUSED = "any other 4xx: Soda Cloud understood and said no"


class Reaction(enum.Enum):
    """What is done about an outcome."""

    RETURN = "give the answer to the caller"
    SEND_AGAIN = "wait, then send the same request again"
    FAIL = "fail; the request did no work"
    FAIL_IN_DOUBT = "fail, saying that the work may have been done"


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
    Outcome.DEFERRED: _row(_AGAIN, _AGAIN, _AGAIN),
    Outcome.NOT_CONNECTED: _row(_AGAIN, _AGAIN, _AGAIN),
    Outcome.NO_TLS: _row(_FAIL, _FAIL, _FAIL),
    Outcome.NO_ANSWER: _row(_AGAIN, _AGAIN, _DOUBT),
    Outcome.UNAVAILABLE: _row(_AGAIN, _AGAIN, _DOUBT),
    Outcome.SERVER_ERROR: _row(_FAIL, _DOUBT, _DOUBT),
    Outcome.NOT_SODA_CLOUD: _row(_FAIL, _DOUBT, _DOUBT),
    Outcome.REFUSED: _row(_FAIL, _FAIL, _FAIL),
}
"""Decision 2 of the design. A DELETE that ends in doubt is settled by the caller, with a GET."""

# The operations that change something.
_WORK = (Operation.CREATE, Operation.DELETE)

# After these the work may have been done, whatever is sent next.
_MAY_HAVE_WORKED = (Outcome.NO_ANSWER, Outcome.UNAVAILABLE, Outcome.SERVER_ERROR, Outcome.NOT_SODA_CLOUD)

# Time lost to these counts as waiting: a server that is gone must not hold a task for longer than it was told to wait.
_TRANSIENT = (Outcome.NOT_CONNECTED, Outcome.NO_ANSWER, Outcome.UNAVAILABLE)

# What ssl and urllib3 say when the handshake fails for a reason that waiting does not mend.
_NO_TLS_SIGNS = (
    "certificate verify failed",
    "doesn't match",
    "wrong version number",
    "wrong_version_number",
    "unsupported protocol",
    "unsupported_protocol",
    "alert protocol version",
    "handshake failure",
    "handshake_failure",
    "no certificate or crl found",
    "no_certificate_or_crl_found",
)

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
    429: "Raise retry_budget to wait longer, or have fewer hosts ask at once.",
}

ORPHAN_ADVICE = (
    "Soda Cloud may have issued a runner key that nobody holds; it cannot be listed or revoked through the API."
    " Nothing was kept; the next run may issue another key."
)


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where Soda Cloud is and who asks. Made by C(connection()), which checks it."""

    endpoint: str
    """Normalised, see C(_endpoint.normalise_endpoint())."""
    api_key_id: str
    api_key_secret: str = dataclasses.field(repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: float = 30.0
    """Seconds that one request may take."""
    retry_budget: float = 300.0
    """Seconds that all requests of one task together may spend waiting. 0 is: never wait."""

    @property
    def account(self) -> Account:
        return Account(self.endpoint, self.api_key_id)


@dataclasses.dataclass(frozen=True)
class _Attempt:
    """One request that was sent, and what came of it."""

    outcome: Outcome
    status: int | None = None
    trace_id: str | None = None
    retry_after: str | None = None
    body: t.Any = None
    detail: str = ""
    """What was seen, for people."""


def connection(
    endpoint: str,
    api_key_id: str | None,
    api_key_secret: str | None,
    validate_certs: bool = True,
    ca_path: str | None = None,
    timeout: float = 30.0,
    retry_budget: float = 300.0,
) -> Connection:
    """A checked connection, or a C(SodaError) that names the option to mend. Sends nothing."""
    normalised = normalise_endpoint(endpoint)
    for option, value in (("api_key_id", api_key_id), ("api_key_secret", api_key_secret)):
        if value is None or not value.strip():
            raise error(
                "missing_credentials",
                f"{option} is not set. Set it, or {'SODA_CLOUD_' + option.upper()} in the environment of the machine"
                " on which the task runs.",
            )
    ca_path = ca_path or None
    if ca_path is not None:
        _check_authorities(ca_path)
    if not (math.isfinite(timeout) and timeout > 0):
        raise error("invalid_arguments", f"timeout must be a number of seconds above 0, not {timeout}.")
    if not (math.isfinite(retry_budget) and retry_budget >= 0):
        raise error("invalid_arguments", f"retry_budget must be 0 or a number of seconds above it, not {retry_budget}.")
    return Connection(
        endpoint=normalised,
        api_key_id=t.cast(str, api_key_id),
        api_key_secret=t.cast(str, api_key_secret),
        validate_certs=validate_certs,
        ca_path=ca_path,
        timeout=timeout,
        retry_budget=retry_budget,
    )


def _check_authorities(ca_path: str) -> None:
    """Raise for what cannot be trusted, before the failure of a request could be taken for something else."""
    try:
        if not os.path.isdir(ca_path):
            ssl.create_default_context(cafile=ca_path)
    except (OSError, ValueError) as exc:
        raise error(
            "ca_path_unusable",
            f"ca_path {ca_path} cannot be used ({getattr(exc, 'strerror', None) or exc})."
            " Name a file of certificates in PEM format, or a folder of them.",
        ) from exc


class Client:
    """
    Sends requests for one task. What it may spend on waiting is counted over all of them.

    urllib3's C(Retry) cannot express the rules: it has no budget across requests, no default and no lower bound for
    C(Retry-After), takes dates, and cannot tell a POST that was never sent from one that was. So the loop is here.
    """

    def __init__(
        self,
        to: Connection,
        sleep: t.Callable[[float], None] = time.sleep,
        clock: t.Callable[[], float] = time.monotonic,
        jitter: t.Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.connection = to
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter
        self._waited = 0.0
        self._session: requests.Session | None = None

    def send(
        self, operation: Operation, path: str, parameters: t.Mapping[str, int] | None = None
    ) -> tuple[dict[str, t.Any], str | None]:
        """
        The JSON object that Soda Cloud answered with, and the answer's trace id.

        Raises a C(SodaError) after everything that the table C(REACTIONS) does not send again, and when the
        budget for waiting is used up.
        """
        asked = 0
        in_doubt = False
        while True:
            asked += 1
            began = self._clock()
            attempt = self._attempt(operation, path, parameters)
            reaction = REACTIONS[attempt.outcome][operation]
            if reaction is Reaction.RETURN:
                return attempt.body, attempt.trace_id
            in_doubt |= operation in _WORK and attempt.outcome in _MAY_HAVE_WORKED
            if attempt.outcome in _TRANSIENT:
                self._waited += self._clock() - began
            if reaction is not Reaction.SEND_AGAIN or not self._wait(attempt, asked):
                raise self._failed(operation, attempt, asked, in_doubt)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _wait(self, attempt: _Attempt, asked: int) -> bool:
        """Wait before the next try. False when the budget does not reach so far."""
        left = self.connection.retry_budget - self._waited
        if left <= 0:
            return False
        if attempt.outcome is Outcome.DEFERRED or attempt.retry_after is not None:
            wanted = _retry_after(attempt.retry_after)
            if wanted > left:
                # To ask sooner than Soda Cloud said is to be deferred again.
                return False
        else:
            wanted = min(2.0 ** (asked - 1), LONGEST_BACKOFF)
        # The jitter keeps many hosts that were deferred together from asking again together.
        wait = min(wanted * self._jitter(*JITTER), left)
        self._waited += wait
        self._sleep(wait)
        return True

    def _attempt(self, operation: Operation, path: str, parameters: t.Mapping[str, int] | None) -> _Attempt:
        method = {Operation.CREATE: "POST", Operation.DELETE: "DELETE"}.get(operation, "GET")
        if operation is Operation.CREATE or self._session is None:
            # A POST goes out on a connection of its own: on one that was used before, a reset could not be told
            # from a request that was carried out.
            self.close()
            self._session = requests.Session()
            # Not even looked at: requests would read the whole answer for it, however large, and trip over what is
            # no URL.
            self._session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        session = self._session
        try:
            response, content = _bounded(
                lambda: self._exchange(session, method, path, parameters), self.connection.timeout + GRACE
            )
        except Exception as exc:  # pylint: disable=broad-except
            # Whatever requests, urllib3, ssl or the decoders raise is an outcome, never a traceback.
            self.close()
            return self._unanswered(exc)
        return self._answered(operation, response, content)

    def _exchange(
        self, session: requests.Session, method: str, path: str, parameters: t.Mapping[str, int] | None
    ) -> tuple[requests.Response, bytes]:
        to = self.connection
        headers = {"User-Agent": f"community.soda/{VERSION}", "Accept": "application/json"}
        if to.retry_budget > 0:
            headers["X-Soda-Backpressure"] = "1"
        with session.request(
            method,
            to.endpoint + path,
            params=parameters,
            headers=headers,
            # As bytes, because requests would encode text as Latin-1. Sent unasked: no 401 asks for it.
            auth=requests.auth.HTTPBasicAuth(to.api_key_id.encode(), to.api_key_secret.encode()),
            timeout=to.timeout,
            allow_redirects=False,
            stream=True,
            # Given with each request, because for a session the environment's CA bundle would win over False.
            verify=(to.ca_path or True) if to.validate_certs else False,
        ) as response:
            content = bytearray()
            for piece in response.iter_content(256 * 1024):
                content += piece
                if len(content) > LARGEST_ANSWER:
                    raise _TooLarge(f"the answer is larger than {LARGEST_ANSWER} bytes")
            if response.raw.length_remaining:
                # urllib3 before 2.0 leaves that to its callers, and requests does not look.
                raise requests.ConnectionError(f"the answer ended {response.raw.length_remaining} bytes too early")
            return response, bytes(content)

    def _unanswered(self, exc: Exception) -> _Attempt:
        causes = list(_causes(exc))
        detail = self._presentable(str(causes[-1]) or type(causes[-1]).__name__)
        if any(isinstance(cause, _TooLarge) for cause in causes):
            return _Attempt(Outcome.NOT_SODA_CLOUD, detail=detail)
        if any(_is_no_tls(cause) for cause in causes):
            return _Attempt(Outcome.NO_TLS, detail=detail)
        # Only what certainly came before the first byte counts as not connected. Anything else is in doubt.
        if any(_is_not_connected(cause) for cause in causes):
            return _Attempt(Outcome.NOT_CONNECTED, detail=detail)
        return _Attempt(Outcome.NO_ANSWER, detail=detail)

    def _answered(self, operation: Operation, response: requests.Response, content: bytes) -> _Attempt:
        status = response.status_code
        trace_id = response.headers.get("X-Soda-Trace-Id")
        seen: dict[str, t.Any] = {
            "status": status,
            "trace_id": None if trace_id is None else self._presentable(trace_id),
        }
        # That nothing is there may be said without a body. Any other answer without one may have been cut off.
        body, problem = _json_object(content, empty_is_object=status in (204, 404))
        if status == 429:
            return _Attempt(Outcome.DEFERRED, retry_after=response.headers.get("Retry-After"), body=body, **seen)
        if status in (502, 503, 504):
            return _Attempt(Outcome.UNAVAILABLE, retry_after=response.headers.get("Retry-After"), body=body, **seen)
        if status >= 500:
            return _Attempt(Outcome.SERVER_ERROR, body=body, **seen)
        if status >= 400:
            if status == 404 and (problem or operation in (Operation.LIST, Operation.CREATE)):
                # The two paths always exist in Soda Cloud, and its 404s are JSON.
                return _Attempt(
                    Outcome.REFUSED if operation is Operation.CREATE else Outcome.NOT_SODA_CLOUD,
                    body=body,
                    detail=f"404 {problem or 'for a path that Soda Cloud always has'}",
                    **seen,
                )
            return _Attempt(Outcome.REFUSED, body=body, **seen)
        if status >= 300:
            target = self._presentable(_host_of(response.headers.get("Location")))
            problem = f"with a redirect to {target}, and redirects are not followed"
        elif status < 200:
            problem = "which is no answer yet"
        if problem is None:
            return _Attempt(Outcome.ANSWERED, body=body, **seen)
        return _Attempt(Outcome.NOT_SODA_CLOUD, detail=f"{status} {problem}", **seen)

    def _failed(self, operation: Operation, attempt: _Attempt, asked: int, in_doubt: bool) -> SodaError:
        body = attempt.body if isinstance(attempt.body, dict) else {}
        own_code, own_message = body.get("code"), body.get("message")
        api_code = self._presentable(own_code) if isinstance(own_code, str) and own_code.strip() else None
        said = self._presentable(own_message) if isinstance(own_message, str) and own_message.strip() else ""

        what = f"Soda Cloud at {self.connection.endpoint}"
        if attempt.outcome is Outcome.NO_TLS:
            message = (
                f"No secure connection to {self.connection.endpoint} ({attempt.detail})."
                " If its certificate comes from an authority of your own, name that with ca_path."
            )
        elif attempt.outcome is Outcome.NOT_SODA_CLOUD:
            message = (
                f"{self.connection.endpoint} does not answer as Soda Cloud: {attempt.detail}."
                " Check endpoint: it is https://cloud.soda.io, https://cloud.us.soda.io or your organization's own."
            )
        elif attempt.status is None:
            message = f"No {'connection to' if attempt.outcome is Outcome.NOT_CONNECTED else 'answer from'} {what}"
            message += f" ({attempt.detail})."
        else:
            message = f"{what} answered {attempt.status}" + (f": {said.rstrip('.')}." if said else ".")
        if attempt.status in _ADVICE:
            message += f" {_ADVICE[attempt.status]}"
        if asked > 1 or self._waited >= 1:
            message += f" Asked {asked} time{'s' if asked > 1 else ''}, waited {self._waited:.0f} s in all."
        if operation is Operation.CREATE and in_doubt:
            message += f" {ORPHAN_ADVICE}"

        cls = _error_class(operation, attempt, api_code, in_doubt)
        return cls(
            message,
            operation=operation.value,
            http_status=attempt.status,
            trace_id=attempt.trace_id,
            api_code=api_code,
            in_doubt=in_doubt,
        )

    def not_soda_cloud(
        self, operation: Operation, detail: str, trace_id: str | None, in_doubt: bool = False
    ) -> SodaError:
        """The error for a 2xx answer whose JSON object is not the one that was asked for."""
        attempt = _Attempt(Outcome.NOT_SODA_CLOUD, status=200, trace_id=trace_id, detail=detail)
        return self._failed(operation, attempt, 1, in_doubt)

    def _presentable(self, text: str) -> str:
        """Text from outside, fit for a message: printable, of a bounded length, without what must not be shown."""
        for secret in (self.connection.api_key_secret, _basic(self.connection)):
            text = text.replace(secret, "********")
        text = "".join(c if c.isprintable() else " " for c in text).strip()
        return text if len(text) <= 300 else text[:297] + "..."


def _error_class(
    operation: Operation, attempt: _Attempt, api_code: str | None, in_doubt: bool
) -> type[_errors.SodaError]:
    """What a failure is. The API's own code decides nothing except that a 400 can mean "not found"."""
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


class _TooLarge(Exception):
    """An answer that is larger than any that Soda Cloud gives."""


def _basic(to: Connection) -> str:
    return base64.b64encode(f"{to.api_key_id}:{to.api_key_secret}".encode()).decode()


def _retry_after(value: str | None) -> float:
    """Seconds that a C(Retry-After) asks for. Soda Cloud sends whole seconds, never a date."""
    if value is None:
        return DEFAULT_RETRY_AFTER
    try:
        seconds = float(value)
    except ValueError:
        return DEFAULT_RETRY_AFTER
    return max(seconds, MINIMUM_RETRY_AFTER) if math.isfinite(seconds) else DEFAULT_RETRY_AFTER


def _json_object(content: bytes, empty_is_object: bool) -> tuple[dict[str, t.Any] | None, str | None]:
    """The JSON object in an answer, or in words what is there instead. It is never quoted: it may be a key."""
    if not content.strip():
        return ({}, None) if empty_is_object else (None, "with nothing in the answer")
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        html = content.lstrip().startswith(b"<")
        return None, "with a web page (HTML)" if html else "with something that is not JSON"
    if not isinstance(body, dict):
        return None, "with JSON that is not an object"
    return body, None


def _causes(exc: BaseException) -> t.Iterator[BaseException]:
    """An exception and what it was raised for, outermost first. urllib3 keeps causes in C(reason) and C(args), too."""
    seen: set[int] = set()
    pending: list[t.Any] = [exc]
    while pending:
        current = pending.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        context = None if current.__suppress_context__ else current.__context__
        pending += [getattr(current, "reason", None), *current.args, current.__cause__, context]


def _is_no_tls(cause: BaseException) -> bool:
    """Whether this is about TLS, of the kind that waiting does not mend. By its type first: text may be a server's."""
    said = str(cause).lower()
    if isinstance(cause, (ssl.SSLError, ssl.CertificateError, HandshakeError)):
        return any(sign in said for sign in _NO_TLS_SIGNS)
    # What requests raises where the environment names authorities that are not there.
    return cause.__class__ is OSError and "tls ca certificate bundle" in said


def _is_not_connected(cause: BaseException) -> bool:
    """Whether this came before anything was sent: no connection, or a proxy that gives none or cannot be one."""
    if isinstance(cause, (NewConnectionError, ConnectTimeoutError, InvalidURL, InvalidSchema)):
        return True
    return cause.__class__ is OSError and str(cause).startswith("Tunnel connection failed")


def _host_of(url: str | None) -> str:
    with contextlib.suppress(ValueError):
        if url is not None and urlsplit(url).netloc:
            return urlsplit(url).netloc
    return "nowhere"


_T = t.TypeVar("_T")


def _bounded(work: t.Callable[[], _T], seconds: float) -> _T:
    """
    What C(work) returns, or C(requests.Timeout) after so many seconds.

    requests bounds the wait for each piece, so a server that sends a byte now and then could hold a task for ever.
    The thread that is left behind ends with its socket or with the process, whichever is first.
    """
    results: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put((work(), None))
        except BaseException as exc:  # pylint: disable=broad-except
            results.put((None, exc))

    threading.Thread(target=run, daemon=True).start()
    try:
        value, exc = results.get(timeout=seconds)
    except queue.Empty:
        raise requests.Timeout(f"no complete answer in {seconds - GRACE:.4g} seconds") from None
    if exc is not None:
        raise exc
    return t.cast(_T, value)
