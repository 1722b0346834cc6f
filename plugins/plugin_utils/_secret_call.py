# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How an action runs a module whose arguments contain a secret."""

from __future__ import annotations

import contextlib
import typing as t

from ansible import constants as C

from ..module_utils._errors import InvalidArguments


def execute_module_with_secret(
    action: t.Any, module_name: str, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]
) -> dict[str, t.Any]:
    """
    Run a module of which no argument is logged.

    Without pipelining, Ansible writes the arguments of a module to a file in the remote temporary folder, where they
    stay if the run is killed. So pipelining is used if the connection has it. With ANSIBLE_KEEP_REMOTE_FILES the file
    stays in any case, so that is refused.
    """
    if C.DEFAULT_KEEP_REMOTE_FILES:
        raise InvalidArguments(
            "ANSIBLE_KEEP_REMOTE_FILES is set, so Ansible would leave a secret in the remote temporary folder."
            " Unset it and run the task again.",
        )
    task = action._task
    no_log, task.no_log = task.no_log, True
    try:
        with _pipelining(action):
            result = action._execute_module(module_name=module_name, module_args=module_args, task_vars=task_vars)
    finally:
        # The result of the task itself contains no secret, so it can be shown.
        task.no_log = no_log
    return t.cast("dict[str, t.Any]", result)


@contextlib.contextmanager
def _pipelining(action: t.Any) -> t.Iterator[None]:
    connection, context = action._connection, action._play_context
    become = connection.become
    # su reads its password from the terminal, so a module cannot come through standard input.
    if not connection.has_pipelining or (become is not None and not getattr(become, "pipelining", become.name != "su")):
        yield
        return
    in_context = getattr(context, "pipelining", None)
    try:
        in_connection = connection.get_option("pipelining")
    except (KeyError, AttributeError, ValueError):
        in_connection = None
    try:
        if in_connection is not None:
            connection.set_option("pipelining", True)
        context.pipelining = True
        yield
    finally:
        if in_connection is not None:
            connection.set_option("pipelining", in_connection)
        context.pipelining = in_context
