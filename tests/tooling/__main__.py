# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m tooling [PART [ARGUMENT…]]``: run one part, or those of ``make test``, or ``everything``; one table."""

from __future__ import annotations

import sys
import time
import typing as t

from . import (
    browser,
    coverage,
    crash,
    deep,
    dist,
    docs,
    eda,
    everything,
    examples,
    hosts,
    integration,
    leak_test,
    limits,
    lint,
    matrix,
    molecule,
    mutation,
    nox,
    platform,
    sanity,
    tarball,
    tree,
    units,
    vendor,
    vulnerabilities,
)
from .result import Result

Part = t.Callable[..., Result]

# What ``make test`` runs: it needs Python and git, and neither root nor containers.
EVERYWHERE: dict[str, Part] = {
    "lint": lint.main,
    "units": units.main,
    "sanity": sanity.main,
    "integration": integration.main,
    "molecule": molecule.main,
    "platform": platform.main,
}

# What ``make test-PART`` runs alone: it needs more of the machine, or more time.
ELSEWHERE: dict[str, Part] = {
    "browser": browser.main,
    "coverage": coverage.main,
    "crash": crash.main,
    "deep": deep.main,
    "dist": dist.main,
    "docs": docs.main,
    "eda": eda.main,
    "examples": examples.main,
    "hosts": hosts.main,
    "leaks": leak_test.main,
    "limits": limits.main,
    "matrix": matrix.main,
    "mutation": mutation.main,
    "nox": nox.main,
    "tarball": tarball.main,
    "vendor": vendor.main,
    "vulnerabilities": vulnerabilities.main,
}

PARTS = EVERYWHERE | ELSEWHERE
EVERYTHING = "everything"


def main(arguments: list[str]) -> int:
    """Run one part with its arguments, or all that run everywhere, or everything."""
    if arguments and arguments[0] not in {*PARTS, EVERYTHING}:
        print(f"There is no part {arguments[0]}; there are {', '.join(PARTS)}, and {EVERYTHING}.", file=sys.stderr)
        return 2
    if arguments[:1] == [EVERYTHING]:
        with everything.beside(everything.BESIDE) as finish:
            rows = [_timed(part, []) for part in everything.chosen(PARTS)]
            rows.append((everything.BESIDE, *finish()))
    else:
        rows = [_timed(part, arguments[1:]) for part in arguments[:1] or EVERYWHERE]
    print(_heading("Result"))
    print(f"{'part':<12} {'':<6} {'passed':>7} {'failed':>7} {'seconds':>8}")
    for part, seconds, result in rows:
        mark = "FAILED" if result.failed else "ok"
        print(f"{part:<12} {mark:<6} {result.passed:>7} {result.failed:>7} {seconds:>8.0f}   {result.summary}")
    passed = sum(result.passed for _part, _seconds, result in rows)
    failed = sum(result.failed for _part, _seconds, result in rows)
    print(f"\nLogs: {tree.LOGS.relative_to(tree.ROOT)}")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def _timed(part: str, arguments: list[str]) -> tuple[str, float, Result]:
    print(_heading(part), flush=True)
    started = time.monotonic()
    log = tree.LOGS / f"{part}.log"
    log.parent.mkdir(parents=True, exist_ok=True)  # also for the logs that a part writes beside its own
    with tree.only_one(part):
        log.unlink(missing_ok=True)
        try:
            result = PARTS[part](arguments, log)
        except Exception as exc:  # one broken part does not hide what the others find
            result = Result(0, 1, f"{type(exc).__name__}: {exc}")
    seconds = time.monotonic() - started
    print(f"{part}: {result.passed} passed, {result.failed} failed in {seconds:.0f} s ({result.summary})", flush=True)
    return part, seconds, result


def _heading(text: str) -> str:
    return f"\n=== {text} {'=' * (75 - len(text))}"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
