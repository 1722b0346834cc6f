# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The evidence for deleting stale runners: a report of the audit, or the list that it gives to automation platforms."""

from __future__ import annotations

import datetime
import json
import typing as t

from ...module_utils._account import Account
from ...module_utils._errors import ReportUnusable
from ...module_utils._numbers import check_duration
from .._audit.report import MAX_AGE_HOURS, stale_runners
from .removal import Evidence


def read_report(path: str, max_age_hours: float, now: datetime.datetime) -> list[Evidence]:
    """The stale runners of a report file. Raises V(report_unusable), or V(untrusted_file) if others may write it."""
    return _evidence(path, max_age_hours, now)


def read_list(runners: t.Any, max_age_hours: float, now: datetime.datetime) -> list[Evidence]:
    """The stale runners of C(soda_decommission_runners). Raises V(report_unusable)."""
    if isinstance(runners, str):
        # Surveys and extra variables of platforms can only be text.
        try:
            runners = json.loads(runners)
        except ValueError:
            runners = None
    if not isinstance(runners, list):
        raise _unusable("soda_decommission_runners is not a list. Pass on what the audit job returned.")
    return _evidence(runners, max_age_hours, now)


def read_max_age(value: t.Any) -> float:
    given = MAX_AGE_HOURS if value is None or value == "" else value
    return check_duration("soda_decommission_max_age_hours", given, "hours")


def _evidence(source: t.Any, max_age_hours: float, now: datetime.datetime) -> list[Evidence]:
    try:
        runners = stale_runners(source, max_age_hours, now)
    except ReportUnusable as exc:
        raise _unusable(str(exc)) from exc
    return [
        Evidence(
            id=one.id,
            name=one.name,
            endpoint=Account(one.endpoint, one.api_key_id).endpoint,
            api_key_id=one.api_key_id,
            last_seen_timestamp=one.last_seen_timestamp,
        )
        for one in runners
    ]


def _unusable(message: str) -> Exception:
    return ReportUnusable(message + " Nothing was deleted.")
