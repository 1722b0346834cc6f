# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runner keys in a real OpenBao, through ``community.hashi_vault``."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import programs, stores
from .result import Result


def main(arguments: t.Sequence[str], log: Path, **settings: str) -> Result:
    """Run the tests in ``tests/system/vault``; *arguments* go to pytest, *settings* into the environment."""
    return stores.run_tests("vault", arguments, log, OPENBAO=str(programs.openbao()), **settings)
