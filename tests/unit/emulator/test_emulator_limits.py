# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rate limits: the origin of their numbers, and their answers."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

pytest.importorskip("aiohttp")

import yaml

from emulator.client import Account, Api, Emulator
from emulator.clock import ManualClock
from emulator.cloud import Refused, Settings
from emulator.contract import DOCUMENT, Contract
from emulator.limits import RateLimit, SlidingWindow
from emulator.service import Service

RUNNERS = "/api/v1/runners"
Connect = Callable[..., Api]


@pytest.fixture
def limited(emulator: Emulator) -> Account:
    """With the limits as they are."""
    return emulator.account()


def test_the_limits_are_those_of_the_contract() -> None:
    document = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    stated = {
        operation["operationId"]: RateLimit(**operation["x-rate-limit"])
        for path in document["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    }
    assert {each.id: each.limit for each in Contract(document).operations.values()} == stated
    assert len(stated) == 4


def test_another_number_in_the_contract_is_another_limit() -> None:
    document = copy.deepcopy(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")))
    document["paths"][RUNNERS]["post"]["x-rate-limit"] = {"requests": 3, "seconds": 7}
    assert Contract(document).operations["createRunner"].limit == RateLimit(3, 7)


@pytest.mark.parametrize("operation", ["listRunners", "createRunner", "getRunner", "deleteRunner"])
def test_each_operation_is_refused_after_as_many_requests_as_its_limit_allows(operation: str) -> None:
    clock = ManualClock()
    service = Service.create(clock=clock)
    account = service.cloud.add_account()
    limit = service.contract.operations[operation].limit
    for _unused in range(limit.requests):
        account.admit(operation)
    with pytest.raises(Refused) as refused:
        account.admit(operation)
    assert (refused.value.status, refused.value.retry_after) == (429, limit.seconds)


@pytest.fixture
def window() -> Callable[[float], int | None]:
    """Two requests in any ten seconds."""
    window = SlidingWindow()
    return lambda now: window.admit(RateLimit(2, 10), now)


def test_a_place_is_free_again_when_the_window_has_passed(window: Callable[[float], int | None]) -> None:
    assert [window(0), window(4), window(9.9), window(10), window(13.9), window(14)] == [None, None, 1, None, 1, None]


def test_retry_after_is_the_time_left_in_whole_seconds_rounded_up(window: Callable[[float], int | None]) -> None:
    assert [window(0), window(0), window(0), window(0.5), window(8.2)] == [None, None, 10, 10, 2]


def test_refused_requests_do_not_lengthen_the_wait(window: Callable[[float], int | None]) -> None:
    window(0)
    window(0)
    assert [window(5) for _unused in range(50)] == [5] * 50
    assert window(10) is None


def test_asking_again_after_retry_after_is_admitted() -> None:
    """However short the window."""
    for seconds in (60, 6, 0.6):
        window, limit = SlidingWindow(), RateLimit(1, seconds)
        assert window.admit(limit, 100.3) is None
        wait = window.admit(limit, 100.4)
        assert wait is not None
        assert window.admit(limit, 100.4 + wait) is None


def test_a_factor_shortens_the_windows_but_not_retry_after_below_one_second() -> None:
    clock = ManualClock()
    account = Service.create(Settings(window_factor=0.001), clock).cloud.add_account()
    for _unused in range(10):
        account.admit("createRunner")
    with pytest.raises(Refused) as refused:
        account.admit("createRunner")
    assert refused.value.retry_after == 1
    clock.advance(0.06)
    account.admit("createRunner")


def test_a_factor_of_zero_turns_the_limits_off(account: Account, api: Api) -> None:
    assert {api.post(RUNNERS).status_code for _unused in range(30)} == {200}


def test_the_eleventh_creation_within_a_minute_is_rate_limited(limited: Account, connect: Connect) -> None:
    api = connect(limited)
    answers = [api.post(RUNNERS) for _unused in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json()["code"] == "too_many_requests"


def test_a_deferred_creation_has_issued_no_key(limited: Account, connect: Connect) -> None:
    api = connect(limited)
    for _unused in range(12):
        api.post(RUNNERS)
    assert limited.stats()["keys_issued"] == 10


def test_after_the_window_creation_works_again(limited: Account, connect: Connect) -> None:
    api = connect(limited)
    deferred = [api.post(RUNNERS) for _unused in range(11)][-1]
    limited.advance(int(deferred.headers["Retry-After"]))
    assert api.post(RUNNERS).status_code == 200


def test_each_operation_has_its_own_window(limited: Account, connect: Connect) -> None:
    api = connect(limited)
    for _unused in range(11):
        api.post(RUNNERS)
    assert [api.get(RUNNERS).status_code, api.delete(f"{RUNNERS}/x").status_code] == [200, 404]


def test_each_account_has_its_own_windows(limited: Account, emulator: Emulator, connect: Connect) -> None:
    for _unused in range(11):
        connect(limited).post(RUNNERS)
    assert connect(emulator.account()).post(RUNNERS).status_code == 200


def test_all_keys_of_an_account_share_its_windows(limited: Account, connect: Connect) -> None:
    for _unused in range(10):
        connect(limited).post(RUNNERS)
    assert connect(limited, limited.add_key()).post(RUNNERS).status_code == 429


def test_authentication_comes_before_the_limit(limited: Account, connect: Connect) -> None:
    for _unused in range(15):
        connect(limited, None).post(RUNNERS)
    assert connect(limited).post(RUNNERS).status_code == 200


def test_the_limit_comes_before_the_permission(limited: Account, connect: Connect) -> None:
    api = connect(limited, limited.add_key(permissions=[]))
    assert [api.post(RUNNERS).status_code for _unused in range(11)] == [403] * 10 + [429]
