# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in runner: registers from a right configuration, and from no wrong one."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ansible_collections.community.soda.tests.unit.emulator.configurations import (
    dotenv,
    helm_values,
    kubernetes_secret,
    soda_core,
)
from emulator.client import TESTS, Account, Api, Key

PYTHON = os.environ.get("EMULATOR_PYTHON", sys.executable)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def q(text: str) -> str:
    """JSON's strings are YAML's too."""
    return json.dumps(text)


@pytest.fixture
def key(account: Account) -> Key:
    account.change_settings(secrets="dash", key_ids="digits")
    return account.issue_runner_key()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(
        text: str, format: str, *options: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        config = tmp_path / "config"
        config.write_text(text, encoding="utf-8")
        return subprocess.run(
            [PYTHON, "-m", "emulator.stand_in_runner", "--config", str(config), "--format", format, *options],
            env={**os.environ, "PYTHONPATH": str(TESTS), **(environment or {})},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


def registered(account: Account) -> list[str]:
    return [runner["name"] for runner in account.stats()["registered"]]


# Right configurations


def test_it_registers_from_helm_values(account: Account, key: Key, run: Run) -> None:
    done = run(helm_values(account.endpoint, key), "helm_values")
    runner = account.runner("edge-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"registered 'edge-1' as {runner['id']} at {account.endpoint}\n"
    assert runner["runner_key_id"] == key.api_key_id


def test_it_registers_from_helm_values_that_name_a_secret(account: Account, key: Key, run: Run, tmp_path: Path) -> None:
    reference = {
        "existingSecret": "my-key",
        "secretKeys": {"idKey": "SODA_API_KEY_ID", "secretKey": "SODA_API_KEY_SECRET"},
    }
    secret = tmp_path / "secret.yml"
    secret.write_text(kubernetes_secret(key, "my-key"), encoding="utf-8")
    text = helm_values(account.endpoint, key, soda__apikey=reference)
    assert run(text, "helm_values", "--secret-file", str(secret)).returncode == 0
    assert registered(account) == ["edge-1"]


def test_it_registers_from_helm_values_of_another_section(account: Account, key: Key, run: Run) -> None:
    text = helm_values(account.endpoint, key, soda__agent=None, soda__runner={"name": "edge-2"})
    assert run(text, "helm_values", "--section", "runner").returncode == 0
    assert registered(account) == ["edge-2"]


def test_it_registers_from_helm_values_with_a_region_and_what_stands_in_for_it(
    account: Account, key: Key, run: Run
) -> None:
    text = helm_values(account.endpoint, key, soda__cloud={"region": "us"})
    assert run(text, "helm_values", "--endpoint", account.endpoint).returncode == 0
    assert registered(account) == ["edge-1"]


def test_it_registers_again_with_the_id_from_helm_values(account: Account, key: Key, run: Run) -> None:
    old = account.register("edge-1", account.issue_runner_key())
    assert run(helm_values(account.endpoint, key, soda__agent__id=old["id"]), "helm_values").returncode == 0
    assert account.runner("edge-1")["runner_key_id"] == key.api_key_id


def test_it_registers_from_a_kubernetes_secret(account: Account, key: Key, run: Run) -> None:
    done = run(kubernetes_secret(key), "kubernetes_secret", "--endpoint", account.endpoint, "--name", "it's é")
    assert (done.returncode, registered(account)) == (0, ["it's é"])


def test_it_registers_from_a_kubernetes_secret_in_base64(account: Account, key: Key, run: Run) -> None:
    pairs = {"SODA_API_KEY_ID": key.api_key_id, "SODA_API_KEY_SECRET": key.api_key_secret}
    data = {name: base64.b64encode(value.encode()).decode() for name, value in pairs.items()}
    text = kubernetes_secret(key, stringData=None, data=data)
    assert run(text, "kubernetes_secret", "--endpoint", account.endpoint, "--name", "edge-1").returncode == 0


def test_it_registers_from_dotenv(account: Account, key: Key, run: Run) -> None:
    text = "# the key\n\n" + dotenv(key)
    assert run(text, "dotenv", "--endpoint", account.endpoint, "--name", "edge-1").returncode == 0
    assert registered(account) == ["edge-1"]


def test_it_registers_again_with_the_id_from_dotenv(account: Account, key: Key, run: Run) -> None:
    old = account.register("edge-1", account.issue_runner_key())
    text = dotenv(key) + f"SODA_AGENT_ID={old['id']}\n"
    assert run(text, "dotenv", "--endpoint", account.endpoint, "--name", "edge-1").returncode == 0
    assert account.runner("edge-1")["runner_key_id"] == key.api_key_id


def test_it_registers_from_a_soda_core_file(account: Account, key: Key, run: Run) -> None:
    assert run(soda_core(account.endpoint, key), "soda_core", "--name", "edge-1").returncode == 0
    assert registered(account) == ["edge-1"]


def test_a_soda_core_host_may_carry_the_port(account: Account, key: Key, run: Run) -> None:
    text = soda_core(account.endpoint, key, host=account.endpoint.partition("://")[2], port=None)
    assert run(text, "soda_core", "--name", "edge-1").returncode == 0


def test_a_soda_core_file_may_refer_to_the_environment(account: Account, key: Key, run: Run) -> None:
    text = soda_core(account.endpoint, key, api_key_secret="${env.THE_SECRET}")
    done = run(text, "soda_core", "--name", "edge-1", environment={"THE_SECRET": key.api_key_secret})
    assert done.returncode == 0


# Wrong ones (test_emulator_runner_config.py has all that can be wrong with a file)


def refused(done: subprocess.CompletedProcess[str], account: Account, key: Key, why: str, code: int = 2) -> None:
    """It failed, said why, kept the secret to itself and registered nothing."""
    assert why in done.stderr
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1
    assert key.api_key_secret not in done.stderr + done.stdout
    assert registered(account) == []


@pytest.mark.parametrize("format", ["helm_values", "kubernetes_secret", "dotenv", "soda_core"])
def test_it_sends_nothing_when_the_file_is_wrong(account: Account, key: Key, run: Run, format: str) -> None:
    text = f'"SODA_API_KEY_SECRET": "{key.api_key_secret}\n'
    done = run(text, format, "--endpoint", account.endpoint, "--name", "edge-1")
    refused(done, account, key, "not YAML" if format != "dotenv" else "line 1 is not NAME=value")
    assert account.journal() == []


def test_it_does_not_register_with_a_wrong_secret(account: Account, key: Key, run: Run) -> None:
    text = helm_values(account.endpoint, key, soda__apikey__secret="x" * 55)
    refused(run(text, "helm_values"), account, key, "login: 401 unauthorized", code=3)


def test_it_does_not_register_with_a_soda_cloud_api_key(account: Account, run: Run) -> None:
    own = Key(account.api_key_id, account.api_key_secret)
    refused(run(helm_values(account.endpoint, own), "helm_values"), account, own, "not_a_runner_key", code=3)


def test_it_does_not_register_under_a_taken_name(account: Account, key: Key, run: Run) -> None:
    account.seed("edge-1")
    done = run(helm_values(account.endpoint, key), "helm_values")
    refused(done, account, key, "agent with name already registered", code=3)


def test_it_does_not_register_where_nobody_listens(account: Account, key: Key, run: Run) -> None:
    text = helm_values(account.endpoint, key, soda__cloud__endpoint="http://127.0.0.1:1")
    refused(run(text, "helm_values"), account, key, "cannot be reached", code=4)


def test_it_does_not_register_where_soda_cloud_is_not(account: Account, key: Key, run: Run) -> None:
    account.fault("html", "login")
    refused(run(helm_values(account.endpoint, key), "helm_values"), account, key, "not Soda Cloud's", code=3)


# Staying


def test_it_stays_online_until_it_is_ended(account: Account, key: Key, api: Api, tmp_path: Path) -> None:
    config, pid_file = tmp_path / "values.yml", tmp_path / "pid"
    config.write_text(helm_values(account.endpoint, key), encoding="utf-8")
    command = [PYTHON, "-m", "emulator.stand_in_runner", "--config", str(config), "--format", "helm_values",
               "--stay", "--heartbeat", "0.05", "--pid-file", str(pid_file)]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("registered 'edge-1'")
            account.advance(3600)
            deadline = time.monotonic() + 30
            while not (api.page()["content"][0]["isOnline"] and pid_file.exists()):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert int(pid_file.read_text(encoding="utf-8")) == process.pid
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
    assert not pid_file.exists()
