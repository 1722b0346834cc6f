# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
A salted hash of a stored key, to detect that somebody has edited the key in its store.

It is stored beside the key. It cannot reveal the secret, which is random and has more than 256 bits.
"""

from __future__ import annotations

import hashlib
import secrets


def fingerprint(api_key_id: str, api_key_secret: str, salt: str = "") -> str:
    """The salt and the hash, C(SALT:HASH). Without a salt, a new one is made."""
    salt = salt or secrets.token_hex(16)
    text = "\n".join((salt, api_key_id, api_key_secret)).encode(errors="surrogatepass")
    return f"{salt}:{hashlib.sha256(text).hexdigest()}"


def is_edited(stored: str | None, api_key_id: str, api_key_secret: str) -> bool:
    """Whether a stored fingerprint is that of another key. Without one, an edit cannot be detected."""
    if not stored:
        return False
    return stored != fingerprint(api_key_id, api_key_secret, salt=stored.partition(":")[0])
