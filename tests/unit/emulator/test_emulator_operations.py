# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four operations of the contract, as the emulator carries them out."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest

from emulator.client import Account, Api, Emulator, Key

RUNNERS = "/api/v1/runners"
METHODS_AND_PATHS = [("GET", RUNNERS), ("POST", RUNNERS), ("GET", RUNNERS + "/x"), ("DELETE", RUNNERS + "/x")]
Connect = Callable[..., Api]


# Authentication and permissions


@pytest.mark.parametrize(("method", "path"), METHODS_AND_PATHS)
def test_without_a_key_every_operation_is_unauthorized(
    account: Account, connect: Connect, method: str, path: str
) -> None:
    response = connect(account, None).request(method, path)
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorized"


@pytest.mark.parametrize(("method", "path"), METHODS_AND_PATHS)
def test_with_a_wrong_secret_every_operation_is_unauthorized(
    account: Account, connect: Connect, method: str, path: str
) -> None:
    assert connect(account, Key(account.api_key_id, "wrong")).request(method, path).status_code == 401


@pytest.mark.parametrize(
    "authorization", ["Bearer x", "Basic", "Basic ???", "Basic eA==", "Basic /////w==", "basic", ""]
)
def test_other_authentication_is_unauthorized(account: Account, connect: Connect, authorization: str) -> None:
    response = connect(account, None).get(RUNNERS, headers={"Authorization": authorization})
    assert response.status_code == 401


def test_a_runner_key_is_no_soda_cloud_api_key(account: Account, connect: Connect) -> None:
    assert connect(account, account.issue_runner_key()).get(RUNNERS).status_code == 401


def test_an_account_may_have_several_api_keys(account: Account, connect: Connect) -> None:
    assert connect(account, account.add_key()).get(RUNNERS).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", RUNNERS, 200), ("POST", RUNNERS, 403), ("GET", RUNNERS + "/x", 404), ("DELETE", RUNNERS + "/x", 403)],
)
def test_without_permission_reading_works_and_writing_is_forbidden(
    account: Account, connect: Connect, method: str, path: str, status: int
) -> None:
    response = connect(account, account.add_key(permissions=[])).request(method, path)
    assert response.status_code == status
    if status == 403:
        assert response.json()["code"] == "forbidden"


@pytest.mark.parametrize("permission", ["MANAGE_DATASOURCES_AND_AGENTS", "MANAGE_DATASOURCES_AND_RUNNERS"])
def test_either_name_of_the_permission_allows_writing(account: Account, connect: Connect, permission: str) -> None:
    assert connect(account, account.add_key([permission])).post(RUNNERS).status_code == 200


def test_without_permission_no_key_is_issued(account: Account, connect: Connect) -> None:
    connect(account, account.add_key(permissions=[])).post(RUNNERS)
    assert account.stats()["keys_issued"] == 0


def test_every_answer_has_another_trace_id(api: Api) -> None:
    answers = [api.get(RUNNERS), api.get(RUNNERS + "/x"), api.put(RUNNERS), api.get("/nowhere"), api.command()]
    assert len({answer.headers["X-Soda-Trace-Id"] for answer in answers}) == len(answers)


# Listing


def test_an_account_without_runners_lists_an_empty_page(api: Api) -> None:
    assert api.page() == {
        "content": [], "first": True, "last": True, "number": 0, "size": 10, "totalElements": 0, "totalPages": 0,
    }  # fmt: skip


def test_a_page_has_ten_runners_unless_told_otherwise(account: Account, api: Api) -> None:
    account.seed(count=11)
    page = api.page()
    assert (len(page["content"]), page["size"]) == (10, 10)


@pytest.mark.parametrize(
    ("number", "first", "last", "stored"), [(0, True, False, 10), (1, False, False, 10), (2, False, True, 5)]
)
def test_a_page_says_where_it_stands(
    account: Account, api: Api, number: int, first: bool, last: bool, stored: int
) -> None:
    account.seed(count=25)
    page = api.page(page=number, size=10)
    assert len(page.pop("content")) == stored
    assert page == {
        "first": first, "last": last, "number": number, "size": 10, "totalElements": 25, "totalPages": 3,
    }  # fmt: skip


def test_a_full_last_page_is_the_last(account: Account, api: Api) -> None:
    account.seed(count=20)
    assert api.page(page=1)["last"] is True


def test_a_page_beyond_the_end_is_empty_and_last(account: Account, api: Api) -> None:
    account.seed(count=5)
    page = api.page(page=7)
    assert (page["content"], page["first"], page["last"], page["totalElements"]) == ([], False, True, 5)


def test_runners_are_listed_in_order_of_registration(account: Account, api: Api) -> None:
    account.seed("zebra", "ant")
    account.register("monkey", account.issue_runner_key())
    assert api.names() == ["zebra", "ant", "monkey"]


@pytest.mark.parametrize(
    "query",
    ["size=9", "size=1001", "size=0", "size=-10", "size=ten", "size=", "size=10.0", "size=1_0", "size=%2010",
     "page=-1", "page=x", "page=2147483648", "page=01", "page=0&page=1", "offset=0"],
)  # fmt: skip
def test_a_query_outside_the_contract_is_a_bad_request(account: Account, api: Api, query: str) -> None:
    response = api.get(f"{RUNNERS}?{query}")
    assert response.status_code == 400
    assert set(response.json()) == {"code", "message"}
    assert account.violations() != []


@pytest.mark.parametrize("query", ["", "size=10", "size=1000", "page=2147483647", "page=0&size=500"])
def test_a_query_within_the_contract_is_none(account: Account, api: Api, query: str) -> None:
    assert api.get(f"{RUNNERS}?{query}").status_code == 200
    assert account.violations() == []


def test_a_runner_is_shown_as_it_was_seeded(account: Account, api: Api) -> None:
    runner = {
        "id": "r-1", "name": "one", "label": "One", "type": "VIRTUAL", "isOnline": False,
        "lastSeenTimestamp": "2026-01-02T03:04:05.000Z", "versions": {"runner": "1"},
    }  # fmt: skip
    account.seed(runner)
    assert api.page()["content"] == [runner]


def test_a_hidden_runner_is_neither_listed_nor_found(account: Account, api: Api) -> None:
    (hidden,) = account.seed({"name": "hidden", "hidden": True})
    assert api.page()["totalElements"] == 0
    assert api.get(f"{RUNNERS}/{hidden}").status_code == 404
    account.set_hidden(hidden, False)
    assert api.names() == ["hidden"]


# Creation


def test_creation_gives_a_uuid_and_a_secret_of_55_characters(api: Api) -> None:
    key = api.create()
    assert set(key) == {"apiKeyId", "apiKeySecret"}
    assert str(uuid.UUID(key["apiKeyId"])) == key["apiKeyId"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{55}", key["apiKeySecret"])


def test_each_key_is_given_once(api: Api) -> None:
    keys = [api.create() for _unused in range(20)]
    assert len({key["apiKeyId"] for key in keys}) == len({key["apiKeySecret"] for key in keys}) == 20


def test_creation_registers_no_runner(account: Account, api: Api) -> None:
    api.create()
    assert api.page()["totalElements"] == 0
    assert account.stats()["runners"] == 0


def test_some_secrets_begin_with_a_dash(api: Api) -> None:
    begin = [api.create()["apiKeySecret"][0] == "-" for _unused in range(8)]
    assert True in begin
    assert False in begin


def test_an_account_may_have_all_secrets_begin_with_a_dash(emulator: Emulator, connect: Connect) -> None:
    api = connect(emulator.account(secrets="dash"))
    assert {api.create()["apiKeySecret"][0] for _unused in range(5)} == {"-"}


def test_an_account_may_have_key_ids_of_digits(emulator: Emulator, connect: Connect) -> None:
    assert re.fullmatch(r"[1-9][0-9]{17}", connect(emulator.account(key_ids="digits")).create()["apiKeyId"])


@pytest.mark.parametrize("body", [{"name": "x"}, []], ids=str)
def test_creation_ignores_a_body(account: Account, api: Api, body: object) -> None:
    """As the vendor's CLI sends one."""
    response = api.post(RUNNERS, json=body)
    assert (response.status_code, set(response.json())) == (200, {"apiKeyId", "apiKeySecret"})
    assert account.stats()["keys_issued"] == 1
    assert account.violations() == []


def test_a_listing_with_a_body_violates_the_contract(account: Account, api: Api) -> None:
    assert api.request("GET", RUNNERS, json={"name": "x"}).status_code == 400
    assert "takes no body" in account.violations()[0]


def test_keys_issued_are_counted_per_account(emulator: Emulator, account: Account, api: Api) -> None:
    issued = [api.create()["apiKeyId"] for _unused in range(3)]
    stats = account.stats()
    assert (stats["keys_issued"], stats["runner_key_ids"]) == (3, issued)
    assert emulator.account().stats()["keys_issued"] == 0


# One runner


def test_get_shows_one_runner_in_an_envelope(account: Account, api: Api) -> None:
    ids = account.seed("one", "two")
    assert api.get(f"{RUNNERS}/{ids[1]}").json() == {"runner": api.page()["content"][1]}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_runner_is_not_found(api: Api, method: str) -> None:
    response = api.request(method, f"{RUNNERS}/nobody")
    assert (response.status_code, response.json()["code"]) == (404, "runner_not_found")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_runner_of_another_account_is_not_found(emulator: Emulator, api: Api, method: str) -> None:
    (foreign,) = emulator.account().seed("one")
    assert api.request(method, f"{RUNNERS}/{foreign}").status_code == 404


def test_an_id_is_taken_from_the_path_as_it_was_meant(account: Account, api: Api) -> None:
    account.seed({"name": "odd", "id": "a/b c?"})
    assert api.get(f"{RUNNERS}/a%2Fb%20c%3F").json()["runner"]["name"] == "odd"


def test_an_id_may_be_any_text(api: Api) -> None:
    for runner_id in ("a%0Ab", "%0A", "%C2%94", "%00", "%F0%9F%A5%A4", "%FF", "{x}"):
        answer = api.get(f"{RUNNERS}/{runner_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "runner_not_found"), runner_id


def test_an_empty_id_violates_the_contract(account: Account, api: Api) -> None:
    assert api.get(RUNNERS + "/").status_code == 400
    assert account.violations() != []


# Deletion


def test_a_deleted_runner_is_gone(account: Account, api: Api) -> None:
    ids = account.seed("one", "two")
    response = api.delete(f"{RUNNERS}/{ids[0]}")
    assert (response.status_code, response.json()) == (200, {})
    assert api.names() == ["two"]
    assert api.delete(f"{RUNNERS}/{ids[0]}").status_code == 404


def test_a_runner_in_use_cannot_be_deleted(account: Account, api: Api) -> None:
    (runner,) = account.seed({"name": "busy", "in_use": True})
    response = api.delete(f"{RUNNERS}/{runner}")
    assert (response.status_code, response.json()["code"]) == (400, "runner_in_use")
    assert api.names() == ["busy"]
    account.set_in_use(runner, False)
    assert api.delete(f"{RUNNERS}/{runner}").status_code == 200


@pytest.mark.parametrize("type_", ["SODA_HOSTED", "VIRTUAL", "NEVER_HEARD_OF"])
def test_only_self_hosted_runners_can_be_deleted(account: Account, api: Api, type_: str) -> None:
    (runner,) = account.seed({"name": "theirs", "type": type_})
    response = api.delete(f"{RUNNERS}/{runner}")
    assert (response.status_code, response.json()["code"]) == (400, "runner_not_deletable")
    assert api.names() == ["theirs"]


# Other requests


def test_an_unknown_path_answers_with_the_web_application(api: Api) -> None:
    for path in ("/", "/api/v1/runner", "/api/v2/runners", "/api/v1/runners/a/b"):
        response = api.get(path)
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/html")
        assert "<html" in response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", RUNNERS), ("DELETE", RUNNERS), ("HEAD", RUNNERS), ("POST", RUNNERS + "/x"), ("PATCH", RUNNERS + "/x"),
     ("GET", "/api/command"), ("OPTIONS", "/api/query")],
)  # fmt: skip
def test_a_known_path_refuses_other_methods(api: Api, method: str, path: str) -> None:
    response = api.request(method, path)
    assert response.status_code == 405
    assert response.headers["Content-Type"] == "application/json"
    assert method not in response.headers["Allow"].split(", ")
