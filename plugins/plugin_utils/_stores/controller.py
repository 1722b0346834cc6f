# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Runs lookup plugins and modules of other collections on the controller, without a trace of their arguments."""

from __future__ import annotations

import contextlib
import os
import sys
import typing as t

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader, lookup_loader, module_loader

from ...module_utils._errors import InvalidArguments, MissingCollection, SodaError
from .._parameters import to_plain
from .._secret_call import execute_module_with_secret

Json = dict[str, t.Any]


class Controller:
    """The controller, seen from an action that runs for a host of a play."""

    def __init__(self, action: t.Any, task_vars: Json) -> None:
        self._action = action
        self._task_vars = task_vars
        self._environment = _environment(action)

    def lookup(self, name: str, *terms: str, **options: t.Any) -> list[t.Any]:
        """
        What a lookup plugin returns. It runs in this process, so its arguments leave no trace.

        The variables of the play that set options of C(community.hashi_vault) are passed on, as templates would.
        """
        plugin = lookup_loader.get(name, loader=self._action._loader, templar=self._action._templar)
        if plugin is None:
            raise _missing_collection(name)
        with _in_environment(self._environment):
            answer = plugin.run(list(terms), variables=self._variables("ansible_hashi_vault_"), **options)
        return t.cast("list[t.Any]", to_plain(answer))

    def module(self, name: str, arguments: Json, check_mode: bool = False) -> Json:
        """The result of a module, which gets its arguments through a pipe."""
        if module_loader.find_plugin(name) is None:
            raise _missing_collection(name)
        if C.DEFAULT_DEBUG:
            raise InvalidArguments(
                "ANSIBLE_DEBUG is set, so Ansible would print the runner key. Unset it and run the task again.",
            )
        with _in_environment(self._environment):
            runner = _local_action(self._action, check_mode)
            # The module needs the libraries that are installed with Ansible.
            variables = {"ansible_python_interpreter": sys.executable}
            return t.cast(Json, to_plain(execute_module_with_secret(runner, name, arguments, variables)))

    def _variables(self, prefix: str) -> Json:
        templar = self._action._templar
        return {
            name: templar.template(value)
            for name, value in self._task_vars.items()
            if isinstance(name, str) and name.startswith(prefix)
        }


class _LocalAction(ActionBase):  # type: ignore[misc]
    """Runs modules on the controller."""

    _supports_check_mode = True
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        """Nothing calls this. The base class requires it."""
        raise NotImplementedError


def _local_action(action: t.Any, check_mode: bool) -> _LocalAction:
    """An action with a local connection, and nothing of the play's connection and privileges."""
    task = action._task.copy(exclude_parent=True)
    task.become = False
    task.delegate_to = None
    task.async_val = 0
    task.check_mode = check_mode
    task.diff = False
    # The environment is that of this process. Ansible would put it on the command line.
    task.environment = []
    context = action._play_context.copy()
    context.become = False
    context.check_mode = check_mode
    context.connection = "local"
    connection = connection_loader.get("ansible.builtin.local", context, os.devnull)
    connection.set_options(direct={"pipelining": True})
    return _LocalAction(
        task=task,
        connection=connection,
        play_context=context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=action._shared_loader_obj,
    )


def _environment(action: t.Any) -> dict[str, str]:
    """The variables that the keyword C(environment) sets for the task."""
    found: dict[str, str] = {}
    levels = action._task.environment or []
    for level in levels if isinstance(levels, list) else [levels]:
        values = to_plain(action._templar.template(level))
        if isinstance(values, dict):
            found.update({str(name): str(value) for name, value in values.items()})
    return found


@contextlib.contextmanager
def _in_environment(variables: t.Mapping[str, str]) -> t.Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _missing_collection(plugin: str) -> SodaError:
    collection = plugin.rpartition(".")[0]
    return MissingCollection(
        f"The collection {collection} is not installed on the controller. Install it with ansible-galaxy collection"
        f" install {collection}, with the Python libraries that it requires.",
    )
