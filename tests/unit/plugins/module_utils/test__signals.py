# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which signals wait, and for how long."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.community.soda.plugins.module_utils._signals import DEFERRED, defer_termination, sleep


@pytest.fixture
def received() -> Iterator[list[int]]:
    """The polite signals that have taken effect."""
    numbers: list[int] = []
    before = {number: signal.signal(number, lambda number, _frame: numbers.append(number)) for number in DEFERRED}
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, DEFERRED)
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def send(number: int) -> None:
    """To this thread. What is sent to the process goes to any thread that does not hold it back, such as pytest's."""
    signal.pthread_kill(threading.get_ident(), number)


def blocked() -> set[int]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


@pytest.mark.parametrize("number", DEFERRED, ids=lambda number: number.name)
def test_a_polite_signal_waits_for_the_end_of_the_block(received: list[int], number: int) -> None:
    with defer_termination():
        send(number)
        assert received == []
    assert received == [number]


def test_no_other_signal_waits(received: list[int]) -> None:
    before = blocked()
    with defer_termination():
        assert blocked() - before == set(DEFERRED)
    assert blocked() == before


def test_a_signal_that_was_deferred_before_stays_deferred(received: list[int]) -> None:
    with defer_termination():
        with defer_termination():
            pass
        assert blocked() >= set(DEFERRED)


def test_a_failure_ends_the_block_as_well(received: list[int]) -> None:
    with pytest.raises(KeyError), defer_termination():
        raise KeyError
    assert not blocked() & set(DEFERRED)


@pytest.mark.parametrize("number", DEFERRED, ids=lambda number: number.name)
def test_sleep_delivers_a_deferred_signal(received: list[int], number: int) -> None:
    with defer_termination():
        send(number)
        sleep(0)
        assert received == [number]
        assert blocked() >= set(DEFERRED)
        send(number)
        assert received == [number]


def test_sleep_takes_its_time() -> None:
    begun = time.monotonic()
    sleep(0.2)
    assert time.monotonic() - begun >= 0.2


def test_sleep_blocks_nothing_that_was_not(received: list[int]) -> None:
    before = blocked()
    sleep(0)
    assert blocked() == before
