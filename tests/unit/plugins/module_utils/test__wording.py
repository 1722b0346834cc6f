# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers and lists in messages."""

from __future__ import annotations

import pytest

from ansible_collections.community.soda.plugins.module_utils._wording import count, list_few


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 runners"), (1, "1 runner"), (2, "2 runners"), (1200, "1,200 runners")]
)
def test_a_number_is_followed_by_its_noun(number: int, text: str) -> None:
    assert count(number, "runner") == text


@pytest.mark.parametrize(
    ("texts", "listed"), [("", ""), ("a", "a"), ("ab", "a, b"), ("abc", "a, b and 1 more"), ("abcd", "a, b and 2 more")]
)
def test_a_long_list_ends_with_the_number_of_the_others(texts: str, listed: str) -> None:
    assert list_few(list(texts), 2) == listed
