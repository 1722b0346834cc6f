# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever answers one of the four calls, a module fails as it fails, in time, and never takes it for a success.

COLLECTION_TEST_EXAMPLES says how many answers each test makes up; make test-deep makes many.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.community.soda.plugins.module_utils._api.text import sanitize
from ansible_collections.community.soda.tests.unit.plugins.harness import FAILURE_KEYS, Json, run_module

RUNNER = {
    "id": "11111111-1111-4111-8111-111111111111",
    "name": "warehouse",
    "label": "Warehouse",
    "type": "SELF_HOSTED",
    "isOnline": True,
    "lastSeenTimestamp": "2026-01-01T12:00:00Z",
    "versions": {"runner": "1.14.2", "library": "4.28.0"},
}
KEY = {"apiKeyId": "22222222-2222-4222-8222-222222222222", "apiKeySecret": "-" + "s" * 54}


def page(*runners: Json) -> Json:
    count = len(runners)
    return {
        "content": list(runners),
        "first": True,
        "last": True,
        "number": 0,
        "size": 1000,
        "totalElements": count,
        "totalPages": min(count, 1),
    }


# What Soda Cloud answers, and the options of the task whose call is answered otherwise.
GOOD: dict[str, Any] = {"list": page(RUNNER), "get": {"runner": RUNNER}, "create": KEY, "delete": {}}
TASKS: dict[str, tuple[str, Json]] = {
    "list": ("soda_runner_info", {}),
    "get": ("soda_runner", {"id": RUNNER["id"]}),
    "create": ("soda_runner", {"name": "new"}),
    "delete": ("soda_runner", {"name": RUNNER["name"], "state": "absent"}),
}
TIMEOUT = 1.0
every_call = pytest.mark.parametrize("call", list(TASKS))


def is_json(body: Any) -> bool:
    """Whether the body is JSON, which knows neither NaN nor Infinity, although Python's own writer and reader do."""
    try:
        json.dumps(body, allow_nan=False)
    except ValueError:
        return False
    return True


def is_right(call: str, body: Any) -> bool:
    """Whether a JSON body answers the call, by the contract and by the request, so that the client may accept it."""
    if not isinstance(body, dict) or not is_json(body):
        return False
    if call == "list":
        content, total = body.get("content"), body.get("totalElements")
        if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
            return False
        ids = [entry.get("id") for entry in content]
        # A runner that comes twice is one.
        runners = len({i for i in ids if isinstance(i, str)}) + sum(not isinstance(i, str) for i in ids)
        return body.get("last") is True and isinstance(total, int) and not isinstance(total, bool) and total == runners
    if call == "get":
        return isinstance(body.get("runner"), dict) and body["runner"].get("id") == RUNNER["id"]
    if call == "create":
        # A key goes into results, terminals and configuration files as it is.
        return all(isinstance(body.get(field), str) and body[field] == sanitize(body[field]) != "" for field in KEY)
    return body == {}


class Answering:
    """A server that answers all calls as Soda Cloud does, but for one. The runner that a test deletes stays."""

    def __init__(self) -> None:
        self.call = ""
        self.answer = b""
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                self.close_connection = True
                if self.raw_requestline and self.parse_request():
                    self.wfile.write(outer.answer_to(str(self.command), self.path))

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that has gone is none of our business."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer_to(self, method: str, path: str) -> bytes:
        call = {"POST": "create", "DELETE": "delete"}.get(method) or ("list" if "?" in path else "get")
        if call == self.call:
            self.requests += 1
            return self.answer
        # The answer closes the connection, because the call under test could use a connection that has ended.
        return response(json.dumps(GOOD[call]).encode(), headers={"Connection": "close"})


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    answering = Answering()
    thread = threading.Thread(target=answering.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield answering
    finally:
        answering.server.shutdown()
        answering.server.server_close()
        thread.join()


def response(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, length: int = 0) -> bytes:
    """An answer on the wire, its length wrong by so many bytes."""
    fields = {"Content-Type": "application/json", "Content-Length": str(max(0, len(body) + length)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} So", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def run(server: Answering, call: str, answer: bytes) -> Json:
    """The result of the task whose call is answered so. It ends in time, in the form that results have."""
    server.call, server.answer, server.requests = call, answer, 0
    module, options = TASKS[call]
    with tempfile.TemporaryDirectory() as folder:
        if call == "create":
            options = {**options, "key_path": f"{folder}/key.json"}
        connection = {"endpoint": server.url, "api_key_id": "an-id", "api_key_secret": "a-secret"}
        begun = time.monotonic()
        result, output = run_module(module, {**connection, "timeout": TIMEOUT, "retry_budget": 0, **options})
        # A listing is read four times, a deletion is settled by one more call; each may time out.
        assert time.monotonic() - begun < 6 * TIMEOUT + 5
        assert "Traceback" not in output
        output.encode()
        stored = os.listdir(folder)
    if result.get("failed"):
        assert set(result["failure"]) == FAILURE_KEYS
        assert result["failure"]["code"]
        assert result["failure"]["message"] == result["msg"]
        assert stored == [], "a failed run left something behind"
    elif call == "create":
        assert stored == ["key.json"]
    if call in ("create", "delete"):
        assert server.requests == 1
    return result


def check(server: Answering, call: str, answer: bytes, body: Any = None) -> None:
    """The task succeeds with the right answer only; with any other it fails."""
    result = run(server, call, answer)
    assert bool(result.get("failed")) is not is_right(call, body), (answer, result)
    if call == "create" and result.get("failed"):
        assert "may have issued a runner key" in result["msg"]


def fuzzed(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    count = int(os.environ.get("COLLECTION_TEST_EXAMPLES", examples))
    lasting = list(HealthCheck)
    return settings(max_examples=count, deadline=None, database=None, suppress_health_check=lasting)


# JSON as it may stand in an answer, the odd things among it as often as the others.
texts = st.one_of(st.text(max_size=20), st.sampled_from(["", "\x00", "\ud800", "SELF_HOSTED", RUNNER["id"], "new"]))
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([0, 1, -1, 2**31, 2**64]))
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)


arbitrary = st.one_of(st.binary(max_size=300), st.binary(max_size=60).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail))


@st.composite
def mutated(draw: st.DrawFn, call: str) -> Any:
    """A good answer in which one to three things are other, are missing, or stand there twice."""
    body = copy.deepcopy(GOOD[call])
    for _mutation in range(draw(st.integers(1, 3))):
        inside = body
        while True:
            places = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
            if not places:
                break
            place = draw(st.sampled_from(places))
            if isinstance(inside[place], (dict, list)) and draw(st.booleans()):
                inside = inside[place]
                continue
            how = draw(st.sampled_from(["other", "other", "missing", "twice"]))
            if how == "other":
                inside[place] = draw(values)
            elif how == "missing":
                del inside[place]
            elif isinstance(inside, list):
                inside.append(copy.deepcopy(inside[place]))
            break
        if draw(st.integers(0, 4)) == 0 and isinstance(body, dict):
            body[draw(texts)] = draw(values)
    return body


def parsed(body: bytes) -> Any:
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(body)
    return None


@every_call
def test_the_good_answers_are_taken(server: Answering, call: str) -> None:
    """Without this the others would show nothing."""
    result = run(server, call, response(json.dumps(GOOD[call]).encode()))
    assert not result.get("failed"), result


@every_call
@fuzzed(examples=25)
@given(answer=arbitrary)
def test_arbitrary_bytes_on_the_wire(server: Answering, call: str, answer: bytes) -> None:
    check(server, call, answer)


@every_call
@fuzzed(examples=40)
@given(body=st.binary(max_size=200))
def test_a_body_of_arbitrary_bytes(server: Answering, call: str, body: bytes) -> None:
    check(server, call, response(body), parsed(body))


@every_call
@fuzzed(examples=60)
@given(body=values)
def test_a_body_of_arbitrary_json(server: Answering, call: str, body: Any) -> None:
    check(server, call, response(json.dumps(body).encode()), body)


@every_call
@fuzzed(examples=120)
@given(data=st.data())
def test_a_good_answer_that_was_tampered_with(server: Answering, call: str, data: st.DataObject) -> None:
    body = data.draw(mutated(call))
    right = is_right(call, body)
    if call == "list" and right:
        ids = [entry["id"] for entry in body["content"] if isinstance(entry.get("id"), str)]
        # Listed twice is counted once, so the total is wrong.
        body = body if len(set(ids)) == len(ids) else {**body, "totalElements": None}
    check(server, call, response(json.dumps(body).encode()), body)


@every_call
@fuzzed(examples=60)
@given(data=st.data())
def test_a_good_answer_that_was_cut_off_or_misdeclared(server: Answering, call: str, data: st.DataObject) -> None:
    body = json.dumps(GOOD[call]).encode()
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    how = data.draw(st.sampled_from(["length right", "length wrong", "gzip", "chunked"]))
    if how == "length right":
        answer = response(cut)
    elif how == "length wrong":
        answer = response(cut, length=len(body) - len(cut))
    elif how == "gzip":
        answer = response(cut, headers={"Content-Encoding": "gzip"})
    else:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = head + f"{len(body):x}\r\n".encode() + cut
    check(server, call, answer)


@every_call
@fuzzed(examples=60)
@given(
    status=st.one_of(st.sampled_from([100, 204, 206, 301, 304, 400, 404, 408, 429, 500, 503]), st.integers(100, 999)),
    name=st.sampled_from(["Retry-After", "Location", "X-Soda-Trace-Id", "Content-Type", "Transfer-Encoding"]),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
    body=values,
)
def test_any_status_with_any_header(
    server: Answering, call: str, status: int, name: str, value: str, body: Any
) -> None:
    result = run(server, call, response(json.dumps(body).encode(), status, {name: value}))
    gone = status == 404 or (status == 400 and isinstance(body, dict) and str(body.get("code")).endswith("_not_found"))
    if call == "delete" and gone:
        # It was not this task that deleted it.
        assert result.get("failed") or result["changed"] is False
    elif not 200 <= status < 300 or not (is_right(call, body) or (call, status) == ("delete", 204)):
        assert result.get("failed"), (status, name, value, body, result)
