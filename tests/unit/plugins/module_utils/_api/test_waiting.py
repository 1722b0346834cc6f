# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wait ends at its deadline, whatever Soda Cloud answers, and sends one listing an interval until then."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.client import Client, connection
from ansible_collections.community.soda.plugins.module_utils._api.runners import Runners
from ansible_collections.community.soda.plugins.module_utils._api.waiting import StillMissing, Wait, wait_for
from emulator.client import Account

LIST = "listRunners"


class Clock:
    """Only waiting takes time, but for the requests that are slow."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.account.advance(seconds)


def runners_of(account: Account, clock: Clock) -> Runners:
    to = connection(account.endpoint, account.api_key_id, account.api_key_secret, timeout=10, retry_budget=3600)
    return Runners(Client(to, sleep=clock.sleep, clock=clock.time, jitter=lambda low, high: high))


def waited(names: set[str], until: str = "listed", timeout: float = 10, interval: float = 2) -> Wait:
    return Wait(frozenset(names), until, timeout, interval)


@pytest.mark.parametrize(
    "fault",
    [
        None,
        {"status": 500},
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"status": 429, "headers": {"Retry-After": "60"}},
        {"status": 503, "headers": {"Retry-After": "7"}},
    ],
    ids=str,
)
def test_a_wait_of_10_seconds_ends_after_10_seconds(account: Account, fault: Any) -> None:
    account.seed("one")
    if fault is not None:
        account.fault("status", LIST, times=None, body="", **fault)
    clock = Clock(account)
    with pytest.raises(StillMissing) as failed:
        wait_for(runners_of(account, clock), waited({"one", "two"}))
    assert failed.value.missing == (["two"] if fault is None else ["one", "two"])
    assert 8 <= clock.now <= 10


def test_a_wait_sends_one_listing_an_interval(account: Account) -> None:
    with pytest.raises(StillMissing):
        wait_for(runners_of(account, Clock(account)), waited({f"runner-{i}" for i in range(500)}))
    assert account.operations() == [LIST] * 5


@pytest.mark.parametrize("until", ["listed", "online"])
def test_a_wait_ends_with_the_listing_that_has_all_runners(account: Account, until: str) -> None:
    class Starting(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(account.operations()) == 3:
                account.set_online(two, True) if until == "online" else account.seed("two")

    account.seed("one")
    two = account.seed({"name": "two", "isOnline": False})[0] if until == "online" else ""
    clock = Starting(account)
    listing = wait_for(runners_of(account, clock), waited({"one", "two"}, until, timeout=600))
    assert {runner.name for runner in listing.matching()} == {"one", "two"}
    assert account.operations() == [LIST] * 4
    assert clock.now == 6
