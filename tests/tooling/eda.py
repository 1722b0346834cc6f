# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event-Driven Ansible: the event source and the rulebook under ansible-rulebook, which needs Java, by pytest."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

from . import tree, units, venvs
from .environment import private_environment
from .result import Result

OLDEST_JAVA = 17
PACKAGE = "openjdk-17-jre-headless"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the tests in ``tests/system/eda``. *arguments* are for pytest."""
    if java() < OLDEST_JAVA and not installed():
        return Result(0, 1, f"ansible-rulebook needs Java {OLDEST_JAVA} or later: install {PACKAGE}, or set JAVA_HOME")
    env = private_environment()
    env["EDA_PROGRAMS"] = str(venvs.pinned("eda") / "bin")
    # As users have it: a folder of files, and not a link to the checkout.
    env["EDA_COLLECTIONS"] = str(tree.copied_collection("eda").parents[2])
    return units.by_pytest("eda", ["--numprocesses", "0", "tests/system/eda", *arguments], env, log)


def java() -> int:
    """The version of the Java that ansible-rulebook finds, or 0."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if program is None:
        return 0
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return 0
    match = re.search(r'version "(\d+)', said)
    return int(match[1]) if match else 0


def installed() -> bool:
    """Install Java on Debian, if the user may."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    print(f"Installing {PACKAGE}", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", PACKAGE]
    for command in (["apt-get", "update", "-qq"], install):
        subprocess.run(command, env=env, check=False)
    return java() >= OLDEST_JAVA
