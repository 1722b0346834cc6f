# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
The environment of an example: a folder on the controller, hosts, and an account.

The text of an example is not changed. The emulator answers as ``https://cloud.soda.io``. Each host is a mount namespace
with a separate ``/etc``. Only placeholders are replaced: ``...`` after the name of a variable, and variables from a
vault.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import yaml

from emulator.client import Account
from examples.collect import Json
from tooling.leaks import Credential, search

TIMEOUT = 900.0
HOSTS = ("warehouse-eu", "warehouse-us", "edge-1")
CONFIGURATION = Path("/etc/soda-runner")
PLAYBOOK = ("ansible-playbook", "-v", "-i", "inventory", "play.yml")

# Secrets of the emulator are words of 55 characters. No other output looks like this.
_SECRET = re.compile(r"(?<![\w-])[\w-]{55}(?![\w-])")

# The groups in the pages.
INVENTORY: dict[str, dict[str, Json]] = {
    "warehouses": {"hosts": {"warehouse-eu": {}}},
    "europe": {"hosts": {"warehouse-eu": {}}},
    "america": {"hosts": {"warehouse-us": {}}},
    "others": {"hosts": {"edge-1": {}}},
}

_PYTHON_OF_HOST = """\
#! /bin/sh
exec unshare --mount --propagation private sh -euc '
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$0/etc,workdir=$0/work" /etc
mount --bind {hosts_file} /etc/hosts
exec {python} "$@"' {folder} "$@"
"""

# The module systemd_service asks for the state of a unit, then has it restarted.
_SYSTEMCTL = """\
#! /bin/sh
echo "$*" >> {log}
case "$1" in
    show) printf '%s\\n' Id=soda-runner.service LoadState=loaded ActiveState=active UnitFileState=enabled ;;
    is-enabled) echo enabled ;;
esac
"""


@dataclasses.dataclass(frozen=True)
class Finished:
    """A command that was run, and its output."""

    command: str
    returncode: int
    output: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Ansible's counts of outcomes by host."""
        rows = re.findall(r"^(\S+)\s+: (ok=\d+ .*)$", self.output, re.MULTILINE)
        return {host: {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", counts)} for host, counts in rows}

    def count(self, outcome: str) -> int:
        """How many tasks had this outcome, on all hosts."""
        assert self.recap, self.output
        return sum(counts[outcome] for counts in self.recap.values())


class Host:
    """The files below ``/etc/soda-runner`` of a host, by their paths on the host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str | Path) -> Path:
        """The path of a file of the host on this machine."""
        return self.folder / "etc" / Path(name).relative_to("/etc")

    def files(self) -> dict[str, str]:
        """All files and their modes. The record beside a key file counts as a part of it."""
        below = self.path(CONFIGURATION)
        return {
            f"/etc/{path.relative_to(self.folder / 'etc')}": f"{stat.S_IMODE(path.stat().st_mode):04o}"
            for path in sorted(below.rglob("*"))
            if path.is_file() and not (path.name == ".key.json.state" and path.with_name("key.json").exists())
        }

    def keys(self) -> dict[str, Json]:
        """The keys that are stored there, by path."""
        return {name: json.loads(self.path(name).read_text("utf-8")) for name in self.files() if name.endswith(".json")}

    def key(self) -> Json:
        (found,) = self.keys().values()
        return found


class Sandbox:
    """The folder of a controller in which commands run, with hosts and an account."""

    def __init__(self, folder: Path, account: Account, ca: Path) -> None:
        self.folder = folder
        self.account = account
        self.project = folder / "project"
        self.out = folder / "out"
        self.systemctl_log = folder / "systemctl.log"
        self.hosts = {name: Host(folder / "hosts" / name) for name in HOSTS}
        self.secrets = [Credential(account.api_key_id, account.api_key_secret)]
        self.exports: list[str] = []
        self.of_vault: list[Account] = []
        for place in (self.project, self.out, folder / "bin", folder / "home"):
            place.mkdir(parents=True)
        self.write("inventory", yaml.safe_dump(INVENTORY))
        self.write("hosts.yml", yaml.safe_dump(INVENTORY))
        self._program(folder / "bin" / "systemctl", _SYSTEMCTL.format(log=self.systemctl_log))
        for name in HOSTS:
            self._add_host(name)
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SODA_")},
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "SODA_CLOUD_CA_PATH": str(ca),
            # make demo uses the environment of these tests and never replaces it.
            "VENV": sys.prefix,
            "MAKEFLAGS": f"-o {sys.prefix}/.python -o {sys.prefix}/.demo",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORCE_COLOR": "0",
        }

    def with_account(self) -> Sandbox:
        """Put the account into the environment, as the reader of the page has done."""
        self.env.update(
            SODA_CLOUD_ENDPOINT="https://cloud.soda.io",
            SODA_CLOUD_API_KEY_ID=self.account.api_key_id,
            SODA_CLOUD_API_KEY_SECRET=self.account.api_key_secret,
        )
        return self

    def write(self, name: str, text: str) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def run(self, command: str, folder: Path | None = None) -> Finished:
        """Run a command line of a page, in the project or in *folder*. Exported variables apply to later commands."""
        for placeholder, value in (
            ("SODA_CLOUD_API_KEY_ID", self.account.api_key_id),
            ("SODA_CLOUD_API_KEY_SECRET", self.account.api_key_secret),
        ):
            command = command.replace(f"{placeholder}=...", f"{placeholder}={shlex.quote(value)}")
        if command.startswith("export "):
            self.exports.append(command)
        if command.startswith("make "):
            # Without these stamps, make would remove the environment of these tests, and has no network to restore it.
            for stamp in (".python", ".demo"):
                assert Path(sys.prefix, stamp).exists(), f"{sys.prefix} was not made by make: {stamp} is missing."
        script = "\n".join([*self.exports, command])
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=folder or self.project,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        number = len(list(self.out.iterdir())) + 1
        (self.out / f"{number:02}.txt").write_text(done.stdout, "utf-8")
        return Finished(command, done.returncode, done.stdout)

    def play(self, text: str, *arguments: str) -> Finished:
        """Run a playbook that is *text*, with results shown, as automation platforms store them. It must succeed."""
        self.write("play.yml", text)
        return self.ends_well(shlex.join([*PLAYBOOK, *arguments]))

    def ends_well(self, command: str, folder: Path | None = None) -> Finished:
        finished = self.run(command, folder)
        assert finished.returncode == 0, f"$ {command}\n{finished.output}"
        return finished

    def nothing_secret_was_printed(self) -> None:
        """The output of the commands contains no runner key and no other known secret."""
        stored = [key for host in self.hosts.values() for key in host.keys().values()]
        kept = [json.loads(path.read_text("utf-8")) for path in self.project.glob("*.json")]
        keys = [
            Credential(key["api_key_id"], key["api_key_secret"]) for key in stored + kept if "api_key_secret" in key
        ]
        assert search(self.secrets + keys, self.out, lambda _path: False).found == ()
        for path in sorted(self.out.iterdir()):
            assert not _SECRET.search(path.read_text("utf-8")), path.name

    def _add_host(self, name: str) -> None:
        folder = self.hosts[name].folder
        for place in ("etc", "work"):
            (folder / place).mkdir(parents=True)
        values = {
            "folder": shlex.quote(str(folder)),
            "hosts_file": "/etc/hosts",
            "python": shlex.quote(os.environ["ANSIBLE_PYTHON_INTERPRETER"]),
        }
        values["hosts_file"] = shlex.quote(str(self.write("../hosts.txt", Path("/etc/hosts").read_text("utf-8"))))
        self._program(folder / "python", _PYTHON_OF_HOST.format(**values))
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(folder / "python"),
            # The user is root already, and sudo may be missing.
            "ansible_become": False,
            "datacenter": "dc1",
        }
        self.write(f"host_vars/{name}.yml", yaml.safe_dump(variables))

    def _program(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        path.chmod(0o755)
