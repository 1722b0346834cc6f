# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of a stored key is never lowered."""

from __future__ import annotations

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import KeyVersionTooLow
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import (
    IssuedKey,
    check_version,
    new_stored_key,
)

KEY = new_stored_key(IssuedKey("key-1", "a-secret"), "https://cloud.soda.io", "one", 2, None)


def test_the_same_or_a_higher_version_is_accepted() -> None:
    check_version(KEY, 2, "key.json")
    check_version(KEY, 3, "key.json")


def test_a_lower_version_is_rejected_with_the_version_to_set() -> None:
    with pytest.raises(KeyVersionTooLow) as failed:
        check_version(KEY, 1, "key.json")
    assert str(failed.value) == (
        "key_version is 1, but the key stored at key.json has version 2. Set key_version to 2 or higher."
    )
