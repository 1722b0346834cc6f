# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service over HTTP."""

from __future__ import annotations

import uuid

from aiohttp import web

from .answers import Answer
from .control import SERVICE, routes
from .faults import Exchange, carry_out
from .service import LOG, Request, Service, broken

TRACE_HEADER = "X-Soda-Trace-Id"
MAX_BODY = 256 * 2**20  # the control API accepts 100,000 runners at once


def application(service: Service) -> web.Application:
    app = web.Application(client_max_size=MAX_BODY)
    app[SERVICE] = service
    app.router.add_routes(routes)
    app.router.add_route("*", r"/{path:[\s\S]*}", serve)  # a path may hold a line break, percent-encoded
    app.on_response_prepare.append(_trace)
    return app


async def serve(request: web.Request) -> web.StreamResponse:
    """Answer all requests that are not for the control API."""
    service = request.app[SERVICE]
    call = service.receive(
        Request(
            method=request.method,
            raw_path=request.rel_url.raw_path,
            raw_query=request.rel_url.raw_query_string,
            query=list(request.query.items()),
            headers=request.headers,
            body=await request.read(),
        )
    )
    request["trace_id"] = call.entry.trace_id = uuid.uuid4().hex
    exchange = Exchange(request, call.name, call.account, call.work)
    try:
        call.entry.fault, outcome = await carry_out(service.faults, exchange)
    except ConnectionError:
        raise  # the client closed the connection
    except Exception as error:
        LOG.exception("%s %s failed", request.method, request.path)
        outcome = broken(call.entry, f"{type(error).__name__}: {error}")
    if isinstance(outcome, Answer):
        call.answered(outcome.status)
        return outcome.on_the_wire()
    if outcome.prepared:
        call.answered(outcome.status)
    return outcome


async def _trace(request: web.Request, response: web.StreamResponse) -> None:
    response.headers[TRACE_HEADER] = request.get("trace_id") or uuid.uuid4().hex
