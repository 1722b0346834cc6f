# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit tests, by pytest, against this checkout."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

from . import tree
from .environment import private_environment
from .process import run
from .result import Result, judged


def main(arguments: t.Sequence[str], log: Path, **settings: str) -> Result:
    """
    Run the unit tests. *arguments* are for pytest, such as ``-k plan`` or a path, *settings* into the environment.

    ``--quick`` leaves out the tests that are marked as slow.
    """
    arguments = without_quick(arguments, ["-m", "not slow"])
    return by_pytest("units", ["--numprocesses", "auto", *arguments], {**private_environment(), **settings}, log)


def without_quick(arguments: t.Sequence[str], instead: t.Sequence[str]) -> list[str]:
    """The arguments with *instead* in the place of ``--quick``."""
    return [each for given in arguments for each in (instead if given == "--quick" else [given])]


def by_pytest(
    part: str, arguments: t.Sequence[str], env: t.Mapping[str, str], log: Path, under: t.Sequence[str] = ()
) -> Result:
    """Run pytest with *arguments*, *under* another program where one is given, and count its report."""
    report = tree.BUILD / f"{part}.xml"
    report.unlink(missing_ok=True)
    command = [*under, "pytest", "-p", "no:cacheprovider", f"--junit-xml={report}", *arguments]
    finished = run(command, cwd=tree.ROOT, env=env, log=log)
    if not report.exists():
        return judged(0, 0, "pytest ended without a report", finished.returncode)
    return counted(ET.parse(report).getroot(), finished.returncode)


def counted(report: ET.Element, returncode: int) -> Result:
    """Count a JUnit report. Skipped tests have not passed, and are reported."""
    totals = {
        name: sum(int(suite.get(name, "0")) for suite in report.iter("testsuite"))
        for name in ("tests", "failures", "errors", "skipped")
    }
    failed = totals["failures"] + totals["errors"]
    summary = f"{totals['skipped']} skipped" if totals["skipped"] else "none skipped"
    return judged(totals["tests"] - failed - totals["skipped"], failed, summary, returncode)
