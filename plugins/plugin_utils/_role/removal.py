# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
What may be deleted: decision tables. No I/O and no Ansible.

Each function returns an outcome, or raises a failure that ends the task. Nothing is removed after a failure.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import typing as t

from ...module_utils import _timestamps
from ...module_utils._api.text import MARK
from ...module_utils._errors import RunnerOnline

Json = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Deletion:
    """The result of deleting a runner in Soda Cloud. In check mode, the predicted result."""

    registered_before: bool
    registered_after: bool
    """The module leaves an online runner alone, and reports it as registered."""
    changed: bool

    @classmethod
    def of_result(cls, result: Json) -> Deletion:
        return cls(
            registered_before=result["diff"]["before"]["registration"] == "registered",
            registered_after=result["registration"] == "registered",
            changed=bool(result["changed"]),
        )

    @property
    def deleted(self) -> bool:
        return self.changed and self.registered_before and not self.registered_after


def ids_by_name(runners: t.Iterable[Json]) -> dict[str, list[str]]:
    """The ids of the listed runners. A runner without an id is left out, and one whose name identifies nothing."""
    ids: dict[str, list[str]] = {}
    for runner in runners:
        if runner["id"] is not None and runner["name"] is not None and MARK not in runner["name"]:
            ids.setdefault(runner["name"], []).append(runner["id"])
    return ids


def refuse_online(deletion: Deletion, name: str) -> None:
    """Raise V(runner_online) if the runner was not deleted. Then its key and configuration must stay too."""
    if deletion.registered_after:
        raise RunnerOnline(
            f"The runner {name!r} is online, so nothing was deleted. Stop the runner on its host and run the play"
            " again, or set soda_runner_delete_online to true.",
        )


class Verdict(enum.Enum):
    """What happens to a runner that a report calls stale."""

    DELETE = "deleted"
    GONE = "no longer listed"
    DECLARED = "declared by a host"
    ONLINE = "online"
    CHANGED = "seen since the report"
    UNKNOWN = "of unknown last contact"


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One runner that a report calls stale."""

    id: str
    name: str
    endpoint: str
    api_key_id: str
    last_seen_timestamp: str | None

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


def judge_stale(evidence: Evidence, runner: Json | None, declared_by: str | None) -> Verdict:
    """
    Whether a stale runner may be deleted.

    C(runner) is the runner with the id of the evidence as Soda Cloud reports it now, and C(declared_by) is the host
    that declares a runner of this name in this account.
    """
    if declared_by is not None:
        return Verdict.DECLARED
    if runner is None:
        return Verdict.GONE
    if runner["is_online"] is not False:
        return Verdict.ONLINE
    then, now = _moment(evidence.last_seen_timestamp), _moment(runner["last_seen_timestamp"])
    if then is None or now is None:
        return Verdict.UNKNOWN
    if then != now or runner["name"] != evidence.name:
        return Verdict.CHANGED
    return Verdict.DELETE


def explain(verdict: Verdict, evidence: Evidence, declared_by: str | None) -> str | None:
    """Why a runner was not deleted, or nothing if it was."""
    runner = f"The runner {evidence.name!r} ({evidence.id}) was not deleted:"
    return {
        Verdict.DELETE: None,
        Verdict.GONE: None,
        Verdict.DECLARED: f"{runner} the host {declared_by} declares it. To delete it, decommission the host:"
        f" soda_runner_hosts={declared_by}.",
        Verdict.ONLINE: f"{runner} it is online, or Soda Cloud does not report that it is offline.",
        Verdict.CHANGED: f"{runner} its last contact or its name has changed since the report. Run the audit again.",
        Verdict.UNKNOWN: f"{runner} its last contact is not known. Delete it by id if it is gone.",
    }[verdict]


def _moment(timestamp: t.Any) -> datetime.datetime | None:
    moment = _timestamps.parse(timestamp)
    return None if moment is None or moment.timestamp() <= 0 else moment
