# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The report of an audit as a table for a terminal. No I/O and no Ansible."""

from __future__ import annotations

import typing as t
import unicodedata

from .compare import KINDS, STATES, Report, Row

MOST_ROWS = 100
"""More are counted, not shown: a terminal is no place to search 10,000 rows in."""

WIDEST = 40
"""Columns that a name or a host may take."""


def table(report: Report) -> str:
    """The totals, and what is not in order: a line for each runner, the gravest first."""
    totals = report.totals()
    lines = [
        f"{_counted(totals['runners'], 'runner')}, {_counted(totals['hosts'], 'host')}: {totals['in_order']} in order,"
        f" {totals['attention']} with findings, {totals['online']} online, {totals['stale']} stale",
    ]
    if totals["elsewhere"]:
        more = _counted(totals["elsewhere"], "runner")
        lines.append(f"{more} of hosts in the inventory that were not looked at")
    found = report.found()
    lines += [f"{found[kind.code]:>7}  {kind.code:<17} {kind.title}" for kind in KINDS if found[kind.code]]
    attention = [row for row in report.rows if row.findings]
    if attention:
        lines += ["", *_columns([("STATE", "RUNNER", "HOST", "WHAT WAS FOUND"), *map(_cells, attention[:MOST_ROWS])])]
    if len(attention) > MOST_ROWS:
        lines.append(f"… and {len(attention) - MOST_ROWS} more, which the report files have")
    return "\n".join(lines)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def shown(text: str) -> str:
    """
    A text from Soda Cloud or from a host, such that a terminal does nothing but show it.

    What does not print is written as an escape sequence: control characters, and what turns the direction around.
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _cells(row: Row) -> tuple[str, ...]:
    details = []
    for number, finding in enumerate(row.findings):
        title = "" if not number else STATES[finding.code].lower()
        details.append(": ".join(filter(None, (title, finding.detail))))
    if row.stale:
        details.append("stale")
    return STATES[row.state], row.name or "(no name)", row.host or "-", "; ".join(filter(None, details))


def _columns(rows: t.Sequence[tuple[str, ...]]) -> t.Iterator[str]:
    cells = [[_cut(shown(cell)) for cell in row[:-1]] + [shown(row[-1])] for row in rows]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(cells[0]) - 1)]
    for row in cells:
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths)]
        yield "  ".join([*padded, row[-1]]).rstrip()


def _cut(text: str) -> str:
    if _width(text) <= WIDEST:
        return text
    text = text[:WIDEST]
    while _width(text) > WIDEST - 1:
        text = text[:-1]
    return text + "…"


def _width(text: str) -> int:
    """How many columns a terminal takes for it."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
        for char in text
    )
