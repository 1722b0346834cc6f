# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays on separate controllers, and everything that they print and write."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import threading
import typing as t
from pathlib import Path

import yaml

from emulator.client import Account
from tooling.leaks import Credential, Search, search
from tooling.process import kill

Json = dict[str, t.Any]
TIMEOUT = 300.0


class Finished(t.NamedTuple):
    """A play that has ended."""

    returncode: int
    output: str
    results: dict[str, Json]
    """The result of the task that was tested, by runner."""

    def ok(self) -> dict[str, Json]:
        assert self.returncode == 0, self.output
        return self.results

    def failure(self) -> Json:
        """The failure of the only runner."""
        assert self.returncode != 0, self.output
        ((_name, result),) = self.results.items()
        failure: Json = result["failure"]
        assert failure["message"] == result["msg"]
        return failure

    @property
    def changed(self) -> list[str]:
        return sorted(name for name, result in self.ok().items() if result["changed"])


@dataclasses.dataclass
class Controller:
    """A machine from which plays run: its home, its escrow folder and its environment."""

    folder: Path
    account: Account
    environment: dict[str, str]

    def __post_init__(self) -> None:
        for name in ("home", "out", "tmp", "play"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def escrow(self) -> Path:
        return self.folder / "escrow"

    def env(self, **changes: str) -> dict[str, str]:
        foreign = ("SODA_", "VAULT_", "K8S_", "KUBECONFIG")
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(foreign) and not name.lower().endswith("_proxy")
        }
        programs = os.environ["STORES_ANSIBLE"]
        env.update(
            PATH=f"{programs}{os.pathsep}{env['PATH']}",
            HOME=str(self.folder / "home"),
            ANSIBLE_HOME=str(self.folder / "home" / ".ansible"),
            ANSIBLE_LOCAL_TEMP=str(self.folder / "tmp"),
            ANSIBLE_REMOTE_TEMP=str(self.folder / "tmp"),
            ANSIBLE_PYTHON_INTERPRETER=str(Path(programs, "python")),
            SODA_CLOUD_ENDPOINT=self.account.endpoint,
            SODA_CLOUD_API_KEY_ID=self.account.api_key_id,
            SODA_CLOUD_API_KEY_SECRET=self.account.api_key_secret,
            SODA_CLOUD_RETRY_BUDGET="60",
            ANSIBLE_CALLBACK_PLUGINS=str(Path(__file__).parent / "callback"),
            ANSIBLE_CALLBACKS_ENABLED="results",
        )
        return {name: value for name, value in {**env, **self.environment, **changes}.items() if value}

    def start(self, names: t.Sequence[str], *arguments: str, env: dict[str, str], **options: t.Any) -> Play:
        """Start a play in which each name is a host, with the same options for all."""
        number = len(list((self.folder / "play").iterdir())) + 1
        results = self.folder / "play" / str(number)
        results.mkdir()
        task = {"name": "{{ inventory_hostname }}", "escrow_dir": str(self.escrow), **options}
        play = {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [{"name": "Test", "community.soda.soda_runner_store": task}],
        }
        inventory = {"all": {"hosts": dict.fromkeys(names), "vars": {"ansible_connection": "local"}}}
        (results / "play.yml").write_text(yaml.safe_dump([play]), "utf-8")
        (results / "inventory.yml").write_text(yaml.safe_dump(inventory), "utf-8")
        command = [
            "ansible-playbook",
            "-vvv",
            "--diff",
            "-i",
            str(results / "inventory.yml"),
            str(results / "play.yml"),
            *arguments,
        ]
        with (self.folder / "out" / f"{number}.txt").open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**env, "STORES_RESULTS": str(results)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return Play(process, results, self.folder / "out" / f"{number}.txt")

    def play(self, names: str | t.Sequence[str], *arguments: str, **options: t.Any) -> Finished:
        """Run a play to its end."""
        each = [names] if isinstance(names, str) else names
        return self.start(each, *arguments, env=self.env(), **options).end()

    def playbook(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ansible-playbook in a folder with C(inventory.yml), and keep its output."""
        done = subprocess.run(
            ["ansible-playbook", "-i", str(folder / "inventory.yml"), *arguments],
            env={**self.env(), "STORES_RESULTS": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        (self.folder / "out" / f"{folder.name}.txt").write_text(done.stdout, "utf-8")
        return done

    def search(self, credentials: t.Iterable[Credential]) -> Search:
        """Search everything that the plays have printed and written, except for keys that wait in escrow."""
        return search(credentials, self.folder, lambda path: False)


@dataclasses.dataclass
class Play:
    """A play in progress."""

    process: subprocess.Popen[bytes]
    results: Path
    log: Path

    def end(self) -> Finished:
        try:
            self.process.wait(TIMEOUT)
        finally:
            if self.process.poll() is None:
                kill(self.process)
        found = {path.stem: json.loads(path.read_text("utf-8")) for path in self.results.glob("*.json")}
        return Finished(self.process.returncode, self.log.read_text("utf-8", "replace"), found)

    def kill(self) -> None:
        kill(self.process)


@contextlib.contextmanager
def system_log() -> t.Iterator[Path]:
    """The file with everything that programs send to the system log, of all processes of the tests together."""
    path = Path(os.environ["STORES_SYSLOG"])
    path.touch()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        listener.bind("/dev/log")
    except OSError:
        # Another process of the tests listens.
        listener.close()
        yield path
        return
    listener.settimeout(0.2)
    ended = threading.Event()

    def copy() -> None:
        with path.open("ab", buffering=0) as file:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    file.write(listener.recv(1 << 20) + b"\n")

    thread = threading.Thread(target=copy, daemon=True)
    thread.start()
    try:
        yield path
    finally:
        ended.set()
        thread.join()
        listener.close()
        os.unlink("/dev/log")
