# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where and of what something was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from tooling import tree


def described() -> dict[str, str]:
    """Commit, machine and versions. How busy the machine is shows whether a number is worth anything."""
    return {
        "commit": _commit(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "load": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("ansible-core", "requests")},
    }


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "safe.directory=*", *arguments]
        return subprocess.run(command, cwd=tree.ROOT, check=True, capture_output=True, text=True).stdout.strip()

    # The page and its pictures are written by this, so they may differ.
    changed = git("status", "--porcelain", "--", ".", ":!docs/benchmarks.md", ":!docs/images")
    return git("rev-parse", "--short=10", "HEAD") + (" and changes" if changed else "")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text("utf-8"), re.MULTILINE) if cpuinfo.exists() else None
    return named[1].strip() if named else platform.machine()
