# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account with the real limits in shorter windows, hosts, and the objects of ``playbooks/vars/awx``."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader

from automation.controller import Json, environment_of
from emulator.client import Account, Emulator
from tooling import tree

# Windows of 24 seconds for 60, in which a slow machine too asks for more than 10 keys. The budget is in proportion.
WINDOW_FACTOR = 0.4
RETRY_BUDGET = int(3600 * WINDOW_FACTOR)


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    """In the end every request and answer must have been true to the contract."""
    made = emulator.account(window_factor=WINDOW_FACTOR)
    yield made
    violations = made.violations()
    made.remove()
    assert violations == []


@pytest.fixture(scope="session")
def objects() -> Json:
    """What the files in ``playbooks/vars/awx`` define, read by Ansible's own loader."""
    found: Json = {}
    for file in sorted((tree.ROOT / "playbooks" / "vars" / "awx").glob("*.yml")):
        found.update(t.cast(Json, DataLoader().load_from_file(str(file))))
    return found


@pytest.fixture
def environment(objects: Json, account: Account, tmp_path: Path) -> dict[str, str]:
    """What a job gets from a credential of our type, and the budget that goes with the shorter windows."""
    inputs = {
        "endpoint": account.endpoint,
        "api_key_id": account.api_key_id,
        "api_key_secret": account.api_key_secret,
    }
    return environment_of(objects["soda_awx_credential_type"], inputs, tmp_path).injected


@pytest.fixture
def fleet(tmp_path: Path) -> t.Callable[[int], dict[str, Json]]:
    """So many hosts, which are folders on this machine."""

    def made(count: int) -> dict[str, Json]:
        return {
            f"edge-{number:02}": {
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "soda_runner_dir": str(tmp_path / "hosts" / f"edge-{number:02}" / "soda-runner"),
                "soda_runner_cloud_retry_budget": RETRY_BUDGET,
            }
            for number in range(count)
        }

    return made
