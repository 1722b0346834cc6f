# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m bench [--only ROW…] [--quick] [--page]``: measure the rows, each against its rival, and write the page.

Rows may be measured one by one, when the machine is quiet: what was measured before is kept in build/bench.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
import traceback
import typing as t
from pathlib import Path

from tooling import tree

from . import hosts, inventory, listing, page
from .machine import described
from .measure import WORK, Broken, say
from .rows import Growth, Measure, Options, Rows

MODULES: tuple[Rows, ...] = (listing.ROWS, hosts.ROWS, inventory.ROWS)
MEASURES: dict[str, Measure] = {name: each for rows in MODULES for name, each in rows.measures.items()}
GROWTHS: dict[str, Growth] = {f"grow_{name}": each for rows in MODULES for name, each in rows.growths.items()}
PARTS: dict[str, t.Callable[[Options], dict[str, float]]] = {"parts": listing.parts, "parts_hosts": hosts.parts}

Results = dict[str, dict[str, t.Any]]


def main(arguments: list[str] | None = None) -> int:
    """Measure, keep, write the page; 1 where a row is not what was to be reached, or could not be measured."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    every = [*PARTS, *MEASURES, *GROWTHS]
    parser.add_argument("--only", action="append", default=[], choices=every, metavar="ROW", help=", ".join(every))
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the programs; no page is written")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from what is kept")
    options = parser.parse_args(arguments)
    name = "quick" if options.quick else "results"
    kept = WORK / f"{name}.json"
    WORK.mkdir(parents=True, exist_ok=True)
    broken = []
    for row in [] if options.page else options.only or every:
        try:
            merge(kept, row, measured(row, Options(quick=options.quick)))
        except Exception as exc:  # one broken row does not hide what the others come to
            merge(kept, row, None)
            broken.append(row)
            say(f"{row}: {exc if isinstance(exc, Broken) else traceback.format_exc()}")
    results: Results = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    if not options.quick:
        page.write(results, MEASURES, GROWTHS)
    say(table(results))
    missed = [row for row, measure in MEASURES.items() if row in results and not measure.met(results[row])]
    for row in missed:
        say(f"NOT MET: {row}, {MEASURES[row].rule}")
    for row in broken:
        say(f"NOT MEASURED: {row}")
    return int(bool(missed or broken))


def measured(row: str, options: Options) -> dict[str, t.Any]:
    """Measure one row, and say where, when and of what."""
    say(f"--- {row}")
    started = time.monotonic()
    if row in MEASURES:
        result = MEASURES[row].measured(options)
    elif row in GROWTHS:
        result = GROWTHS[row].measured(options)
    else:
        result = {"seconds": PARTS[row](options)}
    say(f"{row}: {time.monotonic() - started:.0f} s")
    now = datetime.datetime.now(datetime.timezone.utc)
    return {**result, "when": now.isoformat(timespec="minutes"), "machine": described()}


def merge(kept: Path, row: str, result: dict[str, t.Any] | None) -> None:
    """Keep a row beside those that were measured before, or forget what it was."""
    results = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    results.pop(row, None)
    new = kept.with_suffix(".new")
    new.write_text(json.dumps(results if result is None else {**results, row: result}, indent=1) + "\n", "utf-8")
    new.rename(kept)


def table(results: Results) -> str:
    """The rows that are kept, for a terminal."""
    lines = [f"{'row':<14} {'ours':>9} {'rival':>9} {'ratio':>7} {'limit':>7}"]
    for name, measure in MEASURES.items():
        row = results.get(name)
        if row is not None:
            costs = f"{row['ours']:>9.2f} {row['rival']:>9.2f} {row['ratio']:>7.3f} {measure.limit:>7.3f}"
            lines.append(f"{name:<14} {costs}  {'met' if measure.met(row) else 'NOT MET'}")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        with tree.only_one("bench"):
            sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
