# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fingerprint of a stored key detects an edit and does not contain the key."""

from __future__ import annotations

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


@pytest.mark.parametrize("stored", ["x", ":", "salt:", "salt:hash", "ü"])
def test_another_fingerprint_is_an_edit(stored: str) -> None:
    assert is_edited(stored, "id", "secret")
