# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attacks by a hostile host, API and local user, and mistakes of operators, against one ansible-core."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from . import cores, units
from .environment import private_environment
from .result import Result

FOLDER = "tests/system/attack"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """
    Run the attacks; *arguments* are for pytest, such as ``-k escrow``.

    ``--core 2.16`` chooses the ansible-core, and ``--quick`` the attacks that are part of ``make test``.
    """
    rest = list(arguments)
    venv = None
    if "--core" in rest:
        place = rest.index("--core")
        venv = cores.venv_of(rest[place + 1])
        del rest[place : place + 2]
    return attack(venv, rest, log)


def attack(venv: Path | None, arguments: t.Sequence[str], log: Path) -> Result:
    """Run the attacks on the ansible-core of *venv*, or on that of the tests."""
    env = private_environment()
    if venv is not None:
        env["ATTACK_PROGRAMS"] = str(venv / "bin")
    if "ATTACK_COLLECTIONS" in os.environ:
        env["ATTACK_COLLECTIONS"] = os.environ["ATTACK_COLLECTIONS"]
    arguments = units.without_quick(arguments, ["-m", "quick"])
    named = [argument for argument in arguments if argument.startswith(FOLDER)]
    chosen = arguments if named else [FOLDER, *arguments]
    return units.by_pytest(f"attack-{log.stem}", ["--numprocesses", "2", *chosen], env, log)
