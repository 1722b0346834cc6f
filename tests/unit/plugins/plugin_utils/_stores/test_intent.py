# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may issue a key next: the rules, one by one."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.soda.plugins.plugin_utils._stores.intent import (
    LONGEST_LEASE,
    Intent,
    Turn,
    whose_turn,
)

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)


def intent(age: float = 0, escrow_id: str = "other", lease_seconds: int = 120) -> Intent:
    renewed = NOW - datetime.timedelta(seconds=age)
    return Intent("run", escrow_id, renewed, renewed, lease_seconds)


@pytest.mark.parametrize(
    ("found", "unchanged_for", "turn"),
    [
        (None, 0, Turn.ISSUE),
        (intent(escrow_id="ours"), 0, Turn.TAKE_OVER),
        (intent(age=119), 0, Turn.WAIT),
        (intent(age=120), 0, Turn.TAKE_OVER),
        (intent(age=-600), 0, Turn.WAIT),
        (intent(age=-600), 119, Turn.WAIT),
        (intent(age=-600), 120, Turn.TAKE_OVER),
    ],
    ids=[
        "without an intent",
        "a killed run with the same escrow",
        "a run within its lease",
        "a run after its lease",
        "a clock that is ahead",
        "a clock that is ahead, still within one lease",
        "a clock that is ahead, after one lease without a renewal",
    ],
)
def test_decision_about_an_intent(found: Intent | None, unchanged_for: float, turn: Turn) -> None:
    assert whose_turn(found, "ours", NOW, unchanged_for) is turn


def test_a_renewed_intent_is_kept_for_another_lease() -> None:
    old = intent(age=200)
    assert whose_turn(old.renewed(NOW), "ours", NOW, 0) is Turn.WAIT


@given(st.integers(), st.text(), st.datetimes(timezones=st.just(datetime.timezone.utc)))
def test_an_intent_survives_the_way_through_a_store(lease: int, run_id: str, time: datetime.datetime) -> None:
    wanted = Intent(run_id, "escrow", time, time, max(0, min(lease, LONGEST_LEASE)))
    assert Intent.from_json(Intent(run_id, "escrow", time, time, lease).to_json()) == wanted


@given(st.text() | st.sampled_from(["{}", "[]", "null", "1", '{"run_id": "a"}', "[" * 100_000]))
def test_text_that_is_no_intent_blocks_nobody(text: str) -> None:
    assert Intent.from_json(text) is None


def test_a_time_without_a_zone_is_not_an_intent() -> None:
    assert Intent.from_json(intent().to_json().replace("+00:00", "")) is None
