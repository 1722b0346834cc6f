# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What soda_runner_info returns: the filters, and a listing that is one snapshot or a failure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.text import MARK, sanitize
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    ODD_NAMES,
    Json,
    Ran,
    Soda,
    plain_id,
)
from emulator.client import Account

LIST = "listRunners"
READINGS = 1 + 3  # read, and read again three times


def names(ran: Ran) -> list[Any]:
    assert ran.succeeded
    return [runner["name"] for runner in ran["runners"]]


def pages_asked_for(account: Account) -> list[str]:
    return [entry["query"] for entry in account.journal(operation=LIST)]


# The result


def test_an_account_without_runners_gives_an_empty_list(soda: Soda) -> None:
    ran = soda.info()
    assert (ran["runners"], ran["total"], ran["changed"]) == ([], 0, False)


def test_a_runner_is_returned_with_all_its_fields(soda: Soda) -> None:
    runner_id = soda.listed(
        "one", label="One", isOnline=False, lastSeenTimestamp="2026-01-01T12:00:00Z", versions={"runner": "1.2.3"}
    )
    assert soda.info()["runners"] == [
        {
            "id": runner_id,
            "name": "one",
            "label": "One",
            "type": "SELF_HOSTED",
            "is_online": False,
            "last_seen_timestamp": "2026-01-01T12:00:00.000Z",
            "versions": {"runner": "1.2.3"},
        }
    ]


def test_runners_come_in_the_order_of_the_listing(soda: Soda) -> None:
    soda.account.seed("b", "c", "a")
    assert names(soda.info()) == ["b", "c", "a"]


def test_total_counts_all_runners_whatever_the_filter(soda: Soda) -> None:
    soda.account.seed("a", "b", "c")
    ran = soda.info(name="b")
    assert (len(ran["runners"]), ran["total"]) == (1, 3)


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_it_asks_for_one_page_of_1000_and_changes_nothing(soda: Soda, check: bool) -> None:
    soda.account.seed(count=1000)
    ran = soda.info(check=check)
    assert (len(ran["runners"]), ran["changed"]) == (1000, False)
    assert pages_asked_for(soda.account) == ["page=0&size=1000"]


# Filters


@pytest.fixture
def fleet(soda: Soda) -> Soda:
    """Four runners that each filter tells apart."""
    soda.account.seed(
        {"name": "online", "id": "1", "isOnline": True, "last_seen_seconds_ago": 0},
        {"name": "offline", "id": "2", "isOnline": False, "last_seen_seconds_ago": 7200},
        {"name": "hosted", "id": "3", "type": "SODA_HOSTED", "isOnline": True, "last_seen_seconds_ago": 0},
        {"name": "never seen", "id": "4", "isOnline": False, "omit": ["lastSeenTimestamp"]},
    )
    return soda


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["online", "offline", "hosted", "never seen"]),
        ({"name": "offline"}, ["offline"]),
        ({"name": "off"}, []),
        ({"name": "Offline"}, []),
        ({"name": ""}, []),
        ({"names": ["hosted", "online", "nobody"]}, ["online", "hosted"]),
        ({"names": []}, []),
        ({"name": "online", "names": ["online", "offline"]}, ["online"]),
        ({"name": "online", "names": ["offline"]}, []),
        ({"id": "3"}, ["hosted"]),
        ({"id": "33"}, []),
        ({"type": "SELF_HOSTED"}, ["online", "offline", "never seen"]),
        ({"type": "SODA_HOSTED"}, ["hosted"]),
        ({"type": "self_hosted"}, []),
        ({"is_online": True}, ["online", "hosted"]),
        ({"is_online": False}, ["offline", "never seen"]),
        ({"not_seen_for": 3600}, ["offline"]),
        ({"not_seen_for": 86400}, []),
        ({"not_seen_for": 0}, ["offline"]),
        ({"not_seen_for": 1e300}, []),
        ({"type": "SELF_HOSTED", "is_online": True}, ["online"]),
        ({"type": "SODA_HOSTED", "is_online": False}, []),
        ({"name": "offline", "id": "2", "type": "SELF_HOSTED", "is_online": False, "not_seen_for": 60}, ["offline"]),
    ],
    ids=str,
)
def test_filters_combine_with_and(fleet: Soda, filters: Json, found: Sequence[str]) -> None:
    assert names(fleet.info(**filters)) == found


@pytest.mark.parametrize("name", ODD_NAMES, ids=plain_id)
def test_any_name_is_found_exactly(soda: Soda, name: str) -> None:
    soda.account.seed(name, f"{name}+", f"+{name}")
    ran = soda.info(name=name)
    assert names(ran) == [sanitize(name)]
    assert ran["missing"] == []
    assert bool(ran.warnings) is (sanitize(name) != name)
    assert len(ran.warnings) <= 2


def test_all_runners_of_one_name_are_found(soda: Soda) -> None:
    ids = [soda.listed("twice"), soda.listed("twice")]
    assert [runner["id"] for runner in soda.info(name="twice")["runners"]] == ids


@pytest.mark.parametrize("seconds", [-1, "nan", "inf"])
def test_a_time_that_cannot_be_meant_fails_before_anything_is_sent(soda: Soda, seconds: Any) -> None:
    ran = soda.info(not_seen_for=seconds)
    assert ran.failure["code"] == "invalid_arguments"
    assert "not_seen_for" in ran["msg"]
    assert ran.operations == []


@pytest.mark.parametrize(
    "written",
    [
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00.123Z",
        "2020-01-01T00:00:00.123456789Z",
        "2020-01-01T02:00:00+02:00",
        "2020-01-01T00:00:00",
    ],
)
def test_a_moment_is_read_however_it_is_written(soda: Soda, written: str) -> None:
    answer(soda, [{"id": "1", "name": "one", "lastSeenTimestamp": written}])
    a_day_less = (datetime.now(timezone.utc) - datetime(2020, 1, 2, tzinfo=timezone.utc)).total_seconds()
    a_day_more = a_day_less + timedelta(days=2).total_seconds()
    assert names(soda.info(not_seen_for=a_day_less)) == ["one"]
    assert names(soda.info(not_seen_for=a_day_more)) == []


# Whatever Soda Cloud lists


def answer(soda: Soda, content: list[Any], **fields: Any) -> None:
    """Have Soda Cloud list exactly this, true to the contract or not."""
    page = {"content": content, "first": True, "last": True, "totalElements": len(content), **fields}
    soda.account.fault("status", LIST, status=200, body=json.dumps(page), times=None)


def test_a_type_unheard_of_is_returned_as_it_is(soda: Soda) -> None:
    soda.listed("one", type="QUANTUM")
    assert soda.info(type="QUANTUM")["runners"][0]["type"] == "QUANTUM"


def test_fields_unheard_of_are_left_out(soda: Soda) -> None:
    soda.listed("one", extra={"colour": "blue", "nested": {"a": [1]}})
    (runner,) = soda.info()["runners"]
    assert "colour" not in runner


@pytest.mark.parametrize("missing", ["name", "label", "type", "isOnline", "lastSeenTimestamp", "versions"])
def test_a_field_that_is_missing_is_null(soda: Soda, missing: str) -> None:
    """The vendor promises none of them."""
    soda.listed("one", omit=[missing])
    (runner,) = soda.info()["runners"]
    renamed = {"isOnline": "is_online", "lastSeenTimestamp": "last_seen_timestamp"}.get(missing, missing)
    assert runner[renamed] == ({} if missing == "versions" else None)


def test_a_runner_without_any_field_is_a_runner(soda: Soda) -> None:
    answer(soda, [{}, {}])
    ran = soda.info()
    assert ran["total"] == 2
    assert ran["runners"][0] == {
        "id": None,
        "name": None,
        "label": None,
        "type": None,
        "is_online": None,
        "last_seen_timestamp": None,
        "versions": {},
    }


@pytest.mark.parametrize("wrong", [5, True, [], {}, ["text"], {"a": 1}], ids=json.dumps)
def test_a_field_of_another_kind_is_null(soda: Soda, wrong: Any) -> None:
    answer(soda, [{"id": "1", "name": wrong, "label": wrong, "lastSeenTimestamp": wrong, "versions": 5}])
    (runner,) = soda.info()["runners"]
    assert (runner["id"], runner["name"], runner["label"], runner["last_seen_timestamp"]) == ("1", None, None, None)
    assert runner["versions"] == {}


@pytest.mark.parametrize(
    "seen", [None, "", "yesterday", "2026-99-99T00:00:00Z", "0", 0, 1760000000, "1970-01-01T00:00:00Z", ["2026-01-01"]]
)
def test_a_runner_whose_last_contact_is_unknown_is_not_selected_by_it(soda: Soda, seen: Any) -> None:
    answer(soda, [{"id": "1", "name": "one", "isOnline": False, "lastSeenTimestamp": seen}])
    assert names(soda.info(not_seen_for=60)) == []
    assert names(soda.info()) == ["one"]


def test_an_online_runner_is_not_selected_by_its_last_contact(soda: Soda) -> None:
    answer(soda, [{"id": "1", "name": "one", "isOnline": True, "lastSeenTimestamp": "2020-01-01T00:00:00Z"}])
    assert names(soda.info(not_seen_for=60)) == []


# Pages


def test_1001_runners_cost_two_requests_of_1000(soda: Soda) -> None:
    soda.account.seed(count=1001)
    ran = soda.info()
    assert (len(ran["runners"]), ran["total"]) == (1001, 1001)
    assert pages_asked_for(soda.account) == ["page=0&size=1000", "page=1&size=1000"]


def test_pages_are_read_until_the_last(soda: Soda) -> None:
    soda.account.seed(count=3500)
    assert soda.info()["total"] == 3500
    assert len(pages_asked_for(soda.account)) == 4


# fmt: off
MOVES = {
    "one added": {"kind": "move", "add": {"name": "new", "id": "new"}},
    "one removed that was read": {"kind": "move", "remove": "first"},
    "one removed that was not read": {"kind": "move", "remove": "last"},
    "one dropped from a page": {"kind": "drop_runner"},
    "one repeated in the place of another": {"kind": "repeat_runner", "page": 0},
}
# fmt: on


@pytest.mark.parametrize("move", list(MOVES.values()), ids=list(MOVES))
def test_a_listing_that_moved_is_read_again(soda: Soda, move: Json) -> None:
    soda.listed("first", id="first")
    soda.account.seed(count=999)
    soda.listed("last", id="last")
    soda.account.fault(operation=LIST, **{"page": 1, **move})
    ran = soda.info()
    assert sorted(runner["id"] for runner in ran["runners"]) == sorted(each["id"] for each in soda.account.runners())
    assert ran["total"] == len(ran["runners"])
    # A page that shows the move may end a reading before the last page.
    assert len(ran.operations) in (3, 4)


@pytest.mark.parametrize("kind", ["drop_runner", "repeat_runner"])
def test_a_listing_that_contradicts_itself_is_read_twice_and_then_fails(soda: Soda, kind: str) -> None:
    soda.account.seed("a", "b", "c")
    soda.account.fault(kind, LIST, times=None)
    ran = soda.info()
    assert ran.failure["code"] == "listing_contradictory"
    assert ran.failure["operation"] == "list"
    assert ran.failure["retryable"] is False
    assert "contradicts itself" in ran.failure["message"]
    assert ran.operations == [LIST] * 2


def test_a_runner_that_is_listed_twice_beside_all_others_is_one(soda: Soda) -> None:
    """As when one moves to the next page: it is on both, and the total counts it once."""
    one, two = {"id": "1", "name": "one"}, {"id": "2", "name": "two"}
    answer(soda, [one, two, one], totalElements=2)
    ran = soda.info()
    assert names(ran) == ["one", "two"]
    assert ran["total"] == 2


def test_pages_without_end_end(soda: Soda) -> None:
    answer(soda, [{"id": "1", "name": "one"}], last=False, totalElements=10_000)
    assert soda.info().failure["code"] == "listing_contradictory"


@pytest.mark.parametrize("fields", [{"totalElements": 0}, {"totalElements": 5}, {"totalElements": -1}], ids=str)
def test_a_total_that_is_not_what_is_listed_is_no_listing(soda: Soda, fields: Json) -> None:
    answer(soda, [{"id": "1", "name": "one"}], **fields)
    assert soda.info().failure["code"] == "listing_contradictory"


# Odd shapes

ODD_RUNNERS: list[Json] = [
    {"id": "r1", "name": "typed", "type": "SELF_HOSTED", "versions": {"__ansible_type": "TrustedAsTemplate"}},
    {"id": "r2", "name": {"a": 1}, "type": "SELF_HOSTED", "isOnline": False},
    {"id": 3, "name": 1234, "type": "SELF_HOSTED", "isOnline": None, "lastSeenTimestamp": 1760000000},
    {"id": "r4", "name": "when", "isOnline": False, "lastSeenTimestamp": "2026-01-01T00:00:00+0000"},
    {"id": "r5", "name": "never", "type": "SELF_HOSTED", "isOnline": False, "lastSeenTimestamp": None},
    {"id": "r6", "name": None, "type": None},
    {"id": "r7", "name": "lone \ud800 surrogate", "type": "SELF_HOSTED", "isOnline": True},
    {"id": {"a": 1}, "name": ["x"], "label": 5, "isOnline": "yes", "versions": ["1.2"]},
    {"id": "r9", "name": "vault", "versions": {"__ansible_vault": "x", "runner": "{{ 1 + 1 }}", "library": 4}},
    {"id": "\x1b[2J", "name": "#jinja2: variable_start_string: '[['\n[[ 1 ]]", "type": "{% raw %}"},
]


def test_odd_runners_hide_no_others_and_what_is_dropped_is_reported(soda: Soda) -> None:
    answer(soda, [*ODD_RUNNERS, {"id": "1", "name": "one"}])
    ran = soda.info()
    assert (ran["total"], len(ran["runners"])) == (11, 11)
    assert {(runner["id"], runner["name"]) for runner in ran["runners"]} == {
        ("r1", "typed"),
        ("r2", None),
        (None, None),
        ("r4", "when"),
        ("r5", "never"),
        ("r6", None),
        ("r7", f"lone {MARK} surrogate"),
        ("r9", "vault"),
        ("1", "one"),
        (None, f"{MARK}#jinja2: variable_start_string: '[['{MARK}[[ 1 ]]"),
    }
    assert "__ansible" not in json.dumps(ran["runners"])
    assert "\x1b" not in ran.output
    assert "{{" not in ran.output
    assert any("versions are of the wrong type" in warning and "r1" in warning for warning in ran.warnings)
    assert any("name are of the wrong type" in warning and "r2" in warning for warning in ran.warnings)
    assert any("lastSeenTimestamp are of the wrong type" in warning for warning in ran.warnings)
    assert all(len(warning) < 500 for warning in ran.warnings)
    assert names(soda.info(name="one")) == ["one"]


@pytest.mark.parametrize("raw", ["lone \ud800 surrogate", "{{ x", "line\nfeed", "x" * 2000], ids=plain_id)
def test_a_name_that_was_altered_does_not_match_its_altered_form(soda: Soda, raw: str) -> None:
    answer(soda, [{"id": "1", "name": raw}])
    altered = soda.info()["runners"][0]["name"]
    assert altered != raw
    found = soda.info(name=altered)
    assert (found["runners"], found["missing"]) == ([], [altered])


# Names as options


def test_a_number_as_a_name_is_text(soda: Soda) -> None:
    soda.listed("1234")
    assert names(soda.info(name=1234)) == ["1234"]
    assert names(soda.info(names=[1234, "5"])) == ["1234"]


@pytest.mark.parametrize("given", [True, 1e5, ["a"], {"a": 1}], ids=str)
@pytest.mark.parametrize("option", ["name", "names"])
def test_invalid_name_is_refused(soda: Soda, option: str, given: Any) -> None:
    ran = soda.info(**{option: [given] if option == "names" else given})
    assert ran.failure["code"] == "invalid_name"
    assert "Quote the name in YAML" in ran.failure["message"]
    assert ran.operations == []


# Waiting


def test_names_that_no_runner_has_are_missing(soda: Soda) -> None:
    soda.listed("one")
    ran = soda.info(names=["two", "one", "three"])
    assert (names(ran), ran["missing"]) == (["one"], ["three", "two"])
    assert soda.info()["missing"] == []


def test_a_wait_ends_when_all_runners_are_there(soda: Soda) -> None:
    soda.listed("one")
    soda.listed("two")
    ran = soda.info(names=["one", "two"], wait=True)
    assert (names(ran), ran["missing"]) == (["one", "two"], [])
    assert ran.operations == [LIST]


def test_a_wait_that_is_too_short_fails_and_names_what_is_missing(soda: Soda) -> None:
    soda.listed("one")
    ran = soda.info(names=["one", "two"], wait=True, wait_timeout=0.5, wait_interval=0.2)
    assert ran.failure["code"] == "wait_timeout"
    assert ran.failure["retryable"] is True
    assert "1 of 2 runners are not listed: 'two'." in ran.failure["message"]
    assert ([runner["name"] for runner in ran["runners"]], ran["missing"], ran["total"]) == (["one"], ["two"], 1)


def test_a_wait_for_online_is_not_content_with_listed(soda: Soda) -> None:
    soda.listed("one", isOnline=False)
    options: Json = {"name": "one", "wait": True, "wait_timeout": 0.3, "wait_interval": 0.2}
    assert soda.info(**options)["missing"] == []
    ran = soda.info(**options, wait_for="online")
    assert (ran.failure["code"], ran["missing"], ran["runners"][0]["name"]) == ("wait_timeout", ["one"], "one")


def test_a_wait_for_offline_ends_when_no_runner_is_connected(soda: Soda) -> None:
    soda.listed("one", isOnline=True)
    soda.listed("two", isOnline=False)
    options: Json = {"names": ["one", "two", "gone"], "wait": True, "wait_for": "offline", "wait_interval": 0.2}
    ran = soda.info(**options, wait_timeout=0.3)
    assert (ran.failure["code"], ran["missing"]) == ("wait_timeout", ["one"])
    soda.account.set_online(soda.account.runner("one")["id"], False)
    assert soda.info(**options, wait_timeout=20)["missing"] == []


@pytest.mark.parametrize("status", [500, 503])
def test_a_failure_that_may_pass_does_not_end_a_wait(soda: Soda, status: int) -> None:
    soda.listed("one")
    soda.account.fault("status", LIST, status=status, body="")
    assert soda.info(name="one", wait=True, wait_timeout=20, wait_interval=0.1)["missing"] == []


def test_a_refused_key_ends_a_wait(soda: Soda) -> None:
    soda.account.fault("status", LIST, status=401, body="", times=None)
    ran = soda.info(name="one", wait=True, wait_timeout=600)
    assert ran.failure["code"] == "unauthorized"
    assert ran.operations == [LIST]


def test_an_endpoint_that_cannot_be_reached_ends_a_wait(soda: Soda) -> None:
    ran = soda.info(name="one", wait=True, wait_timeout=600, endpoint="http://127.0.0.1:1", retry_budget=0)
    assert ran.failure["code"] == "unreachable"


def test_the_last_failure_is_part_of_the_message(soda: Soda) -> None:
    soda.account.fault("status", LIST, status=500, body="", times=None)
    ran = soda.info(name="one", wait=True, wait_timeout=2, wait_interval=1)
    assert (ran.failure["code"], ran["runners"], ran["missing"]) == ("wait_timeout", [], ["one"])
    assert "The last listing failed: " in ran.failure["message"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "one", "wait_interval": 0}, "wait_interval is 0.0. Set it to a number of seconds, above 0."),
        ({"name": "one", "wait_timeout": "nan"}, "wait_timeout is nan. Set it to a number of seconds, above 0."),
        ({}, "wait requires name or names"),
        ({"names": []}, "wait requires name or names"),
    ],
    ids=str,
)
def test_a_wait_that_cannot_be_meant_is_refused(soda: Soda, options: Json, said: str) -> None:
    ran = soda.info(wait=True, **options)
    assert ran.failure["code"] == "invalid_arguments"
    assert said in ran.failure["message"]
    assert ran.operations == []


# Failures


@pytest.mark.parametrize("page", [0, 1])
def test_a_page_that_fails_fails_the_listing(soda: Soda, page: int) -> None:
    soda.account.seed(count=1001)
    soda.account.fault("status", LIST, page=page, status=500, body="")
    ran = soda.info()
    assert ran.failure["code"] == "server_error"
    assert "runners" not in ran.result


def test_a_page_that_is_missing_for_a_moment_is_requested_again(soda: Soda) -> None:
    soda.account.seed(count=1001)
    soda.account.fault("status", LIST, page=1, status=503, body="")
    ran = soda.info()
    assert ran["total"] == 1001
    assert pages_asked_for(soda.account) == ["page=0&size=1000", "page=1&size=1000", "page=1&size=1000"]


def test_the_apis_own_code_and_message_are_returned(soda: Soda) -> None:
    soda.account.fault("status", LIST, status=400, body={"code": "its_own_code", "message": "Its own words"})
    failure = soda.info().failure
    assert (failure["code"], failure["api_code"]) == ("bad_request", "its_own_code")
    assert "Its own words" in failure["message"]
    assert failure["http_status"] == 400
    assert failure["operation"] == "list"
    assert failure["retryable"] is False


def test_without_a_soda_cloud_api_key_nothing_is_sent(soda: Soda) -> None:
    ran = soda.info(api_key_id=None)
    assert ran.failure["code"] == "missing_credentials"
    assert ran.operations == []
