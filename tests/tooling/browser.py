# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of an audit in a real browser without a screen, with an accessibility checker."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

from . import tree, units, venvs
from .environment import private_environment
from .result import Result

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SCREENSHOTS = tree.BUILD / "screenshots"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run ``tests/system/browser``. *arguments* are for pytest. Screenshots are in ``build/screenshots``."""
    chromium = _chromium()
    if chromium is None:
        return Result(0, 1, "Chromium is missing. Install the package chromium, or set CHROMIUM to its path")
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    env = venvs.on_path(private_environment(), venvs.pinned("browser"))
    env.update(CHROMIUM=chromium, SCREENSHOTS=str(SCREENSHOTS))
    result = units.by_pytest("browser", ["tests/system/browser", *arguments], env, log)
    print(f"Screenshots: {SCREENSHOTS.relative_to(tree.ROOT)}")
    return result


def _chromium() -> str | None:
    """The browser: the one in the environment, an installed one, or Debian's, which root can install."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = _installed()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Debian's chromium", flush=True)
        packages = ["chromium", "fonts-dejavu-core", "fonts-liberation"]
        options = ["-o", "DPkg::Lock::Timeout=600", "--quiet", "--yes"]
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", *options, "update"], check=True, env=env)
        subprocess.run(["apt-get", *options, "install", "--no-install-recommends", *packages], check=True, env=env)
        found = _installed()
    return found


def _installed() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
