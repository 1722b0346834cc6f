# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rounds of an audit: what hosts publish, and what one audit collects."""

from __future__ import annotations

import pytest
from ansible import constants

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import AccountListing, Finding, Observation
from ansible_collections.community.soda.plugins.plugin_utils._audit.rounds import Round
from ansible_collections.community.soda.plugins.plugin_utils._run_files import RunFiles

ACCOUNT = Account("https://cloud.soda.io", "key-1")
RUNNER = Runner("id-1", "one", "One", "SELF_HOSTED", True, "2026-01-01T00:00:00Z", {"runner": "1"})
LISTED = AccountListing(ACCOUNT, "host", (RUNNER,))
WRONG = AccountListing(ACCOUNT, "other", None, "The API key is wrong.")
FULL = Observation(
    host="host",
    name="one",
    account=ACCOUNT,
    reached=False,
    failure="a",
    listing_failure="b",
    issued_at="c",
    differences=("d",),
    remaining=("e",),
    problems=(Finding("secret_changed", "f"),),
)


@pytest.fixture
def round_of_audit(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Round:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path_factory.mktemp("local")))
    return Round(RunFiles("play"))


def test_published_data_is_collected_unchanged(round_of_audit: Round) -> None:
    broken = Observation("other", "one", None, failure="x")
    for one in (FULL, broken, FULL):
        round_of_audit.publish(one)
    round_of_audit.listing(ACCOUNT, "", lambda: LISTED)
    observations, listings = round_of_audit.collect()
    assert sorted(observations, key=lambda one: one.host) == [FULL, broken]
    assert listings == [LISTED]


def test_an_account_is_listed_once_for_all_hosts(round_of_audit: Round) -> None:
    attempts: list[int] = []
    for _host in range(3):
        found = round_of_audit.listing(ACCOUNT, "same options", lambda: attempts.append(1) or LISTED)  # type: ignore[func-returns-value]
        assert found.failure is None
    assert len(attempts) == 1


def test_a_failed_listing_is_not_repeated_either(round_of_audit: Round) -> None:
    attempts: list[int] = []
    for _host in range(3):
        found = round_of_audit.listing(ACCOUNT, "same options", lambda: attempts.append(1) or WRONG)  # type: ignore[func-returns-value]
        assert found.failure == "The API key is wrong."
    assert len(attempts) == 1
    assert round_of_audit.collect()[1] == [WRONG]


@pytest.mark.parametrize("first", ["wrong", "right"])
def test_one_host_with_a_wrong_key_does_not_cost_the_listing_of_the_others(round_of_audit: Round, first: str) -> None:
    options = {"wrong": WRONG, "right": LISTED}
    for name in sorted(options, key=lambda name: name != first):
        found = round_of_audit.listing(ACCOUNT, name, lambda name=name: options[name])  # type: ignore[misc]
        assert found.failure == options[name].failure
    assert round_of_audit.collect()[1] == [LISTED]


def test_after_an_audit_the_next_observation_begins_a_new_round(round_of_audit: Round) -> None:
    round_of_audit.publish(FULL)
    round_of_audit.listing(ACCOUNT, "", lambda: WRONG)
    assert round_of_audit.collect() == round_of_audit.collect()
    assert round_of_audit.listing(ACCOUNT, "", lambda: LISTED).failure is None
    assert round_of_audit.collect() == ([], [LISTED])


def test_the_exact_name_of_a_runner_survives(round_of_audit: Round) -> None:
    """A host may declare a name that is shown in another form, and its runner must not look undeclared."""
    odd = Runner.from_api({"id": "1", "name": "{{ x }}", "type": "SELF_HOSTED"})
    assert odd.name != odd.exact_name
    round_of_audit.listing(ACCOUNT, "", lambda: AccountListing(ACCOUNT, "host", (odd, RUNNER)))
    _observations, (listing,) = round_of_audit.collect()
    assert listing.runners is not None
    assert [runner.exact_name for runner in listing.runners] == ["{{ x }}", "one"]
    assert listing.runners[0].name == odd.name
