# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the scenario, and plays over them as a user starts them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import subprocess
import time
import typing as t
from pathlib import Path

import yaml

from emulator.client import Account, Emulator, Json
from tooling import tree
from tooling.process import kill, stop

SCENARIO = tree.ROOT / "extensions" / "molecule" / "hosts"
HOSTS = ("warehouse-eu", "warehouse-us")
DIR = "/etc/soda-runner"
TIMEOUT = 300.0
DELAY = 8.0
"""Seconds by which an answer is late, so that something can happen meanwhile."""


@dataclasses.dataclass(frozen=True)
class Played:
    """A play that has ended."""

    returncode: int
    output: str

    @property
    def succeeded(self) -> bool:
        return self.returncode == 0

    def count(self, outcome: str, host: str) -> int:
        """As the recap has it: ok, changed, unreachable, failed, …"""
        found = re.search(rf"^{re.escape(host)} +:.* {outcome}=(\d+)", self.output, re.MULTILINE)
        assert found is not None, self.output
        return int(found[1])

    def changed(self) -> bool:
        return re.search(r"^\S+ +:.* changed=[1-9]", self.output, re.MULTILINE) is not None


@dataclasses.dataclass
class Play:
    """A play that runs in a separate process, with its output in a file."""

    process: subprocess.Popen[bytes]
    said: Path

    def finish(self) -> Played:
        self.process.wait(TIMEOUT)
        return Played(self.process.returncode, self.said.read_text("utf-8"))

    def kill(self) -> None:
        """As a machine kills that loses its power: the whole of it, at once."""
        kill(self.process)


@dataclasses.dataclass(frozen=True)
class Fleet:
    """Two hosts, and the account in which their runners are. The scenario's folder is the controller's."""

    folder: Path
    temporary: Path
    account: Account

    @classmethod
    def of_the_scenario(cls, temporary: Path) -> Fleet:
        folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], SCENARIO.name)
        (described,) = json.loads((folder / "accounts.json").read_text("utf-8"))["accounts"]
        emulator = Emulator(url=json.loads((folder / "emulator.json").read_text("utf-8"))["url"])
        (key,) = described["api_keys"]
        account = Account(emulator, described["name"], emulator.url, key["id"], key["secret"])
        return cls(folder, temporary, account)

    # The controller

    @contextlib.contextmanager
    def playing(self, *arguments: str, book: str = "converge.yml") -> t.Iterator[Play]:
        """Run a playbook of the scenario while the block runs."""
        said = self.temporary / f"said-{time.monotonic_ns()}"
        command = ["ansible-playbook", "-i", str(SCENARIO / "inventory.yml"), str(SCENARIO / book), *arguments]
        with said.open("wb") as file:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        try:
            yield Play(process, said)
        finally:
            stop(process)
            print(f"$ {' '.join(command)}\n{said.read_text('utf-8')}")

    def play(self, *arguments: str, book: str = "converge.yml") -> Played:
        """Run a playbook of the scenario to its end."""
        with self.playing(*arguments, book=book) as play:
            return play.finish()

    def provisioned(self, *hosts: str) -> None:
        """Give hosts a key, start their runners, and forget the requests."""
        assert self.play("--limit", ",".join(hosts)).succeeded
        self.account.clear_journal()

    @property
    def escrow(self) -> Path:
        return self.folder / "escrow"

    def in_escrow(self) -> list[Json]:
        """The keys that wait on the controller."""
        return [json.loads(path.read_text("utf-8")) for path in self.escrow.glob("*.json")]

    # Soda Cloud

    def keys_issued(self) -> int:
        return int(self.account.stats()["keys_issued"])

    def when_a_key_is_issued(self) -> t.ContextManager[None]:
        """Made first; entered when Soda Cloud has issued a key and the answer is still on its way."""
        before = self.keys_issued()
        self.account.fault("delay", "createRunner", seconds=DELAY)

        @contextlib.contextmanager
        def issued() -> t.Iterator[None]:
            until(lambda: self.keys_issued() == before + 1)
            yield

        return issued()

    def requests(self, *kinds: str) -> list[str]:
        """The requests to these operations and commands, in order."""
        entries = [
            entry["operation"] if entry["operation"] in kinds else entry["command"] for entry in self.account.journal()
        ]
        return [entry for entry in entries if entry in kinds]

    # The hosts

    def podman(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["podman", *arguments], input=stdin, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        assert done.returncode == 0, f"podman {arguments}: {done.stderr}"
        return done.stdout

    def on(self, host: str, script: str) -> str:
        """Run a script of the shell on a host, as root, behind Ansible's back."""
        return self.podman("exec", "--interactive", f"soda-{host}", "sh", "-eu", stdin=script)

    def bytes_of(self, host: str) -> bytes:
        """All files of a host, those in memory too, and what its processes were started with."""
        in_memory = "tar -C / -c run tmp dev/shm; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline"
        commands = (["export", f"soda-{host}"], ["exec", f"soda-{host}", "sh", "-c", in_memory])
        # Processes come and go meanwhile, which cat and tar complain of.
        return b"".join(
            subprocess.run(["podman", *command], capture_output=True, timeout=TIMEOUT, check=False).stdout
            for command in commands
        )

    def gateways(self) -> list[str]:
        """The controller's addresses in the hosts' network."""
        (network,) = json.loads(self.podman("network", "inspect", "soda-hosts"))
        return [subnet["gateway"] for subnet in network["subnets"]]

    def switch_off(self, host: str) -> None:
        self.podman("kill", f"soda-{host}")

    def switch_on(self, host: str) -> None:
        self.podman("start", f"soda-{host}")
        self.on(host, "mkdir -p /run/sshd; systemctl is-system-running --wait || true")

    def rebuild(self, host: str) -> None:
        """Lose a host, and set up another of its name."""
        self.podman("rm", "--force", "--time=0", f"soda-{host}")
        assert self.play(book="containers.yml").succeeded
        assert self.play("--limit", host, book="prepare.yml").succeeded

    def files(self, host: str) -> dict[str, str]:
        """What the role put on a host: names, and contents."""
        names = self.on(host, f"mkdir -p {DIR}; ls -A {DIR}").split()
        return {name: self.on(host, f"cat {DIR}/{name}") for name in names}

    def key(self, host: str) -> Json:
        stored: Json = json.loads(self.files(host)["key.json"])
        return stored

    def pinned_id(self, host: str) -> str | None:
        """The runner's id in the configuration of a host, if it has one."""
        files = self.files(host)
        if "values.yml" in files:
            found: str | None = yaml.safe_load(files["values.yml"])["soda"]["agent"].get("id")
            return found
        matched = re.search(r"^SODA_AGENT_ID='?([^'\n]*)'?$", files["runner.env"], re.MULTILINE)
        return matched[1] if matched else None

    def unit(self, host: str) -> dict[str, str]:
        """The runner's unit: ActiveState, MainPID, UnitFileState."""
        shown = self.on(host, "systemctl show soda-runner --property=ActiveState,MainPID,UnitFileState")
        return dict(line.split("=", 1) for line in shown.splitlines())

    def runs_with_its_key(self, host: str) -> bool:
        """Whether the runner runs, and registered with the very key that the host holds."""
        runner = self.account.runner(host)
        return self.unit(host)["ActiveState"] == "active" and runner["runner_key_id"] == self.key(host)["api_key_id"]

    def from_nothing(self) -> None:
        """No key, no configuration, no runner; the hosts as they were prepared."""
        clean = f"systemctl disable --quiet --now soda-runner; ! mountpoint -q {DIR} || umount {DIR}; rm -rf {DIR}"
        for host in HOSTS:
            state = self.podman("container", "inspect", "--format={{.State.Status}}", f"soda-{host}").strip()
            if state == "paused":
                self.podman("unpause", f"soda-{host}")
            elif state != "running":
                self.switch_on(host)
            self.on(host, clean)
        shutil.rmtree(self.escrow, ignore_errors=True)
        self.account.clear_faults()
        self.account.reset()
        self.account.clear_journal()


def until(condition: t.Callable[[], bool], seconds: float = 180.0) -> None:
    """Wait until something is so, which it has to be in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)
