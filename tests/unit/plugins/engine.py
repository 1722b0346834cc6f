# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
A stand-in for the engine of Ansible: runs the steps of the role for hosts that are this machine.

Actions and modules of this collection run in this process, against an emulated Soda Cloud. Vault, Helm and the
connection to a host are stand-ins. The real engine and the real servers are tested elsewhere.
"""

from __future__ import annotations

import copy
import itertools
import sys
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible import constants
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins import loader

from ansible_collections.community.soda.plugins.action import soda_runner_config, soda_runner_role, soda_runner_store
from ansible_collections.community.soda.tests.unit.plugins.harness import Json, Soda, run_module
from ansible_collections.community.soda.tests.unit.plugins.vault_service import VaultService

ACTIONS = {
    f"community.soda.{action.__name__.rpartition('.')[2]}": action.ActionModule
    for action in (soda_runner_config, soda_runner_store)
}

_PLAYS = itertools.count(1)


class Task:
    """A task of the play, as far as actions read it."""

    def __init__(self, play: str, args: Json, check: bool, diff: bool, environment: t.Sequence[Json]) -> None:
        self._play = SimpleNamespace(_uuid=play)
        self.args = args
        self.check_mode, self.diff, self.no_log = check, diff, False
        self.environment = list(environment)
        self.async_val = 0
        self._role = None

    def get_vars(self) -> Json:
        return {}

    def copy(self) -> Task:
        return copy.copy(self)


class Connection:
    """A connection to a host, or to the controller."""

    become = None
    has_pipelining = False
    _shell = SimpleNamespace(tmpdir="/nonexistent", set_options=lambda **_options: None)

    def __init__(self, host: str) -> None:
        self.host = host

    def set_options(self, **_options: t.Any) -> None: ...


class Context(SimpleNamespace):
    """The play context of a task."""

    def copy(self) -> Context:
        return Context(**self.__dict__)


class HelmService:
    """The Helm releases of a cluster: their values by name."""

    def __init__(self) -> None:
        self.releases: dict[str, Json] = {}
        self.requests: list[tuple[str, Json]] = []
        self.failure: Json | None = None
        self.uninstalled: t.Callable[[], None] = lambda: None

    def run(self, module: str, arguments: Json, check_mode: bool) -> Json:
        self.requests.append((module, arguments))
        if self.failure is not None:
            return self.failure
        name = arguments["release_name"]
        if module.endswith("helm_info"):
            values = self.releases.get(name)
            return {"changed": False} if values is None else {"changed": False, "status": {"values": values}}
        if arguments.get("release_state") == "absent":
            there = name in self.releases
            if not check_mode and self.releases.pop(name, None) is not None:
                self.uninstalled()
            return {"changed": there}
        changed = self.releases.get(name) != arguments["release_values"]
        if not check_mode:
            self.releases[name] = arguments["release_values"]
        return {"changed": changed}


class Engine:
    """One play of the role, and the services around it."""

    def __init__(self, soda: Soda, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.soda = soda
        self.account = soda.account
        self.folder = folder
        self.hosts: dict[str, Json] = {}
        self.unreachable: set[str] = set()
        self.modules: list[tuple[str, str, Json]] = []
        """Machine, module and arguments of each module that ran."""
        self.vault = VaultService()
        self.helm = HelmService()
        self.play = f"play-{next(_PLAYS)}"
        self.before: t.Callable[[str], None] = lambda module: None
        """Runs before each module, so that something else can happen in between."""
        local_tmp = folder / "ansible-local"
        local_tmp.mkdir(mode=0o700)
        patch.setattr(constants, "DEFAULT_LOCAL_TMP", str(local_tmp))
        patch.setattr(loader.lookup_loader, "get", lambda _name, **_given: SimpleNamespace(run=self._lookup(_name)))
        patch.setattr(loader.module_loader, "find_plugin", lambda name: name)

    def host(self, name: str = "edge-1", /, **variables: t.Any) -> Path:
        """Declare a runner on a host. Returns the folder of the host."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        given = {
            "name": name,
            "cloud_endpoint": self.account.endpoint,
            "cloud_api_key_id": self.account.api_key_id,
            "cloud_api_key_secret": self.account.api_key_secret,
            "cloud_timeout": 10,
            "cloud_retry_budget": 5,
            "dir": str(folder),
            "escrow_dir": str(self.folder / "escrow"),
            "wait_timeout": 0.2,
            "wait_delay": 0.1,
            **variables,
        }
        self.hosts[name] = {"inventory_hostname": name, **{f"soda_runner_{key}": given[key] for key in given}}
        return folder

    def next_play(self) -> None:
        """A later run. The hosts and services stay as they are."""
        self.play = f"play-{next(_PLAYS)}"
        self.modules.clear()

    def step(self, step: str, host: str = "edge-1", check: bool = False, diff: bool = False, **args: t.Any) -> Json:
        """The result of one step. Fails if a secret is in it."""
        extra = {name: args.pop(name) for name in list(args) if name.startswith(("soda_", "ansible_"))}
        task = Task(self.play, {"step": step, **args}, check, diff, ())
        variables = {
            "hostvars": self.hosts,
            "groups": {"all": list(self.hosts)},
            "ansible_play_hosts_all": list(self.hosts),
            "ansible_play_batch": list(self.hosts),
            **self.hosts[host],
            **extra,
        }
        action = self._action(soda_runner_role.ActionModule, task, Connection(host), Context(become=True))
        result: Json = action.run(task_vars=variables)
        for secret in self.soda.secrets():
            assert secret not in repr(result), "a secret is shown"
        return result

    def failure(self, step: str, host: str = "edge-1", **args: t.Any) -> Json:
        """The failure of a step that has to fail."""
        result = self.step(step, host, **args)
        assert result.get("failed") is True, result
        assert result["msg"] == result["failure"]["message"]
        failure: Json = result["failure"]
        return failure

    def runners(self) -> list[str]:
        """The names of the runners in Soda Cloud."""
        return sorted(str(runner["name"]) for runner in self.account.runners())

    def _action(self, action: t.Any, task: Task, connection: Connection, context: Context) -> t.Any:
        loaders = SimpleNamespace(
            action_loader=SimpleNamespace(
                get=lambda name, task, connection, play_context, **_given: self._action(
                    ACTIONS[name], task, connection, play_context
                )
            ),
            connection_loader=SimpleNamespace(get=lambda _name, _context, _stdin: Connection("controller")),
        )
        templar = SimpleNamespace(template=lambda value: value)
        made = action(task, connection, context, None, templar, loaders)
        made._shared_loader_obj = loaders
        made._execute_module = lambda module_name, module_args, task_vars: self._execute(
            made, module_name.rpartition(".")[2], module_args, task_vars
        )
        made._remove_tmp_path = lambda _path: None
        return made

    def _execute(self, action: t.Any, module: str, arguments: Json, variables: Json) -> Json:
        machine = action._connection.host
        assert action._task.no_log, "the arguments of a module would be logged"
        assert action._play_context.become is (machine != "controller")
        # The engine reads these variables to run a module. Those of the host must not apply on the controller.
        assert variables["inventory_hostname"] in self.hosts
        if machine == "controller":
            local = ("local", False, sys.executable, {})
            names = ("ansible_connection", "ansible_become", "ansible_python_interpreter", "ansible_delegated_vars")
            assert tuple(variables[name] for name in names) == local
        self.modules.append((machine, module, arguments))
        self.before(module)
        if machine in self.unreachable:
            raise AnsibleConnectionFailure("no route to host")
        if module.startswith("helm"):
            return self.helm.run(module, arguments, action._task.check_mode)
        modes = {"_ansible_check_mode": action._task.check_mode, "_ansible_diff": action._task.diff}
        return run_module(module, {**arguments, **modes})[0]

    def _lookup(self, name: str) -> t.Callable[..., t.Any]:
        return lambda terms, variables, **options: self.vault.lookup(name, *terms, **options)
