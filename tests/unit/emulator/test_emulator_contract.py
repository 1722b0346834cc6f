# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The binding to the contract document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("aiohttp")

from emulator.client import Account, Api, Emulator
from emulator.contract import Contract

RUNNERS = "/api/v1/runners"
PAGE = {
    "content": [], "first": True, "last": True, "number": 0, "size": 10, "totalElements": 0, "totalPages": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.load()


def test_an_answer_true_to_the_contract_is_no_violation(contract: Contract) -> None:
    assert contract.answer_violation(contract.operations["listRunners"], 200, {}, PAGE) is None


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"first": 1}, "first"),
        ({"totalPages": None}, "totalPages"),
        ({"content": [{"name": 5}]}, "content/0/name"),
        ({"content": [{"lastSeenTimestamp": "yesterday"}]}, "content/0/lastSeenTimestamp"),
    ],
)
def test_an_answer_with_a_wrong_field_is_a_violation_that_names_it(
    contract: Contract, changes: dict[str, Any], place: str
) -> None:
    violation = contract.answer_violation(contract.operations["listRunners"], 200, {}, {**PAGE, **changes})
    assert violation is not None
    assert place in violation


def test_an_answer_without_a_required_field_is_a_violation(contract: Contract) -> None:
    page = {name: value for name, value in PAGE.items() if name != "last"}
    assert contract.answer_violation(contract.operations["listRunners"], 200, {}, page) is not None


def test_a_status_that_the_contract_does_not_know_is_a_violation(contract: Contract) -> None:
    assert contract.answer_violation(contract.operations["listRunners"], 404, {}, {}) is not None


@pytest.mark.parametrize(("value", "good"), [("1", True), ("60", True), ("0", False), ("soon", False), ("1.5", False)])
def test_retry_after_is_checked_with_the_contract(contract: Contract, value: str, good: bool) -> None:
    operation = contract.operations["createRunner"]
    assert (contract.answer_violation(operation, 429, {"Retry-After": value}, {}) is None) == good


def test_an_answer_that_violates_the_contract_becomes_a_500_and_is_recorded(
    emulator: Emulator, connect: Callable[..., Api]
) -> None:
    account: Account = emulator.account()
    account.seed({"name": "broken", "extra": {"label": 5}})
    response = connect(account).get(RUNNERS)
    assert (response.status_code, response.json()["code"]) == (500, "contract_violation")
    assert "content/0/label" in account.journal()[0]["contract_violation"]
    assert "content/0/label" in account.violations()[0]


def test_a_request_that_violates_the_contract_is_recorded(account: Account, api: Api) -> None:
    api.get(f"{RUNNERS}?size=5")
    assert "size" in account.journal()[0]["request_violation"]


def test_fields_that_the_contract_does_not_know_are_no_violation(account: Account, api: Api) -> None:
    account.seed({"name": "new", "extra": {"region": "eu"}, "omit": ["label", "versions"]})
    assert set(api.page()["content"][0]) == {"id", "name", "type", "isOnline", "lastSeenTimestamp", "region"}
