# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the steps of the role soda_runner have in common."""

from __future__ import annotations

import typing as t

from ansible.utils.vars import load_extra_vars

from ...module_utils._errors import InvalidArguments
from .._declared import Declared, read_declared
from .._parameters import to_plain
from .._run_files import RunFiles
from .._shadowing import refuse_shadowing
from . import declarations
from .calls import CallFailed, call_action, call_module, call_on_controller

Json = dict[str, t.Any]

# Topics of the files that the actions of a play share.
DECLARED, INVENTORY, ACCOUNTS, OUTCOMES = "declared", "inventory", "accounts", "outcomes"

STATE = "soda_runner_state"
INTERNAL = "__soda_"


class Steps:
    """
    Steps of the role for one host.

    They refuse facts that shadow variables of the collection before anything else, and extra variables that replace its
    internal ones. A step that fails changes nothing after the failure, whatever the play makes of it.
    """

    def __init__(self, action: t.Any, task_vars: Json) -> None:
        refuse_shadowing(task_vars)
        self.action = action
        self.task_vars = task_vars
        self.files = RunFiles.of_task(action._task)
        self.check_mode = bool(action._task.check_mode)
        internal = sorted(name for name in self.extra_variables() if name.startswith(INTERNAL))
        if internal:
            raise InvalidArguments(
                f"Only the collection sets the variable {internal[0]}. Remove it from the extra variables."
            )

    def declared(self) -> Declared:
        environment: Json = {}
        for each in self.action._task.environment or ():
            environment.update(each if isinstance(each, dict) else {})
        self._refuse_overridden_state()
        return read_declared(self.task_vars, self.action._templar.template, environment)

    def extra_variables(self) -> set[str]:
        """The names of the extra variables: C(-e), or the answers of a survey. No other variable is stronger."""
        return {str(to_plain(name)) for name in load_extra_vars(self.action._loader)}

    def refuse_extra_state(self, wanted: str) -> None:
        """Raise V(invalid_arguments) if an extra variable contradicts what the task does."""
        state = self._template(self.task_vars.get(STATE))
        if STATE in self.extra_variables() and state != wanted:
            raise InvalidArguments(
                f"{STATE} is {wanted} in this task, but an extra variable sets it to {state!r}. Remove it from the"
                " extra variables, such as -e and the answers of a survey."
            )

    def _refuse_overridden_state(self) -> None:
        """A task that removes a runner must not issue a key, and a task that issues a key must not remove a runner."""
        task = self.action._task
        by_role = {} if task._role is None else task._role.get_role_params()
        by_task = {**by_role, **task.get_vars()}
        if STATE in by_task:
            self.refuse_extra_state(self._template(by_task[STATE]))

    def _template(self, value: t.Any) -> t.Any:
        return to_plain(self.action._templar.template(value))

    def hosts(self, variable: str) -> list[str]:
        return [str(to_plain(host)) for host in self.task_vars.get(variable) or ()]

    def outcomes(self) -> list[Json]:
        return list(self.files.collect(OUTCOMES).values())

    def publish(self, topic: str, declared: Declared, **data: t.Any) -> None:
        self.files.publish(topic, key_of(declared), {"host": declared.host, **data})

    def config(self, arguments: Json, **more: t.Any) -> Json:
        """The result of soda_runner_config on the host."""
        return call_action(self.action, "soda_runner_config", {**arguments, **more}, self.task_vars)

    def store(self, declared: Declared, **more: t.Any) -> Json:
        """The result of soda_runner_store, for a key that is not stored on the host."""
        return call_action(self.action, "soda_runner_store", {**declared.store_arguments(), **more}, self.task_vars)

    def soda_cloud(self, declared: Declared, module: str, arguments: Json) -> Json:
        """The result of a module that sends requests: on the controller, or on the host if that is declared."""
        call = call_module if declared.is_direct else call_on_controller
        return call(self.action, module, {**declared.connection_arguments(), **arguments}, self.task_vars)

    def warn(self, *warnings: t.Any) -> None:
        """Add warnings to the result of the action."""
        self.action.warnings += [warning for warning in warnings if warning not in self.action.warnings]

    def of_inventory(self, declared: Declared) -> declarations.Declarations:
        """What hosts declare that have not run yet. Computed once for each account and batch."""
        batch = self.hosts("ansible_play_batch")
        with self.files.once(INVENTORY, "\n".join((declared.account.cache_key, *batch))) as entry:
            if not entry.is_published:
                known = {one["host"] for one in self.files.collect(DECLARED).values()}
                in_play = self.hosts("ansible_play_hosts_all")
                # Some versions of Ansible list localhost in hostvars, or no host, if it is not in the inventory.
                inventory = map(str, self.task_vars["groups"]["all"])
                others = [host for host in dict.fromkeys([*inventory, *in_play]) if host not in known]
                hostvars = self.task_vars["hostvars"]
                extra = load_extra_vars(self.action._loader)
                entry.publish(
                    declarations.of_inventory(
                        ((host, hostvars[host]) for host in others), in_play, extra, declared.account
                    )
                )
            return t.cast(declarations.Declarations, entry.data)

    def check_account(self, declared: Declared) -> None:
        """Send one request for each account and play, before a host that needs a key is changed."""
        with self.files.once(ACCOUNTS, declared.account.cache_key) as entry:
            if not entry.is_published:
                try:
                    self.soda_cloud(declared, "soda_runner_info", {"names": [declared.name]})
                except CallFailed as exc:
                    # A host that sends its requests itself may fail for a local reason.
                    if not declared.is_direct:
                        entry.publish({"host": declared.host, "failure": exc.result["failure"]})
                    raise
                entry.publish({"host": declared.host, "failure": None})
            request = entry.data
        self.raise_account_failure(request)

    @staticmethod
    def raise_account_failure(request: Json) -> None:
        """Fail for a request that failed on another host, whose task has the whole message."""
        if request["failure"] is not None:
            message = (
                f"The request for the Soda Cloud account failed on {request['host']}, so this host was not changed."
            )
            failure = {**request["failure"], "message": message}
            raise CallFailed({"failed": True, "msg": message, "failure": failure})


def key_of(declared: Declared) -> str:
    return f"{declared.host}\n{declared.identity()}"


def with_message(message: str | list[str]) -> Json:
    return {"msg": message, "_ansible_verbose_always": True}
