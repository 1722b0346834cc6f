# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mutation score counts every mutant, and no file is left out."""

from __future__ import annotations

import re

import pytest

from tooling import mutation
from tooling.mutation import Mutant

SURVIVOR = Mutant("plan", "present", "a > b", "a >= b", 0)
NOTICED = Mutant("plan", "present", "a", "b", 1)


@pytest.mark.parametrize("name", mutation.files())
def test_each_file_has_tests(name: str) -> None:
    tests = mutation.tests_of(name)
    assert tests
    assert [test for test in tests if not test.is_file()] == []


@pytest.mark.parametrize(
    ("code", "noticed"),
    [(1, True), (3, True), (36, True), (-24, True), (0, False), (33, False), (77, False), (None, False), (2, False)],
)
def test_a_test_that_fails_or_hangs_notices_the_mutant(code: int | None, noticed: bool) -> None:
    assert Mutant("plan", "present", "a", "b", code).noticed is noticed


@pytest.mark.parametrize(
    ("was", "now", "is_of_a_cast"),
    [
        ("return t.cast(str, value)", "return t.cast(None, value)", True),
        ('x = t.cast("list[t.Any]", value)', 'x = t.cast("XXlist[t.Any]XX", value)', True),
        ("return t.cast(dict[str, t.Any], value)", "return t.cast(None, value)", True),
        ("return t.cast(str, value)", "return t.cast(str, None)", False),
        ("a > b", "a >= b", False),
    ],
)
def test_a_change_to_the_type_of_a_cast_is_no_mutant(was: str, now: str, is_of_a_cast: bool) -> None:
    assert Mutant("plan", "present", was, now, 0).is_of_a_cast is is_of_a_cast


def test_an_explained_mutant_passes_but_does_not_raise_the_score() -> None:
    result = mutation.judge([SURVIVOR, *[NOTICED] * 19], {SURVIVOR.change: "a reason"})
    assert (result.passed, result.failed) == (20, 0)
    assert result.summary.startswith("95.0 % of 20")


def test_a_survivor_without_explanation_fails() -> None:
    result = mutation.judge([SURVIVOR, *[NOTICED] * 99], {})
    assert (result.passed, result.failed) == (99, 1)


def test_a_score_below_the_floor_fails_whatever_is_explained() -> None:
    result = mutation.judge([SURVIVOR, *[NOTICED] * 9], {SURVIVOR.change: "a reason"})
    assert result.failed == 1


def test_an_explanation_without_its_survivor_fails() -> None:
    assert mutation.judge([NOTICED], {SURVIVOR.change: "a reason"}).failed == 1


def test_nothing_tried_is_a_failure() -> None:
    assert mutation.judge([], {}).failed > 0


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
def test_only_lines_that_are_nothing_but_a_sentence_are_not_changed(line: str, is_sentence: bool) -> None:
    assert bool(re.search(mutation.SENTENCES, line)) is is_sentence
