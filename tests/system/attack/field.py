# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The place of an attack: an inventory of local hosts, the programs of one ansible-core, and what they print."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

from emulator.client import Account
from tooling import tree
from tooling.process import stop

HERE = Path(__file__).parent
LIMIT = 240.0
"""Seconds after which a command counts as hanging. Each takes a few."""

MEMORY = 2 * 1024**3
"""Bytes of address space that a command may use."""

FILES = [{"format": "helm_values", "path": "{{ soda_runner_dir }}/values.yml"}]

Vars = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Ended:
    """The end of a command."""

    returncode: int
    output: str

    @property
    def failed(self) -> bool:
        return self.returncode != 0

    def refused_with(self, code: str) -> bool:
        """Whether the command failed, and printed a failure of the collection with this code."""
        return self.failed and f'"code": "{code}"' in self.words

    @property
    def words(self) -> str:
        """The output without the line breaks that the width of the terminal causes."""
        return " ".join(self.output.split())


class Field:
    """A folder with an inventory, whose hosts are folders of this machine."""

    def __init__(self, folder: Path, account: Account, programs: Path, collections: Path, temporary: Path) -> None:
        self.folder = folder
        self.account = account
        self.programs = programs
        self.collections = collections
        self.temporary = temporary
        self.attacker = folder / "attacker"
        for name in ("home", "tmp", "attacker", "hosts", "work"):
            (folder / name).mkdir(mode=0o755)
        self.common: Vars = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "soda_runner_dir": f"{folder}/hosts/{{{{ inventory_hostname }}}}",
            "soda_runner_escrow_dir": str(folder / "escrow"),
            "soda_runner_config_files": FILES,
            "soda_runner_cloud_endpoint": account.endpoint,
            "soda_runner_cloud_api_key_id": account.api_key_id,
            "soda_runner_cloud_api_key_secret": account.api_key_secret,
            "soda_runner_cloud_retry_budget": 2,
        }
        self.hosts("one")

    # The inventory

    def hosts(self, *names: str, **of_host: Vars) -> None:
        """Write the inventory: hosts without variables, and hosts with some."""
        hosts = {**dict.fromkeys(names), **of_host}
        inventory = {"all": {"hosts": hosts, "vars": self.common}}
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(inventory), "utf-8")

    def hostile_host(self, name: str = "one", **behaviour: t.Any) -> None:
        """Add one host whose Python is the attacker's. *behaviour* is described in hostile_python.py."""
        (self.attacker / "behaviour.json").write_text(json.dumps(behaviour), "utf-8")
        fake = self.attacker / "python3"
        fake.write_text(f"#!{self.python}\n{(HERE / 'hostile_python.py').read_text('utf-8')}", "utf-8")
        fake.chmod(0o755)
        self.hosts(**{name: {"ansible_python_interpreter": str(fake)}})

    def lied(self, module: str = "soda_runner_files") -> bool:
        """Whether a module ran on the hostile host, so that the controller got its lies."""
        path = self.attacker / "modules"
        return path.exists() and module in path.read_text("utf-8").split()

    def host_dir(self, host: str = "one") -> Path:
        return self.folder / "hosts" / host

    def key(self, host: str = "one") -> Vars:
        """The key that is stored on a host."""
        found: Vars = json.loads((self.host_dir(host) / "key.json").read_text("utf-8"))
        return found

    def waiting_keys(self) -> list[Path]:
        """The keys that wait in escrow."""
        files = [path for path in self.folder.glob("escrow/*") if path.is_file()]
        return [path for path in files if b"api_key_secret" in path.read_bytes()]

    # Commands

    @property
    def python(self) -> str:
        return str(self.programs / "python")

    def environment(self) -> dict[str, str]:
        kept = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "LC_ALL": "C.UTF-8",
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "PWD": str(self.folder / "work"),
            "TMPDIR": str(self.temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_HOME": str(self.folder / "home" / ".ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_NOCOWS": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "tmp" / "remote"),
        }

    def run(self, command: t.Sequence[str], env: t.Mapping[str, str] | None = None) -> Ended:
        """Run a command. If it does not end in time, it is stopped, and that is its exit status."""

        def limit_memory() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

        with subprocess.Popen(
            command,
            cwd=self.folder / "work",
            env={**self.environment(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=limit_memory,
        ) as process:
            try:
                output = process.communicate(timeout=LIMIT)[0].decode("utf-8", "replace")
            except subprocess.TimeoutExpired:
                stop(process)
                raise AssertionError(f"{' '.join(command[:3])} did not end within {LIMIT:.0f} s") from None
        print(f"$ {' '.join(command)}\n{output}")
        # Without the collection, nothing is attacked, and nothing is shown.
        for missing in ("was not found in /", "couldn't resolve module", "could not be found"):
            assert missing not in output, output
        return Ended(process.returncode, output)

    def play(
        self, playbook: str | list[Vars], *arguments: str, env: t.Mapping[str, str] | None = None, **extra: t.Any
    ) -> Ended:
        """Run a playbook of the collection by its name, or the plays that are given."""
        if not isinstance(playbook, str):
            path = self.folder / "work" / "play.yml"
            path.write_text(yaml.safe_dump(playbook, sort_keys=False), "utf-8")
            playbook = str(path)
        command = ["ansible-playbook", "-i", str(self.folder / "inventory.yml"), playbook, *arguments]
        return self.run([*command, *(["-e", json.dumps(extra)] if extra else [])], env)

    def role(self, *arguments: str, play: Vars | None = None, **variables: t.Any) -> Ended:
        """Run the role on all hosts, with variables of the task."""
        include = {
            "name": "Apply the role",
            "ansible.builtin.include_role": {"name": "community.soda.soda_runner"},
            **({"vars": variables} if variables else {}),
        }
        plays: list[Vars] = [{"hosts": "all", "gather_facts": False, "tasks": [include], **(play or {})}]
        return self.play(plays, *arguments)

    def module(self, module: str, /, env: t.Mapping[str, str] | None = None, **arguments: t.Any) -> tuple[Vars, Ended]:
        """Run a module of the collection on this machine; returns its result as a play has it."""
        connection = {
            "endpoint": self.account.endpoint,
            "api_key_id": self.account.api_key_id,
            "api_key_secret": self.account.api_key_secret,
            "retry_budget": 2,
        }
        written = self.folder / "work" / "result.json"
        written.unlink(missing_ok=True)
        tasks: list[Vars] = [
            {f"community.soda.{module}": {**connection, **arguments}, "register": "result", "ignore_errors": True},
            {"ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": str(written), "mode": "0600"}},
        ]
        ended = self.play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], env=env)
        return (json.loads(written.read_text("utf-8")) if written.exists() else {}), ended

    def audit(self, *arguments: str, **extra: t.Any) -> tuple[Vars, Ended]:
        """Run the audit; returns its report."""
        report = self.folder / "work" / "soda-audit.json"
        report.unlink(missing_ok=True)
        ended = self.play("community.soda.audit", *arguments, **extra)
        return (json.loads(report.read_text("utf-8")) if report.exists() else {}), ended

    # What happened in Soda Cloud

    def register(self, host: str = "one", name: str | None = None) -> str:
        """Register the runner of a host, as its process would. Returns the id."""
        found = self.account.register(name or host, self.key(host)["api_key_id"])
        return str(found.get("id") or self.account.runner(name or host)["id"])

    def sent(self, operation: str) -> int:
        """How many requests for an operation Soda Cloud received."""
        return self.account.operations().count(operation)


def programs() -> Path:
    """The folder of the ansible-core that is attacked: ATTACK_PROGRAMS, or that of this Python."""
    return Path(os.environ.get("ATTACK_PROGRAMS") or Path(sys.executable).parent)


def collections() -> Path:
    """The collections path with the collection that is attacked: ATTACK_COLLECTIONS, or this checkout."""
    return Path(os.environ.get("ATTACK_COLLECTIONS") or tree.linked_collections())


def give_to_another_user(path: Path) -> None:
    """The properties of a file that another local user has created."""
    path.chmod(0o666)
    if os.geteuid() == 0:
        shutil.chown(path, 65534, 65534)
