# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Compares what the hosts of a play declare and store with what Soda Cloud lists.

The documentation is in the module of the same name. The data comes from files that the role wrote on the controller,
never from facts, which a host could fake.
"""

from __future__ import annotations

import datetime
import json
import os
import typing as t

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.community.soda.plugins.module_utils import _timestamps
from ansible_collections.community.soda.plugins.module_utils._errors import (
    AuditIncomplete,
    AuditPathUnusable,
    InvalidArguments,
    SodaError,
)
from ansible_collections.community.soda.plugins.module_utils._key.atomic_write import TargetFile
from ansible_collections.community.soda.plugins.module_utils._names import validate_name
from ansible_collections.community.soda.plugins.module_utils._paths import expand
from ansible_collections.community.soda.plugins.plugin_utils._audit import observe, page, table
from ansible_collections.community.soda.plugins.plugin_utils._audit import report as _report
from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import audit
from ansible_collections.community.soda.plugins.plugin_utils._audit.findings import CODES
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import Limits, Observation, Report
from ansible_collections.community.soda.plugins.plugin_utils._audit.rounds import Round
from ansible_collections.community.soda.plugins.plugin_utils._inventory_names import is_listed_host
from ansible_collections.community.soda.plugins.plugin_utils._parameters import to_plain, validate
from ansible_collections.community.soda.plugins.plugin_utils._run_files import RunFiles
from ansible_collections.community.soda.plugins.plugin_utils._shadowing import refuse_shadowing

ANY = "any"

MOST_ROWS = 1000
"""More rows are not returned: Ansible handles each value of a result several times."""

ARGUMENT_SPEC: dict[str, t.Any] = {
    "hosts": {"type": "list", "elements": "str", "required": True},
    "pending_minutes": {"type": "float", "default": 30.0},
    "offline_hours": {"type": "float", "default": 24.0},
    "fail_on": {"type": "list", "elements": "str", "default": [], "choices": [*CODES, ANY]},
    # Not of the type path, which would take the home folder from the environment.
    "json_path": {"type": "str"},
    "html_path": {"type": "str"},
    "mode": {"type": "str", "default": "0600"},
    "stats": {"type": "bool", "default": False},
}

Json = dict[str, t.Any]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Collects what was observed, compares it, and writes and shows the report."""

    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result: Json = super().run(tmp, task_vars)
        try:
            refuse_shadowing(task_vars or {})
            outcome = self._audit(self._parameters(), (task_vars or {})["hostvars"])
        except SodaError as exc:
            outcome = exc.failure.as_failed_task()
        return {**result, **outcome}

    def _parameters(self) -> Json:
        arguments = to_plain(self._task.args)
        if isinstance(arguments.get("fail_on"), list):
            # A survey gives an empty text if nothing was chosen.
            arguments["fail_on"] = [code for code in arguments["fail_on"] if code != ""]
        return validate(ArgumentSpecValidator(ARGUMENT_SPEC), arguments)

    def _audit(self, parameters: Json, hostvars: t.Mapping[str, t.Any]) -> Json:
        limits = Limits(
            pending=_duration(parameters, "pending_minutes", 60),
            offline=_duration(parameters, "offline_hours", 3600),
        )
        hosts = set(parameters["hosts"])
        observations, listings = Round(RunFiles.of_task(self._task)).collect()
        observations = [one for one in observations if one.host in hosts]
        if not observations:
            raise AuditIncomplete(
                "No host was observed. Include the role community.soda.soda_runner with tasks_from: audit before this"
                " task, and see the run's output if it failed.",
            )
        unobserved = hosts - {one.host for one in observations}
        observations += [_unobserved(host, hostvars) for host in sorted(unobserved)]
        report = audit(observations, listings, _names_elsewhere(hosts, hostvars), limits, _timestamps.now())
        data = _report.to_json(report)
        written = [] if self._task.check_mode else _write(parameters, report, data)
        text = table.render_table(report)
        _show(text, written)
        outcome = {
            "changed": False,
            **{field: data[field] for field in ("totals", "findings", "stale", "newest_versions")},
            "rows": [row for row in data["rows"] if row["findings"]][:MOST_ROWS],
            "failing": _failing(report, parameters["fail_on"]),
            "files": written,
            "table": text.splitlines(),
        }
        if parameters["stats"]:
            outcome["ansible_stats"] = {"data": _stats(outcome), "per_host": False, "aggregate": False}
        return outcome


def _duration(parameters: Json, option: str, seconds: int) -> datetime.timedelta:
    value = parameters[option]
    if not 0 <= value <= 1_000_000:
        raise InvalidArguments(f"{option} is {value}. Set it to a number from 0 to 1000000.")
    return datetime.timedelta(seconds=value * seconds)


def _unobserved(host: str, hostvars: t.Mapping[str, t.Any]) -> Observation:
    """A host whose tasks ended before it was observed, for example because a variable is undefined."""
    name = _declared_name(host, hostvars) or host
    return observe.failed(host, name, "the tasks of the host failed before it was observed; see the run's output")


def _names_elsewhere(hosts: t.Collection[str], hostvars: t.Mapping[str, t.Any]) -> set[str]:
    """
    The names of runners that the other hosts of the inventory declare.

    A host that only the inventory plugin adds, because Soda Cloud lists its runner, declares none.
    """
    return {
        name
        for host in set(hostvars) - set(hosts)
        if not is_listed_host(hostvars[host]) and (name := _declared_name(host, hostvars)) is not None
    }


def _declared_name(host: str, hostvars: t.Mapping[str, t.Any]) -> str | None:
    """The name of the runner that a host declares. None if it declares that it has none."""
    variables = hostvars[host]
    try:
        if to_plain(variables.get("soda_runner_state", "present")) == "absent":
            return None
        name = validate_name(to_plain(variables.get("soda_runner_name", host)))
    except (AnsibleError, SodaError):
        return host
    # Before ansible-core 2.19, a template that refers to an undefined variable is returned unchanged.
    return host if "{{" in name else name


def _write(parameters: Json, report: Report, data: Json) -> list[str]:
    """Write the requested files, each in one step. Return their paths."""
    paths = {option: expand(parameters[option]) for option in ("json_path", "html_path") if parameters[option]}
    contents: dict[str, t.Callable[[], str]] = {
        "json_path": lambda: json.dumps(data, indent=1) + "\n",
        "html_path": lambda: page.render_page(report, paths.get("json_path")),
    }
    mode = _mode(parameters["mode"])
    written = []
    for option, path in paths.items():
        file = TargetFile(path, AuditPathUnusable)
        file.write(contents[option]().encode(), lambda temporary: os.chmod(temporary, mode))
        written.append(file.path)
    return written


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise InvalidArguments(f"mode is {text!r}. Set it to an octal number in quotes, such as '0640'.")
    return mode


def _stats(outcome: Json) -> Json:
    """
    What a platform gives to later jobs. The list names the only runners that they may delete.

    The list is JSON text, because extra variables do not keep the types of values: a time would become an object, and a
    name or an id of digits a number.
    """
    counts = {field: outcome[field] for field in ("totals", "findings", "failing")}
    return {"soda_audit": counts, "soda_decommission_runners": json.dumps(outcome["stale"])}


def _show(text: str, written: t.Sequence[str]) -> None:
    """Show the table, which would be quoted in a task's result. Not if a program reads the output of Ansible."""
    if constants.DEFAULT_STDOUT_CALLBACK.rpartition(".")[2] in ("json", "jsonl"):
        return
    Display().display("\n".join(["", text, "", *(f"Report: {path}" for path in written)]).rstrip() + "\n")


def _failing(report: Report, fail_on: t.Collection[str]) -> dict[str, int]:
    """How many rows have each finding that fails the run."""
    return {code: count for code, count in report.found().items() if count and (code in fail_on or ANY in fail_on)}
