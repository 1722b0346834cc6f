# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control API: setting the scene and seeing what happened."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from emulator.client import UNKNOWN, Account, Api, ContractViolated, Emulator, EmulatorFailed, Key

RUNNERS = "/api/v1/runners"


# Seeding


def test_seeding_by_number_gives_the_same_runners_each_time(emulator: Emulator, connect: Callable[..., Api]) -> None:
    shown = []
    for name in ("twin", "twin", "other"):
        account = emulator.account(name=name)
        account.seed(count=100)
        content = connect(account).page(size=100)["content"]
        shown.append([{**runner, "lastSeenTimestamp": None} for runner in content])
        account.remove()
    assert shown[0] == shown[1]
    assert [runner["name"] for runner in shown[0]] == [runner["name"] for runner in shown[2]]
    assert not {runner["id"] for runner in shown[0]} & {runner["id"] for runner in shown[2]}


def test_seeded_runners_are_of_all_types_online_and_offline(account: Account, api: Api) -> None:
    account.seed(count=1000)
    content = api.page(size=1000)["content"]
    assert {runner["type"] for runner in content} == {"SELF_HOSTED", "SODA_HOSTED", "VIRTUAL"}
    assert {runner["isOnline"] for runner in content} == {True, False}
    assert len({runner["name"] for runner in content}) == len({runner["id"] for runner in content}) == 1000
    assert len({runner["lastSeenTimestamp"] for runner in content}) > 100


def test_two_runners_of_one_name_need_to_be_forced(account: Account, api: Api) -> None:
    with pytest.raises(EmulatorFailed, match="the name 'a' is taken"):
        account.seed("a", "a")
    assert api.names() == []
    account.seed("a", "a", allow_duplicates=True)
    assert api.names() == ["a", "a"]


@pytest.mark.parametrize("runner", [{}, {"name": ""}, {"name": "a", "colour": "red"}, {"name": "a", "isOnline": "yes"}])
def test_a_runner_that_makes_no_sense_is_refused(account: Account, runner: dict[str, object]) -> None:
    with pytest.raises(EmulatorFailed, match="400"):
        account.seed(runner)


def test_a_runner_may_have_been_seen_some_time_ago(account: Account, api: Api) -> None:
    account.seed({"name": "old", "last_seen_seconds_ago": 86400}, "new")
    old, new = (runner["lastSeenTimestamp"] for runner in api.page()["content"])
    seen = [datetime.fromisoformat(each.replace("Z", "+00:00")) for each in (old, new)]
    assert abs((seen[1] - seen[0]).total_seconds() - 86400) < 5


def test_a_runner_may_be_removed_behind_the_apis_back(account: Account, api: Api) -> None:
    ids = account.seed("a", "b")
    account.remove_runner(ids[0])
    assert api.names() == ["b"]
    assert account.operations() == ["listRunners"]


# The journal


def test_the_journal_has_the_requests_in_order_of_arrival(account: Account, api: Api) -> None:
    (runner,) = account.seed("a")
    api.get(f"{RUNNERS}?size=20&page=0")
    api.create()
    api.get(f"{RUNNERS}/{runner}")
    api.delete(f"{RUNNERS}/{runner}")
    api.put(RUNNERS)
    api.get("/nowhere")
    entries = account.journal()
    assert [
        (entry["operation"], entry["method"], entry["path"], entry["query"], entry["status"]) for entry in entries
    ] == [
        ("listRunners", "GET", RUNNERS, "size=20&page=0", 200),
        ("createRunner", "POST", RUNNERS, "", 200),
        ("getRunner", "GET", f"{RUNNERS}/{runner}", "", 200),
        ("deleteRunner", "DELETE", f"{RUNNERS}/{runner}", "", 200),
        (None, "PUT", RUNNERS, "", 405),
        (None, "GET", "/nowhere", "", 200),
    ]
    assert [entry["sequence"] for entry in entries] == sorted({entry["sequence"] for entry in entries})


def test_the_journal_shows_the_headers_that_matter(account: Account, api: Api) -> None:
    api.get(RUNNERS, headers={"User-Agent": "test/1", "X-Soda-Backpressure": "1", "X-Other": "x"})
    headers = account.journal()[0]["headers"]
    assert headers == {"User-Agent": "test/1", "X-Soda-Backpressure": "1", "Accept": "*/*", "Connection": "keep-alive"}


def test_the_journal_has_the_trace_id_of_the_answer(account: Account, api: Api) -> None:
    answer = api.get(RUNNERS)
    assert account.journal()[0]["trace_id"] == answer.headers["X-Soda-Trace-Id"]


def test_the_journal_holds_no_secret(account: Account, api: Api) -> None:
    made = api.create()
    api.login(Key(made["apiKeyId"], made["apiKeySecret"]))
    written = json.dumps(account.journal())
    assert made["apiKeySecret"] not in written
    assert account.api_key_secret not in written
    assert "Authorization" not in written


def test_the_journal_names_commands_but_counts_them_as_no_operation(account: Account, api: Api) -> None:
    api.login(account)
    assert [(entry["command"], entry["operation"]) for entry in account.journal()] == [("login", None)]


def test_the_journal_is_read_from_where_it_was_left(account: Account, api: Api) -> None:
    api.get(RUNNERS)
    last = account.journal()[-1]["sequence"]
    api.create()
    assert account.operations(since=last) == ["createRunner"]


def test_a_cleared_journal_is_empty_and_the_counts_stay(account: Account, api: Api) -> None:
    api.get(RUNNERS)
    account.clear_journal()
    assert account.journal() == []
    assert account.stats()["requests"] == {"listRunners": {"200": 1}}


def test_a_wrong_secret_stands_in_the_journal_of_the_keys_account(
    account: Account, connect: Callable[..., Api]
) -> None:
    connect(account, Key(account.api_key_id, "wrong")).get(RUNNERS)
    assert [entry["status"] for entry in account.journal()] == [401]


def test_unknown_credentials_have_a_separate_journal(
    emulator: Emulator, account: Account, connect: Callable[..., Api]
) -> None:
    for key in (None, Key("nobody", "x")):
        connect(account, key).get(f"{RUNNERS}?size=321")
    assert account.journal() == []
    entries = emulator.journal(UNKNOWN)[-2:]
    assert [(entry["query"], entry["status"]) for entry in entries] == [("size=321", 401)] * 2


def test_accounts_are_independent(emulator: Emulator, account: Account, connect: Callable[..., Api]) -> None:
    other = emulator.account()
    other.seed("a")
    connect(other).create()
    assert (account.journal(), account.stats()["requests"], account.stats()["keys_issued"]) == ([], {}, 0)


# Counts, clocks and clearing up


def test_requests_are_counted_by_operation_and_status(account: Account, api: Api) -> None:
    for path in (RUNNERS, RUNNERS, f"{RUNNERS}?size=1", f"{RUNNERS}/x"):
        api.get(path)
    assert account.stats()["requests"] == {"listRunners": {"200": 2, "400": 1}, "getRunner": {"404": 1}}


def test_a_runner_key_from_the_control_api_is_not_counted_as_issued(account: Account) -> None:
    key = account.issue_runner_key()
    stats = account.stats()
    assert (stats["keys_issued"], stats["runner_key_ids"]) == (0, [key.api_key_id])


def test_a_reset_account_keeps_its_api_keys_and_nothing_else(account: Account, api: Api) -> None:
    account.seed("a")
    api.create()
    account.fault("status", status=503)
    account.reset()
    assert (account.journal(), account.stats()["keys_issued"], account.faults()) == ([], 0, [])
    assert api.names() == []


def test_settings_may_change_on_the_way(account: Account, api: Api) -> None:
    account.change_settings(window_factor=1)
    assert [api.post(RUNNERS).status_code for _unused in range(11)][-1] == 429


@pytest.mark.parametrize(
    "options", [{"secrets": "loud"}, {"key_ids": "x"}, {"window_factor": -1}, {"online_for": "x"}, {"colour": "red"}]
)
def test_an_account_that_makes_no_sense_is_refused(emulator: Emulator, options: dict[str, Any]) -> None:
    with pytest.raises(EmulatorFailed, match="400"):
        emulator.account(**options)


def test_unknown_control_path_is_not_found(emulator: Emulator) -> None:
    for path in ("nothing", "accounts/nobody/stats"):
        with pytest.raises(EmulatorFailed, match="404"):
            emulator.call("GET", path)


def test_calls_of_the_control_api_are_in_no_journal(emulator: Emulator, account: Account) -> None:
    account.stats()
    assert not [entry for entry in emulator.journal() if "_emulator" in entry["path"]]


def test_a_violation_is_kept_when_the_journal_is_cleared_or_the_account_removed(
    emulator: Emulator, connect: Callable[..., Api]
) -> None:
    account = emulator.account()
    before = len(emulator.violations())
    connect(account).get(f"{RUNNERS}?size=x")
    account.clear_journal()
    assert len(emulator.violations()) == before + 1
    account.remove()
    assert len(emulator.violations()) == before + 1


def test_a_block_with_a_separate_emulator_fails_at_its_end_if_the_contract_was_violated() -> None:
    own = Emulator()

    def violate() -> None:
        with own:
            account = own.account()
            Api(account.endpoint, account).get(f"{RUNNERS}?size=x")
            account.remove()

    with pytest.raises(ContractViolated, match=r"1 violations[^\n]*\n1 GET /api/v1/runners: .*size"):
        violate()
    assert own.pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(own.pid, 0)
