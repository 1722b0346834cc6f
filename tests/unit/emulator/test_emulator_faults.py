# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults that the emulator can have."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from emulator.client import Account, Api, Emulator, EmulatorFailed

RUNNERS = "/api/v1/runners"


# Which requests are struck


def test_a_fault_strikes_as_often_as_it_was_asked_to(account: Account, api: Api) -> None:
    account.fault("status", "listRunners", status=503, times=2)
    assert [api.get(RUNNERS).status_code for _unused in range(3)] == [503, 503, 200]


def test_a_fault_without_times_always_strikes(account: Account, api: Api) -> None:
    account.fault("status", status=503, times=None)
    assert {api.get(RUNNERS).status_code for _unused in range(5)} == {503}
    account.clear_faults()
    assert api.get(RUNNERS).status_code == 200


def test_a_fault_may_let_requests_pass_first(account: Account, api: Api) -> None:
    account.fault("status", status=503, after=2)
    assert [api.get(RUNNERS).status_code for _unused in range(4)] == [200, 200, 503, 200]


def test_a_fault_strikes_its_operation_only(account: Account, api: Api) -> None:
    account.fault("status", "createRunner", status=503)
    assert [api.get(RUNNERS).status_code, api.post(RUNNERS).status_code] == [200, 503]


def test_a_fault_strikes_its_page_only(account: Account, api: Api) -> None:
    account.seed(count=30)
    account.fault("status", "listRunners", status=503, page=1)
    assert [api.get(RUNNERS, params={"page": n}).status_code for n in (0, 2, 1, 1)] == [200, 200, 503, 200]


def test_a_fault_strikes_its_account_only(emulator: Emulator, account: Account, connect: Callable[..., Api]) -> None:
    account.fault("status", status=503)
    assert connect(emulator.account()).get(RUNNERS).status_code == 200


def test_a_fault_may_strike_a_command(account: Account, api: Api) -> None:
    account.fault("status", "login", status=503)
    assert api.command(type="login", apiKeyId=account.api_key_id, apiKeySecret="x").status_code == 503


def test_a_fault_strikes_with_its_probability_and_seed(emulator: Emulator, connect: Callable[..., Api]) -> None:
    seen = []
    for seed in (1, 1, 2):
        account = emulator.account(window_factor=0)
        account.fault("status", status=503, times=None, probability=0.5, seed=seed)
        api = connect(account)
        seen.append([api.get(RUNNERS).status_code for _unused in range(40)])
    assert seen[0] == seen[1] != seen[2]
    assert 8 < seen[0].count(503) < 32


def test_faults_strike_in_the_order_of_their_requests(account: Account, api: Api) -> None:
    account.fault("status", status=502)
    account.fault("status", status=503)
    assert [api.get(RUNNERS).status_code for _unused in range(3)] == [502, 503, 200]


def test_the_journal_and_the_fault_say_that_it_struck(account: Account, api: Api) -> None:
    account.fault("html", "listRunners")
    api.get(RUNNERS)
    assert account.journal()[0]["fault"] == "html"
    assert account.faults()[0]["struck"] == 1


@pytest.mark.parametrize(
    ("kind", "options"), [("earthquake", {}), ("delay", {}), ("html", {"colour": "red"}), ("drop_runner", {"i": 1})]
)
def test_an_unknown_fault_is_refused(account: Account, kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(EmulatorFailed, match=kind):
        account.fault(kind, **options)


# Answers in place of the real one


@pytest.mark.parametrize("retry_after", ["0", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "rubbish", None])
def test_status_gives_any_status_and_headers_before_the_work(
    account: Account, api: Api, retry_after: str | None
) -> None:
    account.fault("status", status=429, headers={"Retry-After": retry_after} if retry_after else {})
    answer = api.post(RUNNERS)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, retry_after)
    assert account.stats()["keys_issued"] == 0


@pytest.mark.parametrize(
    ("body", "text"), [("<html>", "<html>"), ({"a": 1}, '{"a":1}'), ([], "[]"), ("{", "{"), ("", "")]
)
def test_status_gives_any_body(account: Account, api: Api, body: object, text: str) -> None:
    account.fault("status", status=200, body=body, content_type="text/plain")
    answer = api.get(RUNNERS)
    assert (answer.text, answer.headers["Content-Type"]) == (text, "text/plain")


def test_status_redirects_to_the_given_location(account: Account, api: Api) -> None:
    account.fault("status", status=302, headers={"Location": "http://127.0.0.2:1/"})
    assert api.get(RUNNERS).headers["Location"] == "http://127.0.0.2:1/"


def test_status_after_answers_when_the_work_is_done(account: Account, api: Api) -> None:
    account.fault("status_after", "createRunner", status=500)
    assert api.post(RUNNERS).status_code == 500
    assert account.stats()["keys_issued"] == 1


def test_html_answers_200_with_the_web_application_before_the_work(account: Account, api: Api) -> None:
    account.fault("html", "createRunner")
    answer = api.post(RUNNERS)
    assert (answer.status_code, "<html" in answer.text) == (200, True)
    assert account.stats()["keys_issued"] == 0


# The connection


@pytest.mark.parametrize(("kind", "issued"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_comes_before_or_after_the_work(account: Account, api: Api, kind: str, issued: int) -> None:
    account.fault(kind, "createRunner")
    with pytest.raises(requests.ConnectionError):
        api.post(RUNNERS)
    assert account.stats()["keys_issued"] == issued
    assert account.journal()[0]["status"] is None


def test_after_a_reset_the_emulator_goes_on(account: Account, api: Api) -> None:
    account.fault("reset_before")
    with pytest.raises(requests.ConnectionError):
        api.get(RUNNERS)
    assert api.get(RUNNERS).status_code == 200


def test_delay_does_the_work_and_answers_later(account: Account, api: Api) -> None:
    account.fault("delay", "createRunner", seconds=0.3)
    began = time.monotonic()
    assert api.post(RUNNERS).status_code == 200
    assert time.monotonic() - began >= 0.3


def test_an_answer_later_than_the_clients_timeout_has_done_its_work(account: Account, api: Api) -> None:
    account.fault("delay", "createRunner", seconds=5)
    with pytest.raises(requests.ReadTimeout):
        api.post(RUNNERS, timeout=0.2)
    assert account.stats()["keys_issued"] == 1


def test_slow_answers_byte_by_byte(account: Account, api: Api) -> None:
    account.fault("slow", bytes_per_second=500)
    began = time.monotonic()
    answer = api.get(RUNNERS)
    assert time.monotonic() - began >= len(answer.content) / 500 * 0.9
    assert answer.json()["totalElements"] == 0


def test_a_truncated_answer_is_shorter_than_it_declares(account: Account, api: Api) -> None:
    account.fault("truncated", "createRunner", length=20)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="20 bytes read"):
        api.post(RUNNERS)
    assert account.stats()["keys_issued"] == 1


def test_a_truncated_answer_may_be_whole_on_the_wire(account: Account, api: Api) -> None:
    account.fault("truncated", "createRunner", declare="short")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        api.post(RUNNERS).json()


# What a listing or a runner says


def test_a_dropped_runner_still_counts(account: Account, api: Api) -> None:
    account.seed("a", "b", "c")
    account.fault("drop_runner", index=1)
    page = api.page()
    assert ([each["name"] for each in page["content"]], page["totalElements"]) == (["a", "c"], 3)


def test_a_repeated_runner_takes_the_place_of_the_next(account: Account, api: Api) -> None:
    account.seed("a", "b", "c")
    account.fault("repeat_runner")
    assert api.names() == ["a", "a", "c"]


def test_an_edited_runner_has_other_fields(account: Account, api: Api) -> None:
    account.seed("a")
    account.fault("edit_runner", set={"type": "QUANTUM", "isOnline": "yes"}, omit=["name"])
    runner = api.page()["content"][0]
    assert (runner["type"], runner["isOnline"], "name" in runner) == ("QUANTUM", "yes", False)


def test_a_runner_asked_for_alone_may_be_edited_too(account: Account, api: Api) -> None:
    (runner,) = account.seed("a")
    account.fault("edit_runner", "getRunner", omit=["id"])
    assert "id" not in api.get(f"{RUNNERS}/{runner}").json()["runner"]


def test_a_listing_fault_leaves_an_answer_without_runners_alone(account: Account, api: Api) -> None:
    account.fault("drop_runner", times=None)
    account.fault("repeat_runner", "listRunners")
    assert api.page()["content"] == []
    assert set(api.create()) == {"apiKeyId", "apiKeySecret"}


def test_a_runner_may_be_removed_between_two_pages(account: Account, api: Api) -> None:
    ids = account.seed(*(f"r{i:02}" for i in range(15)))
    account.fault("move", "listRunners", page=1, remove=ids[3])
    names = api.names(page=0) + api.names(page=1)
    assert (len(names), "r10" in names) == (14, False)
    assert account.stats()["runners"] == 14


def test_a_runner_may_be_added_between_two_pages(account: Account, api: Api) -> None:
    account.seed(*(f"r{i:02}" for i in range(15)))
    account.fault("move", "listRunners", page=0, add={"name": "new"}, when="after")
    assert (api.page(page=0)["totalElements"], api.page(page=1)["totalElements"]) == (15, 16)


def test_a_fault_that_fails_is_recorded_as_the_emulators_own(emulator: Emulator, connect: Callable[..., Api]) -> None:
    account = emulator.account()
    account.fault("delay", seconds="long")
    assert connect(account).get(RUNNERS).status_code == 500
    assert account.violations() != []
