# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The report of an audit as one HTML page that needs nothing else. Its markup, style and script are beside this file.

The rows are data in the page, and the script turns them into text. The policy of the page allows this one script and
this one style, and no request.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import html
import json
import re
import shlex
import typing as t
from pathlib import Path

from ...module_utils import _timestamps
from ...module_utils._wording import count
from . import sentences
from .findings import CONTACTS, HOSTED, IN_ORDER, KINDS, STALE_MEANING, STATES, WAITING
from .model import Report, Row

LEVELS = {
    **{kind.code: "urgent" if kind.urgent else "notice" for kind in KINDS},
    IN_ORDER: "good",
    WAITING: "other",
    HOSTED: "other",
}
"""How each state looks."""

CONTACT_LEVELS = {"online": "good", "week": "notice", "month": "notice", "longer": "urgent"}

SIGNS = {"urgent": "▲", "notice": "◆", "good": "✓", "other": "○"}

COLUMNS = (
    ("name", "Runner"),
    ("state", "State"),
    ("host", "Host"),
    ("contact", "Last contact"),
    ("versions", "Versions"),
    ("findings", "Findings"),
)

ORDERS = (
    ("state up", "State, most severe first"),
    ("state down", "State, most severe last"),
    ("name up", "Runner, A to Z"),
    ("name down", "Runner, Z to A"),
    ("host up", "Host, A to Z"),
    ("host down", "Host, Z to A"),
    ("contact up", "Last contact, newest first"),
    ("contact down", "Last contact, oldest first"),
    ("versions up", "Versions, lowest first"),
    ("versions down", "Versions, highest first"),
    ("findings up", "Most findings first"),
    ("findings down", "Fewest findings first"),
)

REPORT = "soda-audit.json"
"""The JSON report that the command for stale runners names, unless another was written."""


def render_page(report: Report, json_path: str | None = None) -> str:
    """The whole page. C(json_path) is where the JSON report is, for the command that decommissions stale runners."""
    style, script = _beside("page.css"), _beside("page.js")
    endpoints = sorted({listing.account.endpoint for listing in report.accounts})
    parts = {
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:;"
        " base-uri 'none'; form-action 'none'",
        "style": style,
        "script": script,
        "data": embed(_data(report)),
        "when": html.escape(_moment(report.moment)),
        "where": html.escape(", ".join(endpoints)),
        "verdict": html.escape(sentences.verdict(report)),
        "share": _share(report),
        "totals": html.escape(sentences.population(report)),
        "heads": "\n".join(_head(by, title) for by, title in COLUMNS),
        "orders": "\n".join(f'<option value="{value}">{title}</option>' for value, title in ORDERS),
        "links": _links(report),
        "stale": _stale(report, json_path or REPORT),
        "meanings": _meanings(report),
        "limits": html.escape(_limits(report)),
    }
    # Replaced in one pass, so that no text of a part is taken for a placeholder.
    return re.sub(r"@(\w+)@", lambda place: parts[place[1]], _beside("page.html"))


def embed(data: t.Any) -> str:
    """JSON for an element of a page, in ASCII: no text in it can end the element or begin another."""
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
    accounts = sorted({row.account for row in report.rows if row.account is not None})
    several = len(accounts) > 1
    return {
        "moment": _timestamps.to_text(report.moment),
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
        "accounts": [str(account) for account in accounts],
        "rows": [
            _row(
                row,
                states.index(row.state),
                contacts.index(row.contact),
                accounts.index(row.account) if several and row.account is not None else None,
            )
            for row in report.rows
        ],
    }


def _row(row: Row, state: int, contact: int, account: int | None) -> list[t.Any]:
    """The fields that the script reads by their position."""
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
        [] if runner is None else [f"{part} {version}" for part, version in sorted(runner.versions.items())],
        [[codes.index(finding.code), finding.detail] for finding in row.findings],
        int(row.stale),
        row.issued_at,
        account,
    ]


def _share(report: Report) -> str:
    totals = report.totals()
    counts = dict.fromkeys(("urgent", "notice"), 0)
    for row in report.rows:
        if row.findings:
            counts[LEVELS[row.state]] += 1
    entries = [
        ("urgent", counts["urgent"], "urgent"),
        ("notice", counts["notice"], "less urgent"),
        ("good", totals["in_order"] - totals["waiting"] - totals["hosted"], "in order"),
        ("other", totals["waiting"], "waiting to register"),
        ("other", totals["hosted"], "hosted by Soda"),
    ]
    entries = [entry for entry in entries if entry[1]]
    spans = "".join(f'<span class="{level}" data-count="{count}"></span>' for level, count, _title in entries)
    key = "".join(
        f'<li><span class="sign {level}" aria-hidden="true">{SIGNS[level]}</span><b>{count:,}</b> {title}</li>'
        for level, count, title in entries
    )
    return f'<div class="share" aria-hidden="true">{spans}</div>\n<ul class="key">{key}</ul>' if entries else ""


def _head(by: str, title: str) -> str:
    return (
        f'<th scope="col" role="columnheader" aria-sort="none" data-by="{by}">'
        f'<button type="button" class="sort">{title}</button></th>'
    )


def _links(report: Report) -> str:
    """Links to the sections below the table."""
    totals = report.totals()
    sections = [("charts", "Charts", True), ("stale-runners", "Stale runners", totals["stale"])]
    sections.append(("meanings", "Meanings", totals["attention"]))
    return "\n".join(f'<a href="#{name}">{title}</a>' for name, title, shown in sections if shown)


def _stale(report: Report, json_path: str) -> str:
    """How to decommission what is stale: two commands to copy. Empty if nothing is stale."""
    stale = report.totals()["stale"]
    if not stale:
        return ""
    option = shlex.quote(f"soda_decommission_audit={json_path}")
    command = f"ansible-playbook -i INVENTORY community.soda.decommission -e {option}"
    steps = "".join(
        f'<li>{title}<div class="command"><code id="{name}">{html.escape(text)}</code>'
        f'<button type="button" class="button copy" data-copies="{name}" hidden>Copy</button></div></li>'
        for name, title, text in (
            ("preview", "Preview the deletions:", f"{command} --check"),
            ("apply", "Delete the stale runners:", command),
        )
    )
    return (
        '<section class="card" aria-labelledby="stale-runners">\n'
        f'<h2 id="stale-runners">Decommission {count(stale, "stale runner")}</h2>\n'
        f'<p class="soft">{html.escape(STALE_MEANING)}</p>\n<ol class="commands">{steps}</ol>\n</section>'
    )


def _meanings(report: Report) -> str:
    found = report.found()
    return "\n".join(
        f"<div><dt>{html.escape(kind.title)}</dt><dd>{html.escape(kind.meaning)}</dd>"
        f"<dd>{html.escape(kind.remedy)}</dd></div>"
        for kind in KINDS
        if found[kind.code]
    )


def _limits(report: Report) -> str:
    minutes = report.limits.pending.total_seconds() / 60
    hours = report.limits.offline.total_seconds() / 3600
    text = f"A runner may take {minutes:g} minutes to register, and may be offline for {hours:g} hours."
    return f"{text} {sentences.elsewhere(report)}".rstrip()


def _moment(moment: datetime.datetime) -> str:
    utc = moment.astimezone(datetime.timezone.utc)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_bytes().decode()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
