# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of 300 hosts with running runners is adopted: no key is issued, and no runner is restarted."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import integration
from .result import Result

TARGET = "adoption_300"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the target; *arguments* go to ansible-test."""
    return integration.main([TARGET, "--allow-unsupported", *arguments], log)
