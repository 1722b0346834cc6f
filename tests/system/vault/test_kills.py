# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed, two controllers at once, and a store that fails between check and commit."""

from __future__ import annotations

import json

import pytest
from servers.kills import PARTS, kill_at_each_request, kill_at_random, run_and_kill, two_controllers_at_once
from servers.plays import Controller
from servers.proxy import AFTER, BEFORE, Steps

from ansible_collections.community.soda.plugins.plugin_utils._config.names import vault_path

from .conftest import Vault


@pytest.mark.parametrize("version", [1, 2], ids=["issue", "rotate"])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_no_key_is_lost_unseen_whenever_a_run_is_killed(vault: Vault, when: str, version: int) -> None:
    kill_at_each_request(vault, vault.controller(), when, version)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_key_is_lost_unseen_if_runs_are_killed_at_random(vault: Vault, part: int) -> None:
    kill_at_random(vault, vault.controller())


def test_two_controllers_at_once_issue_one_key_for_each_runner(vault: Vault) -> None:
    two_controllers_at_once(vault, vault.controller(), vault.controller())


def test_a_controller_without_the_escrow_of_the_killed_run_waits_and_reports_the_loss(vault: Vault) -> None:
    killed = vault.controller()
    commit = steps_of_an_issue(vault, killed)[-1]
    run_and_kill(vault, killed, "warehouse-eu", commit, BEFORE)
    assert list(killed.escrow.glob("*.json"))
    found = vault_path("warehouse-eu", vault.endpoint)
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
