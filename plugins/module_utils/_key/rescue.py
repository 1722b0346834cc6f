# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Saves a key that was issued and cannot be written to its store."""

from __future__ import annotations

import contextlib
import os
import tempfile

from .._errors import KeyKeptElsewhere, KeyOrphaned, SodaError
from .._paths import home_folder
from .stored_key import StoredKey


def rescue_key(location: str, key: StoredKey, exc: Exception) -> SodaError:
    """
    Write a key to the first folder that accepts it, because nobody else has the key.

    Returns the failure that names the file, or the failure that reports the key as lost.
    """
    reason = getattr(exc, "strerror", None) or exc
    why = f"The runner key {key.api_key_id} was issued, but could not be written to {location}: {reason}."
    # None is the usual folder for temporary files. Python looks for one only then, and raises if no folder is writable.
    for folder in ("/var/tmp", home_folder(), None, "/dev/shm"):
        try:
            fd, kept = tempfile.mkstemp(prefix="soda-runner-key-", suffix=".json", dir=folder)
        except OSError:
            continue
        try:
            with open(fd, "wb") as file:
                file.write(key.to_json())
                file.flush()
                os.fsync(fd)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(kept)
            continue
        return KeyKeptElsewhere(
            f"{why} It was kept at {kept} instead (mode 0600). Fix {location}, move the file there, and run"
            " the task again. Then the task issues no other key."
        )
    return KeyOrphaned(
        f"{why} No other folder accepted it either, so the key {key.api_key_id} is orphaned: it stays valid"
        " in Soda Cloud and nobody has it. Fix the disk before you run the task again."
    )
