# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed, two controllers at once, and a store that fails between check and commit."""

from __future__ import annotations

import itertools
import json
import typing as t

import pytest
from servers.plays import Controller, Play
from servers.proxy import AFTER, BEFORE, Steps

from ansible_collections.community.soda.plugins.plugin_utils._config.names import vault_path

from .conftest import Vault


def run_and_kill(vault: Vault, controller: Controller, name: str, at: int, when: str, **options: t.Any) -> Steps:
    """Run a play that is killed at one of its requests, to Vault or to Soda Cloud."""
    play: list[Play] = []

    def kill() -> None:
        play[0].kill()

    vault.proxies.steps = steps = Steps(at, when, kill)
    play.append(controller.start([name], env=controller.env(), **vault.options(**options)))
    play[0].end()
    vault.proxies.steps = Steps()
    return steps


@pytest.mark.parametrize("version", [1, 2], ids=["issue", "rotate"])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_no_key_is_lost_unseen_whenever_a_run_is_killed(vault: Vault, when: str, version: int) -> None:
    """The run is killed before and after each of its requests. The next run stores a key, and reports a lost one."""
    controller = vault.controller()
    lost: list[str] = []
    for at in itertools.count(1):
        name = f"runner-{at}"
        if version == 2:
            vault.store_key(name)
        known = set(vault.issued)
        steps = run_and_kill(vault, controller, name, at, when, key_version=version)
        if steps.killed_at is None:
            break
        new = set(vault.issued) - known
        result = vault.play(controller, name, key_version=version).ok()[name]
        assert result["key"]["key_version"] == version, (at, steps.killed_at)
        # Nobody has a key between the answer of Soda Cloud and the first write.
        if new and steps.killed_at == "POST /api/v1/runners":
            lost += new
            assert "is lost" in json.dumps(result["warnings"]), (at, steps.killed_at)
        assert set(vault.issued) - known == {vault.keys()[name], *(new & set(lost))}, (at, steps.killed_at)
        assert "intent" not in vault.secrets()[name]
        assert not list(controller.escrow.glob("*.json")), (at, steps.killed_at)
    assert at > 8
    assert len(lost) == (1 if when == AFTER else 0)


def test_two_controllers_at_once_issue_one_key_for_each_runner(vault: Vault) -> None:
    names = ["warehouse-eu", "warehouse-us", "edge-1"]
    controllers = [vault.controller(), vault.controller()]
    plays = [each.start(names, env=each.env(), **vault.options()) for each in controllers]
    for finished in [each.end() for each in plays]:
        finished.ok()
    assert len(vault.issued) == len(names)
    assert sorted(vault.keys().values()) == sorted(vault.issued)


def test_a_controller_without_the_escrow_of_the_killed_run_waits_and_reports_the_loss(vault: Vault) -> None:
    killed = vault.controller()
    commit = steps_of_an_issue(vault, killed)[-1]
    run_and_kill(vault, killed, "warehouse-eu", commit, BEFORE)
    assert list(killed.escrow.glob("*.json"))
    found = vault_path("warehouse-eu", vault.addresses["SODA_CLOUD_ENDPOINT"])
    secret = vault.secrets()["warehouse-eu"]
    shorter = {**json.loads(secret["intent"]), "lease_seconds": 5}
    vault.bao.call("POST", f"{vault.mount}/data/{found}", {"data": {**secret, "intent": json.dumps(shorter)}})
    result = vault.play(vault.controller(), "warehouse-eu").ok()["warehouse-eu"]
    assert "is lost" in json.dumps(result["warnings"])
    assert vault.keys()["warehouse-eu"] == vault.issued[-1]
    # The first controller has the other key, and reports it.
    kept = vault.play(killed, "warehouse-eu").ok()["warehouse-eu"]
    assert not kept["changed"]
    assert vault.issued[-2] in json.dumps(kept["warnings"])
    for path in killed.escrow.glob("*.json"):
        path.unlink()


def test_a_key_that_the_store_does_not_accept_waits_in_escrow(vault: Vault) -> None:
    controller = vault.controller()
    commit = steps_of_an_issue(vault, controller)[-1]
    issued = len(vault.issued)
    vault.proxies.steps = Steps(commit, BEFORE)
    failure = vault.play(controller, "warehouse-eu").failure()
    assert failure["code"] == "key_in_escrow"
    (waiting,) = controller.escrow.glob("warehouse-eu-*.json")
    assert str(waiting) in failure["message"]
    assert waiting.stat().st_mode & 0o777 == 0o600
    assert vault.play(controller, "warehouse-eu").changed == ["warehouse-eu"]
    assert len(vault.issued) == issued + 1
    assert vault.keys()["warehouse-eu"] == vault.issued[-1]


def steps_of_an_issue(vault: Vault, controller: Controller) -> list[int]:
    """The numbers of the requests that write to Vault while a run issues the key of another runner."""
    vault.proxies.steps = Steps()
    vault.play(controller, "probe").ok()
    requests = vault.proxies.steps.requests
    return [
        number
        for number, request in enumerate(requests, 1)
        if f"/{vault.mount}/data/" in request and not request.startswith("GET")
    ]


def test_an_unknown_outcome_leaves_the_intent_for_the_next_run(vault: Vault) -> None:
    controller = vault.controller()
    vault.account.fault("status_after", "createRunner", status=500)
    assert vault.play(controller, "warehouse-eu").failure()["code"] == "create_outcome_unknown"
    assert "intent" in vault.secrets()["warehouse-eu"]
    result = vault.play(controller, "warehouse-eu").ok()["warehouse-eu"]
    assert "is lost" in json.dumps(result["warnings"])


def test_a_refused_request_leaves_nothing(vault: Vault) -> None:
    controller = vault.controller()
    vault.account.fault("status", "createRunner", status=403)
    assert vault.play(controller, "warehouse-eu").failure()["code"] == "forbidden"
    assert vault.secrets() == {}
    assert "warnings" not in vault.play(controller, "warehouse-eu").ok()["warehouse-eu"]
