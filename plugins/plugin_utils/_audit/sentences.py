# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The sentences that the table and the page of an audit have in common. No I/O and no Ansible."""

from __future__ import annotations

from ...module_utils._wording import count
from .model import Report


def verdict(report: Report) -> str:
    """How many of the rows have findings."""
    totals = report.totals()
    if not totals["rows"]:
        return "No runner is listed, and no host declares one."
    subject = "1 runner" if totals["rows"] == 1 else f"{totals['rows']:,} runners and hosts"
    if not totals["attention"]:
        return f"No findings for {subject}."
    verb = "has" if totals["attention"] == 1 else "have"
    return f"{totals['attention']:,} of {subject} {verb} findings."


def population(report: Report) -> str:
    """How many runners are listed, and how many hosts are audited."""
    totals = report.totals()
    text = f"{count(totals['runners'], 'runner')} listed"
    if totals["runners"]:
        text += f": {totals['online']:,} online, {totals['stale']:,} stale"
    return f"{text}. {count(totals['hosts'], 'host')} audited."


def elsewhere(report: Report) -> str:
    """Which runners were not compared. Empty if there are none."""
    if not report.elsewhere:
        return ""
    return f"Not compared: {count(report.elsewhere, 'runner')} of hosts that are not part of this audit."
