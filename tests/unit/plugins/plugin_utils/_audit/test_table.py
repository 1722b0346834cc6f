# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table for a terminal."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.plugin_utils._audit import table as _table
from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import audit
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import (
    AccountListing,
    Limits,
    Observation,
    Report,
)
from ansible_collections.community.soda.tests.unit.plugins.harness import ODD_NAMES

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
ACCOUNT = Account("https://cloud.soda.io", "key-1")


def report(
    *names: str | None, seen: tuple[Observation, ...] = (), elsewhere: tuple[str, ...] = (), online: bool = False
) -> Report:
    """An audit of runners of these names, which were seen a day ago and are in no inventory."""
    runners = tuple(
        Runner(f"id-{name}", name, None, "SELF_HOSTED", online, "2026-01-30T11:00:00Z", {}) for name in names
    )
    limits = Limits(datetime.timedelta(minutes=30), datetime.timedelta(hours=24))
    return audit(seen, [AccountListing(ACCOUNT, "host", runners)], elsewhere, limits, NOW)


def test_a_fleet_in_order_takes_two_lines() -> None:
    assert _table.render_table(report()).splitlines() == [
        "No runner is listed, and no host declares one.",
        "0 runners listed. 0 hosts audited.",
    ]


def test_totals_come_first_then_each_row_with_all_findings() -> None:
    host = Observation("host-1", "one", ACCOUNT)
    assert _table.render_table(report("gone", "one", seen=(host,), elsewhere=("there",))).splitlines() == [
        "2 of 2 runners and hosts have findings.",
        "2 runners listed: 0 online, 2 stale. 1 host audited.",
        "      1  no_key                 No key",
        "      2  offline                Offline",
        "      1  not_in_inventory       Not in inventory",
        "",
        "STATE    RUNNER  HOST    FINDINGS",
        "No key   one     host-1  the runner is registered, but its key is not stored;"
        " Offline: last contact 25 h ago; stale",
        "Offline  gone    -       last contact 25 h ago; Not in inventory; stale",
    ]


def test_runners_of_other_hosts_are_counted() -> None:
    assert "Not compared: 1 runner of hosts that are not part of this audit." in _table.render_table(
        report("there", elsewhere=("there",))
    )


@pytest.mark.parametrize("name", [*ODD_NAMES, "\x1b[31mred\x1b[0m", "\u202eevil\u2066", "\x07\x9b2J", "\ud800"])
def test_a_name_takes_one_line_and_does_nothing_to_the_terminal(name: str) -> None:
    (line,) = _table.render_table(report(name)).splitlines()[6:]
    assert line.startswith("Offline  ")
    assert line.isprintable()


def test_unprintable_characters_become_escape_sequences() -> None:
    assert _table.printable("a\\b 'é\" 東京") == "a\\b 'é\" 東京"
    assert _table.printable("\n\x1b\xa0\u202e\ud800\U000e0001") == r"\n\x1b\xa0\u202e\ud800\U000e0001"


def test_a_runner_without_a_name_has_a_line() -> None:
    assert _table.render_table(report(None)).splitlines()[6:] == [
        "Offline  (no name)  -     last contact 25 h ago; Not in inventory",
    ]


def test_a_line_without_details_has_no_trailing_spaces() -> None:
    assert _table.render_table(report("one", online=True)).splitlines()[4:] == [
        "STATE             RUNNER  HOST  FINDINGS",
        "Not in inventory  one     -",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 39 + "…"),
        # Wide characters take two columns, and what is put upon another takes none.
        ("東" * 20, "東" * 20),
        ("東" * 21, "東" * 19 + "…"),
        ("Ａ" * 20, "Ａ" * 20),
        ("Ａ" * 21, "Ａ" * 19 + "…"),
        ("e\u0301" * 40, "e\u0301" * 40),
    ],
)
def test_a_name_takes_40_columns_at_most(name: str, expected: str) -> None:
    (line,) = _table.render_table(report(name)).splitlines()[6:]
    assert line == f"Offline  {expected}  -     last contact 25 h ago; Not in inventory; stale"


def test_columns_stay_in_line_whatever_is_in_them() -> None:
    _head, *lines = _table.render_table(report("東京", "e\u0301", "x" * 300)).splitlines()[5:]
    places = {sum(_table._width(char) for char in line.partition("last contact")[0]) for line in lines}
    assert len(lines) == 3
    assert len(places) == 1


@pytest.mark.parametrize(
    ("rows", "shown", "last"),
    [
        (100, 100, []),
        (101, 100, ["… and 1 more row in the report files"]),
        (250, 100, ["… and 150 more rows in the report files"]),
    ],
)
def test_rows_beyond_the_first_100_are_counted(rows: int, shown: int, last: list[str]) -> None:
    lines = _table.render_table(report(*(f"r{number}" for number in range(rows)))).splitlines()[6:]
    assert sum(line.startswith("Offline  ") for line in lines) == shown
    assert lines[shown:] == last
