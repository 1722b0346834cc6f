# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One emulator for all tests here, and a separate account for each."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS))

if importlib.util.find_spec("aiohttp") is None and "EMULATOR_PYTHON" not in os.environ:
    collect_ignore_glob = ["test_*.py"]  # nothing here to run an emulator with

from emulator.client import Account, Api, Emulator, Key  # noqa: E402


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator(violations_expected=True) as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    """An account without rate limits. In the end its answers must all have been true to the contract."""
    made = emulator.account(window_factor=0)
    yield made
    assert [entry["contract_violation"] for entry in made.journal() if entry["contract_violation"]] == []


@pytest.fixture
def connect() -> Iterator[Callable[..., Api]]:
    """Makes a client of an account, with its own key or another; ``key=None`` sends none."""
    made = []

    def connect(account: Account, *key: Key | None) -> Api:
        made.append(Api(account.endpoint, key[0] if key else account))
        return made[-1]

    yield connect
    for api in made:
        api.close()


@pytest.fixture
def api(account: Account, connect: Callable[..., Api]) -> Api:
    return connect(account)
