# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account and an inventory for each attack, and a table of the attacks and their outcomes."""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

import pytest

from attack.field import Field, collections, programs
from emulator.client import Account, Emulator


@pytest.fixture(scope="session")
def emulator() -> t.Iterator[Emulator]:
    with Emulator(violations_expected=True) as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> t.Iterator[Account]:
    made = emulator.account(window_factor=0)
    yield made
    made.remove()


@pytest.fixture
def field(account: Account, tmp_path: Path) -> t.Iterator[Field]:
    # ansible-core 2.21 makes a socket in the temporary folder, so its path must be short.
    with tempfile.TemporaryDirectory(prefix="attack-", dir="/tmp") as temporary:
        yield Field(tmp_path, account, programs(), collections(), Path(temporary))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> t.Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.failed:
        attacker = item.path.stem.removeprefix("test_").replace("_", " ")
        # The worker of xdist passes this on with the report.
        report.user_properties.append(("attack", f"{attacker} | {item.name.removeprefix('test_').replace('_', ' ')}"))
    return report


def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    rows = {}
    for outcome, word in (("passed", "stopped"), ("failed", "SUCCEEDED"), ("error", "ERROR")):
        for report in terminalreporter.stats.get(outcome, []):
            for name, attack in report.user_properties:
                if name == "attack":
                    rows[attack] = word
    terminalreporter.section("attacks")
    for attack, word in sorted(rows.items()):
        attacker, _bar, title = attack.partition(" | ")
        terminalreporter.write_line(f"{attacker:<16} {word:<10} {title}")
