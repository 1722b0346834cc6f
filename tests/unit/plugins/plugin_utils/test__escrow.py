# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of a key in escrow: the same in every release, or a key that waits would not be found again."""

from __future__ import annotations

import pytest

from ansible_collections.community.soda.plugins.plugin_utils._escrow import escrow_name

ENDPOINT = "https://cloud.soda.io"


@pytest.mark.parametrize("endpoint", [ENDPOINT, "HTTPS://Cloud.soda.io:443/"])
def test_the_name_is_the_same_for_each_way_to_write_the_endpoint(endpoint: str) -> None:
    # Of sha256sum, of the three parts in lines.
    hashed = "64004b250cb19f89036907032dbdec091578213f9e23ae7dce52e48890e6213b"
    assert escrow_name(endpoint, "warehouse-eu", "of-ours") == f"{hashed}.json"


def test_another_runner_endpoint_or_account_has_another_name() -> None:
    whose = [
        (ENDPOINT, "one", "of-ours"),
        (ENDPOINT, "two", "of-ours"),
        (ENDPOINT, "one", "of-another"),
        ("https://cloud.us.soda.io", "one", "of-ours"),
    ]
    assert len({escrow_name(*each) for each in whose}) == len(whose)


@pytest.mark.parametrize("name", ["../../etc/passwd", "-rf", "a/b", "", "\udcff", "x" * 10_000, "{{ name }}"])
def test_any_name_gives_a_plain_file_name(name: str) -> None:
    given = escrow_name(ENDPOINT, name, "of-ours")
    assert len(given) == 69
    assert given.removesuffix(".json").isalnum()


def test_what_is_no_endpoint_has_a_name_too() -> None:
    hashed = "36c289e4877f54f150d1fd468ed54a97bee1029e1f390a7aad7e058cc4cadbf0"
    assert escrow_name("no endpoint", "warehouse-eu", "of-ours") == f"{hashed}.json"
