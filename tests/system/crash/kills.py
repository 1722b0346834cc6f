# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m crash URL [--seed N] [--only WORD]``: run all kills, and print a table of the outcomes."""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import functools
import multiprocessing
import os
import typing as t

from emulator.client import Emulator

from . import modules, plays
from .outcome import Outcome, table
from .plays import Case
from .process import Victim
from .scenarios import SCENARIOS

RANDOM_ROWS = 12
"""Series of random kills for each scenario."""


def module_cases(emulator: Emulator, seed: int, only: str) -> list[Case]:
    """Each point of each scenario; at every third the play alone dies, too; and some rows of kills at random."""
    cases: list[Case] = []
    for scenario in SCENARIOS:
        if only not in scenario.name:
            continue
        length = len(modules.points(scenario, emulator))
        for at in range(length):
            # A module leaves the same behind whether its play dies with it or not, so these take turns.
            victim = Victim.TREE if at % 4 == 3 else Victim.MODULE
            cases.append(functools.partial(modules.kill_once, scenario, at, victim))
            if at % 3 == 0:
                cases.append(functools.partial(modules.kill_once, scenario, at, Victim.PARENT))
        for row in range(RANDOM_ROWS):
            cases.append(functools.partial(modules.kill_at_random, scenario, seed + row, length))
    return cases


def main() -> int:
    """Kill, count, and print."""
    parser = argparse.ArgumentParser(prog="python -m crash")
    parser.add_argument("url")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="the scenarios whose name has this word; play: the plays")
    options = parser.parse_args()
    emulator = Emulator(url=options.url)
    cases = module_cases(emulator, options.seed, options.only)
    if options.only in "play":
        # The longest first, so that all cores are busy until the end.
        cases = [*plays.cases(emulator), *cases]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), context, _share, (options.url,)) as pool:
        outcomes = list(pool.map(_run, cases))
    print("\n".join(table(outcomes)))
    print(f"\n{'killed':<15} {'kills':>6}")
    for victim, kills in _by_victim(outcomes).items():
        print(f"{victim:<15} {kills:>6}")
    bad = [outcome for outcome in outcomes if not outcome.good]
    for outcome in bad:
        print(f"NOT KEPT: {outcome}")
    print(f"seed {options.seed}; {len(outcomes) - len(bad)} kept, {len(bad)} broken, {_kills(outcomes)} kills")
    return 1 if bad else 0


def _by_victim(outcomes: t.Iterable[Outcome]) -> dict[str, int]:
    sums: dict[str, int] = collections.Counter()
    for outcome in outcomes:
        sums[outcome.victim] += outcome.kills
    return dict(sums)


def _kills(outcomes: t.Iterable[Outcome]) -> int:
    return sum(outcome.kills for outcome in outcomes)


_emulator: Emulator
"""The process that runs a part of the work."""


def _share(url: str) -> None:
    global _emulator
    _emulator = Emulator(url=url)


def _run(case: Case) -> Outcome:
    try:
        return case(_emulator)
    except Exception as exc:  # a broken one must not hide the outcomes of the others
        described = " ".join(str(getattr(argument, "name", argument)) for argument in getattr(case, "args", ()))
        return Outcome("broken", "-", "-", 0, 0, 0, 0, 0, 0, False, f"{described}: {type(exc).__name__}: {exc}")
