# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The integration targets, by ``ansible-test integration`` on this machine, against an emulated Soda Cloud."""

from __future__ import annotations

import json
import queue
import re
import shutil
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.client import Emulator

from . import tree, units
from .environment import prepare_home_for_ansible_test, private_environment, write_private
from .process import Finished, run
from .result import Result, judged

WORK = tree.BUILD / "integration-files"

QUICK = ("adoption", "soda_runner_info", "module_soda_runner", "soda_runner_config", "inventory_soda_runners")
"""The targets of ``make test``: each takes seconds."""

LANES = 2
"""Targets that run at the same time. Each target has an account, and each lane has a copy of the checkout."""


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the targets named in *arguments*, or all, or ``--quick`` ones. Other options go to ansible-test."""
    env = private_environment()
    prepare_home_for_ansible_test(env)
    return on(env, arguments, log)


def on(env: t.Mapping[str, str], arguments: t.Sequence[str], log: Path) -> Result:
    """Run the targets with the ansible-core that comes first on the PATH of *env*."""
    arguments = units.without_quick(arguments, QUICK)
    named = [argument for argument in arguments if not argument.startswith("-")]
    options = [argument for argument in arguments if argument.startswith("-")]
    _make_ssh_key(Path(env["HOME"]))
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    log.parent.mkdir(parents=True, exist_ok=True)
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for lane in range(LANES):
        copies.put(tree.copied_collection(f"integration-{lane + 1}"))
    wanted = named or targets(tree.ROOT / "tests" / "integration" / "targets")

    def run_target(target: str) -> Result:
        copy = copies.get()
        try:
            (copy / "tests" / "integration" / "integration_config.yml").write_text(configuration, "utf-8")
            command = ["ansible-test", "integration", "--color", "no", *options, target]
            target_log = log.with_name(f"{log.stem}-{target}.log")
            target_log.unlink(missing_ok=True)
            return counted(run(command, cwd=copy, env=env, log=target_log, prefix=f"{target} | "), target)
        finally:
            copies.put(copy)

    with Emulator(log=tree.LOGS / "emulator.log", violations_expected=True) as emulator:
        # JSON is YAML.
        configuration = json.dumps(
            {"emulator_url": emulator.url, "emulator_tests": str(tree.ROOT / "tests"), "work_dir": str(WORK)}
        )
        with ThreadPoolExecutor(LANES) as lanes:
            results = dict(zip(wanted, lanes.map(run_target, wanted), strict=True))
        violations = emulator.violations()
    for violation in violations:
        print(f"The contract was violated: {violation}")
    for target, result in results.items():
        print(f"{target}: {'FAILED' if result.failed else 'ok'} ({result.summary})")
    failed = [target for target, result in results.items() if result.failed]
    summary = f"failed: {', '.join(failed)}" if failed else f"{', '.join(results)}"
    if violations:
        return Result(len(results) - len(failed), len(failed) + 1, f"{len(violations)} violations of the contract")
    return judged(len(results) - len(failed), len(failed), summary, 0)


def targets(folder: Path) -> list[str]:
    """
    The targets of ``make test``, the largest first, so that the lanes end together.

    Targets that others depend on are hidden, and long ones are unsupported.
    """
    tests = [
        aliases.parent
        for aliases in folder.glob("*/aliases")
        if not {"hidden", "unsupported"} & set(aliases.read_text("utf-8").splitlines())
    ]
    return [test.name for test in sorted(tests, key=_size, reverse=True)]


def _make_ssh_key(home: Path) -> None:
    """
    ansible-test wants one, though nothing here logs in anywhere.

    It would have ssh-keygen make it, which a bare machine lacks, and two of it would be in each other's way.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    folder = home / ".ansible" / "test"
    write_private(folder / "id_rsa", private.decode())
    write_private(folder / "id_rsa.pub", public.decode() + "\n")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def counted(finished: Finished, target: str) -> Result:
    """One target. If it was not run, or ended badly, it has failed."""
    if f"Running {target} integration test" not in finished.output:
        return Result(0, 1, "was not run")
    tasks = sum(int(count) for count in re.findall(r"^\S+\s+: ok=(\d+)", finished.output, re.MULTILINE))
    return judged(1 if tasks and not finished.returncode else 0, 0, f"{tasks} tasks", finished.returncode)
