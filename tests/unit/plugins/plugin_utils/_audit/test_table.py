# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table for a terminal, in which a name is nothing but text."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.runners import Runner
from ansible_collections.community.soda.plugins.plugin_utils._audit import table as _audit_text
from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import (
    Account,
    Limits,
    Listed,
    Report,
    Seen,
    audit,
)
from ansible_collections.community.soda.tests.unit.plugins.harness import ODD_NAMES

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
ACCOUNT = Account("https://cloud.soda.io", "key-1")


def report(
    *names: str | None, seen: tuple[Seen, ...] = (), elsewhere: tuple[str, ...] = (), online: bool = False
) -> Report:
    """An audit of runners of these names, which were seen a day ago and are in no inventory."""
    runners = tuple(
        Runner(f"id-{name}", name, None, "SELF_HOSTED", online, "2026-01-30T11:00:00Z", {}) for name in names
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


def test_what_prints_is_shown_as_it_is_and_the_rest_as_an_escape_sequence() -> None:
    assert _audit_text.shown("a\\b 'é\" 東京") == "a\\b 'é\" 東京"
    assert _audit_text.shown("\n\x1b\xa0\u202e\ud800\U000e0001") == r"\n\x1b\xa0\u202e\ud800\U000e0001"


def test_a_runner_without_a_name_has_a_line() -> None:
    assert _audit_text.table(report(None)).splitlines()[5:] == [
        "Offline  (no name)  -     last seen 25 h ago; in no inventory",
    ]


def test_a_line_in_which_nothing_follows_the_host_ends_there() -> None:
    assert _audit_text.table(report("one", online=True)).splitlines()[3:] == [
        "STATE            RUNNER  HOST  WHAT WAS FOUND",
        "In no inventory  one     -",
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
    (line,) = _audit_text.table(report(name)).splitlines()[5:]
    assert line == f"Offline  {expected}  -     last seen 25 h ago; in no inventory; stale"


def test_columns_stay_in_line_whatever_is_in_them() -> None:
    _head, *lines = _audit_text.table(report("東京", "e\u0301", "x" * 300)).splitlines()[4:]
    places = {sum(_audit_text._width(char) for char in line.partition("last seen")[0]) for line in lines}
    assert len(lines) == 3
    assert len(places) == 1


@pytest.mark.parametrize(
    ("rows", "shown", "last"),
    [
        (100, 100, []),
        (101, 100, ["… and 1 more, which the report files have"]),
        (250, 100, ["… and 150 more, which the report files have"]),
    ],
)
def test_more_rows_than_a_person_reads_are_counted(rows: int, shown: int, last: list[str]) -> None:
    lines = _audit_text.table(report(*(f"r{number}" for number in range(rows)))).splitlines()[5:]
    assert sum(line.startswith("Offline  ") for line in lines) == shown
    assert lines[shown:] == last
