# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of runner keys in Vault: issued once, unchanged on the second run, rotated, reissued and removed."""

from __future__ import annotations

import typing as t

import pytest
from servers.plays import Controller

from .conftest import Vault

NAMES = ("warehouse-eu", "warehouse-us", "edge-1")


def test_three_runners_get_one_key_each_and_a_second_run_sends_no_request(vault: Vault) -> None:
    controller = vault.controller()
    assert vault.play(controller, NAMES).changed == sorted(NAMES)
    assert sorted(vault.keys()) == sorted(NAMES)
    assert sorted(vault.keys().values()) == sorted(vault.issued)
    vault.account.clear_journal()
    again = vault.play(controller, NAMES)
    assert again.changed == []
    assert vault.account.operations() == []
    for name, result in again.results.items():
        assert result["key"]["api_key_id"] == vault.keys()[name]
        assert result["key"]["location"] == f"Vault at {vault.mount}/{_path(vault, name)}"
        assert "warnings" not in result


def test_check_mode_writes_nothing_and_issues_no_key(vault: Vault) -> None:
    result = vault.play(vault.controller(), "warehouse-eu", "--check").ok()["warehouse-eu"]
    assert result["changed"]
    assert result["key"]["api_key_id"] is None
    assert vault.issued == []
    assert vault.bao.paths(mount=vault.mount) == []
    assert not vault.controllers[0].escrow.exists()


def test_a_rotation_replaces_the_key_once(vault: Vault) -> None:
    controller = vault.controller()
    vault.play(controller, "warehouse-eu").ok()
    vault.account.register("warehouse-eu", vault.issued[0])
    runner_id = vault.account.runner("warehouse-eu")["id"]
    rotated = vault.play(controller, "warehouse-eu", key_version=2).ok()["warehouse-eu"]
    assert (rotated["changed"], rotated["key"]["key_version"], rotated["key"]["runner_id"]) == (True, 2, runner_id)
    assert vault.keys() == {"warehouse-eu": vault.issued[1]}
    assert vault.play(controller, "warehouse-eu", key_version=2).changed == []
    assert vault.play(controller, "warehouse-eu").failure()["code"] == "key_version_too_low"
    assert len(vault.issued) == 2


def test_a_lost_key_of_a_registered_runner_is_reissued_only_on_request(vault: Vault) -> None:
    controller = vault.controller()
    vault.account.seed("warehouse-eu")
    missing = vault.play(controller, "warehouse-eu").ok()["warehouse-eu"]
    assert (missing["changed"], missing["key"]) == (False, None)
    assert vault.issued == []
    reissued = vault.play(controller, "warehouse-eu", reissue=True).ok()["warehouse-eu"]
    assert reissued["key"]["runner_id"] == vault.account.runner("warehouse-eu")["id"]
    assert vault.play(controller, "warehouse-eu", reissue=True).changed == []


def test_a_deleted_version_is_reported_and_not_replaced(vault: Vault) -> None:
    controller = vault.controller()
    vault.play(controller, "warehouse-eu").ok()
    path = _path(vault, "warehouse-eu")
    vault.bao.call("DELETE", f"{vault.mount}/data/{path}")
    failure = vault.play(controller, "warehouse-eu").failure()
    assert failure["code"] == "key_deleted"
    assert len(vault.issued) == 1
    vault.play(controller, "warehouse-eu", reissue=True).ok()
    assert vault.keys() == {"warehouse-eu": vault.issued[1]}


def test_after_absent_no_version_can_be_read_and_the_runner_can_be_provisioned_again(vault: Vault) -> None:
    controller = vault.controller()
    vault.play(controller, "warehouse-eu").ok()
    vault.play(controller, "warehouse-eu", key_version=2).ok()
    path = _path(vault, "warehouse-eu")
    assert vault.play(controller, "warehouse-eu", state="absent").changed == ["warehouse-eu"]
    assert vault.bao.every_version(path, vault.mount) == []
    assert vault.play(controller, "warehouse-eu", state="absent").changed == []
    assert vault.play(controller, "warehouse-eu").changed == ["warehouse-eu"]
    assert len(vault.issued) == 3


def test_absent_removes_what_was_deleted_before(vault: Vault) -> None:
    controller = vault.controller()
    vault.play(controller, "warehouse-eu").ok()
    path = _path(vault, "warehouse-eu")
    vault.bao.call("DELETE", f"{vault.mount}/data/{path}")
    assert vault.play(controller, "warehouse-eu", state="absent").changed == ["warehouse-eu"]
    vault.bao.call("POST", f"{vault.mount}/undelete/{path}", {"versions": [1, 2, 3]})
    assert vault.bao.every_version(path, vault.mount) == []


def test_a_runner_in_use_keeps_its_key(vault: Vault) -> None:
    controller = vault.controller()
    vault.play(controller, "warehouse-eu").ok()
    vault.account.register("warehouse-eu", vault.issued[0])
    vault.account.set_in_use(vault.account.runner("warehouse-eu")["id"])
    assert vault.play(controller, "warehouse-eu", state="absent").returncode != 0
    assert vault.keys() == {"warehouse-eu": vault.issued[0]}


def test_an_existing_key_is_stored_and_none_is_issued(vault: Vault) -> None:
    controller = vault.controller()
    key = vault.account.issue_runner_key()
    vault.account.register("warehouse-eu", key)
    given = {"api_key_id": key.api_key_id, "api_key_secret": key.api_key_secret}
    controller.environment["GIVEN_KEY"] = key.api_key_secret
    given["api_key_secret"] = "{{ lookup('ansible.builtin.env', 'GIVEN_KEY') }}"
    stored = vault.play(controller, "warehouse-eu", existing_key=given).ok()["warehouse-eu"]
    assert stored["key"]["runner_id"] == vault.account.runner("warehouse-eu")["id"]
    assert vault.keys() == {"warehouse-eu": key.api_key_id}
    assert vault.play(controller, "warehouse-eu", existing_key=given).changed == []
    assert vault.account.stats()["keys_issued"] == 0


def test_a_secret_of_another_program_is_taken_over_only_on_request(vault: Vault) -> None:
    controller = vault.controller()
    key = vault.account.issue_runner_key()
    fields = {"api_key_id": key.api_key_id, "api_key_secret": key.api_key_secret}
    vault.bao.call("POST", f"{vault.mount}/data/soda/eu", {"data": fields})
    where: dict[str, t.Any] = {"vault": {"mount": vault.mount, "path": "soda/eu"}}
    assert vault.play(controller, "warehouse-eu", **where).failure()["code"] == "store_of_another_runner"
    assert vault.play(controller, "warehouse-eu", adopt_store=True, **where).changed == ["warehouse-eu"]
    assert vault.keys() == {"warehouse-eu": key.api_key_id}
    assert vault.play(controller, "warehouse-eu", **where).changed == []
    assert vault.account.stats()["keys_issued"] == 0


@pytest.mark.parametrize("field", ["api_key_id", "api_key_secret"])
def test_a_key_that_somebody_edited_is_reported_and_kept_only_on_request(vault: Vault, field: str) -> None:
    controller = vault.controller()
    vault.play(controller, "warehouse-eu").ok()
    secret = vault.secrets()["warehouse-eu"]
    edited = {**secret, field: secret[field].swapcase()}
    vault.bao.call("POST", f"{vault.mount}/data/{_path(vault, 'warehouse-eu')}", {"data": edited})
    for options in ({}, {"observe": True}, {"key_version": 2}, {"state": "absent"}):
        assert vault.play(controller, "warehouse-eu", **options).failure()["code"] == "store_edited"
    assert vault.play(controller, "warehouse-eu", adopt_store=True).changed == ["warehouse-eu"]
    assert vault.play(controller, "warehouse-eu").changed == []
    assert vault.secrets()["warehouse-eu"][field] == edited[field]
    assert len(vault.issued) == 1


def test_two_labels_of_accounts_have_two_secrets(vault: Vault) -> None:
    controller = vault.controller()
    vault.play(controller, "warehouse-eu").ok()
    vault.play(controller, "warehouse-eu", account="second").ok()
    assert len(vault.bao.paths(mount=vault.mount)) == 2
    assert len(vault.issued) == 2


def test_another_soda_cloud_api_key_finds_the_same_secret(vault: Vault) -> None:
    controller = vault.controller()
    vault.play(controller, "warehouse-eu").ok()
    other = vault.account.add_key()
    changed = {"SODA_CLOUD_API_KEY_ID": other.api_key_id, "SODA_CLOUD_API_KEY_SECRET": other.api_key_secret}
    second = Controller(controller.folder.with_name("second"), vault.account, {**controller.environment, **changed})
    assert vault.play(second, "warehouse-eu").changed == []


def _path(vault: Vault, name: str) -> str:
    (path,) = (each for each in vault.bao.paths(mount=vault.mount) if each.rpartition("/")[2].startswith(name))
    return path
