# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fifty hosts at once at the limits of Soda Cloud, in shortened windows: minutes of Ansible's own work."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import integration
from .result import Result

TARGET = "role_soda_runner_limits"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the target. *arguments* are for ansible-test."""
    return integration.main([TARGET, "--allow-unsupported", *arguments], log)
