# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests: starts an emulator, prepares accounts and runners, and reads the journal. Needs Python 3.9 and requests.

The emulator itself runs in another Python (3.11 or later), named by the environment variable ``EMULATOR_PYTHON``::

    with Emulator() as emulator:
        account = emulator.account(window_factor=0)
        account.seed(count=25)
        ...
        assert [entry["operation"] for entry in account.journal()] == ["listRunners"]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import quote

import requests

TESTS = Path(__file__).resolve().parent.parent
UNKNOWN = "-"  # the journal of requests whose credentials belong to no account
Json = dict[str, Any]


class EmulatorFailed(Exception):
    """The emulator did not start, or refused a request to the control API."""


class ContractViolated(Exception):
    """Requests or answers violated the contract."""


@dataclass(frozen=True)
class Key:
    """An API key or a runner key."""

    api_key_id: str
    api_key_secret: str = field(repr=False)


@dataclass(frozen=True)
class Account:
    """One organization in a running emulator, which no other test shares."""

    emulator: Emulator = field(repr=False)
    name: str
    endpoint: str
    api_key_id: str
    api_key_secret: str = field(repr=False)

    # Keys

    def add_key(self, permissions: Sequence[str] | None = None) -> Key:
        """Another Soda Cloud API key. Without ``permissions``, it has all permissions."""
        body = {} if permissions is None else {"permissions": list(permissions)}
        return _key(self._post("keys", body))

    def issue_runner_key(self) -> Key:
        """A runner key that is created without the API: no request, and not in ``stats()["keys_issued"]``."""
        return _key(self._post("runner-keys"))

    # Runners

    def seed(
        self,
        *runners: str | Mapping[str, Any],
        count: int = 0,
        allow_duplicates: bool = False,
    ) -> list[str]:
        """Add runners, each a name or a description, and ``count`` generated ones. Returns the ids.

        A description has the contract's fields (``name`` must be given) and ``last_seen_seconds_ago``, ``in_use``,
        ``hidden``, ``extra`` (more fields, or others in their place) and ``omit`` (fields left out).
        """
        described = [{"name": each} if isinstance(each, str) else dict(each) for each in runners]
        body = {"runners": described, "count": count, "allow_duplicates": allow_duplicates}
        ids: list[str] = self._post("runners", body)["ids"]
        return ids

    def register(self, name: str, key: Key | str, runner_id: str | None = None) -> Json:
        """Register a runner as its process would; ``key`` is a runner key or its id. Returns the runner."""
        key_id = key if isinstance(key, str) else key.api_key_id
        return self._post("registrations", {"apiKeyId": key_id, "name": name, "id": runner_id})

    def runners(self) -> list[Json]:
        """All runners, with what the API does not tell: in_use, hidden, listed, runner_key_id."""
        found: list[Json] = self._call("GET", "runners")["runners"]
        return found

    def runner(self, name: str) -> Json:
        """The one runner of that name."""
        (found,) = [each for each in self.runners() if each.get("name") == name]
        return found

    def change_runner(self, runner_id: str, **fields: Any) -> Json:
        """Change fields that ``seed`` takes."""
        return self._call("PATCH", f"runners/{quote(runner_id, safe='')}", fields)

    def set_online(self, runner_id: str, online: bool | None = True) -> Json:
        """Set it online or offline. With None, its heartbeats decide again."""
        return self.change_runner(runner_id, isOnline=online)

    def set_in_use(self, runner_id: str, in_use: bool = True) -> Json:
        return self.change_runner(runner_id, in_use=in_use)

    def set_hidden(self, runner_id: str, hidden: bool = True) -> Json:
        """Hide it from callers, as service-account roles do."""
        return self.change_runner(runner_id, hidden=hidden)

    def remove_runner(self, runner_id: str) -> None:
        self._call("DELETE", f"runners/{quote(runner_id, safe='')}")

    # Faults

    def fault(self, kind: str, operation: str | None = None, **options: Any) -> None:
        """Add a fault. Options of all kinds: times (1; None: always), after, probability, seed, page."""
        self.emulator.call("POST", "faults", {"kind": kind, "operation": operation, "account": self.name, **options})

    def faults(self) -> list[Json]:
        """The faults of this account, with how often each has ``struck``."""
        found: list[Json] = self.emulator.call("GET", f"faults?account={quote(self.name)}")["faults"]
        return found

    def clear_faults(self) -> None:
        self.emulator.call("DELETE", f"faults?account={quote(self.name)}")

    def advance(self, seconds: float) -> None:
        """Run this account's clock forward."""
        self._post("clock", {"advance": seconds})

    def change_settings(self, **settings: Any) -> Json:
        """secrets, key_ids, window_factor, listing_delay, online_for."""
        return self._call("PATCH", "settings", settings)

    # Journal

    def journal(self, since: int = 0, operation: str | None = None) -> list[Json]:
        """The requests after number ``since``, in order of arrival."""
        entries = self.emulator.journal(self.name, since)
        return [entry for entry in entries if operation in (None, entry["operation"])]

    def operations(self, since: int = 0) -> list[str]:
        """The operations of the contract that were requested, in order of arrival."""
        return [entry["operation"] for entry in self.journal(since) if entry["operation"]]

    def violations(self) -> list[str]:
        """How requests or answers violated the contract."""
        return _violations(self.journal())

    def clear_journal(self) -> None:
        self.emulator.call("DELETE", f"journal?account={quote(self.name)}")

    def stats(self) -> Json:
        """keys_issued, runner_key_ids, registrations, registered, runners, requests (by operation and status)."""
        return self._call("GET", "stats")

    def reset(self) -> None:
        """Remove everything except the API keys and settings of this account."""
        self._post("reset")

    def remove(self) -> None:
        self._call("DELETE", "")

    def _post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        return self.emulator.call(method, f"accounts/{quote(self.name, safe='')}/{path}".rstrip("/"), body)


class Emulator:
    """An emulator process, from ``with`` to the end of its block, or one that runs already (``Emulator(url=...)``).

    ``options`` are command line options. Its standard error goes to ``log``, or is shown only if it fails to start.

    A block ends with ContractViolated if any request or answer violated the contract, even if the journal was cleared
    during it. It does not if ``violations_expected``, nor for an emulator that ran already.
    """

    def __init__(
        self,
        *options: str,
        url: str | None = None,
        python: str | None = None,
        ca: str | None = None,
        start_timeout: float = 120.0,
        log: Path | None = None,
        violations_expected: bool = False,
    ) -> None:
        self.url = url or ""
        self.pid: int | None = None
        self._options = options
        self._python = python or os.environ.get("EMULATOR_PYTHON") or sys.executable
        self._start_timeout = start_timeout
        self._log = log
        self._violations_expected = violations_expected
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._session = requests.Session()
        self._session.trust_env = False  # never through a proxy
        self._session.verify = ca or True

    def __enter__(self) -> Emulator:
        if not self.url:
            self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            runs = self._process is not None and self._process.poll() is None
            if exception is None and runs and not self._violations_expected:
                self.expect_no_violations()
        finally:
            self.stop()

    def start(self) -> None:
        """Start the process and wait until it listens; raises EmulatorFailed if it does not."""
        self._directory = tempfile.TemporaryDirectory(prefix="emulator-")
        ready = Path(self._directory.name) / "ready.json"
        log = self._log or Path(self._directory.name) / "log"
        command = [self._python, "-m", "emulator", "--exit-with-parent", "--ready-file", str(ready), *self._options]
        environment = {**os.environ, "PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1"}
        with open(log, "ab") as errors:
            self._process = self._spawn(command, environment, errors)
        deadline = time.monotonic() + self._start_timeout
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                code = self._process.poll()
                said = log.read_text(encoding="utf-8", errors="replace")[-4000:]
                self.stop()
                raise EmulatorFailed(f"The emulator did not start (exit code {code}):\n{said}")
            time.sleep(0.02)
        announced = json.loads(ready.read_text(encoding="utf-8"))
        self.url, self.pid = announced["url"], announced["pid"]

    def stop(self) -> None:
        """End the process that ``start`` started, if any."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None
        self._session.close()

    def account(self, permissions: Sequence[str] | None = None, **options: Any) -> Account:
        """A new account. Its API key has ``permissions``, or all if None.

        Options: name, secrets (random, dash), key_ids (uuid, digits), window_factor (0: no limits), listing_delay,
        online_for; the defaults are those of the emulator's command line.
        """
        body = dict(options)
        if permissions is not None:
            body["permissions"] = list(permissions)
        made = self.call("POST", "accounts", body)
        return Account(self, made["account"], self.url, made["apiKeyId"], made["apiKeySecret"])

    def journal(self, account: str | None = None, since: int = 0) -> list[Json]:
        """The requests after number ``since``, of one account, of none (UNKNOWN), or all."""
        which = "" if account is None else f"&account={quote(account)}"
        entries: list[Json] = self.call("GET", f"journal?since={since}{which}")["entries"]
        return entries

    def violations(self) -> list[str]:
        """How requests or answers of any account have violated the contract since it was started."""
        return _violations(self.call("GET", "violations")["entries"])

    def expect_no_violations(self) -> None:
        """Raise ContractViolated if there are any."""
        violations = self.violations()
        if violations:
            raise ContractViolated(f"{len(violations)} violations of the contract:\n" + "\n".join(violations[:20]))

    def fault(self, kind: str, operation: str | None = None, **options: Any) -> None:
        """Add a fault for all accounts; see Account.fault."""
        self.call("POST", "faults", {"kind": kind, "operation": operation, **options})

    def reset(self) -> None:
        """Remove all accounts."""
        self.call("POST", "reset")

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Call the control API."""
        response = self._session.request(method, f"{self.url}/_emulator/{path}", json=body, timeout=60)
        if response.status_code != 200:
            raise EmulatorFailed(f"{method} {path}: {response.status_code} {response.text}")
        answer: Json = response.json()
        return answer

    @staticmethod
    def _spawn(command: Sequence[str], environment: Mapping[str, str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )


class Api(requests.Session):
    """Calls the service as any client of Soda Cloud might: ``api.get("/api/v1/runners")``. For the emulator's tests."""

    def __init__(self, endpoint: str, key: Key | Account | None) -> None:
        super().__init__()
        self.trust_env = False
        self.endpoint = endpoint
        if key is not None:
            self.auth = (key.api_key_id, key.api_key_secret)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", 30)
        kwargs["allow_redirects"] = False
        return super().request(method, self.endpoint + str(url), *args, **kwargs)

    def page(self, **query: Any) -> Any:
        return self.get("/api/v1/runners", params=query).json()

    def names(self, **query: Any) -> list[str]:
        return [runner["name"] for runner in self.page(**query)["content"]]

    def create(self) -> Any:
        return self.post("/api/v1/runners").json()

    def command(self, **body: Any) -> requests.Response:
        return self.post("/api/command", json=body)

    def login(self, key: Key | Account) -> str:
        token = self.command(type="login", apiKeyId=key.api_key_id, apiKeySecret=key.api_key_secret).json()["token"]
        assert isinstance(token, str)
        return token


def _key(made: Json) -> Key:
    return Key(made["apiKeyId"], made["apiKeySecret"])


def _violations(entries: list[Json]) -> list[str]:
    return [
        f"{entry['sequence']} {entry['method']} {entry['path']}: {entry[kind]}"
        for entry in entries
        for kind in ("request_violation", "contract_violation")
        if entry[kind]
    ]
