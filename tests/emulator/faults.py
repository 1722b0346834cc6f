# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deliberate faults.

A kind of fault is a coroutine function, registered with ``@kind``. It is given the exchange and, as keyword arguments,
the options of the fault; it calls ``exchange.work()`` or does not, and returns the answer to give, or the response
that it has dealt with itself. Its keyword parameters are the options that the control API accepts.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from .answers import JSON, Answer, json_answer, web_application
from .cloud import Account


@dataclass
class Exchange:
    """A request and the function that carries it out."""

    request: web.Request
    operation: str | None  # operation of the contract, or type of the command or query
    account: Account | None
    work: Callable[[], Answer]

    @property
    def page(self) -> int:
        """The requested page of the listing."""
        page = self.request.query.get("page", "0")
        return int(page) if page.isascii() and page.isdigit() else -1


Outcome = Answer | web.StreamResponse
Kind = Callable[..., Awaitable[Outcome]]
KINDS: dict[str, Kind] = {}


def kind(function: Kind) -> Kind:
    KINDS[function.__name__] = function
    return function


@dataclass
class Fault:
    """The conditions of a fault."""

    kind: str
    account: str | None = None  # None: any
    operation: str | None = None  # None: any
    page: int | None = None  # of a listing; None: any
    after: int = 0  # let so many requests that match pass first
    times: int | None = 1  # None: always
    probability: float = 1.0
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    struck: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no fault {self.kind!r}; there are {', '.join(KINDS)}")
        try:
            inspect.signature(KINDS[self.kind]).bind(None, **self.options)
        except TypeError as error:
            raise ValueError(f"fault {self.kind!r}: {error}") from None
        self._random = random.Random(self.seed)

    def strikes(self, exchange: Exchange) -> bool:
        if exchange.operation is None:
            return False
        if self.account is not None and (exchange.account is None or exchange.account.name != self.account):
            return False
        if self.operation not in (None, exchange.operation) or self.page not in (None, exchange.page):
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self._random.random() >= self.probability:
            return False
        self.struck += 1
        return True


COMMON = ("kind", "account", "operation", "page", "after", "times", "probability", "seed")


def described(description: Mapping[str, Any]) -> Fault:
    """A fault from its description: the common fields, and the options of its kind."""
    common = {name: value for name, value in description.items() if name in COMMON}
    options = {name: value for name, value in description.items() if name not in COMMON}
    if not isinstance(common.get("kind"), str):
        raise ValueError(f"a fault needs a kind: {', '.join(KINDS)}")
    return Fault(**common, options=options)


async def carry_out(faults: list[Fault], exchange: Exchange) -> tuple[str | None, Outcome]:
    """Answer a request with the first fault that matches. Returns the kind of the fault and the answer."""
    for fault in faults:
        if fault.strikes(exchange):
            return fault.kind, await KINDS[fault.kind](exchange, **fault.options)
    return None, exchange.work()


# Other answers


@kind
async def status(
    exchange: Exchange,
    *,
    status: int = 500,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    content_type: str = JSON,
) -> Answer:
    """That answer, and no work. A body that is not text is sent as JSON."""
    return _answer(status, headers, body, content_type)


@kind
async def status_after(
    exchange: Exchange,
    *,
    status: int = 500,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    content_type: str = JSON,
) -> Answer:
    """The work, then that answer."""
    exchange.work()
    return _answer(status, headers, body, content_type)


@kind
async def html(exchange: Exchange, *, status: int = 200) -> Answer:
    """The web application's page, and no work."""
    return web_application(status)


# Connections


@kind
async def reset_before(exchange: Exchange) -> web.StreamResponse:
    """Reset the connection, and no work."""
    return _reset(exchange.request)


@kind
async def reset_after(exchange: Exchange) -> web.StreamResponse:
    """The work, then reset the connection."""
    exchange.work()
    return _reset(exchange.request)


@kind
async def delay(exchange: Exchange, *, seconds: float) -> Answer:
    """The work, then a wait, then its answer."""
    answer = exchange.work()
    await asyncio.sleep(seconds)
    return answer


@kind
async def slow(exchange: Exchange, *, bytes_per_second: float = 1.0) -> web.StreamResponse:
    """The work, then its answer byte by byte."""
    answer = exchange.work()
    stream = _stream(answer, len(answer.body))
    await stream.prepare(exchange.request)
    for i in range(len(answer.body)):
        await stream.write(answer.body[i : i + 1])
        await asyncio.sleep(1 / bytes_per_second)
    return stream


@kind
async def truncated(exchange: Exchange, *, length: int | None = None, declare: str = "full") -> Outcome:
    """The work, then the first ``length`` bytes of its answer (default: half of them).

    ``declare`` says which Content-Length goes with them: ``full``, and the connection closes early, or ``short``,
    and a body that is whole on the wire is not whole as JSON.
    """
    answer = exchange.work()
    part = answer.body[: len(answer.body) // 2 if length is None else length]
    if declare == "short":
        return replace(answer, body=part)
    stream = _stream(answer, len(answer.body))
    stream.force_close()
    await stream.prepare(exchange.request)
    await stream.write(part)
    return stream


# Listings and runners


@kind
async def drop_runner(exchange: Exchange, *, index: int = 0) -> Answer:
    """Leave one runner out of a page, whose totals still count it."""

    def drop(payload: Any) -> None:
        del payload["content"][index]

    return _edited(exchange.work(), drop)


@kind
async def repeat_runner(exchange: Exchange, *, index: int = 0) -> Answer:
    """Show one runner of a page twice, the second time in the place of the one after it."""

    def repeat(payload: Any) -> None:
        content = payload["content"]
        content[index + 1 : index + 2] = [content[index]]

    return _edited(exchange.work(), repeat)


@kind
async def edit_runner(
    exchange: Exchange, *, index: int = 0, set: Mapping[str, Any] | None = None, omit: tuple[str, ...] = ()
) -> Answer:
    """Set or leave out fields of one runner, of a page or of the requested one."""

    def edit(payload: Any) -> None:
        runner = payload["runner"] if "runner" in payload else payload["content"][index]
        runner.update(set or {})
        for name in omit:
            runner.pop(name, None)

    return _edited(exchange.work(), edit)


@kind
async def move(
    exchange: Exchange, *, add: Mapping[str, Any] | None = None, remove: str | None = None, when: str = "before"
) -> Answer:
    """Others add a runner (described as for seeding) or remove one (by id), ``before`` or ``after`` this work is done.

    With ``page`` it happens between two pages of a listing.
    """
    answer = exchange.work() if when == "after" else None
    if exchange.account is not None:
        if add is not None:
            exchange.account.seed([add], allow_duplicates=True)
        if remove is not None:
            exchange.account.remove(remove)
    return answer or exchange.work()


def _answer(status: int, headers: Mapping[str, str] | None, body: object, content_type: str) -> Answer:
    if body is None and content_type == JSON:
        body = {"code": "fault", "message": f"A fault was requested: {status}."}
    if isinstance(body, str):
        return Answer(status, body.encode(), content_type, headers or {})
    return replace(json_answer(status, body, headers), content_type=content_type)


def _edited(answer: Answer, edit: Callable[[Any], None]) -> Answer:
    """An answer with its payload changed; an answer that has no such payload stays as it is."""
    payload = json.loads(answer.body)
    try:
        edit(payload)
    except (LookupError, TypeError):
        return answer
    return replace(answer, body=json_answer(answer.status, payload).body)


def _stream(answer: Answer, length: int) -> web.StreamResponse:
    headers = {**answer.headers, "Content-Type": answer.content_type, "Content-Length": str(length)}
    return web.StreamResponse(status=answer.status, headers=headers)


def _reset(request: web.Request) -> web.StreamResponse:
    """Reset the connection; returns a response that no longer reaches anybody."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # With a linger time of 0 s, the kernel sends RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
