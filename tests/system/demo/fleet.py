# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three hosts, which are folders on this machine, and their runners."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

from emulator.client import TESTS
from tooling.leaks import Credential
from tooling.process import stop

HOSTS = ("lima", "oslo", "rome")


class Fleet:
    """The hosts below a folder, each with its own ``/etc``, and the processes of their runners."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runners: dict[str, subprocess.Popen[bytes]] = {}
        for host in HOSTS:
            (self._etc(host)).mkdir(parents=True)
        inventory = {
            "all": {
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    "soda_runner_dir": "{{ inventory_dir }}/hosts/{{ inventory_hostname }}/etc/soda-runner",
                },
                "hosts": {host: {} for host in HOSTS},
            }
        }
        (folder / "inventory.yml").write_text(yaml.safe_dump(inventory), "utf-8")

    def declare(self, host: str, **variables: object) -> str:
        """Write a host's variables beside the inventory, and return them as text."""
        file = self.folder / "host_vars" / f"{host}.yml"
        file.parent.mkdir(exist_ok=True)
        text = yaml.safe_dump(variables)
        file.write_text(text, "utf-8")
        return f"host_vars/{file.name}: {text.strip()}"

    def key(self, host: str) -> Credential:
        """The runner key of a host."""
        key = json.loads(self.key_file(host).read_text("utf-8"))
        return Credential(key["api_key_id"], key["api_key_secret"])

    def key_file(self, host: str) -> Path:
        """The path of the key file of a host."""
        return self._etc(host) / "soda-runner" / "key.json"

    def configuration(self, host: str) -> Path:
        """A host's Helm values."""
        return self._etc(host) / "soda-runner" / "values.yml"

    def files(self, host: str) -> list[Path]:
        """All files on a host."""
        return [path for path in self._etc(host).rglob("*") if path.is_file()]

    def holds_keys(self, path: Path) -> bool:
        """Whether the file may contain a runner key."""
        return path in [file(host) for host in HOSTS for file in (self.key_file, self.configuration)]

    def start_runner(self, host: str) -> None:
        """Start the stand-in for Soda's runner. It reads only the configuration that the role wrote."""
        command = [sys.executable, "-m", "emulator.stand_in_runner", "--stay"]
        command += ["--format", "helm_values", "--config", str(self.configuration(host))]
        with (self.folder / "logs" / f"runner-{host}.txt").open("ab") as log:
            self._runners[host] = subprocess.Popen(
                command, cwd=TESTS, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def stop_runner(self, host: str) -> None:
        """End a host's runner."""
        stop(self._runners.pop(host))

    def stop_runners(self) -> None:
        """Stop all runners."""
        for host in list(self._runners):
            self.stop_runner(host)

    def _etc(self, host: str) -> Path:
        return self.folder / "hosts" / host / "etc"
