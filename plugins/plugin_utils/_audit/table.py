# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The report of an audit as a table for the terminal. No I/O and no Ansible."""

from __future__ import annotations

import typing as t
import unicodedata

from ...module_utils._wording import count
from . import sentences
from .findings import KINDS, STATES
from .model import Report, Row

MOST_ROWS = 100
"""The table shows no more rows. The report files have all of them."""

WIDEST = 40
"""The columns that a name or a host may take."""


def render_table(report: Report) -> str:
    """The totals, and a line for each row with findings, most severe first."""
    lines = [sentences.verdict(report), sentences.population(report)]
    if report.elsewhere:
        lines.append(sentences.elsewhere(report))
    found = report.found()
    lines += [f"{found[kind.code]:>7}  {kind.code:<22} {kind.title}" for kind in KINDS if found[kind.code]]
    attention = [row for row in report.rows if row.findings]
    if attention:
        lines += ["", *_columns([("STATE", "RUNNER", "HOST", "FINDINGS"), *map(_cells, attention[:MOST_ROWS])])]
    if len(attention) > MOST_ROWS:
        lines.append(f"… and {count(len(attention) - MOST_ROWS, 'more row')} in the report files")
    return "\n".join(lines)


def printable(text: str) -> str:
    """The text with an escape sequence for each character that a terminal would not print as it is."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _cells(row: Row) -> tuple[str, ...]:
    details = []
    for number, finding in enumerate(row.findings):
        # The first finding is the state, which has a column.
        title = STATES[finding.code] if number else ""
        details.append(": ".join(filter(None, (title, finding.detail))))
    if row.stale:
        details.append("stale")
    return STATES[row.state], row.name or "(no name)", row.host or "-", "; ".join(filter(None, details))


def _columns(rows: t.Sequence[tuple[str, ...]]) -> t.Iterator[str]:
    cells = [[_cut(printable(cell)) for cell in row[:-1]] + [printable(row[-1])] for row in rows]
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
    """How many columns the text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
        for char in text
    )
