# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions of antsibull-nox: what the Ansible community checks in collections, and Galaxy's own importer."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from . import tree, venvs
from .environment import pip_configuration, private_environment, write_private
from .process import Finished, run
from .result import Result, judged

# Those that want containers (ansible-test, execution environments) are for hosted CI.
SESSIONS = ("lint", "docs-check", "license-check", "extra-checks", "build-import-check")


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the sessions named in *arguments*, or all."""
    copy = tree.copied_collection("nox")
    env = venvs.on_path(private_environment(), venvs.pinned("nox"))
    write_private(Path(env["HOME"]) / ".config" / "pip" / "pip.conf", pip_configuration(env))
    env["UV_CACHE_DIR"] = str(tree.CACHE / "uv")
    wanted = list(arguments) or list(SESSIONS)
    kept = ["--envdir", str(tree.CACHE / "nox"), "--reuse-venv", "yes", "--default-venv-backend", "uv"]
    finished = run(["nox", *kept, "--sessions", *wanted], cwd=copy, env=env, log=log)
    return counted(finished, wanted)


def counted(finished: Finished, wanted: t.Sequence[str]) -> Result:
    """Count the sessions, with those that they call. A session that was skipped or that warned has not passed."""
    ended = dict(
        re.findall(r"^nox > Session ([\w-]+) (was successful|failed|aborted|skipped)", finished.output, re.MULTILINE)
    )
    ended |= {name: "not run" for name in wanted if name not in ended}
    failed = [f"{name}: {how}" for name, how in ended.items() if how != "was successful"]
    failed += re.findall(
        r"emitted the following non-fatal errors?|^nox > Skipping [^\n]*collections", finished.output, re.MULTILINE
    )
    summary = "; ".join(failed) or " ".join(ended)
    return judged(len(ended) - len(failed), len(failed), summary, finished.returncode)
