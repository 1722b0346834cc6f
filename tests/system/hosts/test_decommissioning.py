# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decommissioning: the runner stops, is deleted, and then what the host has of it is removed."""

from __future__ import annotations

from hosts.fleet import HOSTS, Fleet

BOOK = "decommission.yml"
HOST = HOSTS[0]
ONE = ("--limit", HOST)


def test_a_runner_in_use_stays_and_runs_on_and_goes_once_it_is_not(fleet: Fleet) -> None:
    fleet.provisioned(HOST)
    runner = fleet.account.runner(HOST)["id"]
    before = fleet.files(HOST)
    fleet.account.set_in_use(runner)

    refused = fleet.play(*ONE, book=BOOK)

    assert not refused.succeeded
    assert "is used by a data source" in refused.output
    assert fleet.files(HOST) == before
    assert fleet.unit(HOST)["UnitFileState"] == "enabled"
    assert fleet.runs_with_its_key(HOST)

    fleet.account.set_in_use(runner, False)
    fleet.account.clear_journal()
    assert fleet.play(*ONE, book=BOOK).succeeded
    assert fleet.account.runners() == []
    assert fleet.files(HOST) == {}
    unit = fleet.unit(HOST)
    assert (unit["ActiveState"], unit["UnitFileState"]) == ("inactive", "disabled")
    # It no longer ran when it was deleted.
    heard = fleet.requests("emulatorHeartbeat", "deleteRunner")
    assert heard[-1] == "deleteRunner"


def test_runner_of_an_unreachable_host_is_deleted_and_its_files_when_it_is_back(fleet: Fleet) -> None:
    fleet.provisioned(HOST)
    before = fleet.files(HOST)
    fleet.switch_off(HOST)
    (runner,) = [each["id"] for each in fleet.account.runners()]

    # Nobody has stopped a runner whose host cannot be reached.
    fleet.account.set_online(runner, True)
    refused = fleet.play(*ONE, book=BOOK)
    assert not refused.succeeded
    assert "is online, so nothing was deleted" in refused.output
    assert [each["id"] for each in fleet.account.runners()] == [runner]

    fleet.account.set_online(runner, False)
    without_it = fleet.play(*ONE, book=BOOK)

    assert without_it.succeeded
    assert "could not be reached" in without_it.output
    assert fleet.account.runners() == []

    fleet.switch_on(HOST)
    assert fleet.files(HOST) == before
    assert fleet.play(*ONE, book=BOOK).succeeded
    assert fleet.files(HOST) == {}
    assert fleet.unit(HOST)["UnitFileState"] == "disabled"
