# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table for a terminal, in which a name is nothing but text."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.community.soda.plugins.module_utils import _audit_text
from ansible_collections.community.soda.plugins.module_utils._audit import Account, Limits, Listed, Report, Seen, audit
from ansible_collections.community.soda.plugins.module_utils._runners import Runner
from ansible_collections.community.soda.tests.unit.plugins.harness import ODD_NAMES

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
ACCOUNT = Account("https://cloud.soda.io", "key-1")


def report(*names: str, seen: tuple[Seen, ...] = (), elsewhere: tuple[str, ...] = ()) -> Report:
    """An audit of runners of these names, which were seen a day ago and are in no inventory."""
    runners = tuple(
        Runner(f"id-{name}", name, None, "SELF_HOSTED", False, "2026-01-30T11:00:00Z", {}) for name in names
    )
    limits = Limits(datetime.timedelta(minutes=30), datetime.timedelta(hours=24))
    return audit(seen, [Listed(ACCOUNT, "host", runners)], elsewhere, limits, NOW)


def test_a_fleet_in_order_is_told_in_a_line() -> None:
    assert _audit_text.table(report()) == "0 runners, 0 hosts: 0 in order, 0 with findings, 0 online, 0 stale"


def test_totals_come_first_then_each_row_with_all_that_was_found() -> None:
    host = Seen("host-1", "one", ACCOUNT)
    assert _audit_text.table(report("gone", "one", seen=(host,), elsewhere=("there",))).splitlines() == [
        "2 runners, 1 host: 0 in order, 2 with findings, 0 online, 2 stale",
        "      1  no_key            No key",
        "      2  offline           Offline",
        "      1  not_in_inventory  In no inventory",
        "",
        "STATE    RUNNER  HOST    WHAT WAS FOUND",
        "No key   one     host-1  the runner is registered, so its key was lost; offline: last seen 25 h ago; stale",
        "Offline  gone    -       last seen 25 h ago; in no inventory; stale",
    ]


def test_runners_of_other_hosts_are_said_to_be_left_out() -> None:
    assert "1 runner of hosts in the inventory" in _audit_text.table(report("there", elsewhere=("there",)))


@pytest.mark.parametrize("name", [*ODD_NAMES, "\x1b[31mred\x1b[0m", "\u202eevil\u2066", "\x07\x9b2J", "\ud800"])
def test_a_name_takes_one_line_and_does_nothing_to_the_terminal(name: str) -> None:
    (line,) = _audit_text.table(report(name)).splitlines()[5:]
    assert line.startswith("Offline  ")
    assert line.isprintable()


def test_columns_stay_in_line_whatever_is_in_them() -> None:
    _head, *lines = _audit_text.table(report("東京", "e\u0301", "x" * 300)).splitlines()[4:]
    places = {sum(_audit_text._width(char) for char in line.partition("last seen")[0]) for line in lines}
    assert len(lines) == 3
    assert len(places) == 1


def test_more_rows_than_a_person_reads_are_counted() -> None:
    lines = _audit_text.table(report(*(f"r{number}" for number in range(250)))).splitlines()
    assert len(lines) < 120
    assert lines[-1] == "… and 150 more, which the report files have"
