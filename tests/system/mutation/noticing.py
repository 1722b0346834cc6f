# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
For pytest, under mutants: the fastest tests first, since many notice most mutants, and an end to those that hang.

And an end to all where the tests cannot be run, such as where one is not found by its name: mutmut takes that for a
mutant that was noticed.
"""

from __future__ import annotations

import json
import os
import signal
import typing as t
from pathlib import Path

import pytest

STATS = Path("mutmut-stats.json")

BUSY = 5.0
"""Seconds of computing more than it takes as a rule, after which a test has failed."""

WAITING = 60.0
"""Seconds of any kind likewise. The machine may be a slow one."""

NOT_RUN = 77
"""What the process ends with where the tests could not be run."""

_usual: dict[str, float] = {}
"""How long each test took without a mutant, in seconds, once mutmut has seen that."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if STATS.exists():
        _usual.update(json.loads(STATS.read_text("utf-8"))["duration_by_test"])
    # By tenths: what differs by less stays in the order of the file.
    items.sort(key=lambda item: round(_usual.get(item.nodeid, 0.0), 1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> t.Generator[None, object, object]:
    seconds = _usual.get(item.nodeid, 0.0)
    timers = ((signal.ITIMER_PROF, BUSY + seconds), (signal.ITIMER_REAL, WAITING + 10 * seconds))
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, _hangs)
    for timer, after in timers:
        signal.setitimer(timer, after)
    try:
        return (yield)
    finally:
        for timer, _after in timers:
            signal.setitimer(timer, 0)


def _hangs(_number: int, _frame: object) -> None:
    pytest.fail("it hangs")


def pytest_sessionfinish(exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.USAGE_ERROR:
        os._exit(NOT_RUN)
