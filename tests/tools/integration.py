# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The integration targets, by ``ansible-test integration`` on this machine, against an emulated Soda Cloud."""

from __future__ import annotations

import json
import re
import shutil
import typing as t
from pathlib import Path

from emulator.client import Emulator

from . import tree
from .environment import prepare_home_for_ansible_test, private_environment
from .process import Finished, run
from .result import Result, judged

WORK = tree.BUILD / "integration-files"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the targets named in *arguments*, or all. Words that begin with a dash go to ansible-test."""
    copy = tree.copied_collection("integration")
    named = [argument for argument in arguments if not argument.startswith("-")]
    options = [argument for argument in arguments if argument.startswith("-")]
    wanted = named or targets(copy / "tests" / "integration" / "targets")
    env = private_environment()
    prepare_home_for_ansible_test(env)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    with Emulator(log=tree.LOGS / "emulator.log") as emulator:
        configuration = {
            "emulator_url": emulator.url,
            "emulator_tests": str(tree.ROOT / "tests"),
            "work_dir": str(WORK),
        }
        # JSON is YAML.
        (copy / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(configuration), "utf-8")
        command = ["ansible-test", "integration", "--color", "no", "--continue-on-error", *options, *wanted]
        finished = run(command, cwd=copy, env=env, log=log)
        violations = emulator.violations()
    for violation in violations:
        print(f"The contract was violated: {violation}")
    result = counted(finished, wanted)
    if violations and not result.failed:
        return Result(result.passed, 1, f"{len(violations)} requests or answers violated the contract")
    return result


def targets(folder: Path) -> list[str]:
    """The targets that are tests: those which others depend on are hidden."""
    return sorted(
        aliases.parent.name
        for aliases in folder.glob("*/aliases")
        if "hidden" not in aliases.read_text("utf-8").splitlines()
    )


def counted(finished: Finished, wanted: t.Sequence[str]) -> Result:
    """Count the targets. One that was not run has failed."""
    ran = set(re.findall(r"^Running (\S+) integration test (?:role|script)", finished.output, re.MULTILINE))
    block = re.search(r"integration test\(s\) listed below .* failed[^\n]*\n((?:\S+\n?)+)", finished.output)
    failed = set(block[1].split()) if block else set()
    failed |= set(wanted) - ran
    passed = set(wanted) - failed
    tasks = sum(int(count) for count in re.findall(r"^testhost\s+: ok=(\d+)", finished.output, re.MULTILINE))
    summary = f"failed: {', '.join(sorted(failed))}" if failed else f"{tasks} tasks"
    return judged(len(passed), len(failed), summary, finished.returncode)
