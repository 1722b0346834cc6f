# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet moves from key files on hosts to Vault, and no key is issued."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from servers.kills import key_file, kill_a_move_at_each_request
from servers.plays import Controller
from servers.proxy import AFTER, BEFORE

from emulator.client import Key
from tooling.leaks import Credential

from .conftest import Vault


def searched(controller: Controller, key: Key) -> tuple[str, ...]:
    return controller.search([Credential(key.api_key_id, key.api_key_secret)]).found


def test_a_key_moves_to_vault_without_a_request_to_issue_one(vault: Vault, tmp_path: Path) -> None:
    controller = vault.controller()
    path, key = key_file(vault, tmp_path, "warehouse-eu")
    checked = vault.play(controller, "warehouse-eu", "--check", move_from=str(path)).ok()["warehouse-eu"]
    assert (checked["changed"], checked["key_origin"]) == (True, "moved")
    assert checked["diff"]["before"]["key"]["path"] == str(path)
    assert checked["diff"]["after"]["key"] == checked["key"]
    assert path.exists()
    assert vault.secrets() == {}
    moved = vault.play(controller, "warehouse-eu", move_from=str(path)).ok()["warehouse-eu"]
    assert (moved["changed"], moved["key"]["api_key_id"]) == (True, key.api_key_id)
    assert (moved["key_origin"], moved["diff"]) == (checked["key_origin"], checked["diff"])
    assert vault.keys() == {"warehouse-eu": key.api_key_id}
    assert not path.exists()
    assert vault.play(controller, "warehouse-eu", move_from=str(path)).changed == []
    assert vault.account.stats()["keys_issued"] == 0
    assert "createRunner" not in vault.account.operations()
    assert searched(controller, key) == ()


def test_a_key_that_the_store_does_not_have_stays_on_the_host(vault: Vault, tmp_path: Path) -> None:
    controller = vault.controller()
    vault.store_key("warehouse-eu")
    path, key = key_file(vault, tmp_path, "warehouse-eu")
    result = vault.play(controller, "warehouse-eu", move_from=str(path)).ok()["warehouse-eu"]
    assert key.api_key_id in json.dumps(result["warnings"])
    assert path.exists()


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_a_move_that_is_killed_loses_no_key(vault: Vault, tmp_path: Path, when: str) -> None:
    kill_a_move_at_each_request(vault, vault.controller(), tmp_path, when)
