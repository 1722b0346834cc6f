# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promises, under any interleaving. COLLECTION_TEST_STEPS says how many steps; make test-deep makes 10,000."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from ansible_collections.community.soda.plugins.module_utils._api import runners as _runners
from ansible_collections.community.soda.tests.unit.plugins.harness import run_module
from ansible_collections.community.soda.tests.unit.plugins.stateful.machine import PAGE, Fleet, Outcome
from emulator.client import Emulator

pytestmark = pytest.mark.slow

STEPS_A_RUN = 40
LASTING = {"deadline": None, "suppress_health_check": list(HealthCheck), "stateful_step_count": STEPS_A_RUN}


class FleetOfModules(Fleet):
    """The same through the module itself."""

    def _execute(self, name: str, state: str, reissue: bool, check: bool) -> Outcome:
        account = self.account
        options = {
            "endpoint": account.endpoint,
            "api_key_id": account.api_key_id,
            "api_key_secret": account.api_key_secret,
            "timeout": 20,
            # Waits are real here, so there is one short one at the most.
            "retry_budget": 1,
            "name": name,
            "state": state,
            "reissue": reissue,
            "key_path": str(self._path(name)),
            "key_version": self.version[name],
            "_ansible_check_mode": check,
        }
        result, _unused = run_module("soda_runner", options)
        return Outcome(None, result["failure"]) if result.get("failed") else Outcome(result, None)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_runners, "PAGE_SIZE", PAGE)


def run(fleet: type[Fleet], emulator: Emulator, steps: int) -> None:
    """Make at least so many steps."""
    fleet.emulator = emulator
    fleet.steps = 0
    while fleet.steps < steps:
        runs = max(1, (steps - fleet.steps) // STEPS_A_RUN)
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            fleet, settings=settings(max_examples=runs, database=None, phases=(Phase.generate,), **LASTING)
        )
    print(f"{fleet.__name__}: {fleet.steps} steps")


def test_every_promise_holds_under_any_interleaving(emulator: Emulator) -> None:
    run(Fleet, emulator, int(os.environ.get("COLLECTION_TEST_STEPS", "600")))


def test_every_promise_holds_through_the_module(emulator: Emulator) -> None:
    run(FleetOfModules, emulator, int(os.environ.get("COLLECTION_TEST_STEPS_THROUGH_MODULES", "100")))
