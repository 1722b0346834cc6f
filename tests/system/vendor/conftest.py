# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files as the role wrote them: a fleet is provisioned once, against an emulated Soda Cloud, for all tests here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emulator.client import Account, Emulator
from tooling.leaks import Credential

PROGRAMS = Path(os.environ["VENDOR_PROGRAMS"])

HOSTS: Mapping[str, Mapping[str, Any]] = {
    "vendor": {"soda_runner_config_files": [{"format": "soda_core", "path": "{{ soda_runner_dir }}/soda-cloud.yml"}]},
    "chart": {
        "soda_runner_name": '-Zürich\'s "runner": ☂ #1',
        "soda_runner_config_files": [{"format": "kubernetes_secret", "path": "{{ soda_runner_dir }}/secret.yml"}],
    },
    "referring": {
        "soda_runner_existing_secret": "1e5",
        "soda_runner_config_files": [
            {"format": "kubernetes_secret", "path": "{{ soda_runner_dir }}/secret.yml"},
            {"format": "helm_values", "path": "{{ soda_runner_dir }}/values.yml"},
        ],
    },
}


@dataclass(frozen=True)
class Fleet:
    """Hosts, which are folders on this machine."""

    folder: Path
    account: Account

    def file(self, host: str, name: str) -> Path:
        return self.folder / host / name

    def key(self, host: str) -> Credential:
        """The runner key that a host holds."""
        stored = json.loads(self.file(host, "key.json").read_text("utf-8"))
        return Credential(stored["api_key_id"], stored["api_key_secret"])


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    with Emulator() as emulator:
        account = emulator.account(secrets="dash", key_ids="digits")
        inventory = {
            "all": {
                "hosts": HOSTS,
                "vars": {
                    "ansible_connection": "local",
                    "soda_runner_dir": "{{ inventory_dir }}/{{ inventory_hostname }}",
                    "soda_runner_escrow_dir": "{{ inventory_dir }}/escrow",
                    "soda_runner_cloud_endpoint": account.endpoint,
                    "soda_runner_cloud_api_key_id": account.api_key_id,
                    "soda_runner_cloud_api_key_secret": account.api_key_secret,
                },
            }
        }
        (folder / "inventory.yml").write_text(json.dumps(inventory), "utf-8")
        played = run(["ansible-playbook", "-i", str(folder / "inventory.yml"), "community.soda.provision"])
        assert played.returncode == 0, played.stdout
        yield Fleet(folder, account)


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program that asks nobody but the emulator, its standard error among its output."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SODA_") and not name.lower().endswith("_proxy")
    }
    env["SODA_CORE_TELEMETRY_ENABLED"] = "false"
    return subprocess.run(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False
    )
