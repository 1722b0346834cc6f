# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the playbooks of the collection on three hosts whose keys are in a store."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import yaml

from .fixtures import Json, Store
from .plays import Controller

HOSTS = ("warehouse-eu", "warehouse-us", "edge-1")


def run(
    store: Store, controller: Controller, hosts: Path, playbook: str = "provision", *arguments: str, **variables: t.Any
) -> str:
    """
    Run a playbook, a name of the collection or a path.

    The folders of the hosts stand outside of what is searched for secrets.
    """
    shared = {
        "ansible_connection": "local",
        "ansible_become": False,
        "soda_runner_dir": f"{hosts}/{{{{ inventory_hostname }}}}",
        "soda_runner_escrow_dir": str(controller.escrow),
        **variables,
    }
    inventory = _folder(controller) / "inventory.yml"
    groups = {"all": {"vars": shared}, "warehouses": {"hosts": dict.fromkeys(HOSTS)}}
    inventory.write_text(yaml.safe_dump(groups), "utf-8")
    name = playbook if "/" in playbook else f"community.soda.{playbook}"
    done = controller.playbook(inventory.parent, "-vv", name, "-e", "soda_runner_hosts=all", *arguments)
    # A key that the next run replaces is searched for all the same.
    store.stored()
    assert done.returncode == 0, done.stdout
    return done.stdout


def audit(store: Store, controller: Controller, hosts: Path, **variables: t.Any) -> dict[str, list[str]]:
    """The findings of each host. None of the runners has registered, and none has to yet."""
    report = _folder(controller) / "soda-audit.json"
    settings = ["-e", f"soda_audit_json={report}", "-e", "soda_audit_html=", "-e", "soda_audit_pending_minutes=600"]
    run(store, controller, hosts, "audit", *settings, **variables)
    rows: list[Json] = json.loads(report.read_text("utf-8"))["rows"]
    return {row["host"]: [finding["code"] for finding in row["findings"]] for row in rows}


def _folder(controller: Controller) -> Path:
    plays = controller.folder / "play"
    folder = plays / f"role-{len(list(plays.iterdir()))}"
    folder.mkdir()
    return folder
