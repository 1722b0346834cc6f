# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two hosts do not declare one runner."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._declared import Declared
from ansible_collections.community.soda.plugins.plugin_utils._role.declarations import (
    of_inventory,
    published,
    refuse_shared_name,
)

ACCOUNT = Account("https://cloud.soda.io", "k1")
MINE = Declared("one", "warehouse", ACCOUNT, {"soda_runner_account": ""})


def entry(host: str, wanted: bool = True) -> dict[str, Any]:
    return {"host": host, "wanted": wanted, "identity": MINE.identity()}


def declared_by_inventory(
    hostvars: dict[str, dict[str, Any]], in_play: tuple[str, ...] = (), extra_variables: tuple[str, ...] = ()
) -> list[str]:
    return of_inventory(hostvars.items(), in_play, extra_variables, ACCOUNT).get(MINE.identity(), [])


def test_a_host_that_published_the_same_runner_is_refused() -> None:
    with pytest.raises(SodaError) as raised:
        refuse_shared_name(MINE, published({"1": entry("one"), "2": entry("two")}))
    assert raised.value.failure.code == "duplicate_declaration"
    assert "The hosts one and two declare the same runner: 'warehouse'." in raised.value.failure.message


def test_many_hosts_are_counted() -> None:
    with pytest.raises(SodaError, match="one, a, b, c and 2 more declare"):
        refuse_shared_name(MINE, {MINE.identity(): ["one", *"edcba"]})


def test_one_host_may_declare_its_runner_again() -> None:
    refuse_shared_name(MINE, published({"1": entry("one"), "2": entry("one")}))


def test_a_host_that_declares_no_runner_does_not_count() -> None:
    assert published({"1": entry("two", wanted=False)}) == {}


def test_another_account_or_label_is_another_runner() -> None:
    for other in (
        dataclasses.replace(MINE, host="two", account=Account("https://cloud.us.soda.io", "k1")),
        dataclasses.replace(MINE, host="two", account=Account("https://cloud.soda.io", "k2")),
        dataclasses.replace(MINE, host="two", variables={"soda_runner_account": "second"}),
        dataclasses.replace(MINE, host="two", name="another"),
    ):
        refuse_shared_name(MINE, {other.identity(): ["two"]})


@pytest.mark.parametrize(
    "variables",
    [
        {"soda_runner_name": "warehouse"},
        {"soda_runner_name": "warehouse", "soda_runner_state": "present", "soda_runner_account": None},
        {"soda_runner_name": "warehouse", "soda_runner_cloud_endpoint": "https://cloud.soda.io/"},
        {"soda_runner_name": "warehouse", "soda_runner_cloud_api_key_id": ""},
    ],
)
def test_the_inventory_declares_a_runner_for_a_host_that_has_not_run(variables: dict[str, Any]) -> None:
    assert declared_by_inventory({"two": variables}) == ["two"]


@pytest.mark.parametrize(
    "variables",
    [
        {"soda_runner_name": "warehouse", "soda_runner_state": "absent"},
        {"soda_runner_name": "warehouse", "soda_runner_cloud_api_key_id": "k2"},
        {"soda_runner_name": "warehouse", "soda_runner_cloud_endpoint": "https://cloud.us.soda.io"},
        {"soda_runner_name": "warehouse", "soda_runner_account": "second"},
        {"soda_runner_name": "another"},
        {"soda_runner_name": False},
    ],
)
def test_the_inventory_declares_another_runner_or_none(variables: dict[str, Any]) -> None:
    assert declared_by_inventory({"two": variables}, in_play=("two",)) == []


def test_a_host_name_is_a_declaration_only_in_the_play() -> None:
    assert declared_by_inventory({"warehouse": {}}) == []
    assert declared_by_inventory({"warehouse": {}}, in_play=("warehouse",)) == ["warehouse"]


def test_a_number_is_the_name_that_is_its_text() -> None:
    mine = dataclasses.replace(MINE, name="1234")
    inventory = [("two", {"soda_runner_name": 1234})]
    assert of_inventory(inventory, (), (), ACCOUNT) == {mine.identity(): ["two"]}


def test_an_extra_variable_declares_runners_of_the_play_only() -> None:
    named = {"soda_runner_name": "warehouse"}
    extra = ("soda_runner_name",)
    assert declared_by_inventory({"two": named, "three": named}, ("three",), extra) == ["three"]
