# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault with every operation, through the modules: what they answer, how often they ask, how many keys it costs.

docs/faults.md is this table. C(COLLECTION_WRITE_DOCS=1) writes it again. Otherwise the test compares the two.
"""

from __future__ import annotations

import datetime
import functools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.community.soda.plugins.module_utils._api import client as _client
from ansible_collections.community.soda.plugins.module_utils._api import runners as _runners
from ansible_collections.community.soda.tests.unit.plugins.harness import Ran, Soda
from emulator.client import Emulator

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "faults.md"

BUDGET = 20
TIMEOUT = 0.4
ALWAYS = None

OPERATIONS = {"list": "listRunners", "get": "getRunner", "create": "createRunner", "delete": "deleteRunner"}


def deferred(retry_after: str | None) -> dict[str, Any]:
    """An answer that limits the rate. It has no code that would replace the client's."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return {"kind": "status", "status": 429, "headers": headers, "body": {"message": "Slow down."}}


def page(status: int) -> dict[str, Any]:
    return {"kind": "status", "status": status, "body": "<html><body>Bad</body></html>", "content_type": "text/html"}


# What is done to a request. Those of a listing only are done to the others in vain.
FAULTS: dict[str, dict[str, Any]] = {
    "429, Retry-After: 2": deferred("2"),
    "429, no Retry-After": deferred(None),
    "429, Retry-After: 0": deferred("0"),
    "429, Retry-After: -5": deferred("-5"),
    "429, Retry-After: a date": deferred("Wed, 21 Oct 2026 07:28:00 GMT"),
    "429, Retry-After: rubbish": deferred("soon"),
    "500": {"kind": "status", "status": 500, "body": {"message": "Oh."}},
    "500 after the work was done": {"kind": "status_after", "status": 500, "body": {"message": "Oh."}},
    "502 with HTML": page(502),
    "503 with HTML": page(503),
    "504 with HTML": page(504),
    "504 with HTML after the work was done": {**page(504), "kind": "status_after"},
    "200 with HTML": {"kind": "html"},
    "200 with other JSON": {"kind": "status", "status": 200, "body": {"hello": "world"}},
    "200 with a list": {"kind": "status", "status": 200, "body": []},
    "200 with nothing": {"kind": "status", "status": 200, "body": ""},
    "200 with invalid JSON": {"kind": "status", "status": 200, "body": '{"content": [}'},
    "JSON cut off, its length right": {"kind": "truncated", "declare": "short"},
    "JSON cut off, its length wrong": {"kind": "truncated", "declare": "full"},
    "reset before the work": {"kind": "reset_before"},
    "reset after the work": {"kind": "reset_after"},
    "answer later than the timeout": {"kind": "delay", "seconds": 2},
    "one byte a second": {"kind": "slow", "bytes_per_second": 1},
    "redirect to another host": {"kind": "status", "status": 307, "headers": {"Location": "https://example.com/"}},
    "400": {"kind": "status", "status": 400, "body": {"message": "No."}},
    "401": {"kind": "status", "status": 401, "body": {"message": "No."}},
    "403": {"kind": "status", "status": 403, "body": {"message": "No."}},
    "404 on a runner that was just listed": {"kind": "status", "status": 404, "body": {"message": "No."}},
    "404 with HTML": page(404),
    "400 with a code that ends in _not_found": {
        "kind": "status",
        "status": 400,
        "body": {"code": "runner_not_found", "message": "No."},
    },
    "an unknown runner type": {"kind": "edit_runner", "set": {"type": "LUNAR_HOSTED"}},
    "missing fields": {"kind": "edit_runner", "omit": ["label", "isOnline", "lastSeenTimestamp", "versions"]},
    "extra fields, and some of other types": {
        "kind": "edit_runner",
        "set": {"isOnline": "perhaps", "versions": [1], "label": 7, "moon": {"phase": "full"}},
    },
    "a runner listed twice": {"kind": "repeat_runner"},
    "a runner left out of its page": {"kind": "drop_runner"},
}
MOVING = "runners added and removed by others between two pages"
# Before any of the above: nothing is sent at all.
UNREACHABLE = ("no server", "an expired certificate", "a self-signed certificate", "a certificate for another name")


@dataclass(frozen=True)
class Row:
    """What came of one fault with one operation."""

    fault: str
    operation: str
    once: str
    always: str
    posts: tuple[int, int]
    """How many requests for a key were sent, if the fault happens once and always."""

    def markdown(self) -> str:
        return f"| {self.fault} | {self.operation} | {self.once} | {self.always} |"


def run(soda: Soda, operation: str, **options: Any) -> Ran:
    """The module run that does this operation, on an account that has three runners."""
    given = {"timeout": TIMEOUT, "retry_budget": BUDGET, **options}
    if operation == "list":
        return soda.info(**given)
    if operation == "get":
        first = [*(r["id"] for r in soda.account.runners()), "11111111-1111-4111-8111-111111111111"][0]
        return soda.runner(name=None, key_path=None, id=first, **given)
    if operation == "create":
        return soda.runner(name="new", key_path=soda.folder / "new.json", **given)
    return soda.runner(name="old", key_path=None, state="absent", **given)


def summary(ran: Ran, sent: int, issued: int) -> str:
    """One cell: the result, how many requests were sent, and the keys that were issued."""
    if ran.result.get("failed"):
        message = f"`{ran.failure['code']}`" + (" (retryable)" if ran.failure["retryable"] else "")
    else:
        message = "changed" if ran["changed"] else "ok"
    return f"{message}, sent {sent}×" + (f", {issued} issued" if issued else "")


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Waits take no time and have no jitter, and only they count against the budget: how often a request is sent is
    the same on every machine.
    """
    steady = functools.partial(_client.Client, clock=lambda: 0.0, jitter=lambda least, _most: least)
    monkeypatch.setattr(_client, "Client", steady)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    made.mkdir(mode=0o700)
    return made


def fresh(emulator: Emulator, folder: Path, before: int = 0) -> Soda:
    """Another account with three runners, that many others before them, and an empty folder."""
    for path in folder.iterdir():
        path.unlink()
    account = emulator.account(window_factor=0)
    account.seed(*(f"before-{number}" for number in range(before)), "old", "older", "oldest")
    return Soda(account, folder)


def rows_of_faults(emulator: Emulator, folder: Path) -> Iterator[Row]:
    for fault, description in FAULTS.items():
        for operation, operation_id in OPERATIONS.items():
            cells, posts = [], []
            for times in (1, ALWAYS):
                soda = fresh(emulator, folder)
                soda.account.fault(operation=operation_id, times=times, **description)
                ran = run(soda, operation)
                sent = soda.account.operations().count(operation_id)
                posts.append(soda.account.operations().count("createRunner"))
                cells.append(summary(ran, sent, soda.keys_issued()))
                check_what_stays(soda, ran)
                soda.account.remove()
            yield Row(fault, operation, *cells, posts=(posts[0], posts[1]))


def rows_without_waiting(emulator: Emulator, folder: Path) -> Iterator[Row]:
    """With ``retry_budget: 0`` a task does not wait: a request that would be repeated later fails at once."""
    for fault in ("429, Retry-After: 2", "503 with HTML", "reset before the work"):
        for operation, operation_id in OPERATIONS.items():
            cells, posts = [], []
            for times in (1, ALWAYS):
                soda = fresh(emulator, folder)
                soda.account.fault(operation=operation_id, times=times, **FAULTS[fault])
                ran = run(soda, operation, retry_budget=0)
                assert ran.result["failed"]
                sent = soda.account.operations().count(operation_id)
                assert sent == 1
                assert not soda.account.journal()[0]["headers"].get("X-Soda-Backpressure")
                posts.append(soda.account.operations().count("createRunner"))
                cells.append(summary(ran, sent, soda.keys_issued()))
                check_what_stays(soda, ran)
                soda.account.remove()
            yield Row(f"{fault}, and `retry_budget: 0`", operation, *cells, posts=(posts[0], posts[1]))


def rows_of_moving(emulator: Emulator, folder: Path) -> Iterator[Row]:
    """Between two pages others remove a runner and add one, so that the totals agree: ten runners stand before ours."""
    for operation, operation_id in OPERATIONS.items():
        cells, posts = [], []
        for times in (1, 10):
            soda = fresh(emulator, folder, before=10)
            for after, runner in enumerate(soda.account.runners()[:times]):
                soda.account.fault(
                    "move", "listRunners", page=1, after=after, remove=runner["id"], add={"name": f"new-{after}"}
                )
            ran = run(soda, operation)
            sent = soda.account.operations().count(operation_id)
            posts.append(soda.account.operations().count("createRunner"))
            cells.append(summary(ran, sent, soda.keys_issued()))
            check_what_stays(soda, ran)
            soda.account.remove()
        yield Row(MOVING, operation, *cells, posts=(posts[0], posts[1]))


def check_what_stays(soda: Soda, ran: Ran) -> None:
    """An issued key is stored, or the failure says that it may be lost. A failed run leaves no files."""
    stored = soda.files() == ["new.json"]
    if soda.keys_issued() > stored:
        assert "may have issued a runner key" in ran.failure["message"]
    assert soda.files() in ([], ["new.json"])


def rows_of_unreachable(folder: Path, tmp_path: Path) -> Iterator[Row]:
    for fault in UNREACHABLE:
        with server_that_is(fault, tmp_path) as (emulator, options):
            for operation in OPERATIONS:
                soda = fresh(emulator, folder)
                if fault == "no server":
                    options = {"endpoint": f"http://127.0.0.1:{unused_port()}"}
                ran = run(soda, operation, **options)
                assert soda.account.operations() == []
                assert soda.files() == []
                yield Row(fault, operation, summary(ran, 0, 0), summary(ran, 0, 0), posts=(0, 0))


def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class server_that_is:
    """An emulator with this certificate, and the options that trust its authority."""

    def __init__(self, fault: str, tmp_path: Path) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        name = "another.example" if "another name" in fault else "127.0.0.1"
        until = now - datetime.timedelta(days=1) if "expired" in fault else now + datetime.timedelta(days=1)
        self._options = ()
        self._ca: str | None = None
        self._trusted: dict[str, Any] = {}
        if fault != "no server":
            certificate, key = self_signed(name, until, tmp_path)
            self._options = ("--cert", str(certificate), "--key", str(key))
            self._trusted = {} if "self-signed" in fault else {"ca_path": str(certificate)}
        self._emulator = Emulator(*self._options)

    def __enter__(self) -> tuple[Emulator, dict[str, Any]]:
        self._emulator.start()
        # The control API accepts requests with any certificate.
        self._emulator._session.verify = False
        return self._emulator, self._trusted

    def __exit__(self, *_exc: object) -> None:
        try:
            self._emulator.expect_no_violations()
        finally:
            self._emulator.stop()


def self_signed(name: str, until: datetime.datetime, folder: Path) -> tuple[Path, Path]:
    """A certificate and its private key, in PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    import ipaddress

    alternative: x509.GeneralName
    try:
        alternative = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - datetime.timedelta(days=10))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_path, key_path


HEAD = f"""\
# Behaviour under each fault

This page shows what the modules do if an answer of Soda Cloud is wrong, late or missing. Each row is one fault and one
of the four calls. The fault happens once (column "once") or on each request (column "always"). A cell shows:

- the result: `ok`, `changed`, or the `failure.code` and whether the failure is retryable
- how many requests of this call were sent
- how many keys were issued, if any

| call | module |
| --- | --- |
| list | `soda_runner_info` |
| get | `soda_runner` with `id` |
| create | `soda_runner` with `state=present` |
| delete | `soda_runner` with `state=absent` |

**Only the rows with 429 repeat a request for a key.** If no connection could be made, the module connects again, and
the cell does not count this as a request. In all other rows another request could issue a second key. So the task
fails.

The account has three runners, and `retry_budget` is {BUDGET} seconds. The waiting times have no random part here. The
test `tests/unit/plugins/test_fault_table.py` writes this table, and fails if it is not correct.

| fault | call | once | always |
| --- | --- | --- | --- |
"""


def test_every_fault_with_every_operation(
    emulator: Emulator, folder: Path, tmp_path: Path, no_waiting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        *rows_of_faults(emulator, folder),
        *rows_without_waiting(emulator, folder),
        *rows_of_unreachable(folder, tmp_path),
    ]
    # With the smallest page size, thirteen runners need two pages.
    monkeypatch.setattr(_runners, "PAGE_SIZE", 10)
    rows += rows_of_moving(emulator, folder)
    for row in rows:
        if max(row.posts) > 1:
            assert row.operation == "create"
            assert row.fault.startswith("429")
    table = HEAD + "\n".join(row.markdown() for row in rows) + "\n"
    if os.environ.get("COLLECTION_WRITE_DOCS"):
        DOCUMENT.write_text(table, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == table
