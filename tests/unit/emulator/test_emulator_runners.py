# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runners do: log in, register, stay online."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from emulator.client import Account, Api, Emulator, EmulatorFailed, Key


@pytest.fixture
def key(account: Account) -> Key:
    return account.issue_runner_key()


def register(api: Api, key: Key, name: str, **more: Any) -> Any:
    return api.command(type="emulatorRegisterRunner", token=api.login(key), name=name, **more)


# Login and whoAmI


def test_a_runner_key_logs_in(account: Account, api: Api, key: Key) -> None:
    token = api.login(key)
    answer = api.post("/api/query", json={"type": "whoAmI", "token": token})
    assert answer.status_code == 200
    assert answer.json()["organization"]["name"] == account.name


def test_a_key_from_creation_logs_in(api: Api) -> None:
    made = api.create()
    assert api.login(Key(made["apiKeyId"], made["apiKeySecret"]))


def test_a_soda_cloud_api_key_logs_in_too(account: Account, api: Api) -> None:
    assert api.login(account)


def test_a_wrong_secret_does_not_log_in(api: Api, key: Key) -> None:
    answer = api.command(type="login", apiKeyId=key.api_key_id, apiKeySecret="wrong")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_an_unknown_token_is_unauthorized(api: Api) -> None:
    assert api.post("/api/query", json={"type": "whoAmI", "token": "x"}).status_code == 401


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"type": "login"}', b'{"type": "login", "apiKeyId": 5}',
             b'{"type": "login", "apiKeyId": "\\ud800", "apiKeySecret": "x"}', b'{"type": "drop"}', b"[" * 100_000]
)  # fmt: skip
def test_a_malformed_command_is_a_bad_request(api: Api, body: bytes) -> None:
    answer = api.post("/api/command", data=body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message"}


# Registration


def test_a_registered_runner_is_listed(api: Api, key: Key) -> None:
    answer = register(api, key, "edge-1")
    assert answer.status_code == 200
    (runner,) = api.page()["content"]
    assert (runner["id"], runner["name"]) == (answer.json()["runner"]["id"], "edge-1")
    assert (runner["type"], runner["isOnline"]) == ("SELF_HOSTED", True)
    assert {"runner", "library"} <= set(runner["versions"])


def test_a_registered_runner_was_seen_just_now(api: Api, key: Key) -> None:
    register(api, key, "edge-1")
    seen = datetime.fromisoformat(api.page()["content"][0]["lastSeenTimestamp"].replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - seen).total_seconds()) < 30


def test_a_runner_needs_a_name(api: Api, key: Key) -> None:
    assert register(api, key, "").status_code == 400


@pytest.mark.parametrize("name", [" ", "a b", "it's", '"q"', "a/b", "-x", "Zürich ☂", "${env.HOME}", "../x", "x" * 300])
def test_every_other_name_is_good(api: Api, key: Key, name: str) -> None:
    assert register(api, key, name).status_code == 200
    assert api.names() == [name]


def test_a_soda_cloud_api_key_registers_nothing(account: Account, api: Api) -> None:
    answer = register(api, Key(account.api_key_id, account.api_key_secret), "edge-1")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_a_runner_key")


def test_registering_again_with_the_same_key_is_the_same_runner(api: Api, key: Key) -> None:
    ids = {register(api, key, "edge-1").json()["runner"]["id"] for _unused in range(2)}
    assert len(ids) == 1
    assert api.page()["totalElements"] == 1


def test_a_taken_name_is_refused_to_another_key(account: Account, api: Api, key: Key) -> None:
    register(api, key, "edge-1")
    answer = register(api, account.issue_runner_key(), "edge-1")
    assert answer.status_code == 400
    assert "agent with name already registered" in answer.json()["message"]


def test_with_its_id_a_runner_registers_again_with_another_key(account: Account, api: Api, key: Key) -> None:
    runner_id = register(api, key, "edge-1").json()["runner"]["id"]
    other = account.issue_runner_key()
    assert register(api, other, "edge-1", id=runner_id).json()["runner"]["id"] == runner_id
    assert account.runner("edge-1")["runner_key_id"] == other.api_key_id


@pytest.mark.parametrize("name", ["edge-1", "new"])
def test_an_id_that_is_not_the_names_is_refused(account: Account, api: Api, key: Key, name: str) -> None:
    account.seed("edge-1")
    (other,) = account.seed("edge-2")
    answer = register(api, key, name, id=other)
    assert answer.status_code == 400
    assert "agent ID mismatch" in answer.json()["message"]


def test_an_id_of_no_runner_is_refused(api: Api, key: Key) -> None:
    assert "agent ID mismatch" in register(api, key, "edge-1", id="gone").json()["message"]


@pytest.mark.parametrize("with_id", [True, False])
def test_the_name_of_a_hosted_runner_is_refused(account: Account, api: Api, key: Key, with_id: bool) -> None:
    (hosted,) = account.seed({"name": "cloud", "type": "SODA_HOSTED"})
    assert register(api, key, "cloud", **({"id": hosted} if with_id else {})).status_code == 400


def test_the_same_name_may_be_taken_in_two_accounts(
    emulator: Emulator, api: Api, key: Key, connect: Callable[..., Api]
) -> None:
    other = emulator.account()
    assert register(api, key, "edge-1").status_code == 200
    assert register(connect(other), other.issue_runner_key(), "edge-1").status_code == 200


def test_a_deleted_runner_registers_again_under_another_id(api: Api, key: Key) -> None:
    first = register(api, key, "edge-1").json()["runner"]["id"]
    api.delete(f"/api/v1/runners/{first}")
    assert register(api, key, "edge-1").json()["runner"]["id"] != first


def test_with_a_listing_delay_a_runner_is_listed_later(emulator: Emulator, connect: Callable[..., Api]) -> None:
    account = emulator.account(listing_delay=120)
    api = connect(account)
    runner_id = register(api, account.issue_runner_key(), "slow").json()["runner"]["id"]
    assert (api.names(), api.get(f"/api/v1/runners/{runner_id}").status_code) == ([], 404)
    account.advance(119)
    assert api.names() == []
    account.advance(1)
    assert (api.names(), api.get(f"/api/v1/runners/{runner_id}").status_code) == (["slow"], 200)


# Online


def test_a_runner_not_heard_of_for_a_while_is_offline(account: Account, api: Api, key: Key) -> None:
    register(api, key, "edge-1")
    account.advance(61)
    assert api.page()["content"][0]["isOnline"] is False


def test_a_heartbeat_keeps_a_runner_online(account: Account, api: Api, key: Key) -> None:
    runner_id = register(api, key, "edge-1").json()["runner"]["id"]
    before = api.page()["content"][0]["lastSeenTimestamp"]
    account.advance(61)
    assert api.command(type="emulatorHeartbeat", token=api.login(key), id=runner_id).status_code == 200
    runner = api.page()["content"][0]
    assert runner["isOnline"] is True
    assert runner["lastSeenTimestamp"] > before


def test_a_heartbeat_of_a_deleted_runner_is_refused(account: Account, api: Api, key: Key) -> None:
    runner_id = register(api, key, "edge-1").json()["runner"]["id"]
    account.remove_runner(runner_id)
    assert api.command(type="emulatorHeartbeat", token=api.login(key), id=runner_id).status_code == 404


def test_a_heartbeat_with_a_key_that_is_no_longer_the_runners_is_refused(account: Account, api: Api, key: Key) -> None:
    runner_id = register(api, key, "edge-1").json()["runner"]["id"]
    register(api, account.issue_runner_key(), "edge-1", id=runner_id)
    assert api.command(type="emulatorHeartbeat", token=api.login(key), id=runner_id).status_code == 404


@pytest.mark.parametrize("online", [True, False])
def test_a_test_may_say_whether_a_runner_is_online(account: Account, api: Api, online: bool) -> None:
    (runner,) = account.seed({"name": "edge-1", "isOnline": not online})
    account.set_online(runner, online)
    assert api.page()["content"][0]["isOnline"] is online


# Behind the API's back


def test_a_test_may_register_a_runner(account: Account, api: Api, key: Key) -> None:
    runner = account.register("edge-1", key)
    assert api.page()["content"][0]["id"] == runner["id"]
    assert account.stats()["registered"] == [{"id": runner["id"], "name": "edge-1", "runner_key_id": key.api_key_id}]


def test_the_error_explains_why_a_runner_cannot_register(account: Account, key: Key) -> None:
    account.seed("edge-1")
    with pytest.raises(EmulatorFailed, match="agent with name already registered"):
        account.register("edge-1", key)
