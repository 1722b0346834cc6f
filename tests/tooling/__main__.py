# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m tooling [PLAN]`` or ``python -m tooling PART [ARGUMENT…]``: run parts, and print one table."""

from __future__ import annotations

import contextlib
import importlib
import sys
import time
import typing as t

from . import hosts, tree
from .plans import PLANS, beside
from .result import Result

# Each part is a module of this package, or named here.
_MODULES = {"leaks": "leak_test"}

PARTS = (
    *("adoption", "attack", "browser", "coverage", "crash", "deep", "docs", "eda", "examples", "hosts", "integration"),
    *(
        "kills",
        "kubernetes",
        "leaks",
        "limits",
        "lint",
        "matrix",
        "molecule",
        "mutation",
        "nox",
        "platform",
        "sanity",
        "tarball",
        "units",
    ),
    *("vault", "vendor", "vulnerabilities"),
)


def main(arguments: list[str]) -> int:
    """Run one part with its arguments, or the parts of a plan."""
    name, *rest = arguments or ["test"]
    if name not in PARTS and name not in PLANS:
        print(f"Unknown part {name}. Parts: {', '.join(PARTS)}. Plans: {', '.join(PLANS)}.", file=sys.stderr)
        return 2
    rows: list[tuple[str, float, Result]] = []
    with contextlib.ExitStack() as stack:
        if name in PARTS:
            rows.append(_timed(name, rest))
        else:
            plan = PLANS[name]
            obstacles = {part: hosts.obstacle() if part == "hosts" else "" for part, _given in plan.beside}
            finishes = {
                part: stack.enter_context(beside(part, *given)) for part, given in plan.beside if not obstacles[part]
            }
            rows += [_timed(part, list(given)) for part, given in plan.rows]
            rows += [(part, *finish()) for part, finish in finishes.items()]
            for part, obstacle in obstacles.items():
                if obstacle:
                    print(f"\n{part} was not run: {obstacle}")
    print(_heading("Result"))
    print(f"{'part':<15} {'':<6} {'passed':>7} {'failed':>7} {'seconds':>8}")
    for part, seconds, result in rows:
        mark = "FAILED" if result.failed else "ok"
        print(f"{part:<15} {mark:<6} {result.passed:>7} {result.failed:>7} {seconds:>8.0f}   {result.summary}")
    passed = sum(result.passed for _part, _seconds, result in rows)
    failed = sum(result.failed for _part, _seconds, result in rows)
    print(f"\nLogs: {tree.LOGS.relative_to(tree.ROOT)}")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def _timed(part: str, arguments: list[str]) -> tuple[str, float, Result]:
    print(_heading(" ".join([part, *arguments])), flush=True)
    started = time.monotonic()
    log = tree.LOGS / f"{part}.log"
    log.parent.mkdir(parents=True, exist_ok=True)  # for the additional logs of a part
    with tree.only_one(part):
        log.unlink(missing_ok=True)
        try:
            run = importlib.import_module(f"tooling.{_MODULES.get(part, part)}").main
            result = t.cast(Result, run(arguments, log))
        except Exception as exc:  # one broken part must not hide the results of the others
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
