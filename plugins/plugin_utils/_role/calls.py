# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How an action runs other actions on the host of its task, and modules on the controller."""

from __future__ import annotations

import contextlib
import os
import sys
import typing as t

from ...module_utils._errors import KeyPathUnusable, ModuleFailed
from .._config.reply import message_of, traceback_of, warnings_of
from .._secret_call import execute_module_with_secret

Json = dict[str, t.Any]

# What a module returns for the engine or for its own caller. None of it steers a later task.
DROPPED = ("ansible_facts", "invocation", "_ansible_parsed", "_ansible_no_log", "deprecations", "exception")


class CallFailed(Exception):
    """A module or an action that this action called has failed. Its result is the result of the task."""

    def __init__(self, result: Json) -> None:
        super().__init__(str(result.get("msg")))
        self.result = result


def call_action(caller: t.Any, name: str, arguments: Json, task_vars: Json) -> Json:
    """The result of an action of this collection on the host of the task."""
    task = caller._task.copy()
    task.args = arguments
    action = caller._shared_loader_obj.action_loader.get(
        f"community.soda.{name}",
        task=task,
        connection=caller._connection,
        play_context=caller._play_context,
        loader=caller._loader,
        templar=caller._templar,
        shared_loader_obj=caller._shared_loader_obj,
    )
    return _checked(action.run(task_vars=task_vars))


def call_module(caller: t.Any, name: str, arguments: Json, task_vars: Json) -> Json:
    """The result of a module on the host of the task. Its arguments contain the Soda Cloud API key."""
    return _checked(execute_module_with_secret(caller, f"community.soda.{name}", arguments, task_vars))


def call_on_controller(caller: t.Any, name: str, arguments: Json, task_vars: Json) -> Json:
    """
    The result of a module on the controller, by the user who runs Ansible.

    Neither the connection nor C(become) of the host applies, whichever variable sets them.
    """
    with _on_controller(caller) as variables:
        return call_module(caller, name, arguments, {**task_vars, **variables})


@contextlib.contextmanager
def _on_controller(caller: t.Any) -> t.Iterator[Json]:
    context = caller._play_context.copy()
    context.become = False
    connection = caller._shared_loader_obj.connection_loader.get("ansible.builtin.local", context, os.devnull)
    connection.set_options(var_options={}, task_keys={})
    connection._shell.set_options(var_options={}, task_keys={})
    of_host = caller._connection, caller._play_context
    caller._connection, caller._play_context = connection, context
    try:
        yield {
            "ansible_become": False,
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_delegated_vars": {},
        }
    finally:
        caller._remove_tmp_path(connection._shell.tmpdir)
        caller._connection, caller._play_context = of_host


def make_private_folder(path: str) -> None:
    """Create a folder on the controller for the user who runs. Raises V(key_path_unusable)."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise KeyPathUnusable(
            f"The escrow folder {path} cannot be used: {os.strerror(exc.errno or 0)}. Set soda_runner_escrow_dir to a"
            " folder of the user who runs Ansible."
        ) from exc


def _checked(result: Json) -> Json:
    message, traceback = message_of(result), traceback_of(result)
    result = {key: value for key, value in result.items() if key not in DROPPED}
    # From ansible-core 2.20 on, this can be the list to which each warning of the task is appended.
    result["warnings"] = warnings_of(result)
    if result.get("failed"):
        kept = ("msg", "failure", "rc", "module_stdout", "module_stderr", "missing", "warnings")
        failed = {"failed": True, **{key: result[key] for key in kept if key in result}}
        failed.setdefault("msg", message)
        failed.setdefault("failure", ModuleFailed(str(failed["msg"])).failure.as_result())
        if traceback:
            failed["exception"] = traceback
        raise CallFailed(failed)
    if result.get("unreachable"):
        raise CallFailed(result)
    return result
