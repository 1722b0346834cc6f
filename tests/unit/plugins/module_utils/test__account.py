# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account: its identity, and the names that are derived from it."""

from __future__ import annotations

import pytest

from ansible_collections.community.soda.plugins.module_utils._account import Account

ENDPOINT = "https://cloud.soda.io"


@pytest.mark.parametrize("endpoint", [ENDPOINT, "HTTPS://Cloud.soda.io:443/"])
def test_two_spellings_of_an_endpoint_are_one_account(endpoint: str) -> None:
    account = Account(endpoint, "of-ours")
    assert account == Account(ENDPOINT, "of-ours")
    assert str(account) == f"of-ours at {ENDPOINT}"
    # sha256sum of the three parts in lines. Every release gives this name, or a key that waits would not be found.
    hashed = "64004b250cb19f89036907032dbdec091578213f9e23ae7dce52e48890e6213b"
    assert account.escrow_name("warehouse-eu") == f"{hashed}.json"


def test_another_runner_endpoint_or_api_key_has_another_name() -> None:
    whose = [
        (ENDPOINT, "of-ours", "one"),
        (ENDPOINT, "of-ours", "two"),
        (ENDPOINT, "of-another", "one"),
        ("https://cloud.us.soda.io", "of-ours", "one"),
    ]
    accounts = {Account(endpoint, key_id) for endpoint, key_id, _name in whose}
    assert len(accounts) == len({account.cache_key for account in accounts}) == 3
    assert len({Account(endpoint, key_id).escrow_name(name) for endpoint, key_id, name in whose}) == len(whose)


@pytest.mark.parametrize("name", ["../../etc/passwd", "-rf", "a/b", "", "\udcff", "x" * 10_000, "{{ name }}"])
def test_any_runner_name_gives_a_plain_file_name(name: str) -> None:
    given = Account(ENDPOINT, "of-ours").escrow_name(name)
    assert len(given) == 69
    assert given.removesuffix(".json").isalnum()


def test_an_invalid_endpoint_has_names_too() -> None:
    hashed = "36c289e4877f54f150d1fd468ed54a97bee1029e1f390a7aad7e058cc4cadbf0"
    assert Account("no endpoint", "of-ours").escrow_name("warehouse-eu") == f"{hashed}.json"


def test_accounts_have_an_order() -> None:
    accounts = [Account("https://b", "1"), Account("https://a", "2"), Account("https://a", "1")]
    assert sorted(accounts) == [accounts[2], accounts[1], accounts[0]]
