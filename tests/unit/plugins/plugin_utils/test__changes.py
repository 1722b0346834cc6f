# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes between two listings. A stop in between reports no change twice or never."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.plugin_utils._changes import (
    Snapshot,
    changes,
    record,
    snapshot,
    without_states,
)


def runner(runner_id: str | None, is_online: bool | None = True, **fields: Any) -> Runner:
    return Runner.from_api({"id": runner_id, "name": f"name of {runner_id}", "isOnline": is_online, **fields})


def listed(*runners: Runner, before: Snapshot | None = None) -> Snapshot:
    return snapshot(runners, before or {})


def events_of(before: Snapshot, after: Snapshot) -> list[tuple[str, str | None]]:
    return [(change.event, change.runner.id) for change in changes(before, after)]


# One test for each thing that can happen


def test_nothing_is_reported_if_nothing_happened() -> None:
    assert events_of(listed(runner("a"), runner("b", False)), listed(runner("b", False), runner("a"))) == []


def test_other_fields_are_not_changes() -> None:
    later = runner("a", label="Other", lastSeenTimestamp="2026-01-01T12:00:00Z", versions={"runner": "2"})
    assert events_of(listed(runner("a")), listed(later)) == []


@pytest.mark.parametrize(("is_online", "state"), [(True, [("online", "a")]), (False, [("offline", "a")]), (None, [])])
def test_a_new_runner_is_registered_and_then_in_its_state(is_online: bool | None, state: list[tuple[str, str]]) -> None:
    assert events_of({}, listed(runner("a", is_online))) == [("registered", "a"), *state]


@pytest.mark.parametrize(("is_online", "event"), [(True, "online"), (False, "offline")])
def test_a_state_that_changes_is_reported_with_the_current_runner(is_online: bool, event: str) -> None:
    now = runner("a", is_online, lastSeenTimestamp="2026-01-01T12:00:00Z")
    (change,) = changes(listed(runner("a", not is_online)), listed(now))
    assert (change.event, change.runner) == (event, now)


def test_a_runner_that_is_gone_is_removed_as_it_was_listed_last() -> None:
    last = runner("a", False, label="Last")
    (change,) = changes(listed(last), {})
    assert (change.event, change.runner) == ("removed", last)


def test_a_runner_registered_again_under_another_id_is_another() -> None:
    events = events_of(listed(runner("a", name="same")), listed(runner("b", name="same")))
    assert events == [("removed", "a"), ("registered", "b"), ("online", "b")]


def test_a_state_that_soda_cloud_does_not_say_is_the_last_that_it_said() -> None:
    first = listed(runner("a", True))
    silent = listed(runner("a", None), before=first)
    assert events_of(first, silent) == []
    assert events_of(silent, listed(runner("a", True), before=silent)) == []
    assert events_of(silent, listed(runner("a", False), before=silent)) == [("offline", "a")]


@pytest.mark.parametrize("runner_id", [None, ""])
def test_a_runner_without_an_id_cannot_be_followed(runner_id: str | None) -> None:
    assert listed(runner(runner_id), runner("a")) == listed(runner("a"))


def test_without_states_every_state_is_still_to_be_told() -> None:
    now = listed(runner("a", True), runner("b", False), runner("c", None))
    assert events_of(without_states(now), now) == [("online", "a"), ("offline", "b")]


# What was reported, wherever it was stopped

PAIRS = list(itertools.product(("absent", None, True, False), repeat=2))


@pytest.mark.parametrize("before", PAIRS, ids=str)
def test_only_unreported_changes_remain(before: tuple[Any, Any]) -> None:
    """For every two listings of two runners, and for a stop after each of the events between them."""
    first = listed(*(runner(name, state) for name, state in zip("ab", before) if state != "absent"))
    for after in PAIRS:
        second = listed(*(runner(name, state) for name, state in zip("ab", after) if state != "absent"), before=first)
        every = changes(first, second)
        so_far = dict(first)
        for number, change in enumerate(every, 1):
            record(so_far, change)
            assert changes(so_far, second) == every[number:]
        assert so_far == second
