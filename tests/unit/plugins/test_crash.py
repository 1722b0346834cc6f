# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key is not lost and not issued twice, wherever a module is killed. ``make test-crash`` kills at every point."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from crash import modules
from crash.process import Victim, start
from crash.scenarios import SCENARIOS, Scenario
from emulator.client import Emulator

# The points have the names that functions have had from then on.
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.version_info < (3, 11), reason="needs Python 3.11")]

STEP = 8
"""One point in so many is tried here; from one scenario to the next they differ."""
KILLED = (Victim.MODULE, Victim.PARENT, Victim.TREE)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_run_after_a_kill_ends_as_if_nothing_had_been(scenario: Scenario, emulator: Emulator) -> None:
    points = modules.points(scenario, emulator)
    start = SCENARIOS.index(scenario) % STEP
    outcomes = [modules.kill_once(scenario, at, KILLED[at % 3], emulator) for at in range(start, len(points), STEP)]
    assert [outcome for outcome in outcomes if not outcome.good] == []


@pytest.mark.parametrize("victim", KILLED, ids=lambda victim: victim.value)
def test_only_a_kill_between_the_request_and_the_answer_on_disk_orphans_a_key(
    victim: Victim, emulator: Emulator
) -> None:
    scenario = SCENARIOS[0]
    points = modules.points(scenario, emulator)
    orphaned = {
        point: modules.kill_once(scenario, points.index(point), victim, emulator).orphaned
        for point in (
            "before POST sendall",
            "after POST recv_into",
            "after fsync in AtomicWrite.commit",
        )
    }
    # A module that outlives its play receives its key.
    assert list(orphaned.values()) == [0, int(victim is not Victim.PARENT), 0]


def test_a_key_is_on_disk_before_it_is_in_place(emulator: Emulator) -> None:
    points = modules.points(SCENARIOS[0], emulator)
    since = points[points.index("after POST sendall") :]
    order = [f"after {call} in AtomicWrite.commit" for call in ("write", "ftruncate", "fsync", "replace")]
    assert [since.index(point) for point in order] == sorted(since.index(point) for point in order)
    assert since.count("after fsync in AtomicWrite.commit") == 2, "the folder is flushed too"


def test_a_key_that_was_received_is_kept_whatever_is_raised_before_it_is_in_place(emulator: Emulator) -> None:
    scenario = SCENARIOS[0]
    at = modules.points(scenario, emulator).index("before ftruncate in AtomicWrite.commit")
    with modules.scene_of(emulator) as scene:
        result = start(scenario.module, scenario.arguments(scene), at, Victim.NOBODY).end()
        assert result is not None
        assert result["failure"]["code"] == "key_kept_elsewhere"
        kept = Path(result["msg"].partition("kept at ")[2].split()[0])
        key = json.loads(kept.read_bytes())
        kept.unlink()
        assert [key["api_key_id"]] == scene.account.stats()["runner_key_ids"]
        assert "A test caused this" in result["msg"]
