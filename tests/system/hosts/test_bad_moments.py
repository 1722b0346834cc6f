# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to a key when a host, a disk, a clock or another play does not do what one would like."""

from __future__ import annotations

import contextlib
import datetime

import pytest

from hosts.fleet import DIR, HOSTS, Fleet

HOST = HOSTS[0]
ONE = ("--limit", HOST)
ON_THE_HOST = ("-e", "soda_runner_api_host={{ inventory_hostname }}")


def test_a_host_that_goes_between_issue_and_copy_gets_that_very_key_when_it_is_back(fleet: Fleet) -> None:
    issued = fleet.when_a_key_is_issued()
    with fleet.playing(*ONE) as play, issued as _moment:
        fleet.switch_off(HOST)
        played = play.finish()
    assert played.count("unreachable", HOST) == 1
    (waiting,) = fleet.in_escrow()

    fleet.switch_on(HOST)
    assert fleet.play(*ONE).succeeded
    assert fleet.key(HOST) == waiting
    assert fleet.in_escrow() == []
    assert fleet.runs_with_its_key(HOST)
    assert fleet.requests("createRunner") == ["createRunner"]


@pytest.mark.parametrize("where", [(), ON_THE_HOST], ids=["on one controller", "of two controllers on one host"])
def test_two_plays_at_once_issue_one_key(fleet: Fleet, where: tuple[str, ...]) -> None:
    """Two controllers share no escrow, so there it is the lock on the host that counts."""
    of_another = ("-e", f"soda_runner_escrow_dir={fleet.temporary}/escrow") if where else ()
    issued = fleet.when_a_key_is_issued()
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(fleet.playing(*ONE, *where))
        second = stack.enter_context(fleet.playing(*ONE, *where, *of_another))
        stack.enter_context(issued)
        played = [first.finish(), second.finish()]

    assert any(each.succeeded for each in played)
    assert all(each.succeeded or "key_path_busy" in each.output for each in played)
    assert fleet.requests("createRunner") == ["createRunner"]
    assert fleet.runs_with_its_key(HOST)
    assert fleet.in_escrow() == []


DISKS = {
    "full": ("size=16k", f"head -c 1000000 /dev/zero > {DIR}/ballast || true"),
    "without inodes": ("nr_inodes=2", f"touch {DIR}/ballast"),
    "read-only": ("size=1m", f"mount -o remount,ro {DIR}"),
}


@pytest.mark.parametrize("disk", DISKS)
def test_no_key_is_issued_for_a_disk_that_cannot_take_it(fleet: Fleet, disk: str) -> None:
    options, spoil = DISKS[disk]
    fleet.on(HOST, f"mkdir -p {DIR}; mount -t tmpfs -o mode=0755,{options} tmpfs {DIR}; {spoil}")

    played = fleet.play(*ONE)

    assert not played.succeeded
    assert "key_path_unusable" in played.output
    assert fleet.requests("createRunner") == []
    assert set(fleet.files(HOST)) <= {"ballast"}


def test_a_clock_that_jumps_while_a_key_is_on_its_way_costs_none(fleet: Fleet) -> None:
    # The monotonic clock only goes forward, and stays as it is.
    moved = "FAKETIME_TIMESTAMP_FILE=/opt/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1"
    python = f'#!/bin/sh\n{moved} LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketime.so.1) exec python3 "$@"\n'
    fleet.on(HOST, f"cat > /opt/python3 <<'END'\n{python}END\nchmod 755 /opt/python3; echo +0 > /opt/clock")
    # The modules run on the host, so they use its clock.
    by_it = ("-e", "ansible_python_interpreter=/opt/python3", *ON_THE_HOST)

    issued = fleet.when_a_key_is_issued()
    with fleet.playing(*ONE, *by_it) as play, issued as _moment:
        fleet.on(HOST, "echo +400d > /opt/clock")
        assert play.finish().succeeded
    stored = fleet.key(HOST)
    assert fleet.runs_with_its_key(HOST)

    fleet.on(HOST, "echo -400d > /opt/clock")
    assert fleet.play(*ONE, *by_it, "-e", "soda_runner_key_version=2").succeeded
    assert fleet.key(HOST)["issued_at"] < datetime.datetime.now(datetime.timezone.utc).isoformat() < stored["issued_at"]
    assert fleet.runs_with_its_key(HOST)
    assert fleet.keys_issued() == 2


def test_a_host_of_another_year_takes_its_next_key_and_keeps_it(fleet: Fleet) -> None:
    python = '#!/bin/sh\nexec faketime -f -4000d python3 "$@"\n'
    fleet.on(HOST, f"cat > /opt/python3 <<'END'\n{python}END\nchmod 755 /opt/python3")
    of_another_year = ("-e", "ansible_python_interpreter=/opt/python3", *ON_THE_HOST)
    fleet.provisioned(HOST)

    assert fleet.play(*ONE, *of_another_year, "-e", "soda_runner_key_version=2").succeeded
    assert fleet.key(HOST)["issued_at"] < "2020"
    assert fleet.runs_with_its_key(HOST)
    assert not fleet.play(*ONE, "-e", "soda_runner_key_version=2").changed()
    assert fleet.requests("createRunner") == ["createRunner"]
