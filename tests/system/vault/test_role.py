# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role keeps the keys of a fleet in Vault, and moves them there from files if only the variable changes."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import yaml
from servers.plays import Controller

from tooling.leaks import Credential

from .conftest import Vault

HOSTS = ("warehouse-eu", "warehouse-us", "edge-1")


def play(vault: Vault, controller: Controller, hosts: Path, playbook: str = "provision", **variables: t.Any) -> str:
    """Run a playbook of the collection on three hosts. Their folders stand outside of what is searched for secrets."""
    folder = controller.folder / "play" / f"role-{len(list((controller.folder / 'play').iterdir()))}"
    folder.mkdir()
    shared = {
        "ansible_connection": "local",
        "soda_runner_dir": f"{hosts}/{{{{ inventory_hostname }}}}",
        "soda_runner_escrow_dir": str(controller.escrow),
        "soda_runner_vault_mount": vault.mount,
        "soda_runner_existing_secret": "runner-key",
        **variables,
    }
    inventory = folder / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": dict.fromkeys(HOSTS), "vars": shared}}), "utf-8")
    done = subprocess.run(
        ["ansible-playbook", "-vv", "-i", inventory, f"community.soda.{playbook}", "-e", "soda_runner_hosts=all"],
        env={**controller.env(), "STORES_RESULTS": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    (controller.folder / "out" / f"{folder.name}.txt").write_text(done.stdout, "utf-8")
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_same_play_moves_a_fleet_from_files_to_vault(vault: Vault, tmp_path: Path) -> None:
    controller, hosts = vault.controller(), tmp_path / "hosts"
    play(vault, controller, hosts)
    files = sorted(hosts.glob("*/key.json"))
    assert len(files) == 3
    issued = sorted(vault.issued)
    texts = [path.read_text("utf-8") for path in files]
    play(vault, controller, hosts, soda_runner_key_store="vault_kv2")
    assert sorted(vault.keys()) == sorted(HOSTS)
    assert sorted(vault.keys().values()) == sorted(vault.issued) == issued
    assert not list(hosts.glob("*/key.json"))
    vault.account.clear_journal()
    again = play(vault, controller, hosts, soda_runner_key_store="vault_kv2")
    assert again.count("changed=0") == 3
    assert vault.account.operations() == []
    keys = [yaml.safe_load(text) for text in texts]
    credentials = [Credential(key["api_key_id"], key["api_key_secret"]) for key in keys]
    assert controller.search(credentials).found == ()

    play(vault, controller, hosts, "decommission", soda_runner_key_store="vault_kv2")
    assert vault.keys() == {}
