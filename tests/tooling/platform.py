# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The automation platform: its objects, its engine with job slices, and the execution environment, by pytest."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

from . import packaged, tree
from .environment import private_environment
from .process import run
from .result import Result, judged
from .units import counted


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the tests. *arguments* are for pytest, such as ``-k slices``."""
    env = private_environment()
    env["AWX_COLLECTION"] = str(packaged.collection("awx.awx"))
    report = tree.BUILD / "platform.xml"
    report.unlink(missing_ok=True)
    # Jobs wait for Soda Cloud much of the time, so two tests go together.
    command = ["pytest", "-p", "no:cacheprovider", "--numprocesses", "2", f"--junit-xml={report}"]
    finished = run([*command, *(arguments or ["tests/system/automation"])], cwd=tree.ROOT, env=env, log=log)
    if not report.exists():
        return judged(0, 0, "pytest ended without a report", finished.returncode)
    return counted(ET.parse(report).getroot(), finished.returncode)
