# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every part runs in some plan, and a part that runs beside the others counts as they do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tooling import matrix, plans, tree
from tooling.__main__ import PARTS
from tooling.process import Finished, descendants
from tooling.result import Result


def test_every_part_runs_before_a_release_or_every_night() -> None:
    planned = set().union(*(plan.parts for plan in plans.PLANS.values()))
    assert planned == set(PARTS)


def test_continuous_integration_runs_all_that_make_test_runs() -> None:
    ci = plans.PLANS["ci"].parts
    assert "matrix" in ci
    assert plans.PLANS["test"].parts <= ci | set(matrix.KINDS)


def test_the_last_line_of_a_part_is_its_result() -> None:
    output = "mutation: 3 passed, 0 failed in 5 s (one)\nmutation: 2 passed, 1 failed in 7 s (88.0 % (all))\n"
    assert plans.counted("mutation", Finished(1, output)) == (7.0, Result(2, 1, "88.0 % (all)"))


@pytest.mark.parametrize(
    ("output", "returncode"),
    [
        ("", 0),
        ("killed\n", -9),
        ("units: 3 passed, 0 failed in 5 s (none skipped)\n", 0),
        ("mutation: 3 passed, 0 failed in 5 s (one)\n", 1),
    ],
)
def test_a_part_that_did_not_end_well_has_failed(output: str, returncode: int) -> None:
    assert plans.counted("mutation", Finished(returncode, output))[1].failed == 1


def test_a_part_that_could_not_begin_has_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tree, "LOGS", tmp_path)
    with plans.beside("nothing") as finish:
        _seconds, result = finish()
    assert (result.passed, result.failed) == (0, 1)


def test_an_interrupt_ends_the_part_beside_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tree, "LOGS", tmp_path)
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nsleep 600; true\n", "utf-8")
    sleeper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    before = set(descendants(os.getpid()))
    begun: set[int] = set()

    def interrupted() -> None:
        with plans.beside("hosts"):
            begun.update(set(descendants(os.getpid())) - before)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert begun
    assert not begun & set(descendants(os.getpid()))
