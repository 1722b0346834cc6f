# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the count of mutants counts, and that nothing is left out of it by mistake."""

from __future__ import annotations

import re

import pytest

from tooling import mutation, tree
from tooling.mutation import Mutant, Row

SURVIVOR = Mutant("_plan", "present", "a > b", "a >= b", 0)


def test_every_file_has_tests_and_they_are_there() -> None:
    files = {path.stem for path in (tree.ROOT / "plugins" / "module_utils").glob("_*.py")}
    assert set(mutation.TESTS) == files - {"__init__"}
    tests = {test for chosen in mutation.TESTS.values() for test in chosen}
    assert [test for test in sorted(tests) if not (tree.ROOT / "tests" / "unit" / "plugins" / test).is_file()] == []


def test_each_explanation_is_of_a_file_that_there_is_and_says_why() -> None:
    explanations = mutation.explained()
    assert {change[0] for change in explanations} <= set(mutation.TESTS)
    assert all(len(reason.split()) > 3 for reason in explanations.values())
    for file, _function, was, _now in explanations:
        source = (tree.ROOT / "plugins" / "module_utils" / f"{file}.py").read_text("utf-8")
        assert [line for line in was.splitlines() if line not in source] == []


@pytest.mark.parametrize(
    ("code", "noticed"),
    [(1, True), (3, True), (36, True), (-24, True), (0, False), (33, False), (None, False), (2, False)],
)
def test_a_test_that_fails_or_hangs_notices(code: int | None, noticed: bool) -> None:
    assert Mutant("_plan", "present", "a", "b", code).noticed is noticed


def test_what_is_explained_is_not_counted_as_noticed() -> None:
    noticed, hung = Mutant("_plan", "present", "a", "b", 1), Mutant("_plan", "present", "a", "b", 36)
    row = mutation._row("_plan", [SURVIVOR, noticed, noticed, hung], {SURVIVOR.change: "a reason"})
    assert row == Row("_plan", mutants=4, untried=0, killed=3, endless=1, explained=1)
    assert (row.survived, row.score) == (0, 75.0)


def test_a_mutant_that_was_not_tried_counts_for_nothing() -> None:
    row = mutation._row("_plan", [SURVIVOR, Mutant("_plan", "present", "a", "b", None)], {})
    assert (row.untried, row.killed, row.survived, row.score) == (1, 0, 1, None)


def test_where_nothing_was_tried_there_is_no_score() -> None:
    assert mutation.table([Row("_plan", 5, 5, 0, 0, 0)])[2] == "| `_plan` | 5 | 5 | 0 | 0 | 0 | 0 | not tried |"


def test_where_some_were_not_tried_there_is_no_score_either() -> None:
    assert mutation.table([Row("_plan", 5, 1, 4, 0, 0)])[2] == "| `_plan` | 5 | 1 | 4 | 0 | 0 | 0 | not all tried |"


def test_the_last_row_is_of_all() -> None:
    lines = mutation.table([Row("_plan", 3, 0, 2, 1, 1), Row("_seal", 1, 0, 1, 0, 0)])
    assert lines[2] == "| `_plan` | 3 | 0 | 2 | 1 | 1 | 0 | 66.7 % |"
    assert lines[-1] == "| `all` | 4 | 0 | 3 | 1 | 1 | 0 | 75.0 % |"


@pytest.mark.parametrize(
    ("line", "is_sentence"),
    [
        ('            "The answer is JSON, but no page of runners",', True),
        ('            message="The runners changed while they were listed.",', True),
        ('            " Use https://.",', False),
        ('    code="listing_inconsistent",', False),
        ('    if kind in ("a", "b and c"):', False),
        ('    return f"{who} has the name of another"', False),
    ],
)
def test_only_lines_that_are_nothing_but_a_sentence_are_left_as_they_are(line: str, is_sentence: bool) -> None:
    assert bool(re.search(mutation.SENTENCES, line)) is is_sentence
