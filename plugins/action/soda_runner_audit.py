# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Compares what the hosts of a play hold with what Soda Cloud lists. The documentation is in the module of the same name.

Everything that comes from Soda Cloud or from a host is data here: it is compared, counted and written down, and nothing
of it is ever a template.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import typing as t

from ansible import constants
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.community.soda.plugins.module_utils import _timestamps
from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api.runners import Runner
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError, error
from ansible_collections.community.soda.plugins.module_utils._key.atomic_write import TargetFile
from ansible_collections.community.soda.plugins.plugin_utils._audit import compare as _audit
from ansible_collections.community.soda.plugins.plugin_utils._audit import page as _audit_page
from ansible_collections.community.soda.plugins.plugin_utils._audit import table as _audit_text
from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import Limits, Listed, Report, Seen
from ansible_collections.community.soda.plugins.plugin_utils._parameters import to_plain, validate

ANY = "any"

ARGUMENT_SPEC: dict[str, t.Any] = {
    "hosts": {"type": "list", "elements": "str", "required": True},
    "pending_minutes": {"type": "float", "default": 30.0},
    "offline_hours": {"type": "float", "default": 24.0},
    "fail_on": {"type": "list", "elements": "str", "default": [], "choices": [*_audit.CODES, ANY]},
    "json_path": {"type": "path"},
    "html_path": {"type": "path"},
    "mode": {"type": "str", "default": "0600"},
}

SEEN, LISTED = "__soda_runner_audited", "__soda_runner_listed"
"""The facts in which the role's entry point audit notes what it saw on a host, and what an account lists."""

Json = dict[str, t.Any]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Gathers what the role has noted, compares, writes and shows the report."""

    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result: Json = super().run(tmp, task_vars)
        try:
            outcome = self._audit(self._parameters(), (task_vars or {})["hostvars"])
        except SodaError as exc:
            outcome = {"failed": True, "msg": exc.failure.message, "failure": exc.failure.as_result()}
        return {**result, **outcome}

    def _parameters(self) -> Json:
        arguments = dict(self._task.args)
        if isinstance(arguments.get("fail_on"), (list, tuple)):
            # What a survey gives that was left empty.
            arguments["fail_on"] = [code for code in arguments["fail_on"] if code != ""]
        elif arguments.get("fail_on") == "":
            arguments["fail_on"] = []
        return validate(ArgumentSpecValidator(ARGUMENT_SPEC), arguments)

    def _audit(self, parameters: Json, hostvars: t.Mapping[str, t.Any]) -> Json:
        limits = Limits(
            pending=_duration(parameters, "pending_minutes", 60),
            offline=_duration(parameters, "offline_hours", 3600),
        )
        hosts = [str(host) for host in parameters["hosts"]]
        seen, listings = _gathered(hosts, hostvars)
        report = _audit.audit(
            seen,
            listings,
            _names_elsewhere(hosts, hostvars),
            limits,
            _timestamps.now(),
        )
        data = _audit.as_json(report)
        written = [] if self._task.check_mode else _write(parameters, report, data)
        table = _audit_text.table(report)
        _show(table, written)
        return {
            "changed": False,
            **{field: data[field] for field in ("totals", "findings", "stale", "newest_versions")},
            "rows": [row for row in data["rows"] if row["findings"]],
            "failing": _failing(report, parameters["fail_on"]),
            "files": written,
            "table": table.splitlines(),
        }


def _duration(parameters: Json, option: str, seconds: int) -> datetime.timedelta:
    value = parameters[option]
    if not (math.isfinite(value) and 0 <= value <= 1_000_000):
        raise error("invalid_arguments", f"{option} must be a number from 0 to 1000000, not {value}.")
    return datetime.timedelta(seconds=value * seconds)


def _gathered(hosts: t.Sequence[str], hostvars: t.Mapping[str, t.Any]) -> tuple[list[Seen], list[Listed]]:
    """What was noted for each host, and each account once. Raises V(audit_incomplete) where an account is missing."""
    seen: list[Seen] = []
    listings: dict[Account, Listed] = {}
    silent: list[str] = []
    for host in hosts:
        facts = hostvars[host]
        notes = to_plain(facts.get(SEEN, {}))
        seen += [_seen(host, note) for note in notes.values()]
        if not notes:
            silent.append(host)
        for listed in to_plain(facts.get(LISTED, [])):
            account = Account(listed["endpoint"], listed["api_key_id"])
            # What was registered is a listing's result, field by field that of a Runner.
            listings.setdefault(
                account, Listed(account, host, tuple(Runner.from_dict(one) for one in listed["runners"]))
            )
    missing = sorted({one.account for one in seen} - set(listings))
    if missing or not listings:
        whose = ", ".join(str(account) for account in missing)
        raise error(
            "audit_incomplete",
            f"The runners of the account {whose} were not listed; an earlier task tells why."
            if missing
            else "Nothing was noted for any of the hosts. Include the role community.soda.soda_runner with"
            " tasks_from: audit before, and look at what failed there.",
        )
    if silent:
        # The role stopped before it could note an account. Where there is but one, theirs is not in doubt.
        account = next(iter(listings))
        seen += [Seen(host, host, account, failure="its variables were refused; the run tells why") for host in silent]
    return seen, list(listings.values())


def _seen(host: str, note: Json) -> Seen:
    # Before ansible-core 2.19 a template gives an empty text for null, and text for a number.
    key, failure = note["key"] or None, note["failure"] or None
    reached, wanted = boolean(note["reached"]), boolean(note["wanted"])
    if failure is None and reached and wanted and not boolean(note["looked"]):
        # Not the module failed, but what Ansible does before it: what the host holds is not known.
        failure = {"message": note["said"] or "the host could not be looked at; the run tells why"}
    return Seen(
        host=host,
        name=note["name"],
        account=Account(note["endpoint"], note["api_key_id"]),
        wanted=wanted,
        reached=reached,
        failure=None if failure is None else failure["message"],
        issued_at=None if key is None else key["issued_at"],
        differs=() if key is None else tuple(_differing(key, note)),
    )


def _differing(key: Json, note: Json) -> t.Iterator[str]:
    if key["key_version"] < int(note["key_version"]):
        yield f"the key has the key_version {key['key_version']}, and {note['key_version']} is declared"
    if boolean(note["key_changed"]):
        yield "the key file"
    yield from (file["path"] for file in note["files"] if file["changed"])
    if boolean(note["escrow_emptied"]):
        yield "a key waits in escrow"


def _names_elsewhere(hosts: t.Sequence[str], hostvars: t.Mapping[str, t.Any]) -> set[str]:
    """
    The names of runners that the other hosts of the inventory declare, as far as the inventory tells.

    A host that is there only because Soda Cloud lists it, by the inventory plugin, declares none.
    """
    names = set()
    for host in set(hostvars) - set(hosts):
        variables = hostvars[host]
        groups = [group for group in variables.get("group_names", []) if group != "ungrouped"]
        if "soda_id" in variables and groups and all(group.startswith("soda_") for group in groups):
            continue
        if variables.get("soda_runner_state", "present") != "absent":
            names.add(str(variables.get("soda_runner_name", host)))
    return names


def _write(parameters: Json, report: Report, data: Json) -> list[str]:
    """Write the files that are asked for, each in one step. Their paths."""
    contents: dict[str, t.Callable[[], str]] = {
        "json_path": lambda: json.dumps(data, indent=1) + "\n",
        "html_path": lambda: _audit_page.page(report),
    }
    mode = _mode(parameters["mode"])
    written = []
    for option, content in contents.items():
        path = parameters[option]
        if path:
            target = TargetFile(path, "audit_path_unusable")
            target.write(content().encode(), lambda temporary: os.chmod(temporary, mode))
            written.append(target.path)
    return written


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise error("invalid_arguments", f"mode must be octal and quoted, such as '0640', not {text!r}.")
    return mode


def _show(table: str, written: t.Sequence[str]) -> None:
    """Show the table as it is: a task's result would be quoted. Not where a program reads what Ansible prints."""
    if constants.DEFAULT_STDOUT_CALLBACK.rpartition(".")[2] in ("json", "jsonl"):
        return
    Display().display("\n".join(["", table, *(f"Written: {path}" for path in written), ""]))


def _failing(report: Report, fail_on: t.Collection[str]) -> dict[str, int]:
    """How many rows have each finding that is to fail the run."""
    return {code: count for code, count in report.found().items() if count and (code in fail_on or ANY in fail_on)}
