# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that are durations: finite, and not below the minimum."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import InvalidArguments
from ansible_collections.community.soda.plugins.module_utils._numbers import check_duration


@pytest.mark.parametrize(("value", "number"), [(0.001, 0.001), (5, 5.0), ("1.5", 1.5), (10**6, 1e6)])
def test_a_finite_number_above_zero_is_accepted(value: t.Any, number: float) -> None:
    assert check_duration("timeout", value) == number


@pytest.mark.parametrize("value", [0, -0.001, "nan", float("inf"), "-inf", "soon", None, [1], 10**400])
def test_other_values_are_rejected(value: t.Any) -> None:
    with pytest.raises(InvalidArguments) as failed:
        check_duration("timeout", value)
    assert str(failed.value) == f"timeout is {value!r}. Set it to a number of seconds, above 0."


def test_zero_is_accepted_only_if_it_is_allowed() -> None:
    assert check_duration("age", 0, "hours", zero_allowed=True) == 0
    with pytest.raises(InvalidArguments) as failed:
        check_duration("age", -1, "hours", zero_allowed=True)
    assert str(failed.value) == "age is -1. Set it to a number of hours, 0 or higher."
