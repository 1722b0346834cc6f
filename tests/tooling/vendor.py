# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that are independent of this collection read the files that the role writes."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import units, venvs
from .environment import private_environment
from .result import Result


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the tests in ``tests/system/vendor``. *arguments* are for pytest."""
    env = private_environment()
    # Nothing is imported from it: soda-core is proprietary, and only run.
    env["VENDOR_PROGRAMS"] = str(venvs.pinned("vendor") / "bin")
    return units.by_pytest("vendor", ["--numprocesses", "0", "tests/system/vendor", *arguments], env, log)
