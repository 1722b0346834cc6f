# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The one-time key on disk: reserve, commit, read, remove.

A key is shown once, so its place is made sure of before it is asked for, and from the moment it is written it is found
again: under a fixed temporary name, should the run be killed before the file is in place.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import fcntl
import json
import os
import tempfile
import time
import typing as t

from .._endpoint import normalise_endpoint
from .._errors import Failure, SodaError, error
from .atomic_write import Place, Prepare

if t.TYPE_CHECKING:
    # On the hosts nothing talks to Soda Cloud, and importing what does costs more than the rest.
    from .._api.runners import RunnerKey

LOCK_POLL = 0.1
"""Seconds between two tries to get the lock."""


@dataclasses.dataclass(frozen=True)
class HeldKey:
    """A runner key and whose it is, as the key file holds it."""

    endpoint: str
    name: str
    api_key_id: str
    api_key_secret: str = dataclasses.field(repr=False)
    key_version: int
    issued_at: str
    """ISO 8601, UTC."""
    runner_id: str | None
    """The id that the name had when the key was issued: a runner of that name can only register again with it."""
    in_place: bool = True
    """False when a run was killed after it wrote the key and before it put the file in place."""

    def as_result(self, path: str | None) -> dict[str, t.Any]:
        """What modules return of a key, and of the file that it is kept in: never the secret."""
        return {
            "api_key_id": self.api_key_id,
            "path": path,
            "key_version": self.key_version,
            "issued_at": self.issued_at,
        }

    def to_json(self) -> bytes:
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "in_place"}
        return (json.dumps(fields, indent=2) + "\n").encode()


def newly_issued(key: RunnerKey, endpoint: str, name: str, key_version: int, runner_id: str | None) -> HeldKey:
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return HeldKey(
        endpoint=endpoint,
        name=name,
        api_key_id=key.api_key_id,
        api_key_secret=key.api_key_secret,
        key_version=key_version,
        issued_at=now.isoformat().replace("+00:00", "Z"),
        runner_id=runner_id,
    )


class KeyFile:
    """The file at C(key_path)."""

    def __init__(self, path: str) -> None:
        self.place = Place(path, "key_path_unusable")
        self.path = self.place.path
        self._temporary = f".{self.place.name}.new"
        self._lock = _Lock(self.place, f".{self.place.name}.lock")

    def read(self, endpoint: str, name: str | None) -> HeldKey | None:
        """
        The key that is held for this endpoint and name; with no name, whichever runner's it is.

        Raises V(key_file_not_ours) or V(key_file_of_another_runner), and leaves the file alone: so also when a run
        that was killed left another runner's key beside it.
        """
        held = self._held_in()
        if held is not None:
            self._check_whose(held, endpoint, name, self.path)
        return self._left_behind(endpoint, name, held) or held

    def exists(self) -> bool:
        return os.path.lexists(self.path)

    def check_place(self, folder_may_be_missing: bool) -> None:
        self.place.check(folder_may_be_missing)

    def reserve(
        self, endpoint: str, name: str, observed: HeldKey | None, prepare: Prepare, patience: float
    ) -> KeyReservation:
        """
        Make sure of the place for a new key, for C(with). Raises C(KeyMoved) where C(observed) is no longer held.

        C(prepare) sets the attributes of the file to be; C(patience) is for how many seconds another run that holds
        the lock is waited for.
        """
        return KeyReservation(self, endpoint, name, observed, prepare, patience)

    def adopt(self, held: HeldKey, prepare: Prepare, patience: float) -> HeldKey:
        """Finish what a run began that was killed between writing a key and putting it in place."""
        with self.locked(patience):
            if self.read(held.endpoint, held.name) != held:
                raise KeyMoved
            self.place.adopt(self._temporary, prepare)
        return dataclasses.replace(held, in_place=True)

    def remove(self, held: HeldKey, patience: float) -> None:
        """Remove the key that was observed, and whatever a killed run left beside it."""
        with self.locked(patience):
            if self.read(held.endpoint, held.name) != held:
                raise error(
                    "key_file_changed",
                    f"{self.path} was changed by another run during this task, so it was left alone."
                    " Run the task again.",
                    retryable=True,
                )
            self.place.discard(self._temporary)
            self.place.remove()

    def tidy(self) -> None:
        """Remove what a killed run left beside the file, unless it holds a key, or another run is at work."""
        if not self.is_untidy():
            return
        try:
            with self.locked(patience=0):
                try:
                    left = self._held_in(self._temporary)
                except SodaError:
                    left = None
                held = self._held_in() if left else None
                if left is None or (held is not None and held.api_key_id == left.api_key_id):
                    self.place.discard(self._temporary)
        except SodaError:
            pass  # It is not in the way: the next run that needs the place says what is wrong with it.

    def is_untidy(self) -> bool:
        """Whether there is something beside the file that a killed run left, or that another run is at work with."""
        return self.place.is_beside(self._temporary) or self.place.is_beside(self._lock.name)

    def locked(self, patience: float) -> _Lock:
        """The lock of this key, for C(with); in such a block it can be taken again."""
        self._lock.patience = patience
        return self._lock

    def parse(self, content: bytes) -> HeldKey:
        """A key file's content. Raises V(key_file_not_ours)."""
        try:
            # A run that was killed while it wrote leaves the zeros that reserved the space.
            data = json.loads(content.rstrip(b"\0"))
        except (ValueError, RecursionError):
            raise self._not_ours("it is not JSON") from None
        if not isinstance(data, dict):
            raise self._not_ours("it is JSON, but not an object")
        version, runner_id = data.get("key_version"), data.get("runner_id")
        for field in ("endpoint", "name", "api_key_id", "api_key_secret", "issued_at"):
            if not isinstance(data.get(field), str) or not data[field]:
                raise self._not_ours(f"it has no {field}")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise self._not_ours("it has no key_version")
        if runner_id is not None and not isinstance(runner_id, str):
            raise self._not_ours("its runner_id is neither text nor null")
        texts = {f: data[f] for f in ("endpoint", "name", "api_key_id", "api_key_secret", "issued_at")}
        return HeldKey(**texts, key_version=version, runner_id=runner_id)

    def _held_in(self, name: str | None = None) -> HeldKey | None:
        """The key in the file, or in another file beside it; nothing where there is none. Raises as C(parse()) does."""
        content = self.place.read(name)
        return None if content is None else self.parse(content)

    def _left_behind(self, endpoint: str, name: str | None, held: HeldKey | None) -> HeldKey | None:
        """A key that a killed run wrote and did not put in place: whole, for the same runner, and newer."""
        path = os.path.join(self.place.folder, self._temporary)
        try:
            left = self._held_in(self._temporary)
            # In a folder that others may write to, they could plant one.
            if left is None or os.lstat(path).st_uid != os.geteuid():
                return None
        except (OSError, SodaError):
            return None
        # Another runner's key is nowhere else: the place is not taken from it.
        self._check_whose(left, endpoint, name, path)
        if held is not None and (left.api_key_id == held.api_key_id or left.key_version < held.key_version):
            return None
        return dataclasses.replace(left, in_place=False)

    def _check_whose(self, held: HeldKey, endpoint: str, name: str | None, path: str) -> None:
        with contextlib.suppress(SodaError):
            if normalise_endpoint(held.endpoint) == endpoint and name in (None, held.name):
                return
        raise error(
            "key_file_of_another_runner",
            f"{path} holds the key of the runner {held.name!r} at {held.endpoint},"
            f" not of {name!r} at {endpoint}. It was left alone. Name another key_path, or remove the file"
            " if that runner is gone.",
        )

    def _not_ours(self, reason: str) -> SodaError:
        return error(
            "key_file_not_ours",
            f"{self.path} is not a runner key file of this collection: {reason}. It was left alone."
            " Name another key_path, or move the file away.",
        )


class KeyMoved(Exception):
    """Another run has written or removed the key since it was observed: observe and decide again."""


class KeyReservation:
    """The lock and the reserved place for a new key. What is not committed leaves nothing behind."""

    def __init__(
        self,
        file: KeyFile,
        endpoint: str,
        name: str,
        observed: HeldKey | None,
        prepare: Prepare,
        patience: float,
    ) -> None:
        self._file = file
        self._endpoint = endpoint
        self._name = name
        self._observed = observed
        self._lock = file.locked(patience)
        self._reservation = file.place.reserve(file._temporary, _size(name), prepare)

    def __enter__(self) -> KeyReservation:
        self._lock.__enter__()
        try:
            if self._file.read(self._endpoint, self._name) != self._observed:
                raise KeyMoved
            self._reservation.__enter__()
        except BaseException:
            self._lock.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._reservation.__exit__()
        self._lock.__exit__()

    def commit(self, key: HeldKey) -> None:
        """Put the key in place, durably. Raises C(OSError); then what was there before is still there."""
        self._reservation.commit(key.to_json())


class _Lock:
    """
    One run at a time for one key. The lock file is removed by whoever holds the lock, so none stays.

    flock on the folder would need no file, but would have hosts wait for each other that share an escrow folder.
    """

    patience = 0.0
    """For how many seconds another run that holds it is waited for."""
    # Of the folder from when the lock is asked for, of the file while it is held.
    _folder_fd = -1
    _fd: int | None = None

    def __init__(self, place: Place, name: str) -> None:
        self.name = name
        self._place = place
        self._depth = 0

    def __enter__(self) -> _Lock:
        if self._depth == 0:
            self._acquire()
        self._depth += 1
        return self

    def _acquire(self) -> None:
        deadline = time.monotonic() + self.patience
        self._folder_fd = self._place.open_folder()
        try:
            while not self._acquired():
                if time.monotonic() >= deadline:
                    raise error(
                        "key_path_busy",
                        f"Another run has been issuing a key for {self._place.path} for {self.patience:.0f} s."
                        " Run the task again when it has ended.",
                        retryable=True,
                    )
                time.sleep(LOCK_POLL)
        except OSError as exc:
            self._release()
            raise self._place.unusable(exc) from exc
        except BaseException:
            self._release()
            raise

    def _acquired(self) -> bool:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self.name, flags, 0o600, dir_fd=self._folder_fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The one who held it before may have removed the file that we opened.
            there = os.lstat(self.name, dir_fd=self._folder_fd)
            if os.path.samestat(os.fstat(fd), there):
                self._fd = fd
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError as exc:
            # What some file systems say of a lock that another holds.
            if exc.errno != errno.EACCES:
                os.close(fd)
                raise
        os.close(fd)
        return False

    def __exit__(self, *_exc: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._release()

    def _release(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                # Should it stay, it is empty, and the next run takes it.
                os.unlink(self.name, dir_fd=self._folder_fd)
            os.close(self._fd)
            self._fd = None
        os.close(self._folder_fd)


def _size(name: str) -> int:
    """Bytes that a key file of this name may need: JSON writes a character in up to 12."""
    return 4096 + 12 * len(name)


def kept_elsewhere(path: str, key: HeldKey, exc: Exception) -> SodaError:
    """Keep a key that nobody else holds and that could not be put in its place, anywhere that takes it."""
    reason = getattr(exc, "strerror", None) or exc
    why = f"The runner key {key.api_key_id} was issued, but could not be written to {path}: {reason}."
    # None is the usual one, which is looked for only then: where no place for it is any good, that raises.
    for folder in ("/var/tmp", os.path.expanduser("~"), None, "/dev/shm"):
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
        return SodaError(
            Failure(
                code="key_kept_elsewhere",
                message=f"{why} It was kept at {kept} instead (mode 0600). Mend {path}, move the file there, and run"
                " the task again: no other key is issued then.",
            )
        )
    return SodaError(
        Failure(
            code="key_orphaned",
            message=f"{why} No other place took it either, so the key {key.api_key_id} is orphaned: it stays valid in"
            " Soda Cloud and nobody holds it. Mend the disk before you run the task again.",
        )
    )
