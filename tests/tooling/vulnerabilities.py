# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Known vulnerabilities in what the collection needs and in the tools that test it, by pip-audit."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

from . import tree, venvs
from .environment import private_environment
from .process import run
from .result import Result, judged

# Messages of pip-audit and its libraries if the service cannot be reached.
_OUT_OF_REACH = (
    "ServiceError",
    "ConnectionError",
    "Failed to establish",
    "Max retries exceeded",
    "Tunnel connection",
    "Could not connect",
)


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Audit each set of pins. *arguments* are for pip-audit, such as ``--vulnerability-service osv``."""
    env = venvs.on_path(private_environment(), venvs.pinned("supply"))
    passed, failed, known = 0, [], []
    for pins in sorted(venvs.REQUIREMENTS.glob("*.in")):
        report = tree.BUILD / f"audit-{pins.stem}.json"
        report.unlink(missing_ok=True)
        options = ["--progress-spinner", "off", "--disable-pip", "--format", "json", "--output", str(report)]
        finished = run(
            ["pip-audit", *options, *arguments, "--requirement", str(pins.with_suffix(".txt"))],
            cwd=tree.ROOT,
            env=env,
            log=log,
        )
        if report.exists():
            found = [
                f"{package['name']} {package['version']}: {vulnerability['id']}"
                for package in json.loads(report.read_text("utf-8"))["dependencies"]
                for vulnerability in package.get("vulns", [])
            ]
            known += found
            passed += not found
            failed += [pins.stem] if found else []
        elif any(sign in finished.output for sign in _OUT_OF_REACH) and not os.environ.get("CI"):
            # The result is unknown. Hosted CI reaches the service, so there this is a failure.
            return Result(0, 1, "this machine cannot reach the vulnerability service, so nothing was audited")
        else:
            failed.append(pins.stem)
    summary = "; ".join(sorted(set(known))) or (
        f"not audited: {', '.join(failed)}" if failed else f"{passed} sets of pins"
    )
    return judged(passed, len(failed), summary, 0)
