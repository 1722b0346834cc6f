# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role keeps the keys of a fleet in Vault, and moves them there from files if only the variable changes."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml
from servers.roles import HOSTS, audit, run

from ansible_collections.community.soda.plugins.plugin_utils._config.names import vault_path
from tooling import tree
from tooling.leaks import Credential

from .conftest import Json, Vault


def variables(vault: Vault) -> Json:
    return {
        "soda_runner_key_store": "vault_kv2",
        "soda_runner_vault_mount": vault.mount,
        "soda_runner_existing_secret": "runner-key",
    }


def test_the_same_play_moves_a_fleet_from_files_to_vault(vault: Vault, tmp_path: Path) -> None:
    controller, hosts = vault.controller(), tmp_path / "hosts"
    run(vault, controller, hosts, **{**variables(vault), "soda_runner_key_store": "file"})
    files = sorted(hosts.glob("*/key.json"))
    assert len(files) == 3
    issued = sorted(vault.issued)
    texts = [path.read_text("utf-8") for path in files]
    previewed = run(vault, controller, hosts, "provision", "--check", "--diff", **variables(vault))
    assert "3 hosts would move a runner key to the key store." in previewed
    assert "new runner key" not in previewed
    assert vault.keys() == {}
    moved = run(vault, controller, hosts, **variables(vault))
    assert "3 hosts moved a runner key to the key store." in moved
    # The values named another Secret before, too.
    assert "Start or restart" not in moved
    assert "new runner key" not in moved
    assert sorted(vault.keys()) == sorted(HOSTS)
    assert sorted(vault.keys().values()) == sorted(vault.issued) == issued
    assert not list(hosts.glob("*/key.json"))
    vault.account.clear_journal()
    again = run(vault, controller, hosts, **variables(vault))
    assert again.count("changed=0") == 3
    assert vault.account.operations() == []
    keys = [yaml.safe_load(text) for text in texts]
    credentials = [Credential(key["api_key_id"], key["api_key_secret"]) for key in keys]
    assert controller.search(credentials).found == ()

    run(vault, controller, hosts, "decommission", **variables(vault))
    assert vault.keys() == {}


def test_the_audit_finds_what_is_wrong_with_keys_in_vault(vault: Vault, tmp_path: Path) -> None:
    controller, hosts = vault.controller(), tmp_path / "hosts"
    run(vault, controller, hosts, **variables(vault))
    assert audit(vault, controller, hosts, **variables(vault)) == {host: [] for host in HOSTS}

    def edit(runner: str, **fields: t.Any) -> None:
        path = vault_path(runner, vault.endpoint)
        vault.bao.call("POST", f"{vault.mount}/data/{path}", {"data": {**vault.secrets()[runner], **fields}})

    secret = vault.secrets()["warehouse-eu"]["api_key_secret"]
    edit("warehouse-eu", api_key_secret=secret[:-1] + ("a" if secret[-1] != "a" else "b"))
    edit("warehouse-us", name="another")
    vault.bao.call("DELETE", f"{vault.mount}/metadata/{vault_path('edge-1', vault.endpoint)}")
    assert audit(vault, controller, hosts, **variables(vault)) == {
        "warehouse-eu": ["secret_changed"],
        "warehouse-us": ["key_of_another_runner"],
        "edge-1": ["no_key"],
    }


def test_the_example_keeps_the_keys_in_vault(vault: Vault, tmp_path: Path) -> None:
    controller, hosts, example = vault.controller(), tmp_path / "hosts", str(tree.ROOT / "examples/vault.yml")
    mount = {"soda_runner_vault_mount": vault.mount}
    run(vault, controller, hosts, example, "--check", "--diff", **mount)
    assert vault.issued == []
    run(vault, controller, hosts, example, **mount)
    assert sorted(vault.keys()) == sorted(HOSTS)
    assert run(vault, controller, hosts, example, **mount).count("changed=0") == 3
    assert len(list(hosts.glob("*/values.yml"))) == 3
