# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-rulebook at work with the rulebook of the collection, against an account of an emulated Soda Cloud."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from emulator.client import Account, Emulator
from tooling import process

Json = dict[str, Any]

PROGRAMS = Path(os.environ["EDA_PROGRAMS"])
COLLECTIONS = Path(os.environ["EDA_COLLECTIONS"])
RULEBOOK = "community.soda.offline"
NOTE = {"soda_runners_playbook": str(Path(__file__).parent / "playbooks" / "note.yml")}
"""A playbook that only notes that it was run."""
PATIENCE = 180.0
"""Seconds in which whatever is awaited must have happened. A Java machine has to start, and then Ansible."""


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"{what}: it did not happen in time"
        time.sleep(0.1)


class Site:
    """A folder with an inventory whose hosts are folders on this machine, and all that is run there."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder = folder
        self.account = account
        self.state = folder / "state" / "soda_runners.json"
        self.state.parent.mkdir()
        self.log = folder / "ansible.log"
        self._running: list[subprocess.Popen[bytes]] = []

    def hosts(self, *names: str) -> None:
        inventory = {
            "all": {
                "hosts": {name: {} for name in names},
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    "noted": str(self.folder),
                    "soda_runner_dir": f"{self.folder}/{{{{ inventory_hostname }}}}",
                    "soda_runner_escrow_dir": f"{self.folder}/escrow",
                },
            }
        }
        (self.folder / "inventory.yml").write_text(json.dumps(inventory), "utf-8")

    @property
    def environment(self) -> dict[str, str]:
        foreign = ("SODA_", "EDA_")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(foreign) and not name.lower().endswith("_proxy")
        }
        # The Python of these tests is not ansible-rulebook's.
        kept.pop("ANSIBLE_PYTHON_INTERPRETER", None)
        return {
            **kept,
            "PATH": f"{PROGRAMS}{os.pathsep}{kept['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_LOG_PATH": str(self.log),
            "SODA_CLOUD_ENDPOINT": self.account.endpoint,
            "SODA_CLOUD_API_KEY_ID": self.account.api_key_id,
            "SODA_CLOUD_API_KEY_SECRET": self.account.api_key_secret,
            "SODA_CLOUD_RETRY_BUDGET": "0",
        }

    def run(self, *command: str) -> None:
        """Run something to its end."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, command: Sequence[str], said: Path, **env: str) -> subprocess.Popen[bytes]:
        """Start something that goes on, until it is stopped at the latest in the end."""
        with said.open("ab") as output:
            started = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._running.append(started)
        return started

    def rulebook(self, *options: str, **variables: str) -> Rulebook:
        """Start ansible-rulebook."""
        return Rulebook(self, options, variables)

    def runner(self, host: str) -> subprocess.Popen[bytes]:
        """Start the runner of a host, with the configuration that the host has. It is registered then."""
        pid_file = self.folder / f"{host}.pid"
        command = [sys.executable, "-m", "emulator.stand_in_runner", "--format", "helm_values", "--stay"]
        command += ["--config", str(self.folder / host / "values.yml"), "--pid-file", str(pid_file), "--heartbeat", "1"]
        started = self.start(command, self.folder / f"{host}.log", PYTHONPATH=os.pathsep.join(sys.path))
        until(lambda: pid_file.exists() or started.poll() is not None, f"the runner of {host} registers")
        assert started.poll() is None, (self.folder / f"{host}.log").read_text("utf-8")
        return started

    def plays(self) -> Counter[str]:
        """How often a play came to its end on each host."""
        text = self.log.read_text("utf-8") if self.log.exists() else ""
        recaps = re.findall(r"PLAY RECAP \*+\n(.*\n)", text)
        return Counter(match[1] for line in recaps if (match := re.search(r"\| (\S+) +: ok=", line)))

    def close(self) -> None:
        for started in self._running:
            if started.poll() is None:
                process.stop(started)


class Rulebook:
    """ansible-rulebook, and what it says."""

    def __init__(self, site: Site, options: Sequence[str], variables: Mapping[str, str]) -> None:
        self.site = site
        self._said = site.folder / f"rulebook-{len(list(site.folder.glob('rulebook-*.log')))}.log"
        # It lists every two seconds then: as often as it ever does.
        given = {"soda_runners_interval": 0.1, "soda_runners_state_path": str(site.state), **variables}
        (site.folder / "variables.yml").write_text(json.dumps(given), "utf-8")
        command = [str(PROGRAMS / "ansible-rulebook"), "-r", RULEBOOK, "-i", "inventory.yml", "-e", "variables.yml"]
        self.process = site.start([*command, "--print-events", *options], self._said)

    @property
    def said(self) -> str:
        return self._said.read_text("utf-8", "replace")

    def follows(self) -> Rulebook:
        """Wait until it has listed the runners once more than before."""
        before = len(self.site.account.operations())
        self._until(lambda: len(self.site.account.operations()) > before and self.site.state.exists(), "it lists")
        return self.lists(2)

    def lists(self, times: int) -> Rulebook:
        """Wait until it has listed so many times more."""
        before = len(self.site.account.operations())
        self._until(lambda: len(self.site.account.operations()) >= before + times, "it lists again")
        return self

    def events(self) -> list[tuple[str, str]]:
        """The events that the rules were given, in order."""
        blocks = re.findall(r"^Event:\n(\{.*?\})\n\*{20}", self.said, re.MULTILINE | re.DOTALL)
        found = [ast.literal_eval(block)["soda_runners"] for block in blocks]
        return [(event["event"], event["runner"]["name"]) for event in found]

    def has_reported(self, *events: tuple[str, str]) -> None:
        """Wait until it has reported this number of events, and compare them."""
        self._until(lambda: len(self.events()) >= len(events), f"it tells {events[-1]}")
        assert self.events() == [*events]

    def ends(self) -> int:
        until(lambda: self.process.poll() is not None, "it ends")
        return int(self.process.returncode)

    def kill(self) -> None:
        """Kill it, so that it can do nothing more."""
        process.stop(self.process)

    def _until(self, true: Callable[[], object], what: str) -> None:
        until(lambda: true() or self.process.poll() is not None, what)
        assert self.process.poll() is None, self.said


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def site(emulator: Emulator, tmp_path: Path) -> Iterator[Site]:
    """In the end nothing that was printed or written has the secret."""
    account = emulator.account(window_factor=0, online_for=15)
    made = Site(tmp_path, account)
    try:
        yield made
    finally:
        made.close()
    violations = account.violations()
    account.remove()
    assert violations == []
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert account.api_key_secret.encode() not in path.read_bytes(), path
