# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovery: what was lost, and what a run left that died."""

from __future__ import annotations

from hosts.fleet import DIR, HOSTS, Fleet, until

HOST = HOSTS[0]
ONE = ("--limit", HOST)
REISSUE = ("-e", "soda_runner_reissue=true")


def test_a_host_that_was_rebuilt_gets_another_key_with_reissue_and_its_runner_keeps_its_id(fleet: Fleet) -> None:
    fleet.provisioned(HOST)
    was, lost = fleet.account.runner(HOST)["id"], fleet.key(HOST)["api_key_id"]
    fleet.rebuild(HOST)

    refused = fleet.play(*ONE)

    assert not refused.succeeded
    assert "soda_runner_reissue=true" in refused.output
    assert fleet.files(HOST) == {}
    assert fleet.requests("createRunner") == []

    assert fleet.play(*ONE, *REISSUE).succeeded
    assert fleet.key(HOST)["api_key_id"] != lost
    assert fleet.pinned_id(HOST) == was
    assert fleet.account.runner(HOST)["id"] == was
    assert fleet.runs_with_its_key(HOST)
    assert fleet.requests("createRunner") == ["createRunner"]


def test_a_key_file_that_was_lost_is_replaced_with_reissue_and_until_then_the_runner_goes_on(fleet: Fleet) -> None:
    fleet.provisioned(HOST)
    was = fleet.account.runner(HOST)["id"]
    fleet.on(HOST, f"rm {DIR}/key.json")
    before = fleet.files(HOST), fleet.unit(HOST)

    refused = fleet.play(*ONE)

    assert not refused.succeeded
    assert "soda_runner_reissue=true" in refused.output
    assert (fleet.files(HOST), fleet.unit(HOST)) == before

    assert fleet.play(*ONE, *REISSUE).succeeded
    assert fleet.pinned_id(HOST) == fleet.account.runner(HOST)["id"] == was
    assert fleet.runs_with_its_key(HOST)


def test_a_key_that_a_run_left_in_escrow_when_it_died_is_the_one_that_the_next_run_brings(fleet: Fleet) -> None:
    issued = fleet.when_a_key_is_issued()
    with fleet.playing(*ONE) as play, issued as _moment:
        fleet.podman("pause", f"soda-{HOST}")
        until(lambda: len(fleet.in_escrow()) == 1)
        play.kill()
        fleet.podman("unpause", f"soda-{HOST}")
    (waiting,) = fleet.in_escrow()
    assert fleet.files(HOST) == {}

    assert fleet.play(*ONE).succeeded
    assert fleet.key(HOST) == waiting
    assert fleet.in_escrow() == []
    assert fleet.runs_with_its_key(HOST)
    assert fleet.requests("createRunner") == ["createRunner"]


def test_unknown_outcome_stores_nothing_and_the_next_run_issues_another_key(fleet: Fleet) -> None:
    fleet.account.fault("reset_after", "createRunner")

    in_doubt = fleet.play(*ONE)

    assert not in_doubt.succeeded
    assert "create_outcome_unknown" in in_doubt.output
    # No other key was requested.
    assert fleet.requests("createRunner") == ["createRunner"]
    assert fleet.in_escrow() == []
    assert fleet.files(HOST) == {}
    (orphan,) = fleet.account.stats()["runner_key_ids"]

    assert fleet.play(*ONE).succeeded
    assert fleet.key(HOST)["api_key_id"] != orphan
    assert fleet.runs_with_its_key(HOST)
    assert fleet.keys_issued() == 2
