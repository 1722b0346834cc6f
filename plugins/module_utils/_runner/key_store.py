# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The interface of key stores that the decision uses. It is the same for every kind of key store.

The stored key is the state: if the store has the wanted key, nothing is requested from Soda Cloud.
"""

from __future__ import annotations

import typing as t

from .._key.stored_key import StoredKey


class Reservation(t.Protocol):
    """A store that accepts a new key now, for C(with). Without a commit, nothing remains."""

    def __enter__(self) -> Reservation: ...

    def __exit__(self, *exc: object) -> None: ...

    def commit(self, key: StoredKey) -> None:
        """Store the key durably. If this raises, the old key is still stored, and the caller rescues the new one."""


class KeyStore(t.Protocol):
    """Where the key of one runner is stored. It knows the endpoint and the name of its runner."""

    @property
    def location(self) -> str:
        """Where the key is, for messages: a path, or the name of a secret."""

    def read(self) -> StoredKey | None:
        """The stored key, or None. Raises a C(SodaError) if the content is not this runner's key."""

    def check_writable(self) -> None:
        """Raise a C(SodaError) if a key could not be written. For check mode: writes nothing."""

    def reserve(self, observed: StoredKey | None) -> Reservation:
        """
        Check that a new key can be written, and that only this run issues one, until the block ends.

        On entry it raises C(KeyChanged) if the stored key is no longer C(observed), and a C(SodaError) if the store
        cannot be written or another run is in progress.
        """

    def recover(self, key: StoredKey) -> StoredKey:
        """Commit the key that a killed run wrote and did not commit. C(read()) returned it with C(in_place=False)."""

    def remove(self, key: StoredKey) -> None:
        """Remove the key that was observed. Raises V(key_file_changed) if another is stored now."""

    def clean_up(self) -> None:
        """Remove what a killed run left, unless it is a key or another run is in progress. Never raises."""
