# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service without sockets: finds the operation of a request, and records it in the journal."""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .answers import Answer, json_answer, refusal, web_application
from .clock import Clock, SystemClock
from .cloud import Account, Cloud, Refused, Settings, timestamp, unauthorized
from .contract import Contract, Operation, Reading
from .faults import Fault
from .journal import UNKNOWN, Entry, Journal, shown_headers

LOG = logging.getLogger("emulator")
ENVELOPES = ("/api/command", "/api/query")


@dataclass(frozen=True)
class Request:
    """A received request."""

    method: str
    raw_path: str  # percent-encoded, without the query
    raw_query: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]  # looked up without regard to case
    body: bytes


@dataclass(frozen=True)
class Call:
    """A parsed request."""

    name: str | None  # operation of the contract, or type of the command or query; None: neither
    account: Account | None
    entry: Entry
    work: Callable[[], Answer]  # must be called at most once

    def answered(self, status: int) -> None:
        self.entry.status = status
        if self.account is not None:
            self.account.requests.setdefault(self.name or "other", Counter())[str(status)] += 1


@dataclass
class Service:
    """The state of one emulator."""

    contract: Contract
    cloud: Cloud
    journal: Journal = field(default_factory=Journal)
    faults: list[Fault] = field(default_factory=list)

    @classmethod
    def create(cls, defaults: Settings | None = None, clock: Clock | None = None) -> Service:
        contract = Contract.load()
        limits = {operation.id: operation.limit for operation in contract.operations.values()}
        permissions = {operation.id: operation.permissions for operation in contract.operations.values()}
        return cls(contract, Cloud(clock or SystemClock(), limits, permissions, defaults))

    def reset(self) -> None:
        self.cloud.reset()
        self.journal.clear()
        self.faults.clear()

    def receive(self, request: Request) -> Call:
        """Parse a request and record it in the journal. Do not carry it out yet."""
        target = self.contract.target(request.raw_path)
        if target is not None:
            operation = target.operations.get(request.method)
            if operation is None:
                return self._call(request, self._account_of(request), partial(_wrong_method, list(target.operations)))
            return self._operation_call(request, operation, target.arguments)
        if request.raw_path in ENVELOPES:
            if request.method != "POST":
                return self._call(request, None, partial(_wrong_method, ["POST"]))
            return self._command_call(request)
        return self._call(request, self._account_of(request), web_application)

    # Operations of the contract

    def _operation_call(self, request: Request, operation: Operation, path_arguments: Mapping[str, str]) -> Call:
        reading = self.contract.read(operation, request.raw_path, request.query, request.headers, request.body)
        arguments = {**reading.arguments, **path_arguments}
        account = self._account_of(request)
        entry = self._entry(request, account)
        entry.operation = operation.id
        entry.request_violation = reading.violation
        perform = partial(_perform, operation, account, request, reading, arguments)
        return Call(operation.id, account, entry, partial(self._contracted, operation, entry, perform))

    def _contracted(self, operation: Operation, entry: Entry, perform: Callable[[], object]) -> Answer:
        """Check an answer against the contract before it is sent."""
        try:
            payload = perform()
            answer = json_answer(200, payload)
        except Refused as refused:
            answer = refusal(refused)
            payload = {"code": refused.code, "message": refused.message}
        violation = self.contract.answer_violation(operation, answer.status, answer.headers, payload)
        return answer if violation is None else broken(entry, violation)

    # Commands and queries, which are not in the contract

    def _command_call(self, request: Request) -> Call:
        try:
            envelope = _envelope(request.body)
        except Refused as refused:
            return self._call(request, None, partial(refusal, refused))
        kind = str(envelope.get("type"))
        key_id, token = envelope.get("apiKeyId"), envelope.get("token")
        account = self.cloud.account_of_key(key_id) if isinstance(key_id, str) else None
        if isinstance(token, str):
            account = self.cloud.account_of_token(token)
        call = self._call(request, account, partial(self._command, request.raw_path, kind, envelope), kind)
        call.entry.command = kind
        return call

    def _command(self, path: str, kind: str, envelope: Mapping[str, Any]) -> Answer:
        commands: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], object]] = {
            ("/api/command", "login"): self._login,
            ("/api/query", "whoAmI"): self._who_am_i,
            ("/api/command", "emulatorRegisterRunner"): self._register_runner,
            ("/api/command", "emulatorHeartbeat"): self._heartbeat,
        }
        try:
            if (path, kind) not in commands:
                raise Refused(400, "unknown_type", f"{path} knows no type {kind}.")
            return json_answer(200, commands[path, kind](envelope))
        except Refused as refused:
            return refusal(refused)

    def _login(self, envelope: Mapping[str, Any]) -> object:
        return {"token": self.cloud.login(_text(envelope, "apiKeyId"), _text(envelope, "apiKeySecret"))}

    def _who_am_i(self, envelope: Mapping[str, Any]) -> object:
        account, key_id = self.cloud.logged_in(_text(envelope, "token"))
        return {"apiKeyId": key_id, "organization": {"name": account.name}, "organizationName": account.name}

    def _register_runner(self, envelope: Mapping[str, Any]) -> object:
        account, key_id = self.cloud.logged_in(_text(envelope, "token"))
        runner_id = _text(envelope, "id") if envelope.get("id") is not None else None
        runner = account.register(key_id, _text(envelope, "name"), runner_id)
        return {"runner": {"id": runner.id, "name": runner.name}}

    def _heartbeat(self, envelope: Mapping[str, Any]) -> object:
        account, key_id = self.cloud.logged_in(_text(envelope, "token"))
        runner = account.heartbeat(key_id, _text(envelope, "id"))
        return {"runner": {"id": runner.id, "name": runner.name}}

    # The journal

    def _call(
        self, request: Request, account: Account | None, work: Callable[[], Answer], name: str | None = None
    ) -> Call:
        return Call(name, account, self._entry(request, account), work)

    def _entry(self, request: Request, account: Account | None) -> Entry:
        entry = Entry(
            sequence=self.journal.next_sequence(),
            time=timestamp(self.cloud.clock.now()),
            account=UNKNOWN if account is None else account.name,
            operation=None,
            command=None,
            method=request.method,
            path=request.raw_path,
            query=request.raw_query,
            headers=shown_headers(request.headers),
        )
        self.journal.add(entry)
        return entry

    def _account_of(self, request: Request) -> Account | None:
        """The account of the credentials, even if the secret is wrong."""
        try:
            key_id, _unused = _credentials(request)
        except Refused:
            return None
        return self.cloud.account_of_key(key_id)


def _perform(
    operation: Operation, account: Account | None, request: Request, reading: Reading, arguments: Mapping[str, Any]
) -> object:
    """The checks in their order, then the work."""
    if account is None or reading.unauthenticated:
        raise unauthorized()
    key = account.authenticate(*_credentials(request))
    account.admit(operation.id)
    if reading.violation is not None:
        raise Refused(400, "bad_request", reading.violation)
    account.authorize(operation.id, key)
    if operation.id == "listRunners":
        return account.list_runners(arguments["page"], arguments["size"])
    if operation.id == "createRunner":
        return account.create_runner()
    if operation.id == "getRunner":
        return account.get_runner(arguments["runnerId"])
    if operation.id == "deleteRunner":
        return account.delete_runner(arguments["runnerId"])
    raise NotImplementedError(f"the contract has a new operation, {operation.id}")


def broken(entry: Entry, why: str) -> Answer:
    """The emulator has failed."""
    LOG.error("contract violation: %s", why)
    entry.contract_violation = why
    return json_answer(500, {"code": "contract_violation", "message": why})


def _wrong_method(allowed: list[str]) -> Answer:
    message = f"Only {', '.join(allowed)} here."
    return json_answer(405, {"code": "method_not_allowed", "message": message}, {"Allow": ", ".join(allowed)})


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _unused, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        key_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise unauthorized() from None
    if scheme.lower() != "basic" or not colon:
        raise unauthorized()
    return key_id, secret


def _envelope(body: bytes) -> Mapping[str, Any]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "bad_request", "The body is not JSON.") from None
    if not isinstance(envelope, dict):
        raise Refused(400, "bad_request", "The body is not a JSON object.")
    return envelope


def _text(envelope: Mapping[str, Any], name: str) -> str:
    value = envelope.get(name)
    try:
        if isinstance(value, str) and value.encode() is not None:
            return value
    except UnicodeEncodeError:
        pass
    raise Refused(400, "bad_request", f"{name} is missing or not a text.")
