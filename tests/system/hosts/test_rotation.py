# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotation: the key version is raised, for some hosts at a time."""

from __future__ import annotations

from hosts.fleet import HOSTS, Fleet, until

HOST = HOSTS[0]
ROTATED = ("-e", "soda_runner_key_version=2")


def test_hosts_are_rotated_one_after_the_other_and_one_that_fails_ends_the_run(fleet: Fleet) -> None:
    fleet.provisioned(*HOSTS)
    ids = {host: fleet.account.runner(host)["id"] for host in HOSTS}
    old = {host: fleet.key(host)["api_key_id"] for host in HOSTS}
    before = {host: (fleet.files(host), fleet.unit(host)) for host in HOSTS}
    fleet.account.fault("status", "createRunner", status=403, times=None)

    failed = fleet.play(*ROTATED, "-e", "at_a_time=1")

    # It goes on with its old key, and the next host is left alone.
    assert not failed.succeeded
    assert fleet.requests("createRunner") == ["createRunner"]
    assert {host: (fleet.files(host), fleet.unit(host)) for host in HOSTS} == before
    assert all(fleet.runs_with_its_key(host) for host in HOSTS)

    fleet.account.clear_faults()
    fleet.account.clear_journal()
    assert fleet.play(*ROTATED, "-e", "at_a_time=1", "-e", "soda_runner_wait=true").succeeded

    # Each runner registered with its new key before the next host was touched, by the id that it had.
    one_host = ["createRunner", "emulatorRegisterRunner"]
    assert fleet.requests(*one_host) == one_host * 2
    assert {host: fleet.account.runner(host)["id"] for host in HOSTS} == ids
    assert {host: fleet.pinned_id(host) for host in HOSTS} == ids
    assert all(fleet.runs_with_its_key(host) and fleet.key(host)["api_key_id"] != old[host] for host in HOSTS)
    assert fleet.in_escrow() == []


def test_the_old_configuration_stays_until_the_new_one_is_in_place(fleet: Fleet) -> None:
    fleet.provisioned(HOST)
    before = fleet.files(HOST), fleet.unit(HOST)
    issued = fleet.when_a_key_is_issued()
    with fleet.playing(*ROTATED, "--limit", HOST) as play, issued as _moment:
        fleet.podman("pause", f"soda-{HOST}")
        until(lambda: len(fleet.in_escrow()) == 1)
        play.kill()
        fleet.podman("unpause", f"soda-{HOST}")

    assert (fleet.files(HOST), fleet.unit(HOST)) == before
    assert fleet.runs_with_its_key(HOST)
    (waiting,) = fleet.in_escrow()

    assert fleet.play(*ROTATED, "--limit", HOST).succeeded
    assert fleet.key(HOST) == waiting
    assert fleet.runs_with_its_key(HOST)
    assert fleet.requests("createRunner") == ["createRunner"]


def test_an_older_declaration_does_not_undo_a_rotation(fleet: Fleet) -> None:
    assert fleet.play(*ROTATED, "--limit", HOST).succeeded
    before = fleet.files(HOST), fleet.unit(HOST)

    played = fleet.play("--limit", HOST)

    assert not played.succeeded
    assert "key_version_too_low" in played.output
    assert (fleet.files(HOST), fleet.unit(HOST)) == before
