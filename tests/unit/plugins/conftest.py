# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One emulator for all tests here, a separate account for each, and nothing of the caller's environment."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ansible_collections.community.soda.tests.unit.plugins.engine import Engine
from ansible_collections.community.soda.tests.unit.plugins.harness import ORDINARY_USER, Soda
from emulator.client import Account, Emulator

# A change is judged by the same examples each time. make test-deep generates new and more examples.
settings.register_profile("same examples", derandomize=True, database=None)
if "COLLECTION_TEST_EXAMPLES" not in os.environ:
    settings.load_profile("same examples")

FOREIGN = ("SODA_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees a real account, a proxy or another CA."""
    for name in os.environ:
        if name.startswith(FOREIGN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Hypothesis has the collector call it. At the limit of recursion that call fails, and so would the test."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def away_from_utc() -> Iterator[None]:
    """A machine whose own time is not UTC. The rule is written out, so that no time zone database is needed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """Ends with the tests, unless there is one already, as there is while thousands of mutants are tried."""
    with Emulator(url=os.environ.get("COLLECTION_TEST_EMULATOR")) as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    """An account without rate limits. In the end every request and answer must have been true to the contract."""
    made = emulator.account(window_factor=0)
    yield made
    violations = made.violations()
    made.remove()
    assert violations == []


@pytest.fixture
def soda(account: Account, tmp_path: Path) -> Soda:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    return Soda(account, folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that belongs to ``ordinary_user()`` and that every user can reach: pytest's own are private."""
    with tempfile.TemporaryDirectory(dir="/tmp") as temporary:
        Path(temporary).chmod(0o755)
        folder = Path(temporary) / "keys"
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, ORDINARY_USER, ORDINARY_USER)
        yield folder


@pytest.fixture
def open_soda(account: Account, open_folder: Path) -> Soda:
    return Soda(account, open_folder)


@pytest.fixture
def engine(soda: Soda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(soda, tmp_path, monkeypatch)
