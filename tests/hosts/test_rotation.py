# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotation: the key version is raised, for some hosts at a time."""

from __future__ import annotations

from hosts.fleet import HOSTS, Fleet, until

HOST = HOSTS[0]
ROTATED = ("-e", "soda_runner_key_version=2")


def test_each_runner_registers_with_its_new_key_before_the_next_host_is_touched(fleet: Fleet) -> None:
    fleet.provisioned(*HOSTS)
    ids = {host: fleet.account.runner(host)["id"] for host in HOSTS}
    old = {host: fleet.key(host)["api_key_id"] for host in HOSTS}

    played = fleet.play(*ROTATED, "-e", "at_a_time=1", "-e", "soda_runner_wait=true")

    assert played.succeeded
    one_host = ["createRunner", "emulatorRegisterRunner"]
    assert fleet.asked(*one_host) == one_host * 2
    assert {host: fleet.account.runner(host)["id"] for host in HOSTS} == ids
    # A name that is taken is only registered again with the id that it has.
    assert {host: fleet.pinned_id(host) for host in HOSTS} == ids
    assert all(fleet.runs_with_its_key(host) and fleet.key(host)["api_key_id"] != old[host] for host in HOSTS)
    assert fleet.in_escrow() == []

    fleet.account.clear_journal()
    assert not fleet.play(*ROTATED, "-e", "at_a_time=1").changed()
    assert fleet.account.operations() == []


def test_where_no_key_is_issued_the_host_goes_on_with_its_old_one_and_the_next_is_left_alone(fleet: Fleet) -> None:
    fleet.provisioned(*HOSTS)
    before = {host: (fleet.files(host), fleet.unit(host)) for host in HOSTS}
    fleet.account.fault("status", "createRunner", status=403, times=None)

    played = fleet.play(*ROTATED, "-e", "at_a_time=1")

    assert not played.succeeded
    assert fleet.asked("createRunner") == ["createRunner"]
    assert {host: (fleet.files(host), fleet.unit(host)) for host in HOSTS} == before
    assert all(fleet.runs_with_its_key(host) for host in HOSTS)

    fleet.account.clear_faults()
    assert fleet.play(*ROTATED, "-e", "at_a_time=1").succeeded
    assert [fleet.key(host)["key_version"] for host in HOSTS] == [2, 2]


def test_the_old_configuration_stays_until_the_new_one_is_in_place(fleet: Fleet) -> None:
    fleet.provisioned(HOST)
    before = fleet.files(HOST), fleet.unit(HOST)
    issued = fleet.when_a_key_is_issued()
    with fleet.playing(*ROTATED, "--limit", HOST) as play, issued:
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
    assert fleet.asked("createRunner") == ["createRunner"]


def test_an_older_declaration_does_not_undo_a_rotation(fleet: Fleet) -> None:
    assert fleet.play(*ROTATED, "--limit", HOST).succeeded
    before = fleet.files(HOST), fleet.unit(HOST)

    played = fleet.play("--limit", HOST)

    assert not played.succeeded
    assert "key_version_too_low" in played.output
    assert (fleet.files(HOST), fleet.unit(HOST)) == before
