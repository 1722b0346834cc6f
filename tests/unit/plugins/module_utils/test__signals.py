# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deferral of SIGINT, SIGTERM and SIGHUP."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.community.soda.plugins.module_utils._signals import DEFERRED, defer_termination, sleep


@pytest.fixture
def received() -> Iterator[list[int]]:
    """The deferrable signals that were delivered."""
    numbers: list[int] = []
    before = {number: signal.signal(number, lambda number, _frame: numbers.append(number)) for number in DEFERRED}
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, DEFERRED)
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def send(number: int) -> None:
    """Send a signal to this thread. A signal to the process may reach another thread, such as one of pytest."""
    signal.pthread_kill(threading.get_ident(), number)


def blocked() -> set[int]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


@pytest.mark.parametrize("number", DEFERRED, ids=lambda number: number.name)
def test_signal_is_delivered_after_the_block(received: list[int], number: int) -> None:
    with defer_termination():
        send(number)
        assert received == []
    assert received == [number]


def test_other_signals_are_not_deferred(received: list[int]) -> None:
    before = blocked()
    with defer_termination():
        assert blocked() - before == set(DEFERRED)
    assert blocked() == before


def test_inner_block_keeps_signals_blocked(received: list[int]) -> None:
    with defer_termination():
        with defer_termination():
            pass
        assert blocked() >= set(DEFERRED)


def test_exception_ends_the_deferral(received: list[int]) -> None:
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


def test_sleep_lasts_as_long_as_requested() -> None:
    begun = time.monotonic()
    sleep(0.2)
    assert time.monotonic() - begun >= 0.2


def test_sleep_leaves_signals_unblocked(received: list[int]) -> None:
    before = blocked()
    sleep(0)
    assert blocked() == before
