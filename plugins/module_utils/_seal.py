# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
Brings file contents from a host to the controller without showing them on the way.

What a module prints comes back through the connection plugin, and several print it in turn: ssh from -vvv on. So it is
sealed with a key that the controller makes for each task and hands over among the module's arguments, which are
not printed. The transport itself is not what this protects: that is the connection's part.
"""

from __future__ import annotations

import base64
import hashlib
import secrets


def new_key() -> str:
    """A key for one task."""
    return secrets.token_hex(32)


def seal(key: str, label: str, content: bytes) -> str:
    """C(content) as text that is unreadable without the key. A label is used once with a key."""
    return base64.b64encode(_mixed(key, label, content)).decode()


def unseal(key: str, label: str, sealed: str) -> bytes:
    """The content that was sealed with the same key and label."""
    return _mixed(key, label, base64.b64decode(sealed))


def _mixed(key: str, label: str, content: bytes) -> bytes:
    stream = hashlib.shake_256(f"{key}\0{label}".encode()).digest(len(content))
    return bytes(a ^ b for a, b in zip(content, stream))
