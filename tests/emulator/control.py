# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control API under /_emulator/, with which tests prepare the emulator and read its journal. README.md lists it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from aiohttp import web

from .answers import json_answer
from .cloud import Account, Refused, Settings, crowd
from .faults import COMMON, described
from .service import LOG, Service

SERVICE = web.AppKey("service", Service)
SETTINGS = tuple(each.name for each in fields(Settings))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

routes = web.RouteTableDef()


def reply(payload: object) -> web.Response:
    return json_answer(200, payload).on_the_wire()


def route(method: str, path: str) -> Callable[[Callable[[web.Request], Awaitable[object]]], Handler]:
    """Register a handler. Its result is sent as JSON, and invalid requests get a readable answer."""

    def register(function: Callable[[web.Request], Awaitable[object]]) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            try:
                return reply(await function(request))
            except Refused as refused:
                return json_answer(refused.status, {"code": refused.code, "message": refused.message}).on_the_wire()
            except (ValueError, TypeError) as error:
                return json_answer(400, {"code": "bad_request", "message": str(error)}).on_the_wire()
            except Exception as error:
                LOG.exception("%s %s failed", request.method, request.path)
                return json_answer(500, {"code": "internal_error", "message": repr(error)}).on_the_wire()

        routes.route(method, "/_emulator" + path)(handler)
        return handler

    return register


@route("GET", "")
async def state(request: web.Request) -> object:
    service = request.app[SERVICE]
    limits = {operation.id: asdict(operation.limit) for operation in service.contract.operations.values()}
    return {
        "accounts": list(service.cloud.accounts),
        "limits": limits,
        "permissions": sorted(service.contract.permissions),
        "settings": asdict(service.cloud.defaults),
    }


@route("POST", "/reset")
async def reset(request: web.Request) -> object:
    request.app[SERVICE].reset()
    return {}


# Accounts


@route("POST", "/accounts")
async def add_account(request: web.Request) -> object:
    service = request.app[SERVICE]
    body = await read_body(request, ("name", "permissions", *SETTINGS))
    chosen = {name: body[name] for name in SETTINGS if name in body}
    settings = replace(service.cloud.defaults, **chosen)
    permissions = permissions_in(service, body)
    account = service.cloud.add_account(body.get("name"), settings)
    key = account.add_api_key(permissions)
    return {"account": account.name, "apiKeyId": key.id, "apiKeySecret": key.secret}


@route("DELETE", "/accounts/{account}")
async def remove_account(request: web.Request) -> object:
    service, account = request.app[SERVICE], account_in(request)
    service.cloud.remove_account(account.name)
    service.journal.clear(account.name)
    service.faults[:] = [fault for fault in service.faults if fault.account != account.name]
    return {}


@route("POST", "/accounts/{account}/reset")
async def reset_account(request: web.Request) -> object:
    service, account = request.app[SERVICE], account_in(request)
    account.reset()
    service.journal.clear(account.name)
    service.faults[:] = [fault for fault in service.faults if fault.account != account.name]
    return {}


@route("PATCH", "/accounts/{account}/settings")
async def change_settings(request: web.Request) -> object:
    account = account_in(request)
    account.settings = replace(account.settings, **await read_body(request, SETTINGS))
    return asdict(account.settings)


@route("POST", "/accounts/{account}/keys")
async def add_key(request: web.Request) -> object:
    body = await read_body(request, ("permissions",))
    key = account_in(request).add_api_key(permissions_in(request.app[SERVICE], body))
    return {"apiKeyId": key.id, "apiKeySecret": key.secret}


@route("POST", "/accounts/{account}/clock")
async def advance_clock(request: web.Request) -> object:
    body = await read_body(request, ("advance",))
    account = account_in(request)
    account.clock.advance(float(body.get("advance", 0)))
    return {"now": account.clock.now()}


@route("GET", "/accounts/{account}/stats")
async def stats(request: web.Request) -> object:
    return account_in(request).stats()


# Runners and their keys


@route("POST", "/accounts/{account}/runners")
async def seed(request: web.Request) -> object:
    """``runners`` describes each runner. ``count`` is the number of generated runners."""
    body = await read_body(request, ("runners", "count", "allow_duplicates"))
    described_runners = body.get("runners", [])
    count = body.get("count", 0)
    if not isinstance(described_runners, list) or not isinstance(count, int):
        raise ValueError("runners is a list, count a number")
    ids = account_in(request).seed([*described_runners, *crowd(count)], bool(body.get("allow_duplicates")))
    return {"ids": ids}


@route("GET", "/accounts/{account}/runners")
async def runners(request: web.Request) -> object:
    account = account_in(request)
    return {"runners": [account.shown_to_tests(runner) for runner in account.runners()]}


@route("PATCH", "/accounts/{account}/runners/{runner}")
async def change_runner(request: web.Request) -> object:
    account = account_in(request)
    return account.shown_to_tests(account.change(runner_in(request), await read_body(request)))


@route("DELETE", "/accounts/{account}/runners/{runner}")
async def remove_runner(request: web.Request) -> object:
    account_in(request).remove(runner_in(request))
    return {}


@route("POST", "/accounts/{account}/runner-keys")
async def issue_runner_key(request: web.Request) -> object:
    """A runner key that no createRunner issued, and that no count of issued keys includes."""
    key = account_in(request).issue_runner_key()
    return {"apiKeyId": key.id, "apiKeySecret": key.secret}


@route("POST", "/accounts/{account}/registrations")
async def register(request: web.Request) -> object:
    """Register a runner as its process would, with a runner key that was issued."""
    body = await read_body(request, ("apiKeyId", "name", "id"))
    account = account_in(request)
    return account.shown_to_tests(
        account.register(str(body.get("apiKeyId")), str(body.get("name", "")), body.get("id"))
    )


# Faults and the journal


@route("POST", "/faults")
async def add_faults(request: web.Request) -> object:
    service = request.app[SERVICE]
    body = await parsed(request)
    descriptions = body if isinstance(body, list) else [body]
    added = [described(description) for description in descriptions]
    for fault in added:
        if fault.account is not None and fault.account not in service.cloud.accounts:
            raise no_account(fault.account)
    service.faults += added
    return {"faults": len(added)}


@route("GET", "/faults")
async def faults(request: web.Request) -> object:
    chosen = request.app[SERVICE].faults
    if "account" in request.query:
        chosen = [fault for fault in chosen if fault.account == request.query["account"]]
    return {
        "faults": [
            {**{name: getattr(fault, name) for name in COMMON}, **fault.options, "struck": fault.struck}
            for fault in chosen
        ]
    }


@route("DELETE", "/faults")
async def clear_faults(request: web.Request) -> object:
    service = request.app[SERVICE]
    account = request.query.get("account")
    service.faults[:] = [fault for fault in service.faults if account is not None and fault.account != account]
    return {}


@route("GET", "/journal")
async def read_journal(request: web.Request) -> object:
    since = int(request.query.get("since", "0"))
    return {"entries": request.app[SERVICE].journal.read(request.query.get("account"), since)}


@route("GET", "/violations")
async def read_violations(request: web.Request) -> object:
    return {"entries": request.app[SERVICE].journal.violating()}


@route("DELETE", "/journal")
async def clear_journal(request: web.Request) -> object:
    request.app[SERVICE].journal.clear(request.query.get("account"))
    return {}


@route("*", "/{path:.*}")
async def unknown(request: web.Request) -> object:
    raise Refused(404, "not_found", f"The control API has no {request.method} {request.path}.")


# Request bodies


async def parsed(request: web.Request) -> Any:
    body = await request.read()
    return json.loads(body) if body else {}


async def read_body(request: web.Request, known: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    """The body, a JSON object of which every field is known."""
    body = await parsed(request)
    if not isinstance(body, dict):
        raise ValueError("the body is not a JSON object")
    for name in body:
        if known is not None and name not in known:
            raise ValueError(f"{name!r} is not one of {', '.join(known)}")
    return body


def permissions_in(service: Service, body: Mapping[str, Any]) -> list[str]:
    """The requested permissions. The default is all permissions of the contract."""
    permissions = body.get("permissions")
    if permissions is None:
        return sorted(service.contract.permissions)
    if not isinstance(permissions, list) or not all(isinstance(each, str) for each in permissions):
        raise ValueError("permissions is a list of names")
    return permissions


def account_in(request: web.Request) -> Account:
    name = request.match_info["account"]
    account = request.app[SERVICE].cloud.accounts.get(name)
    if account is None:
        raise no_account(name)
    return account


def no_account(name: str) -> Refused:
    return Refused(404, "account_not_found", f"There is no account {name}.")


def runner_in(request: web.Request) -> str:
    runner_id = request.match_info["runner"]
    try:
        account_in(request).runner(runner_id)
    except KeyError:
        raise Refused(404, "runner_not_found", f"There is no runner {runner_id}.") from None
    return runner_id
