# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The key store C(file): a key file on disk.

Soda Cloud shows a key once. So the file is reserved before the key is requested. From the moment the key is written,
the next run finds it, even if the run is killed before it replaces the file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os

from .._endpoint import normalise_endpoint
from .._errors import KeyFileChanged, KeyFileOfAnotherRunner, KeyPathUnusable, SodaError
from .atomic_write import SetAttributes, TargetFile, keep_attributes
from .lock import FileLock
from .stored_key import KeyChanged, StoredKey


class KeyFile:
    """The file that stores the key of one runner."""

    def __init__(
        self,
        path: str,
        endpoint: str,
        name: str | None,
        lock_timeout: float = 0.0,
        set_attributes: SetAttributes = keep_attributes,
        check_attributes: SetAttributes = keep_attributes,
        owner: str | None = None,
    ) -> None:
        """
        C(endpoint) is normalized. Without a C(name), the file may store the key of any runner at the endpoint.

        C(lock_timeout) is for how many seconds to wait for another run. C(set_attributes) sets the attributes of the
        file before it gets its content; C(check_attributes) only raises if they cannot be set below a folder.
        C(owner) is the declared owner, who is trusted with the file.
        """
        self.target = TargetFile(path, KeyPathUnusable, owner)
        self.path = self.target.path
        self.lock = FileLock(self.target, lock_timeout)
        self.set_attributes = set_attributes
        self._endpoint = endpoint
        self._name = name
        self._check_attributes = check_attributes

    @property
    def location(self) -> str:
        """Where the key is, for messages."""
        return self.path

    def read(self) -> StoredKey | None:
        """
        The stored key, or None.

        Raises V(key_file_not_ours), or V(key_file_of_another_runner) also if a killed run left another runner's key
        beside the file. Then nothing is changed.
        """
        stored = self._read_file()
        if stored is not None:
            self._check_runner(stored, self.path)
        return self._left_behind(stored) or stored

    def exists(self) -> bool:
        return os.path.lexists(self.path)

    def check_writable(self, folder_may_be_missing: bool = True) -> None:
        """Raise if a key could not be written. Writes nothing."""
        self.target.check(folder_may_be_missing)
        if os.path.isdir(self.target.folder):
            self._check_attributes(self.target.folder)

    def reserve(self, observed: StoredKey | None) -> KeyReservation:
        """Lock and reserve the file for a new key, for C(with). Raises C(KeyChanged) if C(observed) was replaced."""
        return KeyReservation(self, observed)

    def recover(self, key: StoredKey) -> StoredKey:
        """Finish the work of a run that was killed between writing a key and replacing the file."""
        with self.lock:
            if self.read() != key:
                raise KeyChanged
            self.target.recover(self.set_attributes)
        return dataclasses.replace(key, in_place=True)

    def remove(self, key: StoredKey) -> None:
        """Remove the key that was observed, and what a killed run left beside it."""
        with self.lock:
            if self.read() != key:
                raise KeyFileChanged(
                    f"Another run changed {self.path} during this task, so this task did not remove it."
                    " Run the task again.",
                )
            self.target.remove_temporary()
            self.target.remove()

    def clean_up(self) -> None:
        """Remove what a killed run left beside the file, unless it is a key or another run is in progress."""
        if not self.has_leftovers():
            return
        # An error here does not matter now. The next run that writes the file reports it.
        with contextlib.suppress(SodaError), self.lock.without_waiting():
            try:
                left = self._read_temporary()
            except SodaError:
                left = None
            stored = self._read_file() if left else None
            if left is None or (stored is not None and stored.api_key_id == left.api_key_id):
                self.target.remove_temporary()

    def has_leftovers(self) -> bool:
        """Whether a killed run, or one in progress, has a file beside the key file."""
        return self.target.has_temporary() or self.lock.exists()

    def _read_file(self) -> StoredKey | None:
        content = self.target.read()
        return None if content is None else StoredKey.from_json(content, self.path)

    def _read_temporary(self) -> StoredKey | None:
        content = self.target.read_temporary()
        return None if content is None else StoredKey.from_json(content, self.path)

    def _left_behind(self, stored: StoredKey | None) -> StoredKey | None:
        """The key that a killed run wrote and did not commit, if it is complete and newer than the stored one."""
        try:
            left = self._read_temporary()
        except SodaError:
            # Incomplete, or planted by somebody else.
            return None
        if left is None:
            return None
        # This is the only copy of another runner's key, so it is not replaced.
        self._check_runner(left, os.path.join(self.target.folder, self.target.temporary))
        if stored is not None and (left.api_key_id == stored.api_key_id or left.key_version < stored.key_version):
            return None
        return dataclasses.replace(left, in_place=False)

    def _check_runner(self, key: StoredKey, path: str) -> None:
        with contextlib.suppress(SodaError):
            if normalise_endpoint(key.endpoint) == self._endpoint and self._name in (None, key.name):
                return
        raise KeyFileOfAnotherRunner(
            f"{path} stores the key of the runner {key.name!r} at {key.endpoint},"
            f" not of {self._name!r} at {self._endpoint}. It was not changed. Set another key_path, or remove the file"
            " if that runner is gone.",
        )


class KeyReservation:
    """The lock and the reserved file for a new key. Without a commit, nothing remains."""

    def __init__(self, file: KeyFile, observed: StoredKey | None) -> None:
        self._file = file
        self._observed = observed
        self._writing = file.target.reserve(_size(file._name or ""), file.set_attributes)

    def __enter__(self) -> KeyReservation:
        self._file.lock.__enter__()
        try:
            if self._file.read() != self._observed:
                raise KeyChanged
            self._writing.__enter__()
        except BaseException:
            self._file.lock.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._writing.__exit__()
        self._file.lock.__exit__()

    def commit(self, key: StoredKey) -> None:
        """Replace the file durably. If this raises C(OSError), the old file is still there."""
        self._writing.commit(key.to_json())


def _size(name: str) -> int:
    """The bytes that a key file of this name may need. JSON writes a character in up to 12."""
    return 4096 + 12 * len(name)
