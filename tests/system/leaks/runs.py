# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runs, each with C(-vvvv --diff). Each must end with the expected message."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import time
import typing as t
from pathlib import Path

import yaml

from emulator.client import Account
from tooling import tree
from tooling.leaks import Credential
from tooling.process import kill

from . import system_log
from .processes import sampled

HERE = Path(__file__).parent
HOSTS = ("one", "two")
FORMATS = ("helm_values", "kubernetes_secret", "dotenv", "soda_core")
TIMEOUT = 600.0
HIDDEN = "the output has been hidden"


@dataclasses.dataclass
class Runs:
    """The folder in which plays run. It keeps all output and files."""

    folder: Path
    env: t.Mapping[str, str]
    account: Account
    secrets: list[Credential] = dataclasses.field(default_factory=list)
    faults: list[str] = dataclasses.field(default_factory=list)
    """The faults."""
    checks: int = 0

    def __post_init__(self) -> None:
        self.secrets.append(Credential(self.account.api_key_id, self.account.api_key_secret))
        for folder in ("out", "junit", "facts", "plays", "runner/env", "runner/project", "runner/inventory"):
            (self.folder / folder).mkdir(parents=True)
        self.inputs = {self.folder / "account.yml", self.folder / "runner" / "env" / "extravars"}
        account = {
            "soda_runner_cloud_endpoint": self.account.endpoint,
            "soda_runner_cloud_api_key_id": self.account.api_key_id,
            "soda_runner_cloud_api_key_secret": self.account.api_key_secret,
            "soda_runner_cloud_retry_budget": 2,
        }
        for path in self.inputs:
            path.touch(mode=0o600)
            path.write_text(yaml.safe_dump(account), "utf-8")
        inventory = yaml.safe_dump({"all": {"hosts": dict.fromkeys(HOSTS), "vars": self._host_vars()}})
        for path in (self.folder / "inventory.yml", self.folder / "runner" / "inventory" / "hosts.yml"):
            path.write_text(inventory, "utf-8")
        source = {
            "plugin": "community.soda.soda_runners",
            "endpoint": self.account.endpoint,
            "api_key_id": self.account.api_key_id,
            "api_key_secret": self.account.api_key_secret,
        }
        self.inputs.add(self.folder / "cloud.soda_runners.yml")
        (self.folder / "cloud.soda_runners.yml").write_text(yaml.safe_dump(source), "utf-8")
        shutil.copy(HERE / "play.yml", self.folder / "runner" / "project" / "play.yml")

    def _host_vars(self) -> dict[str, t.Any]:
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "soda_runner_dir": f"{self.folder}/hosts/{{{{ inventory_hostname }}}}",
            "soda_runner_escrow_dir": str(self.folder / "escrow"),
            "soda_runner_config_files": [
                {"format": each, "path": f"{{{{ soda_runner_dir }}}}/{each}"} for each in FORMATS
            ],
            "soda_runner_existing_secret": "",
        }

    def may_hold(self, path: Path) -> bool:
        """Whether a file may contain a secret: an input, or a file that the role writes."""
        return path in self.inputs or path.parent.parent == self.folder / "hosts"

    def play(
        self,
        title: str,
        *,
        says: str = "",
        fails: bool = False,
        check: bool = False,
        callback: str = "ansible.builtin.default",
        env: t.Mapping[str, str] | None = None,
        **variables: t.Any,
    ) -> str:
        """Run the play. It must succeed or fail as expected, and print the expected text. Returns its output."""
        command = ["ansible-playbook", "-vvvv", "--diff", "-i", "inventory.yml", "-e", "@account.yml"]
        command += ["-e", json.dumps(variables), *(["--check"] if check else []), str(HERE / "play.yml")]
        return self._run(title, command, says, fails, {"ANSIBLE_STDOUT_CALLBACK": callback, **(env or {})})

    def runner(self, title: str, **variables: t.Any) -> str:
        """Run the play with ansible-runner, which keeps its own artifacts."""
        command = ["ansible-runner", "run", "runner", "--playbook", "play.yml", "-vvvv", "--ident", "1"]
        command += ["--cmdline", f"--diff -e {json.dumps(json.dumps(variables))}"]
        # With this setting, Ansible prints the templated arguments of tasks.
        return self._run(title, command, "", False, {"ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "false"})

    def _run(self, title: str, command: t.Sequence[str], says: str, fails: bool, env: t.Mapping[str, str]) -> str:
        print(f"--- {title}", flush=True)
        with sampled(self.folder / "out" / "processes"):
            ended = subprocess.run(
                system_log.command(self.folder / "out" / "syslog", list(command)),
                cwd=self.folder,
                env=self._environment(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT,
                check=False,
            )
        output = ended.stdout.decode("utf-8", "replace")
        (self.folder / "out" / f"{title}.log").write_text(output, "utf-8")
        self.remember_keys()
        self.check(bool(ended.returncode) is fails, f"{title}: exit status {ended.returncode}:\n{output[-2000:]}")
        self.check(says in " ".join(output.split()), f"{title}: it does not say {says!r}:\n{output[-2000:]}")
        self.check(HIDDEN not in output, f"{title}: {HIDDEN}")
        return output

    def _environment(self, env: t.Mapping[str, str]) -> dict[str, str]:
        whole = {**self.env, **env}
        if "PYTHONPATH" in whole:
            whole["LOGGED_PYTHONPATH"] = whole["PYTHONPATH"]
        return {**whole, "PYTHONPATH": os.pathsep.join(map(str, tree.TESTS))}

    def killed(self, title: str, **variables: t.Any) -> None:
        """Kill the play and its processes while Soda Cloud issues a key."""
        print(f"--- {title}", flush=True)
        self.account.fault("delay", "createRunner", seconds=3)
        before = self.account.stats()["keys_issued"]
        command = ["ansible-playbook", "-vvvv", "--diff", "-i", "inventory.yml", "-e", "@account.yml"]
        command += ["-e", json.dumps(variables), str(HERE / "play.yml")]
        with (
            sampled(self.folder / "out" / "processes"),
            (self.folder / "out" / f"{title}.log").open("wb") as output,
            subprocess.Popen(
                system_log.command(self.folder / "out" / "syslog", command),
                cwd=self.folder,
                env=self._environment({}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            ) as process,
        ):
            deadline = time.monotonic() + TIMEOUT
            while self.account.stats()["keys_issued"] == before and time.monotonic() < deadline:
                time.sleep(0.05)
            kill(process)
        self.check(self.account.stats()["keys_issued"] > before, f"{title}: it was not killed while it issued a key")
        self.account.clear_faults()
        self.remember_keys()

    def programs(self, title: str, command: t.Sequence[str], env: t.Mapping[str, str] | None = None) -> None:
        """Run another program of Ansible, which must succeed."""
        self._run(title, command, "", False, env or {})

    def check(self, condition: bool, otherwise: str) -> None:
        """Count a check, and record a fault."""
        self.checks += 1
        if not condition:
            print(otherwise, flush=True)
            self.faults.append(otherwise.splitlines()[0])

    def remember_keys(self) -> None:
        """Record each stored runner key for the search."""
        for path in (*self.folder.glob("hosts/*/*"), *self.folder.glob("escrow/*"), *self.folder.glob("escrow/.*")):
            try:
                stored = json.loads(path.read_bytes().rstrip(b"\0"))
                key = Credential(stored["api_key_id"], stored["api_key_secret"])
            except (ValueError, TypeError, KeyError, OSError):
                continue
            if key not in self.secrets:
                self.secrets.append(key)


def environment_of(base: t.Mapping[str, str], folder: Path) -> dict[str, str]:
    """Every kind of logging is enabled."""
    return {
        **base,
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit,community.general.log_plays",
        "JUNIT_OUTPUT_DIR": str(folder / "junit"),
        "JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT": "true",
        "ANSIBLE_LOG_FOLDER": str(folder / "plays"),
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_LOG_VERBOSITY": "4",
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "true",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
    }


def all_runs(runs: Runs) -> None:
    """Provision, rotate, fail, recover, audit, decommission; from the controller, and on the host itself."""
    account = runs.account
    runs.play("provision")
    runs.play("nothing to do", callback="ansible.posix.json")
    runs.play("check a rotation", check=True, soda_runner_key_version=2)
    runs.play("rotate", callback="ansible.posix.json", soda_runner_key_version=2)

    account.fault("status_after", "createRunner", status=500, times=None)
    runs.play("fail in doubt", fails=True, says="may have issued a runner key", soda_runner_key_version=3)
    account.clear_faults()
    account.fault("status", "listRunners", status=403, times=None)
    runs.play(
        "fail for a permission",
        fails=True,
        says="MANAGE_DATASOURCES_AND_RUNNERS",
        callback="ansible.posix.json",
        soda_runner_key_version=3,
    )
    account.clear_faults()
    runs.play(
        "fail on the host",
        fails=True,
        says="cannot be used",
        soda_runner_key_path=f"{runs.folder}/hosts",
    )
    for number, (module, point) in enumerate(TRACEBACKS):
        crash = {
            "PYTHONPATH": os.pathsep.join(map(str, (tree.ROOT / "tests" / "system" / "crash" / "inside", *tree.TESTS))),
            "CRASH_MODULE": module,
            "CRASH_POINT": point,
            "CRASH_VICTIM": "nobody",
            "CRASH_MARK": str(runs.folder / f"mark-{number}"),
        }
        runs.play(
            f"fail with a traceback in {module}",
            fails=True,
            says="RuntimeError: A test caused this.",
            soda_runner_key_version=3 + number,
            play_environment=crash,
        )
    runs.play("recover", soda_runner_key_version=4)

    shutil.rmtree(runs.folder / "hosts" / "one")
    account.seed({"name": "one", "isOnline": False})  # the role deletes no runner that is online
    runs.play("fail for a lost key", fails=True, says="soda_runner_reissue", soda_runner_key_version=4)
    runs.play("reissue", soda_runner_key_version=4, soda_runner_reissue=True)
    runs.runner("rotate with ansible-runner", soda_runner_key_version=5)
    runs.killed("kill a rotation", soda_runner_key_version=6)
    runs.play("rotate after the kill", soda_runner_key_version=6)
    for name in ("one", "two"):
        (runs.folder / "hosts" / name / "helm_values").write_text("soda: {agent: {name: drift}}", "utf-8")
    runs.play("check what drifted", check=True, soda_runner_key_version=6)
    ansible = ["ansible-playbook", "-vvvv", "--diff", "-i", "inventory.yml", "-e", "@account.yml"]
    runs.programs("audit", [*ansible, "community.soda.audit"])
    runs.programs("list the inventory", ["ansible-inventory", "-vvvv", "-i", "cloud.soda_runners.yml", "--list"])
    runs.play("decommission", soda_runner_state="absent", soda_runner_key_version=6)

    # In this mode the module on the host gets the Soda Cloud API key.
    on_host: dict[str, t.Any] = {"soda_runner_api_host": "{{ inventory_hostname }}"}
    runs.play("provision on the host itself", **on_host)
    runs.play("rotate on the host itself", **on_host, soda_runner_key_version=2)
    runs.killed("kill a rotation on the host itself", **on_host, soda_runner_key_version=3)
    runs.play("decommission on the host itself", **on_host, soda_runner_state="absent", soda_runner_key_version=3)


# While both secrets are in the memory of the module.
TRACEBACKS = (
    ("soda_runner", "before unlink in FileLock._release"),
    ("soda_runner_files", "before write in AtomicWrite.commit"),
)
