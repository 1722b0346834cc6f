# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests, retries and failure messages: each outcome for each operation."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import ipaddress
import itertools
import json
import random
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
import requests

from ansible_collections.community.soda.plugins.module_utils._api import transport
from ansible_collections.community.soda.plugins.module_utils._api.client import (
    Client,
    Connection,
    Operation,
    connection,
)
from ansible_collections.community.soda.plugins.module_utils._api.messages import ORPHAN_ADVICE
from ansible_collections.community.soda.plugins.module_utils._api.transport import LARGEST_ANSWER, causes_of
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    Json,
    plain_id,
)
from emulator.client import Account, Emulator

GALAXY = Path(__file__).resolve().parents[5] / "galaxy.yml"

RUNNER = "11111111-1111-4111-8111-111111111111"
RUNNERS = "/api/v1/runners"
PATHS = {
    Operation.LIST: RUNNERS,
    Operation.GET: f"{RUNNERS}/{RUNNER}",
    Operation.DELETE: f"{RUNNERS}/{RUNNER}",
    Operation.CREATE: RUNNERS,
}
IDS = {
    Operation.LIST: "listRunners",
    Operation.GET: "getRunner",
    Operation.DELETE: "deleteRunner",
    Operation.CREATE: "createRunner",
}
CHANGING = (Operation.DELETE, Operation.CREATE)  # only these can have an unknown outcome
every_operation = pytest.mark.parametrize("operation", list(PATHS), ids=lambda operation: operation.value)


@dataclass
class Time:
    """A clock that only sleep() moves. The clock of the account moves with it."""

    account: Account | None = None
    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        if self.account is not None:
            self.account.advance(seconds)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def time_(account: Account) -> Time:
    return Time(account)


def client_of(account: Account, time_: Time, **options: Any) -> Client:
    """A client that uses the clock of the test, by default without jitter."""
    jitter = options.pop("jitter", lambda low, high: low)
    to = connection(account.endpoint, account.api_key_id, account.api_key_secret, **{"timeout": 10, **options})
    return Client(to, sleep=time_.sleep, clock=time_.clock, jitter=jitter)


def failure_of(client: Client, operation: Operation) -> SodaError:
    with pytest.raises(SodaError) as failed:
        client.send(operation, PATHS[operation])
    assert failed.value.failure.operation == operation.value
    return failed.value


@pytest.fixture
def runner(account: Account) -> str:
    account.seed({"name": "one", "id": RUNNER})
    return RUNNER


# Retries

AGAIN, FAIL, DOUBT = "sent again", "fails", "fails in doubt"

REACTIONS = [
    # the outcome; then the reaction to it for list, get, delete, create
    ("429", AGAIN, AGAIN, AGAIN, AGAIN),
    ("429 with HTML", AGAIN, AGAIN, AGAIN, AGAIN),
    ("reset before the request was read", AGAIN, AGAIN, AGAIN, DOUBT),
    ("reset after the work", AGAIN, AGAIN, AGAIN, DOUBT),
    ("an answer cut off", AGAIN, AGAIN, AGAIN, DOUBT),
    ("an answer after the timeout", AGAIN, AGAIN, AGAIN, DOUBT),
    ("502 with HTML", AGAIN, AGAIN, AGAIN, DOUBT),
    ("503", AGAIN, AGAIN, AGAIN, DOUBT),
    ("503 after the work", AGAIN, AGAIN, AGAIN, DOUBT),
    ("504", AGAIN, AGAIN, AGAIN, DOUBT),
    ("500", FAIL, FAIL, DOUBT, DOUBT),
    ("500 after the work", FAIL, FAIL, DOUBT, DOUBT),
    ("501 with HTML", FAIL, FAIL, DOUBT, DOUBT),
    ("200 with HTML", FAIL, FAIL, DOUBT, DOUBT),
    ("200 with a list", FAIL, FAIL, DOUBT, DOUBT),
    ("200 with half of the JSON", FAIL, FAIL, DOUBT, DOUBT),
    ("302", FAIL, FAIL, DOUBT, DOUBT),
    ("400", FAIL, FAIL, FAIL, FAIL),
    ("401", FAIL, FAIL, FAIL, FAIL),
    ("403", FAIL, FAIL, FAIL, FAIL),
    ("405 with HTML", FAIL, FAIL, FAIL, FAIL),
]

HTML = {"body": "<!DOCTYPE html><html></html>", "content_type": "text/html"}
FAULTS: dict[str, Json] = {
    "429": {"kind": "status", "status": 429, "body": "", "headers": {"Retry-After": "1"}},
    "429 with HTML": {"kind": "status", "status": 429, **HTML},
    "reset before the request was read": {"kind": "reset_before"},
    "reset after the work": {"kind": "reset_after"},
    "an answer cut off": {"kind": "truncated"},
    "an answer after the timeout": {"kind": "delay", "seconds": 1.5},
    "502 with HTML": {"kind": "status", "status": 502, **HTML},
    "503": {"kind": "status", "status": 503, "body": ""},
    "503 after the work": {"kind": "status_after", "status": 503, "body": ""},
    "504": {"kind": "status", "status": 504, "body": ""},
    "500": {"kind": "status", "status": 500, "body": ""},
    "500 after the work": {"kind": "status_after", "status": 500, "body": ""},
    "501 with HTML": {"kind": "status", "status": 501, **HTML},
    "200 with HTML": {"kind": "html"},
    "200 with a list": {"kind": "status_after", "status": 200, "body": []},
    "200 with half of the JSON": {"kind": "truncated", "declare": "short"},
    "302": {"kind": "status", "status": 302, "body": "", "headers": {"Location": "https://elsewhere.example/"}},
    "400": {"kind": "status", "status": 400, "body": ""},
    "401": {"kind": "status", "status": 401, "body": ""},
    "403": {"kind": "status", "status": 403, "body": ""},
    "404": {"kind": "status", "status": 404, "body": "{}"},
    "405 with HTML": {"kind": "status", "status": 405, **HTML},
}
WORKED = ("reset after the work", "an answer cut off", "an answer after the timeout", "503 after the work")

every_reaction = pytest.mark.parametrize(
    ("fault", "operation", "reaction"),
    [
        pytest.param(fault, operation, reaction, id=f"{fault}: {operation.value} {reaction}")
        for fault, *reactions in REACTIONS
        for operation, reaction in zip((Operation.LIST, Operation.GET, Operation.DELETE, Operation.CREATE), reactions)
    ],
)


@every_reaction
def test_retries_for_each_outcome(
    account: Account, time_: Time, runner: str, fault: str, operation: Operation, reaction: str
) -> None:
    account.fault(operation=IDS[operation], **FAULTS[fault])
    client = client_of(account, time_, timeout=0.75)
    if reaction is AGAIN and operation is Operation.DELETE and fault in WORKED:
        # The first request may have deleted the runner. The caller must know this.
        failed = failure_of(client, operation)
        assert (failed.failure.code, failed.in_doubt) == ("not_found", True)
    elif reaction is AGAIN:
        client.send(operation, PATHS[operation])
    else:
        failed = failure_of(client, operation)
        if operation in CHANGING:
            assert failed.in_doubt is (reaction is DOUBT)
    assert account.operations() == [IDS[operation]] * (2 if reaction is AGAIN else 1)
    assert len(time_.waits) == (reaction is AGAIN)


FAILURES = [
    # the repeated outcome, code, retryable
    ("429", "rate_limited", True),
    ("reset before the request was read", "no_answer", True),
    ("reset after the work", "no_answer", True),
    ("an answer cut off", "no_answer", True),
    ("an answer after the timeout", "no_answer", True),
    ("502 with HTML", "server_error", True),
    ("503", "server_error", True),
    ("500", "server_error", True),
    ("200 with HTML", "not_soda_cloud", False),
    ("200 with a list", "not_soda_cloud", False),
    ("200 with half of the JSON", "not_soda_cloud", False),
    ("302", "not_soda_cloud", False),
    ("400", "bad_request", False),
    ("401", "unauthorized", False),
    ("403", "forbidden", False),
    ("405 with HTML", "refused", False),
]


@every_operation
@pytest.mark.parametrize(("fault", "code", "retryable"), FAILURES, ids=[row[0] for row in FAILURES])
def test_code_and_retryable_of_each_failure(
    account: Account, time_: Time, runner: str, fault: str, code: str, retryable: bool, operation: Operation
) -> None:
    account.fault(operation=IDS[operation], times=None, **FAULTS[fault])
    timeout = 0.5 if fault == "an answer after the timeout" else 10
    failed = failure_of(client_of(account, time_, timeout=timeout, retry_budget=0), operation)
    in_doubt_about_a_key = operation is Operation.CREATE and failed.in_doubt
    if in_doubt_about_a_key:
        code = "create_outcome_unknown"
    elif fault == "400" and operation is Operation.DELETE:
        code = "runner_in_use"
    assert failed.failure.code == code
    # A second request for a key may issue a second key.
    assert failed.failure.retryable is (retryable and not in_doubt_about_a_key)
    assert account.operations() == [IDS[operation]]
    assert time_.waits == []


@every_operation
def test_absent_runner_differs_from_unknown_path(account: Account, time_: Time, operation: Operation) -> None:
    account.fault(operation=IDS[operation], **FAULTS["404"])
    failed = failure_of(client_of(account, time_), operation)
    expected = {Operation.LIST: "not_soda_cloud", Operation.CREATE: "not_found"}
    assert failed.failure.code == expected.get(operation, "not_found")
    assert not (failed.in_doubt and operation in CHANGING)
    assert len(account.operations()) == 1


def test_not_found_may_come_as_400(account: Account, time_: Time) -> None:
    """Other paths of the Soda Cloud API use this status."""
    body = {"code": "runner_not_found", "message": "No such runner."}
    account.fault("status", IDS[Operation.DELETE], status=400, body=body)
    failure = failure_of(client_of(account, time_), Operation.DELETE).failure
    assert (failure.code, failure.api_code) == ("not_found", "runner_not_found")


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, {}), (400, {"code": "runner_not_found_here"}), (409, {"code": "runner_not_found"})],
)
def test_other_refusals_are_not_treated_as_absent(account: Account, time_: Time, status: int, body: Json) -> None:
    account.fault("status", IDS[Operation.DELETE], status=status, body=body)
    expected = {400: "runner_in_use", 409: "refused"}
    assert failure_of(client_of(account, time_), Operation.DELETE).failure.code == expected[status]


@every_operation
def test_404_with_a_web_page_is_not_from_soda_cloud(account: Account, time_: Time, operation: Operation) -> None:
    account.fault("html", IDS[operation], status=404)
    failed = failure_of(client_of(account, time_), operation)
    assert failed.failure.code in ("not_soda_cloud", "not_found")
    assert (failed.failure.code == "not_found") is (operation is Operation.CREATE)
    assert len(account.operations()) == 1


@every_operation
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 429, 500, 503])
@pytest.mark.parametrize("api_code", ["create_outcome_unknown", "key_orphaned", "ok", "runner_in_use"])
def test_the_api_cannot_choose_the_code(
    account: Account, time_: Time, operation: Operation, status: int, api_code: str
) -> None:
    """Otherwise the API could hide or fake an unknown outcome of a create request."""
    account.fault("status", IDS[operation], times=None, status=status, body={"code": api_code, "message": "x"})
    failed = failure_of(client_of(account, time_, retry_budget=0), operation)
    assert failed.failure.api_code == api_code
    in_doubt = operation is Operation.CREATE and status >= 500
    assert (failed.failure.code == "create_outcome_unknown") is in_doubt
    assert (failed.failure.code == "runner_in_use") is (operation is Operation.DELETE and status == 400)


def test_api_code_is_reported_beside_our_code(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=403, body={"code": "no_way", "message": "Because."})
    failure = failure_of(client_of(account, time_), Operation.LIST).failure
    assert (failure.code, failure.api_code) == ("forbidden", "no_way")
    assert "Because." in failure.message
    assert failure.trace_id == account.journal()[0]["trace_id"]


@pytest.mark.parametrize(
    "body",
    [{}, {"code": 5, "message": []}, {"code": "", "message": " "}, [], "text", None, {"code": None}],
    ids=json.dumps,
)
def test_code_and_message_of_the_api_are_optional(account: Account, time_: Time, body: Any) -> None:
    account.fault("status", IDS[Operation.LIST], status=400, body=json.dumps(body))
    failure = failure_of(client_of(account, time_), Operation.LIST).failure
    assert (failure.code, failure.api_code) == ("bad_request", None)
    assert "400" in failure.message


def test_api_message_is_shown_in_one_short_line(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=400, body={"message": "a\nb\x1b[31m" + "x" * 10_000})
    message = failure_of(client_of(account, time_), Operation.LIST).failure.message
    assert message.isprintable()
    assert len(message) < 1000


def test_api_message_is_quoted_without_changes(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=400, body={"message": "See ../up..."})
    message = failure_of(client_of(account, time_), Operation.LIST).failure.message
    assert message == f"Soda Cloud at {account.endpoint} answered 400: See ../up."


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Plan X.", "Plan X"),
        ("a\n\tb\x1b[0m ", "a b\ufffd[0m"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 297),
        ("the-secret-of-the-account, an-id:the-secret-of-the-account", "********, an-id:********"),
        ("Basic YW4taWQ6dGhlLXNlY3JldC1vZi10aGUtYWNjb3VudA==", "Basic ********"),
    ],
    ids=plain_id,
)
def test_api_message_is_sanitized(sent: str, shown: str) -> None:
    with served(lambda request: ok(json.dumps({"message": sent}).encode(), status="400 Bad Request")) as url:
        assert (
            failure_of(client_at(url), Operation.LIST).failure.message == f"Soda Cloud at {url} answered 400: {shown}."
        )
    # An ellipsis marks a cut in a field that no full stop follows.
    with served(lambda request: ok(json.dumps({"code": sent}).encode(), status="400 Bad Request")) as url:
        code = failure_of(client_at(url), Operation.LIST).failure.api_code
    assert code == (sent if sent == "Plan X." else shown + "..." if sent == "x" * 301 else shown)


def test_secret_in_an_api_message_is_not_shown(account: Account, time_: Time) -> None:
    message = f"You sent {account.api_key_secret}"
    account.fault("status", IDS[Operation.LIST], status=400, body={"message": message, "code": account.api_key_secret})
    failed = failure_of(client_of(account, time_), Operation.LIST)
    assert account.api_key_secret not in repr((failed.failure, str(failed)))


def test_answer_with_a_key_is_not_quoted(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.CREATE], status=200, body='["a-secret-of-a-runner"]')
    assert "a-secret-of-a-runner" not in str(failure_of(client_of(account, time_), Operation.CREATE))


# Returned values and messages


def test_answer_is_returned_with_its_trace_id(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=200, body={"a": [1]})
    answered = client_of(account, time_).send(Operation.LIST, RUNNERS)
    assert answered == ({"a": [1]}, account.journal()[0]["trace_id"])


def test_parameters_are_sent_in_the_url(account: Account, time_: Time) -> None:
    client_of(account, time_).send(Operation.LIST, RUNNERS, {"page": 0, "size": 10})
    assert [entry["query"] for entry in account.journal()] == ["page=0&size=10"]


def test_missing_trace_id_is_none() -> None:
    with served(lambda request: ok(b"{}")) as url:
        assert client_at(url).send(Operation.LIST, RUNNERS) == ({}, None)


NOT_SODA_CLOUD = [
    # operation, status, body, message
    ("list", "200 OK", b"", "200 with nothing in the answer"),
    ("list", "205 Reset Content", b" ", "205 with nothing in the answer"),
    ("list", "200 OK", b"\n <!DOCTYPE html>", "200 with a web page (HTML)"),
    ("list", "200 OK", b"hello\n<", "200 with something that is not JSON"),
    ("list", "200 OK", b"[]", "200 with JSON that is not an object"),
    ("list", "201 Created", b"5", "201 with JSON that is not an object"),
    ("list", "199 Soon", b"{}", "199 which is not a final answer"),
    ("list", "404 Not Found", b"{}", "404 for a path that Soda Cloud always has"),
    ("get", "404 Not Found", b"<p>", "404 with a web page (HTML)"),
    ("list", "300 Choices", b"{}", "300 with a redirect to nowhere, and redirects are not followed"),
]


@pytest.mark.parametrize(
    ("operation", "status", "body", "message"), NOT_SODA_CLOUD, ids=[message for *_rest, message in NOT_SODA_CLOUD]
)
def test_answer_that_is_not_from_soda_cloud_is_described(
    operation: str, status: str, body: bytes, message: str
) -> None:
    with served(lambda request: ok(body, "X-Soda-Trace-Id: a-trace", status=status)) as url:
        failure = failure_of(client_at(url), Operation(operation)).failure
    assert failure.code == "not_soda_cloud"
    assert failure.message.startswith(f"{url} does not answer as Soda Cloud: {message}. Check endpoint: ")
    assert (failure.http_status, failure.trace_id) == (int(status.split()[0]), "a-trace")


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://elsewhere.example:8443/login?a=b", "elsewhere.example:8443"),
        ("/login", "nowhere"),
        ("", "nowhere"),
        ("http://[", "nowhere"),
    ],
)
def test_message_names_only_the_host_of_a_redirect(location: str, host: str) -> None:
    """The rest of the URL may contain a login token."""
    with served(lambda request: ok(b"", f"Location: {location}", status="302 Found")) as url:
        message = failure_of(client_at(url), Operation.LIST).failure.message
    assert f": 302 with a redirect to {host}, and redirects are not followed. " in message


@pytest.mark.parametrize("status", ["204 No Content", "404 Not Found"])
def test_absence_is_recognized_without_a_body(status: str) -> None:
    with served(lambda request: ok(b"", status=status)) as url:
        client = client_at(url)
        if status.startswith("204"):
            assert client.send(Operation.DELETE, PATHS[Operation.DELETE]) == ({}, None)
        else:
            assert failure_of(client, Operation.DELETE).failure.code == "not_found"


ANSWERED = [
    # status, operation, our code. The code in the answer does not change it
    (400, Operation.LIST, "bad_request"),
    (404, Operation.GET, "not_found"),
    (404, Operation.CREATE, "not_found"),
    (418, Operation.LIST, "refused"),
    (429, Operation.LIST, "rate_limited"),
    (499, Operation.LIST, "refused"),
    (500, Operation.LIST, "server_error"),
    (502, Operation.LIST, "server_error"),
    (503, Operation.LIST, "server_error"),
    (504, Operation.LIST, "server_error"),
    (505, Operation.LIST, "server_error"),
]


@pytest.mark.parametrize(("status", "operation", "code"), ANSWERED)
@pytest.mark.parametrize(
    "body", [{"code": "its_own", "message": "Because."}, {}], ids=["with message", "without message"]
)
def test_error_message_contains_status_and_api_message(
    account: Account, time_: Time, status: int, operation: Operation, code: str, body: Json
) -> None:
    account.fault("status", IDS[operation], status=status, body=body)
    failure = failure_of(client_of(account, time_, retry_budget=0), operation).failure
    ending = ": Because." if body else "."
    assert f"{failure.message} ".startswith(f"Soda Cloud at {account.endpoint} answered {status}{ending} ")
    assert (failure.code, failure.api_code) == (code, "its_own" if body else None)
    assert (failure.http_status, failure.trace_id) == (status, account.journal()[0]["trace_id"])


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (Operation.GET, "answered 404."),
        (Operation.DELETE, "answered 404."),
        (Operation.CREATE, "answered 404."),
    ],
)
def test_message_about_an_absent_runner_contains_no_path(
    account: Account, time_: Time, operation: Operation, message: str
) -> None:
    account.fault("status", IDS[operation], status=404, body={})
    failed = failure_of(client_of(account, time_), operation)
    assert failed.failure.message == f"Soda Cloud at {account.endpoint} {message}"


def test_answer_with_another_object_is_not_from_soda_cloud(account: Account, time_: Time) -> None:
    client = client_of(account, time_)
    failed = client.not_soda_cloud(Operation.GET, "no runner", "a-trace")
    assert (failed.failure.code, failed.failure.operation) == ("not_soda_cloud", "get")
    assert (failed.failure.http_status, failed.failure.trace_id) == (200, "a-trace")
    assert failed.failure.message == (
        f"{account.endpoint} does not answer as Soda Cloud: no runner. Check endpoint: it is https://cloud.soda.io,"
        " https://cloud.us.soda.io or your organization's own."
    )
    assert failed.in_doubt is False
    assert client.not_soda_cloud(Operation.DELETE, "no runner", None, in_doubt=True).in_doubt is True


class Silent(Exception):
    """A failure without a message."""


def failed_for(*causes: BaseException) -> SodaError:
    """The failure of a request with these causes, outermost first."""
    for outer, inner in zip(causes, causes[1:]):
        outer.__cause__ = inner

    def fail(*_arguments: object, **_options: object) -> NoReturn:
        raise causes[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "request", fail)
        return failure_of(client_at("http://127.0.0.1:1"), Operation.LIST)


def test_message_about_a_missing_answer_contains_the_innermost_cause() -> None:
    start = "No answer from Soda Cloud at http://127.0.0.1:1"
    assert failed_for(OSError("outer"), ValueError("inner")).failure.message == f"{start} (inner)."
    assert failed_for(OSError("outer"), Silent(), Silent(KeyError())).failure.message == f"{start} (KeyError)."
    assert failed_for(OSError("outer"), ValueError("middle"), Silent()).failure.message == f"{start} (Silent)."


def test_message_about_a_failed_connection_contains_the_cause() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    failure = failure_of(client_at(url), Operation.LIST).failure
    assert re.fullmatch(rf"No connection to Soda Cloud at {re.escape(url)} \(.*Connection refused\)\.", failure.message)


def test_message_about_an_incomplete_answer_contains_the_cause() -> None:
    with served(lambda request: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}") as url:
        message = failure_of(client_at(url), Operation.LIST).failure.message
    assert re.fullmatch(rf"No answer from Soda Cloud at {re.escape(url)} \(.*98.*\)\.", message)


def test_each_cause_is_found_once() -> None:
    class Wrapping(Exception):
        reason: Any = None

    wrapping = Wrapping(ValueError("in the arguments"))
    wrapping.reason = ValueError("in the reason")
    wrapping.__cause__ = ValueError("the cause")
    wrapping.__context__ = ValueError("the context, which is hidden by the cause")
    assert [str(cause) for cause in causes_of(wrapping)][1:] == ["in the reason", "in the arguments", "the cause"]

    handled = ValueError("while another was handled")
    handled.__context__ = KeyError()
    assert [type(cause) for cause in causes_of(handled)] == [ValueError, KeyError]

    nested = Wrapping(Wrapping(ValueError("deep")), KeyError())
    assert [type(cause) for cause in causes_of(nested)] == [Wrapping, Wrapping, KeyError, ValueError]


def test_circular_causes_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert list(itertools.islice(causes_of(one), 5)) == [one, other]


@pytest.mark.parametrize(
    ("cause", "no_tls"),
    [
        (ssl.SSLError(1, "certificate verify failed: unable to get local issuer certificate"), True),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), True),
        (ssl.SSLError(8, "EOF occurred in violation of protocol"), False),
        (OSError("Could not find a suitable TLS CA certificate bundle, invalid path: x"), True),
        (OSError("certificate verify failed"), False),
    ],
    ids=str,
)
def test_only_permanent_faults_are_tls_failures(cause: Exception, no_tls: bool) -> None:
    assert failed_for(cause).failure.code == ("tls_failed" if no_tls else "no_answer")


@pytest.mark.parametrize("operation", CHANGING, ids=lambda operation: operation.value)
def test_only_a_key_request_warns_of_a_lost_key(
    account: Account, time_: Time, runner: str, operation: Operation
) -> None:
    account.fault("status", IDS[operation], status=500, body={})
    failed = failure_of(client_of(account, time_), operation)
    answered = f"Soda Cloud at {account.endpoint} answered 500."
    assert failed.in_doubt is True
    assert failed.failure.message == (f"{answered} {ORPHAN_ADVICE}" if operation is Operation.CREATE else answered)


def test_answer_is_accepted_up_to_the_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 10)
    with served(lambda request: ok(b'{"a": 123}')) as url:
        assert client_at(url).send(Operation.LIST, RUNNERS) == ({"a": 123}, None)
    with served(lambda request: ok(b'{"a": 1234}')) as url:
        failure = failure_of(client_at(url), Operation.LIST).failure
    assert ": the answer is larger than 10 bytes. " in failure.message


def test_incomplete_answer_is_detected_without_urllib3(monkeypatch: pytest.MonkeyPatch) -> None:
    """urllib3 before 2.0 does not check the length."""

    answer = requests.Response()
    answer.raw = SimpleNamespace(
        length_remaining=5,
        read=lambda *_sizes, **_options: b"",
        close=lambda: None,
        release_conn=lambda: None,
    )
    monkeypatch.setattr(requests.Session, "request", lambda *_arguments, **_options: answer)
    failure = failure_of(client_at("http://127.0.0.1:1"), Operation.LIST).failure
    assert failure.code == "no_answer"
    assert "(the answer ended 5 bytes too early)" in failure.message


@contextlib.contextmanager
def full_server() -> Iterator[str]:
    """A server whose connection queue is full. It answers no more than a firewall that drops packets."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _unused in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_connection_that_is_never_accepted_leaves_no_doubt() -> None:
    with full_server() as url:
        failed = failure_of(client_at(url, timeout=0.3), Operation.CREATE)
    assert failed.failure.code == "unreachable"
    assert failed.in_doubt is False


# A connection that is slower than the timeout


def test_several_dead_addresses_leave_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt is bounded, and all together take longer than the timeout of the request."""
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *to, **options: look_up(*to, **options) * 4)
    with full_server() as url:
        failed = failure_of(client_at(url, timeout=0.4), Operation.CREATE)
    assert failed.failure.code == "unreachable"
    assert failed.in_doubt is False


def test_connection_that_is_made_too_late_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a request that was given up would issue a key that nobody gets."""
    look_up, found, requests_ = socket.getaddrinfo, threading.Event(), []

    def slow(*to: Any, **options: Any) -> Any:
        assert found.wait(60)
        return look_up(*to, **options)

    def answered(request: bytes) -> bytes:
        requests_.append(request)
        return ok(b"{}")

    with served(answered) as url:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        before = threading.enumerate()
        failed = failure_of(client_at(url, timeout=0.2), Operation.CREATE)
        left_behind = [thread for thread in threading.enumerate() if thread not in before]
        found.set()
        assert left_behind
        for thread in left_behind:
            thread.join(30)
            assert not thread.is_alive()
    assert failed.failure.code == "unreachable"
    assert failed.in_doubt is False
    # The connection may be made and closed.
    assert b"".join(requests_) == b""


@pytest.mark.parametrize("greeting", [b"", None], ids=["silent", "closed"])
def test_handshake_without_end_leaves_no_doubt(greeting: bytes | None) -> None:
    ended = threading.Event()

    def handle(connected: socket.socket) -> None:
        if greeting is not None:
            ended.wait(30)

    with listening(handle) as url:
        failed = failure_of(client_at(url.replace("http:", "https:"), timeout=0.5), Operation.CREATE)
        ended.set()
    assert failed.failure.code == "unreachable"
    assert failed.in_doubt is False


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "closed"])
def test_proxy_without_a_tunnel_leaves_no_doubt(silent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def handle(connected: socket.socket) -> None:
        request_of(connected)
        if silent:
            ended.wait(30)

    with listening(handle) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        failed = failure_of(client_at("https://soda.invalid", timeout=0.5), Operation.CREATE)
        ended.set()
    assert failed.failure.code == "unreachable"
    assert failed.in_doubt is False


def test_request_sent_through_a_tunnel_is_in_doubt(own: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.cert, own.key)

    def handle(connected: socket.socket) -> None:
        request_of(connected)
        connected.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(connected, server_side=True) as inside:
            request_of(inside)

    with listening(handle) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        client = client_at("https://127.0.0.1:1", ca_path=str(own.cert), timeout=5)
        failed = failure_of(client, Operation.CREATE)
    assert failed.failure.code == "create_outcome_unknown"


@every_operation
def test_request_sent_on_a_used_connection_is_in_doubt(operation: Operation) -> None:
    answers = iter([ok(b"{}")])

    def handle(connected: socket.socket) -> None:
        while request_of(connected):
            connected.sendall(next(answers, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"))

    with listening(handle) as url:
        client = client_at(url, timeout=0.5)
        client.send(Operation.LIST, RUNNERS)
        failed = failure_of(client, operation)
    assert failed.failure.code == ("create_outcome_unknown" if operation is Operation.CREATE else "no_answer")


# Waiting


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("5", 5),
        ("60", 60),
        ("1", 1),
        (None, 15),
        ("0", 1),
        ("-3", 1),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 15),
        ("soon", 15),
        ("", 15),
        ("5 seconds", 15),
        ("nan", 15),
        ("inf", 15),
    ],
    ids=str,
)
@pytest.mark.parametrize("operation", [Operation.LIST, Operation.CREATE], ids=lambda operation: operation.value)
def test_rate_limited_request_waits_for_retry_after(
    account: Account, time_: Time, operation: Operation, retry_after: str | None, seconds: float
) -> None:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    account.fault("status", IDS[operation], status=429, headers=headers)
    client_of(account, time_).send(operation, PATHS[operation])
    assert time_.waits == [seconds]


def test_jitter_adds_up_to_30_percent_to_a_wait(account: Account) -> None:
    time_ = Time()
    account.fault("status", IDS[Operation.LIST], status=429, headers={"Retry-After": "10"}, times=25)
    client = client_of(account, time_, jitter=random.uniform, retry_budget=1000)
    client.send(Operation.LIST, RUNNERS)
    assert all(10 <= wait <= 13 for wait in time_.waits)
    assert max(time_.waits) - min(time_.waits) > 0.5


def test_jitter_is_the_default(account: Account) -> None:
    time_ = Time()
    account.fault("status", IDS[Operation.LIST], status=429, headers={"Retry-After": "10"}, times=5)
    to = connection(account.endpoint, account.api_key_id, account.api_key_secret)
    Client(to, sleep=time_.sleep, clock=time_.clock).send(Operation.LIST, RUNNERS)
    assert all(10 <= wait <= 13 for wait in time_.waits)
    assert len(set(time_.waits)) == 5


def test_waits_without_retry_after_grow(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=502, times=7)
    client_of(account, time_).send(Operation.LIST, RUNNERS)
    assert time_.waits == [1, 2, 4, 8, 16, 30, 30]


def test_budget_of_one_second_allows_one_wait(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=502)
    client_of(account, time_, retry_budget=1).send(Operation.LIST, RUNNERS)
    assert time_.waits == [1]


def test_503_with_retry_after_waits_for_it(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=503, headers={"Retry-After": "7"})
    client_of(account, time_).send(Operation.LIST, RUNNERS)
    assert time_.waits == [7]


def test_budget_limits_the_waiting_for_one_request(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=429, headers={"Retry-After": "7"}, times=None)
    failed = failure_of(client_of(account, time_, retry_budget=30), Operation.LIST)
    assert (failed.failure.code, failed.failure.api_code) == ("rate_limited", "fault")
    assert sum(time_.waits) <= 30
    assert len(account.operations()) == len(time_.waits) + 1


def test_all_requests_of_a_task_share_one_budget(account: Account, time_: Time) -> None:
    client = client_of(account, time_, retry_budget=20)
    account.fault("status", IDS[Operation.LIST], status=429, headers={"Retry-After": "8"}, times=2)
    client.send(Operation.LIST, RUNNERS)
    assert time_.waits == [8, 8]
    account.fault("status", IDS[Operation.CREATE], status=429, headers={"Retry-After": "8"}, times=None)
    failure_of(client, Operation.CREATE)
    assert sum(time_.waits) <= 20


def test_retry_after_longer_than_the_budget_fails_at_once(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=429, headers={"Retry-After": "86400"}, times=None)
    failure_of(client_of(account, time_, retry_budget=60), Operation.LIST)
    assert time_.waits == []
    assert account.operations() == [IDS[Operation.LIST]]


def test_no_request_is_sent_before_retry_after_has_passed(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=429, headers={"Retry-After": "8"}, times=None)
    failure_of(client_of(account, time_, retry_budget=20), Operation.LIST)
    assert time_.waits == [8, 8]


def test_message_contains_the_waiting_time_and_the_number_of_requests(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=429, headers={"Retry-After": "10"}, times=None, body="")
    message = failure_of(client_of(account, time_, retry_budget=20), Operation.LIST).failure.message
    assert "waited 20 s" in message
    assert f"Sent {len(account.operations())} requests" in message
    assert "retry_budget" in message


@pytest.mark.parametrize(
    ("seconds", "ending"),
    [(0.9, ""), (1.0, " Made 1 attempt, waited 1 s in all."), (2.6, " Made 1 attempt, waited 3 s in all.")],
)
def test_waiting_time_below_one_second_is_not_shown(seconds: float, ending: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    moments = iter((0.0, seconds))
    client = Client(connection(url, "an-id", "a-secret", retry_budget=0), clock=lambda: next(moments))
    assert failure_of(client, Operation.LIST).failure.message.endswith(f"Connection refused).{ending}")


def test_message_contains_retries_after_short_waits(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=502, times=2, body={})
    message = failure_of(client_of(account, time_, retry_budget=0.75), Operation.LIST).failure.message
    assert message.endswith(" answered 502. Sent 2 requests, waited 1 s in all.")


@every_operation
@pytest.mark.parametrize("fault", ["429", "503", "reset before the request was read"])
def test_a_budget_of_0_never_waits(account: Account, time_: Time, fault: str, operation: Operation) -> None:
    account.fault(operation=IDS[operation], **FAULTS[fault])
    failure_of(client_of(account, time_, retry_budget=0), operation)
    assert time_.waits == []
    assert len(account.operations()) == 1


def test_client_stays_within_the_real_rate_limits(emulator: Emulator) -> None:
    """25 keys at 10 keys a minute take almost two minutes."""
    account = emulator.account()
    time_ = Time(account)
    client = client_of(account, time_, jitter=random.uniform)
    for _unused in range(25):
        client.send(Operation.CREATE, RUNNERS)
    assert account.stats()["keys_issued"] == 25
    assert account.operations().count("createRunner") == 25 + len(time_.waits)
    assert 110 <= sum(time_.waits) <= 170
    account.remove()


# Headers and credentials


@every_operation
@pytest.mark.parametrize("retry_budget", [300, 0.5, 0])
def test_the_headers_of_every_request(
    account: Account, time_: Time, runner: str, operation: Operation, retry_budget: float
) -> None:
    client_of(account, time_, retry_budget=retry_budget).send(operation, PATHS[operation])
    (entry,) = account.journal()
    version = re.search(r"^version: (\S+)$", GALAXY.read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    assert entry["headers"]["User-Agent"] == f"community.soda/{version[1]}"
    assert entry["headers"]["Accept"] == "application/json"
    assert entry["headers"].get("X-Soda-Backpressure") == ("1" if retry_budget else None)


def test_key_request_has_no_body(account: Account, time_: Time) -> None:
    client_of(account, time_).send(Operation.CREATE, RUNNERS)
    (entry,) = account.journal()
    assert entry["method"] == "POST"
    assert entry["headers"].get("Content-Length") in (None, "0")


def test_credentials_are_sent_with_the_first_request(account: Account, time_: Time) -> None:
    """The client does not wait for status 401."""
    client_of(account, time_).send(Operation.LIST, RUNNERS)
    assert [entry["status"] for entry in account.journal()] == [200]


def test_a_netrc_file_does_not_replace_the_credentials(
    account: Account, time_: Time, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    client_of(account, time_).send(Operation.LIST, RUNNERS)
    assert [entry["status"] for entry in account.journal()] == [200]


def test_credentials_may_contain_any_character(time_: Time) -> None:
    sent = []

    def answered(request: bytes) -> bytes:
        sent.append(request)
        return ok(b"{}")

    with served(answered) as url:
        Client(connection(url, "ключ", "Zürich: ☂", timeout=5)).send(Operation.LIST, RUNNERS)
    # base64 of "ключ:Zürich: ☂" in UTF-8
    assert b"Authorization: Basic 0LrQu9GO0Yc6WsO8cmljaDog4piC" in sent[0]


def test_repr_of_a_connection_contains_no_secret(account: Account) -> None:
    to = connection(account.endpoint, account.api_key_id, account.api_key_secret)
    assert account.api_key_secret not in repr(to)


# Servers that the emulator cannot imitate


@contextlib.contextmanager
def listening(handle: Callable[[socket.socket], None], port: int = 0) -> Iterator[str]:
    """A server that calls *handle* with each connection. Yields its URL."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(0.01)

        def accept() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    connected, _unused = server.accept()
                    threading.Thread(target=deal_with, args=(connected,), daemon=True).start()

        def deal_with(connected: socket.socket) -> None:
            with contextlib.suppress(OSError), connected:
                connected.settimeout(10)
                handle(connected)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def served(answer: Callable[[bytes], bytes], port: int = 0) -> contextlib.AbstractContextManager[str]:
    """A server that answers each request with the bytes given, and then closes the connection."""

    def handle(connected: socket.socket) -> None:
        connected.sendall(answer(request_of(connected)))

    return listening(handle, port)


def request_of(connected: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        received = connected.recv(65536)
        if not received:
            break
        request += received
    return request


def ok(body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def client_at(url: str, time_: Time | None = None, **options: Any) -> Client:
    time_ = time_ or Time()
    to = connection(url, "an-id", "the-secret-of-the-account", **{"timeout": 5, "retry_budget": 0, **options})
    return Client(to, sleep=time_.sleep, clock=time_.clock, jitter=lambda low, high: low)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@every_operation
def test_request_is_sent_again_if_no_connection_was_made(operation: Operation) -> None:
    port, requests = free_port(), []
    with contextlib.ExitStack() as stack:

        def answered(request: bytes) -> bytes:
            requests.append(request)
            return ok(b"{}")

        class UpLater(Time):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                stack.enter_context(served(answered, port))

        time_ = UpLater()
        client_at(f"http://127.0.0.1:{port}", time_, retry_budget=60).send(operation, PATHS[operation])
    assert len(requests) == 1
    assert len(time_.waits) == 1


@every_operation
def test_unreachable_server_fails_within_the_budget_and_leaves_no_doubt(operation: Operation) -> None:
    time_ = Time()
    failed = failure_of(client_at(f"http://127.0.0.1:{free_port()}", time_, retry_budget=60), operation)
    assert failed.failure.code == "unreachable"
    assert failed.failure.retryable is True
    assert failed.in_doubt is False
    assert "may have issued" not in failed.failure.message
    assert 0 < sum(time_.waits) <= 60


def test_host_without_an_address_leaves_no_doubt() -> None:
    failed = failure_of(client_at("https://soda.invalid"), Operation.CREATE)
    assert failed.failure.code == "unreachable"
    assert failed.in_doubt is False


@pytest.mark.parametrize(
    "proxy", ["http://", "gopher://127.0.0.1", "socks5://127.0.0.1:1", "http://127.0.0.1:1"], ids=str
)
def test_unusable_proxy_leaves_no_doubt(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    failed = failure_of(client_at("https://soda.invalid"), Operation.CREATE)
    assert failed.failure.code == "unreachable"
    assert failed.in_doubt is False


def test_proxy_that_refuses_leaves_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(lambda request: ok(b"", status="407 Proxy Authentication Required")) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        failed = failure_of(client_at("https://soda.invalid"), Operation.CREATE)
    assert failed.failure.code == "unreachable"
    assert failed.in_doubt is False


@pytest.mark.parametrize("text", ["Tunnel connection failed: 503", "certificate verify failed"])
def test_text_from_a_server_cannot_cause_a_retry(text: str) -> None:
    """Not even the text of a failure that can only occur before a request is sent."""
    requests = []

    def answered(request: bytes) -> bytes:
        requests.append(request)
        return f"{text}\r\n".encode()

    with served(answered) as url:
        failed = failure_of(client_at(url, retry_budget=60), Operation.CREATE)
    assert failed.failure.code == "create_outcome_unknown"
    assert len(requests) == 1


def test_time_lost_to_a_silent_server_counts_as_waiting() -> None:
    """So a task waits for its budget and one timeout, not for one timeout at each attempt."""
    begun = time.monotonic()
    with listening(lambda connected: time.sleep(3)) as url:
        to = connection(url, "an-id", "a-secret", timeout=0.4, retry_budget=1)
        failure_of(Client(to, sleep=lambda seconds: time.sleep(min(seconds, 0.1))), Operation.LIST)
    assert time.monotonic() - begun < 3


@every_operation
def test_slow_answer_ends_with_the_timeout(operation: Operation) -> None:
    def trickle(connected: socket.socket) -> None:
        request_of(connected)
        for byte in ok(b'{"a": 1}' + b" " * 1000):
            connected.sendall(bytes([byte]))
            time.sleep(0.1)

    begun = time.monotonic()
    with listening(trickle) as url:
        before = threading.enumerate()
        failed = failure_of(client_at(url, timeout=0.5), operation)
        assert time.monotonic() - begun < 3
        # The remaining threads do not keep the process from ending.
        assert all(thread.daemon for thread in threading.enumerate() if thread not in before)
    assert "(no complete answer in 0.5 seconds)" in failed.failure.message
    assert failed.failure.code == ("create_outcome_unknown" if operation is Operation.CREATE else "no_answer")


def test_endless_answer_is_not_from_soda_cloud() -> None:
    def flood(connected: socket.socket) -> None:
        request_of(connected)
        connected.sendall(ok(b"", length=False))
        while True:
            connected.sendall(b" " * 2**20)

    with listening(flood) as url:
        failure = failure_of(client_at(url, timeout=30), Operation.LIST).failure
    assert failure.code == "not_soda_cloud"
    assert f"Soda Cloud: the answer is larger than {LARGEST_ANSWER} bytes. " in failure.message


def test_large_compressed_answer_is_not_from_soda_cloud() -> None:
    bomb = ok(gzip.compress(b" " * 2**27), "Content-Encoding: gzip")
    with served(lambda request: bomb) as url:
        assert failure_of(client_at(url, timeout=30), Operation.LIST).failure.code == "not_soda_cloud"


@pytest.mark.parametrize("times", [1, 2])
def test_a_compressed_answer_is_unpacked_in_bounded_pieces(times: int) -> None:
    """Unpacked at once, it would take 512 MB. urllib3 before 2.0 unpacks an answer as often as the header says."""
    body = b" " * 2**29
    for _time in range(times):
        body = gzip.compress(body)
    bomb = ok(body, f"Content-Encoding: {', '.join(['gzip'] * times)}")
    with served(lambda request: bomb) as url:
        client = client_at(url, timeout=30)
        tracemalloc.start()
        try:
            failure = failure_of(client, Operation.LIST).failure
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert failure.code == "not_soda_cloud"
    assert peak < 4 * LARGEST_ANSWER


@pytest.mark.parametrize("encoding", ["gzip, gzip", "deflate", "br", "gzip, identity, gzip", "compress"])
def test_an_encoding_that_was_not_requested_is_not_unpacked(encoding: str) -> None:
    twice = ok(gzip.compress(gzip.compress(b'{"a": 1}')), f"Content-Encoding: {encoding}")
    with served(lambda request: twice) as url:
        failure = failure_of(client_at(url), Operation.LIST).failure
    assert failure.code == "not_soda_cloud"
    assert "Content-Encoding" in failure.message


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_compressed_answer_is_read(encoding: str) -> None:
    with served(lambda request: ok(gzip.compress(b'{"a": 1}'), f"Content-Encoding: {encoding}")) as url:
        assert client_at(url).send(Operation.LIST, RUNNERS) == ({"a": 1}, None)


def test_a_compressed_answer_that_is_cut_off_is_in_doubt() -> None:
    cut = ok(gzip.compress(b'{"apiKeyId": "x", "apiKeySecret": "y"}')[:-12], "Content-Encoding: gzip")
    with served(lambda request: cut) as url:
        failed = failure_of(client_at(url), Operation.CREATE)
    assert (failed.failure.code, failed.in_doubt) == ("create_outcome_unknown", True)


# Proxies


@every_operation
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_loopback_endpoint_in_clear_text_never_uses_a_proxy(
    operation: Operation, variable: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy would get the API key in clear text."""
    seen: list[bytes] = []

    def proxy(request: bytes) -> bytes:
        seen.append(request)
        return ok(b"{}")

    with served(proxy) as proxy_url, served(lambda request: ok(b"{}")) as url:
        monkeypatch.setenv(variable, proxy_url)
        monkeypatch.setenv("NO_PROXY", "elsewhere.example")
        client_at(url.replace("127.0.0.1", host)).send(operation, PATHS[operation])
    assert seen == []


@pytest.mark.parametrize(
    "proxy",
    [
        "http://someone:pass-word@127.0.0.1:1",
        "http://someone:pass-word@[bad",
        "http://someone:pass-word@host:port",
        "http://someone:pass-word/@127.0.0.1:1",
        "someone:pass-word@127.0.0.1:1",
        "gopher://someone:pass-word@127.0.0.1",
        "http://someone:pass word@127.0.0.1:1",
        "http://someone:pass%2Dword@127.0.0.1:1",
    ],
)
def test_no_failure_quotes_the_login_of_a_proxy(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    failed = failure_of(client_at("https://cloud.soda.io", retry_budget=0), Operation.LIST)
    assert "pass" not in repr((failed.failure, str(failed)))
    assert "word" not in repr((failed.failure, str(failed)))


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://someone:pass-word@127.0.0.1:1", "127.0.0.1:1"),
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("http://127.0.0.1:1/?pass-word", "127.0.0.1:1"),
    ],
)
def test_a_proxy_that_cannot_be_reached_is_named(proxy: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    message = failure_of(client_at("https://cloud.soda.io", retry_budget=1), Operation.LIST).failure.message
    assert message.startswith(f"No connection to Soda Cloud at https://cloud.soda.io through the proxy {shown} (")
    assert " attempts, waited 1 s in all." in message
    assert "Sent" not in message
    assert "word" not in message


def test_a_proxy_that_does_not_apply_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "soda.invalid")
    assert "proxy" not in failure_of(client_at("https://soda.invalid"), Operation.LIST).failure.message
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    url = f"http://127.0.0.1:{free_port()}"
    assert "proxy" not in failure_of(client_at(url), Operation.LIST).failure.message


# Fast failures


@every_operation
@pytest.mark.parametrize("seconds", [0.0, 9.9])
def test_request_without_a_connection_ends_within_a_minute(operation: Operation, seconds: float) -> None:
    """For any retry_budget, and for any duration of an attempt."""
    time_ = Time()
    to = connection(f"http://127.0.0.1:{free_port()}", "an-id", "a-secret", retry_budget=36_000)

    calls = itertools.count()

    def clock() -> float:
        # The client reads the clock before and after each attempt.
        time_.now += seconds * (next(calls) % 2)
        return time_.now

    failed = failure_of(Client(to, sleep=time_.sleep, clock=clock), operation)
    assert failed.failure.code == "unreachable"
    assert 30 <= time_.now <= 60
    assert failed.in_doubt is False


def test_rate_limit_wait_may_use_the_whole_budget(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=429, headers={"Retry-After": "60"}, times=None)
    failure_of(client_of(account, time_, retry_budget=3600), Operation.LIST)
    assert sum(time_.waits) == 3600


def test_no_request_and_no_wait_after_the_deadline(account: Account, time_: Time) -> None:
    account.fault("status", IDS[Operation.LIST], status=429, headers={"Retry-After": "7"}, times=None)
    client = client_of(account, time_)
    client.deadline = 20
    failed = failure_of(client, Operation.LIST)
    assert failed.failure.code == "rate_limited"
    assert time_.waits == [7, 7]


def test_deadline_limits_one_request(account: Account) -> None:
    account.fault("delay", IDS[Operation.LIST], seconds=5)
    client = client_of(account, Time(), retry_budget=0)
    client.deadline = 0.2
    began = time.monotonic()
    assert failure_of(client, Operation.LIST).failure.code == "no_answer"
    assert time.monotonic() - began < 4


def keep_alive(connected: socket.socket) -> None:
    while request_of(connected):
        connected.sendall(ok(b"{}"))


def test_each_key_request_uses_a_new_connection() -> None:
    """On a reused connection, a reset does not show whether Soda Cloud carried out the request."""
    connections: list[list[bytes]] = []

    def counted(connected: socket.socket) -> None:
        connections.append([])
        while True:
            request = request_of(connected)
            if not request:
                return
            connections[-1].append(request.split()[0])
            connected.sendall(ok(b"{}"))

    with listening(counted) as url:
        client = client_at(url)
        for operation in (Operation.LIST, Operation.LIST, Operation.CREATE, Operation.CREATE):
            client.send(operation, RUNNERS)
        client.close()
    assert connections == [[b"GET", b"GET"], [b"POST"], [b"POST"]]


def test_idle_connection_that_the_server_closed_does_not_affect_a_key_request() -> None:
    """The outcome of a POST on this connection would be unknown."""
    with served(lambda request: ok(b"{}")) as url:
        client = client_at(url)
        client.send(Operation.LIST, RUNNERS)
        time.sleep(0.1)
        client.send(Operation.CREATE, RUNNERS)


# Invalid answers

random_bytes = random.Random(20260101)
WIRE = {
    "nothing": b"",
    "a line": b"hello\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "an invalid status": b"HTTP/1.1 9999 What\r\n\r\n",
    "a status that is not a number": b"HTTP/1.1 abc OK\r\n\r\n",
    "status 0": b"HTTP/1.1 000 Zero\r\nContent-Length: 2\r\n\r\n{}",
    "the start of an answer": b"HTTP/1.1 200 OK\r\nContent-Le",
    "100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n",
    "101 Switching Protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000,
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
    "a header that is not ASCII": ok(b"[]", "X-Soda-Trace-Id: \xff\xfe"),
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n[]",
    "an invalid length": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n[]",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]]",
    "shorter than its length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
    "invalid chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "a chunk cut off": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}",
    "invalid gzip": ok(b"{}", "Content-Encoding: gzip"),
    "gzip cut off": ok(gzip.compress(b'{"a": 1}' * 100)[:20], "Content-Encoding: gzip"),
    "invalid deflate": ok(b"{}", "Content-Encoding: deflate"),
    "a redirect to nowhere": ok(b"", "Location: http://[", status="302 Found"),
    "a redirect without a location": ok(b"", status="302 Found"),
    "random bytes": random_bytes.getrandbits(8 * 500).to_bytes(500, "big"),
    **{f"a body of random bytes ({i})": ok(random_bytes.getrandbits(8 * 50).to_bytes(50, "big")) for i in range(10)},
    "a body in UTF-16": ok('["ü"]'.encode("utf-16")),
    "a body that is not UTF-8": ok(b'["\xff"]'),
    "a body nested deeply": ok(b"[" * 200_000),
    "objects nested deeply": ok(b'{"a":' * 200_000),
    "a number of too many digits": ok(b"1" * 10_000),
    "NaN": ok(b"NaN"),
    "a lone surrogate": ok(b'["\\ud800"]'),
    "an error with a lone surrogate": ok(b'{"code": "\\ud800", "message": "\\ud800"}', status="400 Bad"),
    "an error nested deeply": ok(b"[" * 200_000, status="400 Bad"),
    "an error that is not UTF-8": ok(b"\xff\xfe\x00", status="500 Bad"),
    "an invalid Retry-After": ok(b"\xff", "Retry-After: \xff", status="429 Wait"),
    "a Retry-After with 5000 digits": ok(b"", "Retry-After: " + "9" * 5000, status="429 Wait"),
}


@pytest.mark.usefixtures("no_garbage_collection")
@every_operation
@pytest.mark.parametrize("answer", list(WIRE.values()), ids=list(WIRE))
def test_invalid_answer_fails_with_a_failure_code(operation: Operation, answer: bytes) -> None:
    with served(lambda request: answer) as url:
        failed = failure_of(client_at(url, timeout=3), operation)
    assert failed.failure.code
    failed.failure.message.encode()  # Ansible must be able to print it


# Transport security


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate with its key."""

    cert: Path
    key: Path


def certificate(folder: Path, address: str = "127.0.0.1", days: int = 2) -> Certificate:
    """A certificate for *address* that expires in *days* days."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, folder.name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    made.cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls") / "own")


@pytest.fixture(scope="module")
def secure_emulator(own: Certificate) -> Iterator[Emulator]:
    with Emulator("--cert", str(own.cert), "--key", str(own.key), ca=str(own.cert)) as running:
        yield running


@pytest.fixture
def secure(secure_emulator: Emulator) -> Account:
    return secure_emulator.account(window_factor=0)


@contextlib.contextmanager
def presenting(shown: Certificate) -> Iterator[str]:
    """A server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.cert, shown.key)

    def handle(connected: socket.socket) -> None:
        with context.wrap_socket(connected, server_side=True) as wrapped:
            request_of(wrapped)
            wrapped.sendall(ok(b"{}"))

    with listening(handle) as url:
        yield url.replace("http://", "https://")


@every_operation
def test_untrusted_certificate_is_refused_and_nothing_is_sent(secure: Account, operation: Operation) -> None:
    time_ = Time()
    failed = failure_of(client_of(secure, time_), operation)
    assert failed.failure.code == "tls_failed"
    assert failed.failure.retryable is False
    assert failed.failure.message.startswith(f"No secure connection to {secure.endpoint} (")
    assert "certificate verify failed" in failed.failure.message
    assert "ca_path" in failed.failure.message
    assert failed.in_doubt is False
    assert secure.operations() == []
    assert time_.waits == []


def test_ca_path_names_a_private_authority(secure: Account, own: Certificate) -> None:
    client_of(secure, Time(), ca_path=str(own.cert)).send(Operation.LIST, RUNNERS)
    assert secure.operations() == ["listRunners"]


def test_ca_path_may_be_a_folder(secure: Account, own: Certificate, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the test needs openssl to name the files in the folder")
    command = [openssl, "x509", "-noout", "-subject_hash", "-in", str(own.cert)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    shutil.copy(own.cert, tmp_path / f"{name}.0")
    client_of(secure, Time(), ca_path=str(tmp_path)).send(Operation.LIST, RUNNERS)


def test_certificate_of_another_authority_is_refused(secure: Account, tmp_path: Path) -> None:
    other = certificate(tmp_path / "other")
    failed = failure_of(client_of(secure, Time(), ca_path=str(other.cert)), Operation.CREATE)
    assert failed.failure.code == "tls_failed"
    assert secure.operations() == []


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("environment", [False, True], ids=["", "with REQUESTS_CA_BUNDLE"])
def test_validate_certs_false_accepts_any_certificate(
    secure: Account, environment: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if environment:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate(tmp_path / "other").cert))
    client_of(secure, Time(), validate_certs=False).send(Operation.LIST, RUNNERS)
    assert secure.operations() == ["listRunners"]


@pytest.mark.parametrize("made", [{"days": -1}, {"address": "127.0.0.2"}], ids=["expired", "for another machine"])
def test_invalid_certificate_is_refused(made: Json, tmp_path: Path) -> None:
    shown = certificate(tmp_path / "shown", **made)
    with presenting(shown) as url:
        failed = failure_of(client_at(url, ca_path=str(shown.cert), retry_budget=60), Operation.CREATE)
    assert failed.failure.code == "tls_failed"
    assert failed.in_doubt is False


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "not a certificate"])
def test_unusable_ca_bundle_in_the_environment_leaves_no_doubt(
    secure: Account, content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content, encoding="utf-8")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    failed = failure_of(client_of(secure, Time()), Operation.CREATE)
    assert failed.failure.code == "tls_failed"
    assert failed.in_doubt is False
    assert secure.operations() == []


def test_https_to_a_plain_http_server_leaves_no_doubt(account: Account) -> None:
    failed = failure_of(client_at(account.endpoint.replace("http:", "https:"), retry_budget=60), Operation.CREATE)
    assert failed.failure.code == "tls_failed"
    assert failed.in_doubt is False


# Endpoints


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"api_key_id": None}, "missing_credentials"),
        ({"api_key_secret": ""}, "missing_credentials"),
        ({"timeout": 0}, "invalid_arguments"),
        ({"timeout": float("inf")}, "invalid_arguments"),
        ({"timeout": float("nan")}, "invalid_arguments"),
        ({"retry_budget": -1}, "invalid_arguments"),
        ({"retry_budget": float("inf")}, "invalid_arguments"),
        ({"ca_path": "/no/such/file.pem"}, "ca_path_unusable"),
        ({"ca_path": "no\0file"}, "ca_path_unusable"),
    ],
    ids=plain_id,
)
def test_invalid_connection_options_are_refused_before_a_request(options: Json, code: str) -> None:
    good: Json = {"endpoint": "https://cloud.soda.io", "api_key_id": "an-id", "api_key_secret": "a-secret"}
    assert isinstance(connection(**good), Connection)
    with pytest.raises(SodaError) as failed:
        connection(**{**good, **options})
    assert failed.value.failure.code == code


MISSING = "{0} is not set. Set it, or {1} in the environment of the machine on which the task runs."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"api_key_id": " "}, MISSING.format("api_key_id", "SODA_CLOUD_API_KEY_ID")),
        ({"api_key_secret": None}, MISSING.format("api_key_secret", "SODA_CLOUD_API_KEY_SECRET")),
        ({"timeout": -1.5}, "timeout is -1.5. Set it to a number of seconds, above 0."),
        ({"retry_budget": -2}, "retry_budget is -2. Set it to a number of seconds, 0 or higher."),
    ],
    ids=str,
)
def test_message_names_the_invalid_option_and_the_reason(options: Json, message: str) -> None:
    good: Json = {"endpoint": "https://cloud.soda.io", "api_key_id": "an-id", "api_key_secret": "a-secret"}
    with pytest.raises(SodaError) as failed:
        connection(**{**good, **options})
    assert failed.value.failure.message == message


def test_default_timeout_is_30_seconds_and_default_budget_is_5_minutes() -> None:
    made = connection("https://cloud.soda.io", "an-id", "a-secret")
    assert (made.timeout, made.retry_budget) == (30, 300)
    assert made == Connection("https://cloud.soda.io", "an-id", "a-secret")


@pytest.mark.parametrize(
    ("ca_path", "reason"), [("/no/such/file.pem", "No such file or directory"), ("no\0file", "embedded null byte")]
)
def test_message_explains_why_ca_path_cannot_be_used(ca_path: str, reason: str) -> None:
    with pytest.raises(SodaError) as failed:
        connection("https://cloud.soda.io", "an-id", "a-secret", ca_path=ca_path)
    assert failed.value.failure.message.startswith(f"ca_path {ca_path} cannot be used ({reason}). Set it to a file ")


@pytest.mark.parametrize("content", ["", "no certificate"], ids=["empty", "text"])
def test_ca_path_without_a_certificate_is_refused_before_a_request(
    secure: Account, tmp_path: Path, content: str
) -> None:
    (tmp_path / "ca.pem").write_text(content, encoding="utf-8")
    with pytest.raises(SodaError) as failed:
        client_of(secure, Time(), ca_path=str(tmp_path / "ca.pem"))
    assert failed.value.failure.code == "ca_path_unusable"
    assert str(tmp_path / "ca.pem") in failed.value.failure.message
    assert secure.operations() == []
