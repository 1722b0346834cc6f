# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``ansible-test sanity``, every test of it, without an ignore file."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from . import tree
from .environment import prepare_home_for_ansible_test, private_environment
from .process import Finished, run
from .result import Result, judged


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the sanity tests. *arguments* are for ansible-test, such as ``--test validate-modules``."""
    copy = tree.copied_collection("sanity")
    ignored = sorted(path.name for path in (copy / "tests" / "sanity").glob("ignore*.txt"))
    if ignored:
        return Result(0, 1, f"the collection must not have an ignore file: {', '.join(ignored)}")
    env = private_environment()
    prepare_home_for_ansible_test(env)
    finished = run(["ansible-test", "sanity", "--color", "no", *arguments], cwd=copy, env=env, log=log)
    return counted(finished)


def counted(finished: Finished) -> Result:
    """Count from the output of ansible-test. A test that it ran on several Pythons counts once."""
    ran = set(re.findall(r'^Running sanity test "([^"]+)"', finished.output, re.MULTILINE))
    failed = {
        name.split(" ")[0]
        for block in re.findall(r"sanity test\(s\) listed below .* failed[^\n]*\n((?:[a-z].*\n?)+)", finished.output)
        for name in block.splitlines()
    }
    summary = f"failed: {', '.join(sorted(failed))}" if failed else "no ignore file"
    return judged(len(ran - failed), len(failed), summary, finished.returncode)
