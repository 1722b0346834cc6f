# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
Writes the report of an audit as JSON, and reads the stale runners from it.

A report decides what is deleted, so its path, its owner, its age and every field are checked.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

from ...module_utils import _timestamps
from ...module_utils._account import Account
from ...module_utils._api.text import sanitize
from ...module_utils._errors import ReportUnusable
from ...module_utils._key.atomic_write import TargetFile
from ...module_utils._paths import expand
from .model import Report, Row

FORMAT = "community.soda.audit"
FORMAT_VERSION = 1

MAX_AGE_HOURS = 24.0
"""Runners are deleted by a report that is not older than this."""

LARGEST = 256 * 1024 * 1024
"""100,000 rows are about 60 MB."""

Json = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class StaleRunner:
    """What identifies a stale runner, and what must not have changed since the report if it is to be deleted."""

    id: str
    endpoint: str
    api_key_id: str
    name: str
    host: str | None
    """The host of the inventory that declares it. None if there is none, or if several runners have the name."""
    listed_by: str
    """A host whose variables have the Soda Cloud API key of the account."""
    last_seen_timestamp: str
    """ISO 8601, as Soda Cloud wrote it."""
    reported_at: str
    """When the audit listed it, ISO 8601."""


_OPTIONAL = ("host",)
FIELDS = tuple(field.name for field in dataclasses.fields(StaleRunner))


# Write


def to_json(report: Report) -> Json:
    """The report as the JSON file has it."""
    listed_by = {listing.account: listing.listed_by for listing in report.accounts}
    moment = _timestamps.to_text(report.moment)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "generated_at": moment,
        "limits": {
            "pending_minutes": report.limits.pending.total_seconds() / 60,
            "offline_hours": report.limits.offline.total_seconds() / 3600,
        },
        "accounts": [
            {
                **_identity(listing.account),
                "listed_by": listing.listed_by,
                "runners": None if listing.runners is None else len(listing.runners),
                "failure": listing.failure,
            }
            for listing in report.accounts
        ],
        "totals": report.totals(),
        "findings": report.found(),
        "newest_versions": report.newest,
        "rows": [_row_to_json(row) for row in report.rows],
        "stale": [dataclasses.asdict(_stale(row, listed_by, moment)) for row in report.rows if row.stale],
    }


def _row_to_json(row: Row) -> Json:
    return {
        "name": row.name,
        "host": row.host,
        **_identity(row.account),
        "state": row.state,
        "findings": [{"code": finding.code, "detail": finding.detail} for finding in row.findings],
        "key_issued_at": row.issued_at,
        "runner": None if row.runner is None else row.runner.to_dict(),
        "stale": row.stale,
    }


def _identity(account: Account | None) -> Json:
    return {
        "endpoint": None if account is None else account.endpoint,
        "api_key_id": None if account is None else account.api_key_id,
    }


def _stale(row: Row, listed_by: t.Mapping[Account, str], moment: str) -> StaleRunner:
    runner, account = t.cast(t.Any, row.runner), t.cast(Account, row.account)
    return StaleRunner(
        id=runner.id,
        endpoint=account.endpoint,
        api_key_id=account.api_key_id,
        name=runner.name,
        # If several runners have the name, it is unknown which of them the files on the host belong to.
        host=row.host if row.alone else None,
        listed_by=listed_by[account],
        last_seen_timestamp=runner.last_seen_timestamp,
        reported_at=moment,
    )


# Read


def stale_runners(source: t.Any, max_age_hours: float, now: datetime.datetime) -> list[StaleRunner]:
    """
    The stale runners of a report at a path, or of the list that the audit gives to automation platforms.

    Raises V(report_unusable) if the report is not ours, too old, from the future or incomplete.
    """
    times, entries = set(), source
    if isinstance(source, str):
        report = _read(source)
        times, entries = {report.get("generated_at")}, report.get("stale")
    if not isinstance(entries, list):
        raise ReportUnusable(f"Give the path of a report or a list of runners, not {type(entries).__name__}.")
    runners = [_parse(entry) for entry in entries]
    for reported_at in times | {runner.reported_at for runner in runners}:
        _check_age(reported_at, max_age_hours, now)
    return runners


def _read(path: str) -> Json:
    file = TargetFile(expand(path), ReportUnusable)
    content = file.read(largest=LARGEST)
    if content is None:
        raise ReportUnusable(f"The report {file.path} does not exist. Run community.soda.audit first.")
    try:
        report = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise ReportUnusable(f"{file.path} is not JSON. Name the JSON file that the audit wrote.") from exc
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise ReportUnusable(f"{file.path} is not a report of community.soda.audit.")
    if report.get("format_version") != FORMAT_VERSION:
        raise ReportUnusable(f"Another version of community.soda wrote {file.path}. Run the audit again.")
    return t.cast(Json, report)


def _parse(entry: t.Any) -> StaleRunner:
    if not isinstance(entry, dict):
        raise ReportUnusable("An entry of the stale runners is not a mapping. Run the audit again.")
    values = {}
    for field in FIELDS:
        value = entry.get(field)
        if not (isinstance(value, str) and value) and not (field in _OPTIONAL and value is None):
            raise ReportUnusable(f"A stale runner of the report has no {field}. Run the audit again.")
        values[field] = None if value is None else sanitize(value)
    return StaleRunner(**t.cast(dict[str, t.Any], values))


def _check_age(reported_at: t.Any, max_age_hours: float, now: datetime.datetime) -> None:
    moment = _timestamps.parse(reported_at)
    if moment is None:
        raise ReportUnusable("The time of the report is unreadable. Run the audit again.")
    age = (now - moment).total_seconds() / 3600
    if age < -1 / 12:
        raise ReportUnusable(f"The report is from the future ({reported_at}). Check the clocks.")
    if age > max_age_hours:
        raise ReportUnusable(
            f"The report of {reported_at} is {age:.0f} hours old. The limit is {max_age_hours:g} hours"
            " (max_age_hours). Run community.soda.audit again.",
        )
