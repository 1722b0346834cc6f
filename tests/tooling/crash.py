# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills modules and plays at every step, and counts the fates of the keys."""

from __future__ import annotations

import os
import re
import sys
import typing as t
from pathlib import Path

from emulator.client import Emulator

from . import tree
from .environment import private_environment
from .process import Finished, run
from .result import Result, judged

ENOUGH = 500
"""Kills. Fewer would prove too little."""


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run all kills. *arguments* are for ``python -m crash``, such as ``--seed 7``."""
    env = private_environment()
    env["PYTHONPATH"] = os.pathsep.join(map(str, (tree.linked_collections(), *tree.TESTS)))
    with Emulator(log=tree.LOGS / "crash-emulator.log") as emulator:
        finished = run([sys.executable, "-m", "crash", emulator.url, *arguments], cwd=tree.ROOT, env=env, log=log)
    return counted(finished, complete="--only" not in arguments)


def counted(finished: Finished, complete: bool = True) -> Result:
    """Count by the last line. Each row of kills that ended well counts."""
    found = re.search(r"^seed (\d+); (\d+) kept, (\d+) broken, (\d+) kills$", finished.output, re.MULTILINE)
    if found is None:
        return judged(0, 0, "it ended without counts", finished.returncode)
    seed, kept, broken, kills = map(int, found.groups())
    if complete and kills < ENOUGH:
        return Result(kept, broken + 1, f"only {kills} kills")
    return judged(kept, broken, f"{kills} kills, seed {seed}", finished.returncode)
