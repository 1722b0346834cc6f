# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of plugins/ the unit tests run, by lines and branches, in every process that they start."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import tree, units
from .environment import private_environment
from .process import run
from .result import Result, judged

LEAST = 98
"""Per cent, of lines and branches together."""

_DATA = tree.BUILD / "coverage"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the unit tests under coverage. *arguments* are for pytest. The report is in build/coverage/html."""
    _DATA.mkdir(parents=True, exist_ok=True)
    for old in _DATA.glob("data*"):
        old.unlink()
    env = {**private_environment(), "COVERAGE_FILE": str(_DATA / "data")}
    tested = units.by_pytest(
        "coverage", ["--numprocesses", "auto", *arguments], env, log, under=["coverage", "run", "-m"]
    )
    for command in (["combine", "--quiet"], ["html", "--quiet", "--directory", str(_DATA / "html")]):
        run(["coverage", *command], cwd=tree.ROOT, env=env, log=log)
    report = run(["coverage", "report", f"--fail-under={LEAST}"], cwd=tree.ROOT, env=env, log=log)
    total = next((line.split()[-1] for line in report.output.splitlines() if line.startswith("TOTAL")), "no report")
    enough = report.returncode == 0
    summary = f"{total} of plugins/ by lines and branches, at least {LEAST}% required"
    return judged(tested.passed + enough, tested.failed + (not enough), summary, 0)
