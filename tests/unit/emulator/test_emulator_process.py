# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator as a process: its command line, its beginning and its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from emulator.client import TESTS, Account, Api, Emulator, EmulatorFailed, Key

pytestmark = pytest.mark.slow

RUNNERS = "/api/v1/runners"
PYTHON = os.environ.get("EMULATOR_PYTHON", sys.executable)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TESTS)}
KEY_1 = Key("key-1", "secret-1")
ACCOUNTS = """
accounts:
  - name: acme
    window_factor: 0
    api_keys:
      - {id: key-1, secret: secret-1}
      - {id: key-2, secret: secret-2, permissions: []}
    runners:
      - {name: edge-1, isOnline: false}
"""


def until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def accounts(tmp_path: Path) -> str:
    path = tmp_path / "accounts.yml"
    path.write_text(ACCOUNTS, encoding="utf-8")
    return str(path)


def api_of(emulator: Emulator, key: Key) -> Api:
    return Api(emulator.url, key)


def test_accounts_and_their_runners_may_come_from_a_file(accounts: str) -> None:
    with Emulator("--accounts", accounts) as emulator, api_of(emulator, KEY_1) as api:
        assert api.names() == ["edge-1"]
        assert api.post(RUNNERS).status_code == 200
        with api_of(emulator, Key("key-2", "secret-2")) as unprivileged:
            assert unprivileged.post(RUNNERS).status_code == 403


def test_runners_by_number_join_those_of_the_file(accounts: str) -> None:
    with Emulator("--accounts", accounts, "--runners", "40") as emulator, api_of(emulator, KEY_1) as api:
        assert api.page()["totalElements"] == 41


def test_faults_may_come_from_a_file(accounts: str, tmp_path: Path) -> None:
    faults = tmp_path / "faults.yml"
    faults.write_text("- {kind: status, operation: listRunners, status: 503}", encoding="utf-8")
    with Emulator("--accounts", accounts, "--faults", str(faults)) as emulator, api_of(emulator, KEY_1) as api:
        assert [api.get(RUNNERS).status_code for _unused in range(2)] == [503, 200]


def test_options_are_the_defaults_of_accounts() -> None:
    with Emulator("--secrets", "dash", "--key-ids", "digits", "--window-factor", "0") as emulator:
        account = emulator.account()
        with Api(account.endpoint, account) as api:
            made = [api.create() for _unused in range(12)]
    assert {key["apiKeySecret"][0] for key in made} == {"-"}
    assert all(key["apiKeyId"].isdigit() for key in made)


def test_it_says_where_it_listens_on_standard_output_and_in_the_ready_file(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [PYTHON, "-m", "emulator", "--ready-file", str(ready)]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = json.loads(process.stdout.readline())
        assert until(ready.exists)
        assert json.loads(ready.read_text(encoding="utf-8")) == printed == {"url": printed["url"], "pid": process.pid}
        assert requests.get(printed["url"] + "/_emulator", timeout=10).status_code == 200
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_sigterm_ends_it_quickly_with_requests_under_way() -> None:
    with Emulator() as emulator:
        account = emulator.account()
        account.fault("delay", seconds=60)
        with Api(account.endpoint, account) as api, pytest.raises(requests.ReadTimeout):
            api.get(RUNNERS, timeout=0.1)
        assert emulator.pid is not None
        os.kill(emulator.pid, signal.SIGTERM)
        pid = emulator.pid
        assert until(lambda: not alive(pid), seconds=20)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_it_ends_with_its_parent_when_told_to(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    started = f"{PYTHON} -m emulator --exit-with-parent --ready-file {ready} >/dev/null & echo $!; sleep 60"
    with subprocess.Popen(["/bin/sh", "-c", started], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as parent:
        assert until(ready.exists)
        pid = json.loads(ready.read_text(encoding="utf-8"))["pid"]
        parent.kill()
    try:
        assert until(lambda: not alive(pid), seconds=20)
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--host", "0.0.0.0"], "not loopback"),
        (["--host", "192.0.2.1"], "not loopback"),
        (["--cert", "x.pem"], "go together"),
        (["--accounts", "/nonexistent.yml"], "No such file"),
        (["--runners", "5"], "needs --accounts"),
        (["--window-factor", "-1"], "window_factor"),
    ],
)
def test_a_wrong_command_line_is_refused_and_says_why(options: list[str], why: str) -> None:
    with pytest.raises(EmulatorFailed, match=why):
        Emulator(*options).start()


def test_it_speaks_tls(tmp_path: Path, certificate: tuple[str, str]) -> None:
    cert, key = certificate
    with Emulator("--cert", cert, "--key", key, ca=cert) as emulator:
        account = emulator.account()
        assert emulator.url.startswith("https://127.0.0.1:")
        with Api(account.endpoint, account) as api:
            assert api.get(RUNNERS, verify=cert).status_code == 200
            with pytest.raises(requests.exceptions.SSLError):
                api.get(RUNNERS, verify=True)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
               "-out", str(cert), "-keyout", str(key)]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return str(cert), str(key)


def test_a_hundred_thousand_runners_are_listed_in_seconds(emulator: Emulator) -> None:
    account: Account = emulator.account(window_factor=0)
    account.seed(count=100_000)
    ids: set[str] = set()
    with Api(account.endpoint, account) as api:
        began = time.monotonic()
        for number in range(100):
            page = api.page(page=number, size=1000)
            ids.update(runner["id"] for runner in page["content"])
        took = time.monotonic() - began
    account.remove()
    assert (len(ids), page["last"], page["totalElements"]) == (100_000, True, 100_000)
    assert took < 20  # about one second, on a machine that does nothing else
