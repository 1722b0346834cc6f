# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The molecule scenarios that need neither containers nor root."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from . import tree
from .environment import private_environment
from .process import Finished, run
from .result import Result, judged

SCENARIO = "default"
# A scenario without these steps proves nothing.
NEEDED = ("converge", "idempotence", "verify")

_EXECUTED = re.compile(r"^[A-Z]+ +\[\w+ > ([\w-]+)\] Executed: (\w+)", re.MULTILINE)


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run ``molecule test``. *arguments* are for molecule, such as ``--destroy=never``."""
    return on(private_environment(), arguments, log)


def on(env: t.Mapping[str, str], arguments: t.Sequence[str], log: Path) -> Result:
    """Run the scenario with the ansible-core that comes first on the PATH of *env*."""
    env = dict(env)
    env["MOLECULE_EPHEMERAL_DIRECTORY"] = str(tree.BUILD / "molecule")
    folder = tree.ROOT / "extensions"
    command = ["molecule", "test", "--no-command-borders", "--scenario-name", SCENARIO, *arguments]
    finished = run(command, cwd=folder, env=env, log=log)
    if finished.returncode and "--destroy=never" not in arguments:
        # Where its clean-up fails as well, molecule leaves the emulator running.
        run(["molecule", "destroy", "--scenario-name", SCENARIO], cwd=folder, env=env, log=log)
    return counted(finished)


def counted(finished: Finished) -> Result:
    """Count the actions of the scenario, of which some must not be missing."""
    executed = _EXECUTED.findall(finished.output)
    passed = [action for action, state in executed if state == "Successful"]
    failed = [action for action, state in executed if state == "Failed"]
    missing = [action for action in NEEDED if action not in passed and action not in failed]
    summary = ", ".join(f"{action} failed" for action in failed) or " ".join(passed)
    if missing:
        summary += f"; not reached: {', '.join(missing)}"
    return judged(len(passed), len(failed) + len(missing), summary, finished.returncode)
