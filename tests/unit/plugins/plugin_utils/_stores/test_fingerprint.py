# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fingerprint of a stored key detects an edit and does not contain the key."""

from __future__ import annotations

import re

import pytest

from ansible_collections.community.soda.plugins.plugin_utils._stores.fingerprint import fingerprint, is_edited


def test_the_same_key_is_not_edited_whatever_the_salt() -> None:
    first, second = fingerprint("id", "secret"), fingerprint("id", "secret")
    assert first != second
    assert not is_edited(first, "id", "secret")
    assert not is_edited(second, "id", "secret")
    assert "secret" not in first


@pytest.mark.parametrize(("key_id", "secret"), [("id2", "secret"), ("id", "Secret"), ("id\ns", "ecret"), ("", "")])
def test_another_key_is_an_edit(key_id: str, secret: str) -> None:
    assert is_edited(fingerprint("id", "secret"), key_id, secret)


def test_a_fingerprint_of_an_earlier_release_is_still_valid() -> None:
    hashed = "66857844c2bad3d14fd082be7eacf7c917cfe8a406793bdb3d6f0eb3195d4ef2"
    assert fingerprint("id", "secret", "salt") == f"salt:{hashed}"
    assert not is_edited(f"salt:{hashed}", "id", "secret")


def test_a_fingerprint_has_a_random_salt() -> None:
    assert re.fullmatch("[0-9a-f]{32}:[0-9a-f]{64}", fingerprint("id", "secret"))


def test_a_key_that_is_not_valid_unicode_has_a_fingerprint() -> None:
    assert not is_edited(fingerprint("id", "\ud800"), "id", "\ud800")


@pytest.mark.parametrize("stored", [None, ""])
def test_without_a_fingerprint_there_is_no_edit(stored: str | None) -> None:
    assert not is_edited(stored, "id", "secret")


@pytest.mark.parametrize("stored", ["x", ":", "salt:", "salt:hash", "ü", "\ud800"])
def test_another_fingerprint_is_an_edit(stored: str) -> None:
    assert is_edited(stored, "id", "secret")
