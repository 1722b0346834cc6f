# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The property tests at length: 10,000 steps of the state machine, and 1000 generated answers to each call."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import units
from .result import Result

STEPS = 10_000
STEPS_THROUGH_MODULES = 1_000
EXAMPLES = 1_000
TESTS = ("tests/unit/plugins/stateful", "tests/unit/plugins/test_fuzzed_answers.py")


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the property tests. *arguments* are for pytest, in place of the tests where they name some."""
    chosen = arguments or (*TESTS, "-rP", "--show-capture=stdout")
    return units.main(
        chosen,
        log,
        COLLECTION_TEST_STEPS=str(STEPS),
        COLLECTION_TEST_STEPS_THROUGH_MODULES=str(STEPS_THROUGH_MODULES),
        COLLECTION_TEST_EXAMPLES=str(EXAMPLES),
    )
