# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, and the client that is made of them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from ansible.module_utils.basic import env_fallback

from ansible_collections.community.soda.plugins.module_utils import _argspec as _arguments
from ansible_collections.community.soda.plugins.module_utils import _signals
from ansible_collections.community.soda.plugins.module_utils._api import client as _client
from ansible_collections.community.soda.plugins.module_utils._api.runners import Runners
from ansible_collections.community.soda.plugins.module_utils._module import SodaModule, run
from ansible_collections.community.soda.tests.unit.plugins.harness import Json, Ran, run_main
from emulator.client import Account

OPTIONS = [
    # option, type, default, environment
    ("endpoint", "str", "https://cloud.soda.io", "SODA_CLOUD_ENDPOINT"),
    ("api_key_id", "str", None, "SODA_CLOUD_API_KEY_ID"),
    ("api_key_secret", "str", None, "SODA_CLOUD_API_KEY_SECRET"),
    ("validate_certs", "bool", True, "SODA_CLOUD_VALIDATE_CERTS"),
    ("ca_path", "path", None, "SODA_CLOUD_CA_PATH"),
    ("timeout", "float", 30.0, "SODA_CLOUD_TIMEOUT"),
    ("retry_budget", "float", 300.0, "SODA_CLOUD_RETRY_BUDGET"),
]


@pytest.mark.parametrize(("option", "kind", "default", "environment"), OPTIONS)
def test_an_option_has_a_type_a_default_and_a_place_in_the_environment(
    option: str, kind: str, default: Any, environment: str
) -> None:
    spec = dict(_arguments.connection_spec()[option])
    spec.pop("no_log", None)
    expected = {"type": kind, "fallback": (env_fallback, [environment])}
    assert spec == (expected if default is None else {**expected, "default": default})


def test_there_are_no_other_options_and_the_secret_is_the_one_that_is_not_logged() -> None:
    spec = _arguments.connection_spec()
    assert set(spec) == {option for option, *_rest in OPTIONS}
    assert {option: given["no_log"] for option, given in spec.items() if "no_log" in given} == {"api_key_secret": True}


def made(arguments: Json) -> tuple[Ran, list[Runners]]:
    """What a module that asks for its runners ends with, and the runners."""
    found: list[Runners] = []

    def main() -> None:
        module = SodaModule(argument_spec=_arguments.connection_spec())
        run(module, lambda: {"changed": bool(found.append(_arguments.runners(module)))})

    result, output = run_main(main, arguments)
    return Ran(result, output, []), found


def test_the_client_is_made_as_the_options_say(tmp_path: Path) -> None:
    (tmp_path / "authorities").mkdir()
    given: Json = {
        "endpoint": "https://cloud.us.soda.io/",
        "api_key_id": "an-id",
        "api_key_secret": "a-secret",
        "validate_certs": False,
        "ca_path": str(tmp_path / "authorities"),
        "timeout": 3,
        "retry_budget": 4,
    }
    _ran, (runners,) = made(given)
    assert runners._client.connection == _client.connection(**{**given, "endpoint": "https://cloud.us.soda.io"})


def test_without_options_the_environment_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "ENDPOINT": "https://cloud.us.soda.io",
        "API_KEY_ID": "an-id",
        "API_KEY_SECRET": "-secret",
        "TIMEOUT": "7.5",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"SODA_CLOUD_{name}", value)
    ran, (runners,) = made({})
    assert runners._client.connection == _client.connection("https://cloud.us.soda.io", "an-id", "-secret", timeout=7.5)
    assert "-secret" not in ran.output


def test_a_connection_that_cannot_be_meant_fails_the_module() -> None:
    ran, found = made({"endpoint": "ftp://cloud.soda.io", "api_key_id": "an-id", "api_key_secret": "a-secret"})
    assert ran.failure["code"] == "invalid_endpoint"
    assert found == []


def test_without_requests_the_module_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "REQUESTS_IMPORT_ERROR", ImportError("no module named so"))
    given: list[Json] = []
    fail_json = SodaModule.fail_json

    def recorded(self: SodaModule, msg: str, **options: Any) -> NoReturn:
        given.append(options)
        fail_json(self, msg, **options)

    monkeypatch.setattr(SodaModule, "fail_json", recorded)
    ran, found = made({"api_key_id": "an-id", "api_key_secret": "a-secret"})
    assert ran.failure["code"] == "missing_library"
    assert "library (requests)" in ran["msg"]
    # Ansible shows it if tracebacks are enabled.
    assert given == [{"exception": "no module named so"}]
    assert found == []


@pytest.fixture
def received() -> Iterator[list[int]]:
    """The requests to end that have taken effect."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


def test_a_rate_limit_wait_delivers_a_deferred_signal(account: Account, received: list[int]) -> None:
    account.fault("status", "listRunners", status=429, headers={"Retry-After": "1"})
    connection = {name: getattr(account, name) for name in ("endpoint", "api_key_id", "api_key_secret")}
    _ran, (runners,) = made(connection)
    with _signals.defer_termination():
        # To this thread: pytest has others, which hold nothing back.
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        assert received == []
        runners.list()
        assert received == [signal.SIGTERM]
    assert account.operations() == ["listRunners"] * 2
