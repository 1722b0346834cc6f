# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
The steps of the role soda_runner. The documentation is in the module of the same name.

Each step reads the variables of the role once, and a host cannot change them afterwards. Nothing that a host returned
becomes a fact or a variable.
"""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

# Imported for the process of the play, from which the processes of the hosts inherit it. The steps load this action by
# its name, and Ansible would compile its files for each host.
from ansible_collections.community.soda.plugins.action import (  # pylint: disable=unused-import
    soda_runner_config,  # noqa: F401
)
from ansible_collections.community.soda.plugins.module_utils._errors import InvalidArguments, SodaError
from ansible_collections.community.soda.plugins.plugin_utils._role.calls import CallFailed
from ansible_collections.community.soda.plugins.plugin_utils._role.decommission import Decommission
from ansible_collections.community.soda.plugins.plugin_utils._role.deploy import Deployment
from ansible_collections.community.soda.plugins.plugin_utils._role.provision import Provision

Json = dict[str, t.Any]


def _observe(action: t.Any, task_vars: Json) -> Json:
    # Imported here: no other step sends requests itself, and the library requests costs time to import.
    from ansible_collections.community.soda.plugins.plugin_utils._role.audit import observe_host

    return observe_host(action, task_vars)


STEPS: dict[str, t.Callable[[t.Any, Json], Json]] = {
    "write": lambda *host: Provision(*host).write(),
    "announce": lambda *host: Provision(*host).announce(),
    "issue": lambda *host: Provision(*host).issue(),
    "schedule_acknowledgement": lambda *host: Provision(*host).schedule_acknowledgement(),
    "report_changes": lambda *host: Provision(*host).report_changes(),
    "acknowledge": lambda *host: Provision(*host).acknowledge(),
    "wait": lambda *host: Provision(*host).wait(),
    "summarize_provision": lambda *host: Provision(*host).summarize(),
    "deploy": lambda *host: Deployment(*host).deploy(),
    "summarize_deployment": lambda *host: Deployment(*host).summarize(),
    "remove": lambda *host: Decommission(*host).remove(),
    "choose_stale": lambda *host: Decommission(*host).choose_stale(),
    "remove_stale": lambda *host: Decommission(*host).remove_stale(),
    "check_target": lambda *host: Decommission(*host).check_target(),
    "observe": _observe,
    "summarize_decommission": lambda *host: Decommission(*host).summarize(),
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs one step of the role for one host."""

    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result: Json = super().run(tmp, task_vars)
        self.warnings: list[t.Any] = []
        """What the steps add to the result: text, or objects of newer releases of ansible-core."""
        try:
            step = str(self._task.args.get("step"))
            if step not in STEPS or set(self._task.args) - {"step", "runner"}:
                raise InvalidArguments(f"Only the role soda_runner uses this module. step is {step!r}.")
            outcome = {"changed": False, **STEPS[step](self, task_vars or {})}
        except SodaError as exc:
            outcome = exc.failure.as_failed_task()
        except CallFailed as exc:
            outcome = exc.result
        added = [warning for warning in outcome.pop("warnings", ()) if warning not in self.warnings]
        if self.warnings or added:
            outcome["warnings"] = [*self.warnings, *added]
        return {**result, **outcome}
