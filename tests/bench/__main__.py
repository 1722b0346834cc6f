# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m bench [ROW…] [--quick]``: measure rows against their rivals, and print a table for docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import traceback

from tooling import cores, tree

from . import hosts, listing
from .measure import Broken, Measure, Options, Row, say

MEASURES: dict[str, Measure] = {each.name: each for each in (*listing.ROWS, *hosts.ROWS)}


def main(arguments: list[str] | None = None) -> int:
    """Measure the rows; 1 if one is above its limit, or could not be measured."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the programs")
    options = parser.parse_args(arguments)
    unknown = set(options.rows) - set(MEASURES)
    if unknown:
        parser.error(f"unknown rows: {', '.join(sorted(unknown))}")
    results: dict[str, Row | None] = {}
    for name in options.rows or MEASURES:
        say(f"--- {name}")
        try:
            results[name] = MEASURES[name].measured(Options(quick=options.quick))
        except Exception as exc:  # one broken row must not hide the others
            results[name] = None
            say(f"{name}: {exc if isinstance(exc, Broken) else traceback.format_exc()}")
    say("\n".join(table(results)))
    say(f"\nansible-core {cores.version_of(tree.VENV)}, Python {platform.python_version()}, {os.cpu_count()} cores")
    return int(any(row is None or not MEASURES[name].met(row) for name, row in results.items()))


def table(results: dict[str, Row | None]) -> list[str]:
    """The rows in Markdown, each as docs/benchmarks.md has it, and the names of those that are not met."""
    lines = [
        "| run | compared with | collection | alternative | ratio | limit |",
        "| --- | --- | --: | --: | --: | --: |",
    ]
    not_met = []
    for name, row in results.items():
        measure = MEASURES[name]
        if row is None:
            not_met.append(f"{name} (not measured)")
            continue
        costs = " | ".join(f"{row[side]:,.2f} {measure.unit}" for side in ("ours", "rival"))
        what, against = measure.what.format(**row), measure.against.format(**row)
        lines.append(f"| `{name}`: {what} | {against} | {costs} | {row['ratio']:.2f} | {measure.limit:.2f} |")
        if not measure.met(row):
            not_met.append(name)
    return [*lines, "", f"Not met: {', '.join(not_met)}" if not_met else "All rows are met."]


if __name__ == "__main__":
    try:
        with tree.only_one("bench"):
            sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
