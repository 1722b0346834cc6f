# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator against the contract document, by a judge that is not ours: schemathesis, with all of its checks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from emulator.client import Emulator
from emulator.contract import DOCUMENT


def test_the_emulator_passes_schemathesis(emulator: Emulator, tmp_path: Path) -> None:
    account = emulator.account(window_factor=0)
    # Self-hosted ones only: that others cannot be deleted is not in the schema, so it would take the 400 for a fault.
    account.seed(*(f"runner-{number}" for number in range(30)))
    ended = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            DOCUMENT,
            f"--url={account.endpoint}",
            f"--auth={account.api_key_id}:{account.api_key_secret}",
            "--max-examples=20",
            "--generation-deterministic",
            "--continue-on-failure",
            "--no-color",
        ],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"Tested: 4\b", ended.stdout), ended.stdout
    # Its wrong requests count as violations, as they should. No answer may be one.
    assert [entry["contract_violation"] for entry in account.journal() if entry["contract_violation"]] == []
    account.remove()
