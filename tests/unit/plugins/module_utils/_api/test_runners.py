# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four operations: which pages make a listing and which make none, and what settles an operation in doubt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._api import runners as _runners
from ansible_collections.community.soda.plugins.module_utils._api.client import Client, connection
from ansible_collections.community.soda.plugins.module_utils._api.runners import Listing, Runner, Runners
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.tests.unit.plugins.harness import Json
from emulator.client import Account

LIST, GET, CREATE, DELETE = "listRunners", "getRunner", "createRunner", "deleteRunner"
READINGS = 4


@pytest.fixture
def runners(account: Account) -> Runners:
    """The runners of the account, read by a client that does not wait."""
    to = connection(account.endpoint, account.api_key_id, account.api_key_secret, timeout=10)
    return Runners(Client(to, sleep=account.advance))


def page(*ids: str | None, total: Any, last: Any = True) -> Json:
    """A page of runners, one without an id for each None."""
    content: list[Json] = [
        {"name": "no id"} if each is None else {"id": each, "name": f"name of {each}"} for each in ids
    ]
    return {"content": content, "last": last, "totalElements": total}


def answers(account: Account, operation: str, *bodies: Any, **options: Any) -> None:
    """The next answers to an operation, in order, whatever there is."""
    for body in bodies:
        account.fault("status", operation, status=200, body=body, **options)


def failure_of(work: Callable[[], object]) -> SodaError:
    with pytest.raises(SodaError) as failed:
        work()
    return failed.value


def trace_id_of_last(account: Account) -> str:
    trace_id: str = account.journal()[-1]["trace_id"]
    assert trace_id
    return trace_id


# A listing


def test_pages_of_1000_are_read_to_the_last(account: Account, runners: Runners) -> None:
    answers(account, LIST, page("a", "b", total=3, last=False), page("c", total=3))
    listing = runners.list()
    assert [entry["id"] for entry in listing.entries] == ["a", "b", "c"]
    assert listing.pages == 2
    assert [entry["query"] for entry in account.journal()] == ["page=0&size=1000", "page=1&size=1000"]
    assert {entry["path"] for entry in account.journal()} == {"/api/v1/runners"}


def test_an_account_without_runners_has_an_empty_listing_of_one_page(account: Account, runners: Runners) -> None:
    listing = runners.list()
    assert (list(listing.entries), listing.pages) == ([], 1)
    assert account.operations() == [LIST]


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([page("a", total=3, last=False), page("b", total=2)], id="the total fell to what was read"),
        pytest.param([page("a", total=1, last=False), page("b", total=2)], id="the total rose to what was read"),
        pytest.param([page("a", total=2)], id="the last page leaves one out"),
        pytest.param([page("a", "b", total=1)], id="there is one more than the total"),
        pytest.param([page("a", "b", total=1, last=False)], id="there is one more, and a further page"),
        pytest.param([page("a", "a", total=2)], id="one comes twice in the place of another"),
        pytest.param([page("a", total=2, last=False), page("a", total=2)], id="one comes twice, on two pages"),
        pytest.param([page("a", total=2, last=False), page("a", total=2, last=False)], id="a page brings nothing new"),
        pytest.param([page(total=1, last=False)], id="an empty page that is not the last"),
        pytest.param(
            [page(None, total=3, last=False), page(total=3, last=False)], id="an empty page after one without ids"
        ),
    ],
)
def test_listing_that_changed_is_read_again(account: Account, runners: Runners, pages: list[Json]) -> None:
    answers(account, LIST, *pages, page("x", "y", "z", total=3))
    assert runners.list().ids() == {"x", "y", "z"}
    assert account.operations() == [LIST] * (len(pages) + 1)
    assert account.journal()[-1]["query"].startswith("page=0&")


def test_a_runner_that_comes_twice_is_one(account: Account, runners: Runners) -> None:
    """As on the second page, when others were added before it meanwhile."""
    again = page("a", "b", total=2)
    again["content"][0]["name"] = "renamed"
    answers(account, LIST, page("a", total=2, last=False), again)
    found = [(runner.id, runner.name) for runner in runners.list().matching()]
    assert found == [("a", "renamed"), ("b", "name of b")]
    assert account.operations() == [LIST] * 2


def test_each_runner_without_an_id_is_one_more(account: Account, runners: Runners) -> None:
    answers(account, LIST, page(None, "a", total=3, last=False), page(None, total=3))
    assert [runner.id for runner in runners.list().matching()] == ["a", None, None]
    assert account.operations() == [LIST] * 2


def test_listing_that_changes_four_times_fails(account: Account, runners: Runners) -> None:
    answers(account, LIST, *(page(each, total=2) for each in "abcd"))
    failure = failure_of(runners.list).failure
    assert (failure.code, failure.operation, failure.retryable) == ("listing_inconsistent", "list", True)
    assert "4 times in a row" in failure.message
    assert account.operations() == [LIST] * READINGS


def test_the_fourth_reading_may_be_the_one(account: Account, runners: Runners) -> None:
    answers(account, LIST, *(page(each, total=2) for each in "abc"), page("a", total=1))
    assert runners.list().ids() == {"a"}


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ([page("a", total=2)], "it ends after 1 runners, but totalElements is 2."),
        ([page("a", "b", total=1)], "it lists 2 runners, but totalElements is 1."),
        ([page("a", "a", total=2)], "but totalElements is 2, and 1 of its entries repeat an id."),
        ([page(total=1, last=False)], "page 0 has no further runner and is not the last one."),
        (
            [page("a", total=2, last=False), page("b", total=1)],
            "totalElements is 2 on its first page and 1 on another.",
        ),
        ([page("a", total=2, last=False), page("a", total=2, last=False)], "page 1 has no further runner"),
    ],
)
def test_two_identical_readings_that_contradict_themselves_are_no_movement(
    account: Account, runners: Runners, pages: list[Json], reason: str
) -> None:
    answers(account, LIST, *pages, *pages)
    failure = failure_of(runners.list).failure
    assert (failure.code, failure.operation, failure.retryable) == ("listing_contradictory", "list", False)
    assert reason in failure.message
    assert failure.trace_id == trace_id_of_last(account)
    assert account.operations() == [LIST] * (2 * len(pages))


def test_a_contradiction_that_differs_from_the_one_before_is_movement(account: Account, runners: Runners) -> None:
    answers(account, LIST, page("a", total=2), page("b", total=2), page("a", total=2), page("a", "b", total=2))
    assert runners.list().ids() == {"a", "b"}


@pytest.mark.parametrize(
    ("bound", "value"), [("MOST_RUNNERS", 20), ("MOST_BYTES", 1000), ("MOST_SECONDS", -1.0)], ids=str
)
def test_a_listing_without_end_is_bounded(
    account: Account, runners: Runners, monkeypatch: pytest.MonkeyPatch, bound: str, value: float
) -> None:
    monkeypatch.setattr(_runners, bound, value)
    pages = (page(*(f"{n}-{i}" for i in range(5)), total=2**31 - 1, last=False) for n in range(10))
    answers(account, LIST, *pages)
    failure = failure_of(runners.list).failure
    assert failure.code == "listing_too_large"
    assert "does not end" in failure.message
    assert len(account.operations()) < 10


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"last": True, "totalElements": 0},
        page(total=None),
        page(total="0"),
        page(total=0.0),
        page(total=False),
        page(total=0, last=None),
        page(total=0, last=0),
        {**page(total=0), "content": {}},
        {**page(total=1), "content": ["a"]},
        {**page(total=2), "content": [{"id": "a"}, None]},
    ],
    ids=str,
)
def test_an_answer_that_is_no_page_of_runners_is_not_soda_clouds(
    account: Account, runners: Runners, body: Json
) -> None:
    answers(account, LIST, body)
    failed = failure_of(runners.list)
    assert failed.failure.code == "not_soda_cloud"
    assert (failed.failure.operation, failed.failure.http_status) == ("list", 200)
    assert failed.failure.trace_id == trace_id_of_last(account)
    assert "Soda Cloud: the answer is JSON, but not a page of runners. " in failed.failure.message
    assert failed.in_doubt is False
    assert account.operations() == [LIST]


def test_a_second_listing_with_the_same_ids_confirms_the_first(account: Account, runners: Runners) -> None:
    answers(account, LIST, page("a", "b", total=2), page("b", "a", total=2))
    confirmed = runners.list_again(runners.list())
    assert [entry["id"] for entry in confirmed.entries] == ["b", "a"]
    assert account.operations() == [LIST] * 2


def test_a_listing_is_confirmed_by_the_one_after_it(account: Account, runners: Runners) -> None:
    answers(account, LIST, page("a", total=1), page("a", "b", total=2), page("a", "b", total=2))
    assert runners.list_again(runners.list()).ids() == {"a", "b"}
    assert account.operations() == [LIST] * 3


def test_listings_that_keep_differing_confirm_nothing(account: Account, runners: Runners) -> None:
    answers(account, LIST, *(page(each, total=1) for each in "abcde"))
    first = runners.list()
    assert failure_of(lambda: runners.list_again(first)).failure.code == "listing_inconsistent"
    assert account.operations() == [LIST] * 4


def test_runners_are_matched_as_the_filters_select_them() -> None:
    listing = Listing([{"id": "1", "name": "a"}, {"id": "2", "name": "b"}, {"id": 3, "name": "b"}, {"id": "4"}], 1)
    assert [runner.name for runner in listing.matching()] == ["a", "b", "b", None]
    assert [runner.id for runner in listing.matching(lambda runner: runner.name == "b")] == ["2", None]
    assert [runner.id for runner in listing.named(["b", "c"])] == ["2", None]
    assert listing.named(["B", ""]) == []
    assert listing.ids() == {"1", "2", None, "4"}


# A runner

WHOLE = {
    "id": "1",
    "name": "a",
    "label": "A",
    "type": "SELF_HOSTED",
    "isOnline": False,
    "lastSeenTimestamp": "2026-01-01T12:00:00Z",
    "versions": {"runner": "1.2"},
}


def test_a_runner_has_what_soda_cloud_says_of_it() -> None:
    assert Runner.from_api(WHOLE).to_dict() == {
        "id": "1",
        "name": "a",
        "label": "A",
        "type": "SELF_HOSTED",
        "is_online": False,
        "last_seen_timestamp": "2026-01-01T12:00:00Z",
        "versions": {"runner": "1.2"},
    }


@pytest.mark.parametrize(
    "data",
    [{}, dict.fromkeys(WHOLE), dict.fromkeys(WHOLE, 1), {field: ["text"] for field in WHOLE}],
    ids=["missing", "null", "numbers", "lists"],
)
def test_missing_or_invalid_field_is_none(data: Json) -> None:
    nothing = dict.fromkeys(("id", "name", "label", "type", "is_online", "last_seen_timestamp"))
    assert Runner.from_api(data).to_dict() == {**nothing, "versions": {}}


def test_a_version_that_is_no_text_is_left_out() -> None:
    assert Runner.from_api({"versions": {"runner": "1.2", "library": 4, "other": None}}).versions == {"runner": "1.2"}


# One runner


def test_the_endpoint_is_that_of_the_connection(account: Account, runners: Runners) -> None:
    assert runners.endpoint == account.endpoint


def test_a_runner_is_requested_by_its_id(account: Account, runners: Runners) -> None:
    account.seed({"name": "a", "id": "1"}, {"name": "b", "id": "2"})
    found = runners.get("2")
    assert found is not None
    assert (found.id, found.name) == ("2", "b")
    assert runners.get("3") is None
    assert account.operations() == [GET] * 2


def test_an_id_is_one_segment_of_the_path_whatever_is_in_it(account: Account, runners: Runners) -> None:
    account.seed({"name": "a", "id": "../x y?z#%"})
    found = runners.get("../x y?z#%")
    assert found is not None
    assert found.name == "a"
    assert runners.delete("../x y?z#%") is True
    assert {entry["path"] for entry in account.journal()} == {"/api/v1/runners/..%2Fx%20y%3Fz%23%25"}


@pytest.mark.parametrize("runner_id", ["X", ".a", "a.", "a..b", "-", "0"])
def test_an_id_may_have_dots(account: Account, runners: Runners, runner_id: str) -> None:
    account.seed({"name": "a", "id": runner_id})
    assert runners.get(runner_id) is not None


@pytest.mark.parametrize("runner_id", ["", ".", "..", "..."])
def test_an_id_that_a_url_drops_is_refused_before_anything_is_sent(
    account: Account, runners: Runners, runner_id: str
) -> None:
    for work in (runners.get, runners.delete):
        failure = failure_of(lambda work=work: work(runner_id)).failure  # type: ignore[misc]
        assert failure.code == "invalid_id"
        assert failure.message.startswith(f"{runner_id!r} ")
    assert account.operations() == []


@pytest.mark.parametrize(
    "body", [{}, {"runner": None}, {"runner": ["1"]}, {"runner": {"id": "2"}}, {"id": "1"}], ids=str
)
def test_an_answer_that_is_another_runner_or_none_is_not_soda_clouds(
    account: Account, runners: Runners, body: Json
) -> None:
    answers(account, GET, body)
    failed = failure_of(lambda: runners.get("1"))
    assert failed.failure.code == "not_soda_cloud"
    assert (failed.failure.operation, failed.failure.http_status) == ("get", 200)
    assert failed.failure.trace_id == trace_id_of_last(account)
    assert "the answer for runner 1 has no runner or another one" in failed.failure.message
    assert failed.in_doubt is False


def test_a_failure_other_than_not_found_is_no_absence(account: Account, runners: Runners) -> None:
    account.fault("status", GET, status=403)
    assert failure_of(lambda: runners.get("1")).failure.http_status == 403


# A key


def test_a_key_is_issued_once(account: Account, runners: Runners) -> None:
    key = runners.issue_key()
    assert account.stats()["runner_key_ids"] == [key.api_key_id]
    assert key.api_key_secret
    assert key.api_key_secret not in repr(key)
    assert [(entry["operation"], entry["path"], entry["query"]) for entry in account.journal()] == [
        (CREATE, "/api/v1/runners", "")
    ]


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ({}, False),
        ({"apiKeyId": "an-id"}, True),
        ({"apiKeyId": "an-id", "apiKeySecret": ""}, True),
        ({"apiKeyId": "an-id", "apiKeySecret": 1}, True),
        ({"apiKeyId": "", "apiKeySecret": "a-secret"}, False),
        ({"apiKeyId": 1, "apiKeySecret": "a-secret"}, False),
        ({"apiKeySecret": "a-secret"}, False),
    ],
    ids=str,
)
def test_an_answer_without_a_whole_key_leaves_in_doubt_and_names_what_is_known(
    account: Account, runners: Runners, body: Json, known: bool
) -> None:
    answers(account, CREATE, body)
    failed = failure_of(runners.issue_key)
    failure = failed.failure
    assert (failure.code, failure.operation, failure.http_status) == ("create_outcome_unknown", "create", 200)
    assert failure.trace_id == trace_id_of_last(account)
    assert failure.retryable is False
    assert failed.in_doubt is True
    said = "answered without a complete runner key."
    assert (f"{said} Its api_key_id is an-id. " if known else f"{said} ") in failure.message
    assert ("Its api_key_id" in failure.message) is known
    assert account.endpoint in failure.message
    assert "a-secret" not in failure.message
    assert account.operations() == [CREATE]


# A deletion


def test_a_runner_is_deleted_once(account: Account, runners: Runners) -> None:
    account.seed({"name": "a", "id": "1"}, {"name": "b", "id": "2"})
    assert runners.delete("1") is True
    assert runners.delete("1") is False
    assert [runner["name"] for runner in account.runners()] == ["b"]
    assert account.operations() == [DELETE] * 2


def test_a_deletion_whose_answer_was_lost_was_this_one_where_the_next_finds_nothing(
    account: Account, runners: Runners
) -> None:
    account.seed({"name": "a", "id": "1"})
    account.fault("reset_after", DELETE)
    assert runners.delete("1") is True
    assert account.operations() == [DELETE] * 2


@pytest.mark.parametrize(
    ("fault", "get", "code"),
    [
        ({"kind": "status_after", "status": 500}, None, None),
        ({"kind": "status", "status": 500}, None, "server_error"),
        ({"kind": "status_after", "status": 500}, 403, "server_error"),
        ({"kind": "status_after", "status": 200, "body": {"a": 1}}, None, None),
        ({"kind": "status", "status": 200, "body": {"a": 1}}, None, "not_soda_cloud"),
        ({"kind": "status_after", "status": 200, "body": {"a": 1}}, 403, "not_soda_cloud"),
    ],
    ids=[
        "failed, and it is gone",
        "failed, and it is there",
        "failed, and nobody knows",
        "answered with something, and it is gone",
        "answered with something, and it is there",
        "answered with something, and nobody knows",
    ],
)
def test_a_deletion_in_doubt_is_settled_by_looking(
    account: Account, runners: Runners, fault: Json, get: int | None, code: str | None
) -> None:
    account.seed({"name": "a", "id": "1"})
    account.fault(operation=DELETE, **fault)
    if get is not None:
        account.fault("status", GET, status=get)
    if code is None:
        assert runners.delete("1") is True
    else:
        failed = failure_of(lambda: runners.delete("1"))
        # The deletion's own failure says more than that of looking.
        assert (failed.failure.code, failed.failure.operation) == (code, "delete")
        assert failed.failure.http_status == fault["status"]
        assert failed.failure.trace_id == account.journal(operation=DELETE)[-1]["trace_id"]
        assert failed.in_doubt is True
        if code == "not_soda_cloud":
            assert ": the answer is JSON, but not the answer to a deletion. " in failed.failure.message
    assert account.operations() == [DELETE, GET]


def test_a_deletion_that_is_refused_is_not_looked_into(account: Account, runners: Runners) -> None:
    account.seed({"name": "a", "id": "1", "in_use": True})
    failed = failure_of(lambda: runners.delete("1"))
    assert failed.failure.http_status == 400
    assert failed.in_doubt is False
    assert account.operations() == [DELETE]
