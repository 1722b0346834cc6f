# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The evidence for deleting stale runners: a report of the audit, or the list that it gives to automation platforms."""

from __future__ import annotations

import datetime
import json
import math
import typing as t

from ...module_utils import _timestamps
from ...module_utils._account import Account
from ...module_utils._errors import InvalidArguments, ReportUnusable
from ...module_utils._key.atomic_write import TargetFile
from ...module_utils._paths import expand
from .._audit.report import FORMAT, FORMAT_VERSION
from .removal import Evidence

MAX_AGE_HOURS = 24.0
LARGEST = 512 * 1024 * 1024
"""No report of 100,000 runners is larger than this number of bytes."""
AHEAD = datetime.timedelta(minutes=5)
"""How far the clock of the machine that wrote the report may be ahead."""

AGAIN = "Run community.soda.audit again."


def read_report(path: str, max_age_hours: float, now: datetime.datetime) -> list[Evidence]:
    """The stale runners of a report file. Raises V(report_unusable)."""
    path = expand(path)
    # Raises V(untrusted_file) if another user could have written the report.
    content = TargetFile(path, ReportUnusable.code).read(LARGEST)
    if content is None:
        raise _unusable(f"The report {path} does not exist. Check soda_decommission_audit.")
    try:
        report = json.loads(content)
    except ValueError as exc:
        raise _unusable(f"The report {path} is not JSON. Set soda_decommission_audit to the JSON file.") from exc
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise _unusable(
            f"{path} is not a report of community.soda.audit. Set soda_decommission_audit to its JSON file."
        )
    if report.get("format_version") != FORMAT_VERSION:
        raise _unusable(f"The report {path} has the format of another version of community.soda. {AGAIN}")
    _refuse_old(report.get("generated_at"), max_age_hours, now)
    return [_evidence(runner) for runner in report.get("stale") or ()]


def read_list(runners: t.Any, max_age_hours: float, now: datetime.datetime) -> list[Evidence]:
    """The stale runners of C(soda_decommission_runners). Raises V(report_unusable)."""
    if isinstance(runners, str):
        # Surveys and extra variables of platforms can only be text.
        try:
            runners = json.loads(runners)
        except ValueError as exc:
            raise _unusable("soda_decommission_runners is not a list. Pass on what the audit job returned.") from exc
    if not isinstance(runners, list):
        raise _unusable("soda_decommission_runners is not a list. Pass on what the audit job returned.")
    for runner in runners:
        _refuse_old(runner.get("reported_at") if isinstance(runner, dict) else None, max_age_hours, now)
    return [_evidence(runner) for runner in runners]


def read_max_age(value: t.Any) -> float:
    try:
        hours = MAX_AGE_HOURS if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        hours = math.nan
    if not (math.isfinite(hours) and hours > 0):
        raise InvalidArguments(f"soda_decommission_max_age_hours must be a number above 0, not {value!r}.")
    return hours


def _evidence(runner: t.Any) -> Evidence:
    for field in ("id", "name", "endpoint", "api_key_id"):
        if not isinstance(runner, dict) or not isinstance(runner.get(field), str) or not runner[field]:
            raise _unusable(f"A stale runner of the report has no {field}. {AGAIN}")
    seen = runner.get("last_seen_timestamp")
    return Evidence(
        id=runner["id"],
        name=runner["name"],
        endpoint=Account(runner["endpoint"], runner["api_key_id"]).endpoint,
        api_key_id=runner["api_key_id"],
        last_seen_timestamp=seen if isinstance(seen, str) else None,
    )


def _refuse_old(generated_at: t.Any, max_age_hours: float, now: datetime.datetime) -> None:
    moment = _timestamps.parse(generated_at) if isinstance(generated_at, str) else None
    if moment is None or moment > now + AHEAD:
        raise _unusable(f"The report has no valid time. {AGAIN}")
    if now - moment > datetime.timedelta(hours=max_age_hours):
        raise _unusable(
            f"The report is of {generated_at}, which is more than {max_age_hours:g} hours ago. {AGAIN}"
            " (soda_decommission_max_age_hours sets the limit.)"
        )


def _unusable(message: str) -> Exception:
    return ReportUnusable(message + " Nothing was deleted.")
