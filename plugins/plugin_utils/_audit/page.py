# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The report of an audit as one HTML page that needs nothing else. Its markup, style and script stand beside this file.

The rows are data in the page, which the script turns into text. Its own policy allows the page this one script and this
one style, and no request to anywhere.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import html
import json
import re
import typing as t
from pathlib import Path

from .compare import (
    CONTACTS,
    HOSTED,
    IN_ORDER,
    KINDS,
    STATES,
    WAITING,
    Report,
    Row,
)

LEVELS = {
    **{kind.code: "urgent" if kind.urgent else "notice" for kind in KINDS},
    IN_ORDER: "good",
    WAITING: "other",
    HOSTED: "other",
}
"""How each state looks."""

CONTACT_LEVELS = {"online": "good", "week": "notice", "month": "notice", "longer": "urgent"}

COLUMNS = (
    ("name", "Runner"),
    ("state", "State"),
    ("host", "Host"),
    ("contact", "Last contact"),
    ("versions", "Versions"),
    ("findings", "What was found"),
)

ORDERS = (
    ("state up", "State, the gravest first"),
    ("state down", "State, the gravest last"),
    ("name up", "Runner, A to Z"),
    ("name down", "Runner, Z to A"),
    ("host up", "Host, A to Z"),
    ("host down", "Host, Z to A"),
    ("contact up", "Last contact, the latest first"),
    ("contact down", "Last contact, the latest last"),
    ("versions up", "Versions, the lowest first"),
    ("versions down", "Versions, the highest first"),
    ("findings up", "Most findings first"),
    ("findings down", "Most findings last"),
)


def page(report: Report) -> str:
    """The whole page."""
    style, script = _beside("page.css"), _beside("page.js")
    parts = {
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:;"
        " base-uri 'none'; form-action 'none'",
        "style": style,
        "script": script,
        "data": embedded(_data(report)),
        "when": html.escape(_moment(report.moment)),
        "where": html.escape(", ".join(sorted({listing.account.endpoint for listing in report.accounts}))),
        "verdict": html.escape(_verdict(report)),
        "share": _share(report),
        "totals": _totals(report),
        "heads": "\n".join(_head(by, title) for by, title in COLUMNS),
        "orders": "\n".join(f'<option value="{value}">{title}</option>' for value, title in ORDERS),
        "meanings": _meanings(report),
        "limits": html.escape(_limits(report)),
    }
    # In one pass, so that nothing in a part is taken for a place to fill.
    return re.sub(r"@(\w+)@", lambda place: parts[place[1]], _beside("page.html"))


def embedded(data: t.Any) -> str:
    """JSON that may stand in a page: nothing in it ends the element that it is in, or begins another. It is ASCII."""
    text = json.dumps(data, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _data(report: Report) -> dict[str, t.Any]:
    states, contacts = list(STATES), list(CONTACTS)
    by_state, by_contact = dict.fromkeys(states, 0), dict.fromkeys(contacts, 0)
    for row in report.rows:
        by_state[row.state] += 1
        by_contact[row.contact] += 1
    accounts = sorted({row.account for row in report.rows})
    several = len(accounts) > 1
    return {
        "moment": report.moment.astimezone(datetime.timezone.utc).isoformat(),
        "states": [
            {"title": STATES[code], "level": LEVELS[code], "count": by_state[code], "always": code == IN_ORDER}
            for code in states
        ],
        "contacts": [
            {
                "title": CONTACTS[code],
                "level": CONTACT_LEVELS.get(code, "other"),
                "count": by_contact[code],
                "always": code != "unknown",
            }
            for code in contacts
        ],
        "accounts": [f"{account.endpoint} {account.api_key_id}" for account in accounts],
        "rows": [
            _row(
                row,
                states.index(row.state),
                contacts.index(row.contact),
                accounts.index(row.account) if several else None,
            )
            for row in report.rows
        ],
    }


def _row(row: Row, state: int, contact: int, account: int | None) -> list[t.Any]:
    """What the script knows by position."""
    runner = row.runner
    codes = list(STATES)
    return [
        row.name,
        runner and runner.id,
        row.host,
        state,
        contact,
        runner and runner.last_seen_timestamp,
        None if runner is None or runner.type in ("SELF_HOSTED", None) else runner.type,
        "" if runner is None else ", ".join(f"{part} {version}" for part, version in sorted(runner.versions.items())),
        [[codes.index(finding.code), finding.detail] for finding in row.findings],
        int(row.stale),
        row.issued_at,
        account,
    ]


def _verdict(report: Report) -> str:
    totals = report.totals()
    if not totals["rows"]:
        return "No runner is listed, and no host declares one."
    if not totals["attention"]:
        return f"All {totals['rows']:,} are in order."
    verb = "needs" if totals["attention"] == 1 else "need"
    return f"{totals['attention']:,} of {totals['rows']:,} {verb} attention."


def _share(report: Report) -> str:
    counts = dict.fromkeys(("urgent", "notice", "good", "other"), 0)
    for row in report.rows:
        counts[LEVELS[row.state]] += 1
    titles = {
        "urgent": "need action",
        "notice": "worth a look",
        "good": "in order",
        "other": "waiting or hosted by Soda",
    }
    signs = {"urgent": "▲", "notice": "◆", "good": "✓", "other": "○"}
    there = {level: count for level, count in counts.items() if count}
    spans = "".join(f'<span class="{level}" data-count="{count}"></span>' for level, count in there.items())
    key = "".join(
        f'<li><span class="sign {level}" aria-hidden="true">{signs[level]}</span><b>{count:,}</b> {titles[level]}</li>'
        for level, count in there.items()
    )
    return f'<div class="share" aria-hidden="true">{spans}</div>\n<ul class="key">{key}</ul>' if there else ""


def _totals(report: Report) -> str:
    totals = report.totals()
    shown = [
        ("runners", "Runners"),
        ("hosts", "Hosts"),
        ("online", "Online now"),
        ("in_order", "Nothing found"),
        ("attention", "With findings"),
        ("stale", "Stale"),
    ]
    return "\n".join(f'<div class="card"><dt>{title}</dt><dd>{totals[field]:,}</dd></div>' for field, title in shown)


def _head(by: str, title: str) -> str:
    return (
        f'<th scope="col" role="columnheader" aria-sort="none" data-by="{by}">'
        f'<button type="button" class="sort">{title}</button></th>'
    )


def _meanings(report: Report) -> str:
    found = report.found()
    told = [(kind.title, kind.meaning, html.escape(kind.remedy)) for kind in KINDS if found[kind.code]]
    if any(row.stale for row in report.rows):
        told.append(
            (
                "Stale",
                "A self-hosted runner that is not online, and was offline for longer than is allowed or is in no"
                " inventory.",
                "Delete them with <code>ansible-playbook -i INVENTORY community.soda.decommission -e"
                " soda_decommission_audit=soda-audit.json</code>; look at it with <code>--check</code> first.",
            )
        )
    return "\n".join(
        f"<div><dt>{html.escape(title)}</dt><dd>{html.escape(meaning)}</dd><dd>{remedy}</dd></div>"
        for title, meaning, remedy in told
    )


def _limits(report: Report) -> str:
    minutes = report.limits.pending.total_seconds() / 60
    hours = report.limits.offline.total_seconds() / 3600
    more = report.elsewhere
    said = f"A runner may take {minutes:g} minutes to register, and be offline for {hours:g} hours."
    if more:
        said += f" {more:,} more runners belong to hosts of the inventory that were not looked at."
    return said


def _moment(moment: datetime.datetime) -> str:
    utc = moment.astimezone(datetime.timezone.utc)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_bytes().decode()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
