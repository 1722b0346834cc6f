# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release is checked by every part, and the one that runs beside the others counts as they do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tooling import everything, tree
from tooling.__main__ import PARTS
from tooling.process import Finished, descendants
from tooling.result import Result


def test_every_part_is_run_or_is_contained_in_one_that_is() -> None:
    run = {*everything.chosen(PARTS), everything.BESIDE}
    assert set(PARTS) - run == set(everything.CONTAINED)
    assert set(everything.CONTAINED.values()) <= run


def test_the_last_line_of_a_part_is_its_result() -> None:
    output = "mutation: 3 passed, 0 failed in 5 s (one)\nmutation: 2 passed, 1 failed in 7 s (88.0 % (all))\n"
    assert everything.counted("mutation", Finished(1, output)) == (7.0, Result(2, 1, "88.0 % (all)"))


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
    assert everything.counted("mutation", Finished(returncode, output))[1].failed == 1


def test_a_part_that_could_not_begin_has_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tree, "LOGS", tmp_path)
    with everything.beside("nothing") as finish:
        _seconds, result = finish()
    assert (result.passed, result.failed) == (0, 1)
    assert "There is no part nothing" in (tmp_path / "nothing-beside.log").read_text("utf-8")


def test_a_part_ends_with_what_it_runs_beside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tree, "LOGS", tmp_path)
    monkeypatch.setattr(everything, "COMMAND", ("sh", "-c", "sleep 600; true"))
    before = set(descendants(os.getpid()))
    begun: set[int] = set()

    def interrupted() -> None:
        with everything.beside("mutation"):
            begun.update(set(descendants(os.getpid())) - before)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert begun
    assert not begun & set(descendants(os.getpid()))
