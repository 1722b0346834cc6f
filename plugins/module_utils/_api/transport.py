# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
One exchange with Soda Cloud: authentication, TLS, proxies, bounds and decoding.

It sends a request once and returns the outcome. What is sent again is decided in C(policy).
"""

from __future__ import annotations

import dataclasses
import json
import queue
import ssl
import threading
import typing as t
import zlib

from .connection import Connection
from .sending import Sending, tracked_session

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

# A page of 1000 runners is about 400 kB. An answer without end must not fill the memory.
LARGEST_ANSWER = 16 * 1024 * 1024
_PIECE = 64 * 1024

# Python before 3.11 takes quadratic time to read a number of many digits.
_MOST_DIGITS = 1000

# requests bounds each read, this bounds the whole exchange. The grace lets requests report first, because it names the
# cause.
GRACE = 0.5

LONGEST_CONNECT = 14.0
"""Seconds to make a connection: all addresses of the host, a proxy and TLS."""
LONGEST_ADDRESS = 10.0
"""Seconds to connect to one address of the host."""

# What ssl and urllib3 report when the handshake fails for a reason that waiting does not fix.
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


@dataclasses.dataclass(frozen=True)
class Answer:
    """A complete answer."""

    status: int
    trace_id: str | None
    retry_after: str | None
    location: str | None
    content: bytes


class NoConnection(Exception):
    """No connection was made, so nothing was sent."""


class NoTls(Exception):
    """No TLS, or a certificate that is not trusted, so nothing was sent."""


class NoAnswer(Exception):
    """The request was sent, or may have been sent, and no complete answer arrived."""


class BadAnswer(Exception):
    """An answer of a kind that Soda Cloud never gives."""


class Transport:
    """Sends single requests to one endpoint."""

    def __init__(self, to: Connection) -> None:
        self._to = to
        self._session: requests.Session | None = None
        self._sending = Sending()
        self.bytes_received = 0

    @property
    def proxy(self) -> str | None:
        """The URL of the proxy for the endpoint, as requests selects it from the environment."""
        endpoint = self._to.endpoint
        if endpoint.startswith("http://"):
            return None
        return requests.utils.select_proxy(endpoint, requests.utils.get_environ_proxies(endpoint, no_proxy=None))

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def exchange(
        self, method: str, path: str, parameters: t.Mapping[str, int] | None, timeout: float, new_connection: bool
    ) -> Answer:
        """
        Send one request. Raises C(NoConnection), C(NoTls), C(NoAnswer) or C(BadAnswer).

        C(new_connection) is for requests that must not be sent twice: on a connection that was used before, a reset
        could not be distinguished from a request that was carried out.
        """
        if new_connection:
            self.close()
        if self._session is None:
            self._sending = Sending()
            self._session = self._new_session(self._sending)
        session, sending = self._session, self._sending
        sending.reset()
        try:
            answer = with_deadline(
                lambda: self._send(session, method, path, parameters, timeout), timeout, sending.abandon
            )
        except Exception as exc:  # pylint: disable=broad-except
            # Any exception of requests, urllib3, ssl or the decoder is an outcome, never a traceback.
            self.close()
            raise _classify(exc, sending.was_never_sent) from exc
        self.bytes_received += len(answer.content)
        return answer

    def _new_session(self, sending: Sending) -> requests.Session:
        session = tracked_session(sending)
        if self._to.endpoint.startswith("http://"):
            # This is the local machine, see normalise_endpoint(). A proxy would get the API key in clear text.
            session.trust_env = False
        # requests would read the whole answer for a redirect, however large, and fail on one that is no URL.
        session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        return session

    def _send(
        self, session: requests.Session, method: str, path: str, parameters: t.Mapping[str, int] | None, timeout: float
    ) -> Answer:
        to = self._to
        headers = {
            "User-Agent": f"community.soda/{VERSION}",
            "Accept": "application/json",
            # The one encoding that is decoded below, in bounded pieces.
            "Accept-Encoding": "gzip",
        }
        if to.retry_budget > 0:
            headers["X-Soda-Backpressure"] = "1"
        with session.request(
            method,
            to.endpoint + path,
            params=parameters,
            headers=headers,
            # As bytes, because requests would encode text as Latin-1. With the first request: Soda Cloud never answers
            # with a 401 that requests a login.
            auth=requests.auth.HTTPBasicAuth(to.api_key_id.encode(), to.api_key_secret.encode()),
            timeout=(min(timeout, LONGEST_ADDRESS), timeout),
            allow_redirects=False,
            stream=True,
            # Given with each request, because for a session the environment's CA bundle would win over False.
            verify=(to.ca_path or True) if to.validate_certs else False,
        ) as response:
            return Answer(
                status=response.status_code,
                trace_id=response.headers.get("X-Soda-Trace-Id"),
                retry_after=response.headers.get("Retry-After"),
                location=response.headers.get("Location"),
                content=_content(response),
            )


def _content(response: requests.Response) -> bytes:
    """The body, decoded. Neither what is sent nor what it unpacks to can exceed the bound."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise BadAnswer("the answer has a Content-Encoding that was not requested")
    unpack = None if encoding in ("", "identity") else zlib.decompressobj(wbits=31)
    content = bytearray()
    received = False
    while True:
        # urllib3 decodes whole pieces without a bound, and several times if the header names several encodings.
        piece = response.raw.read(_PIECE, decode_content=False)
        if not piece:
            break
        received = True
        if unpack is not None:
            piece = unpack.decompress(piece, LARGEST_ANSWER - len(content) + 1)
        content += piece
        if len(content) > LARGEST_ANSWER:
            raise BadAnswer(f"the answer is larger than {LARGEST_ANSWER} bytes")
    if response.raw.length_remaining:
        # urllib3 before 2.0 leaves that to its callers, and requests does not check.
        raise NoAnswer(f"the answer ended {response.raw.length_remaining} bytes too early")
    if unpack is not None and received and not unpack.eof:
        raise NoAnswer("the compressed answer ended too early")
    return bytes(content)


def json_object(content: bytes, empty_is_object: bool) -> tuple[dict[str, t.Any] | None, str | None]:
    """The JSON object in an answer, or a description of other content. Content is never quoted: it may be a key."""
    if not content.strip():
        return ({}, None) if empty_is_object else (None, "with nothing in the answer")
    try:
        body = json.loads(content, parse_int=_bounded_int, parse_constant=_refuse)
    except (ValueError, RecursionError):
        html = content.lstrip().startswith(b"<")
        return None, "with a web page (HTML)" if html else "with something that is not JSON"
    if not isinstance(body, dict):
        return None, "with JSON that is not an object"
    return body, None


def _bounded_int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _refuse(constant: str) -> t.NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _classify(exc: Exception, was_never_sent: bool) -> Exception:
    causes = list(causes_of(exc))
    for cause in causes:
        if isinstance(cause, (BadAnswer, NoAnswer)):
            return cause
    detail = str(causes[-1]) or type(causes[-1]).__name__
    if any(_is_no_tls(cause) for cause in causes):
        return NoTls(detail)
    # Only what certainly came before the first byte counts as not connected. Anything else is in doubt.
    if was_never_sent or any(_is_not_connected(cause) for cause in causes):
        return NoConnection(detail)
    return NoAnswer(detail)


def causes_of(exc: BaseException) -> t.Iterator[BaseException]:
    """An exception and its causes, outermost first. urllib3 keeps causes in C(reason) and C(args), too."""
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
    """Whether this is about TLS, of the kind that waiting does not fix. By its type first: text may be a server's."""
    text = str(cause).lower()
    if isinstance(cause, (ssl.SSLError, ssl.CertificateError, HandshakeError)):
        return any(sign in text for sign in _NO_TLS_SIGNS)
    # What requests raises if the environment names authorities that do not exist.
    return cause.__class__ is OSError and "tls ca certificate bundle" in text


def _is_not_connected(cause: BaseException) -> bool:
    """Whether this came before anything was sent: no connection, or a proxy that gives none or cannot be one."""
    if isinstance(cause, (NewConnectionError, ConnectTimeoutError, InvalidURL, InvalidSchema)):
        return True
    return cause.__class__ is OSError and str(cause).startswith("Tunnel connection failed")


_T = t.TypeVar("_T")


def with_deadline(work: t.Callable[[], _T], seconds: float, abandon: t.Callable[[], bool]) -> _T:
    """
    What C(work) returns, or C(requests.Timeout) after so many seconds and C(GRACE).

    requests bounds the wait for each piece, so a server that sends a byte now and then could block a task forever. It
    does not bound a name server, and bounds each address of a host on its own. So if no connection is made in time,
    C(abandon) gives up the request before it is sent. The thread that is left behind ends with its socket or with the
    process, whichever is first.
    """
    results: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put((work(), None))
        except BaseException as exc:  # pylint: disable=broad-except
            results.put((None, exc))

    threading.Thread(target=run, daemon=True).start()
    connect = min(seconds, LONGEST_CONNECT)
    try:
        value, exc = results.get(timeout=connect + GRACE)
    except queue.Empty:
        if abandon():
            raise requests.ConnectTimeout(f"no connection in {connect:.4g} seconds") from None
        try:
            value, exc = results.get(timeout=max(0.0, seconds - connect))
        except queue.Empty:
            raise requests.Timeout(f"no complete answer in {seconds:.4g} seconds") from None
    if exc is not None:
        raise exc
    return t.cast(_T, value)
