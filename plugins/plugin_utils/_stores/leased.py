# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
A key store that several controllers share: a document with compare-and-set, and an escrow file on the controller.

The store implements the same protocol as the key file of a host. Only one run issues a key, because it writes its
intent to the document first. The received key is written to the escrow file, then to the document, and read back. Only
then the escrow file is removed. So the next run finds the key of a run that was killed.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import secrets
import time
import typing as t

from ...module_utils import _timestamps
from ...module_utils._errors import KeyDeleted, KeyInEscrow, SodaError, StoreBusy, StoreChanged
from ...module_utils._key.key_file import KeyFile, KeyReservation
from ...module_utils._key.stored_key import KeyChanged, StoredKey
from .document import Conflict, Document, Found, Identity, Record, State
from .intent import LOST_KEY, Intent, Turn, whose_turn

POLL_INTERVAL = 2.0
"""Seconds between two looks at the intent of another run."""

ATTEMPTS = 5
"""How often a write is prepared again after another run has changed the document."""


@dataclasses.dataclass(frozen=True)
class Clock:
    """Time, and how to wait."""

    sleep: t.Callable[[float], None]
    now: t.Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.timezone.utc)
    monotonic: t.Callable[[], float] = time.monotonic


class LeasedStore:
    """Where the key of one runner is stored, for all controllers."""

    def __init__(
        self,
        document: Document,
        identity: Identity,
        escrow: KeyFile,
        escrow_id: str,
        clock: Clock,
        lock_timeout: float,
        lease_seconds: int,
        accept_deleted: bool = False,
    ) -> None:
        """C(accept_deleted) allows a new key although the store could restore a deleted one."""
        self.warnings: list[str] = []
        self.stored: StoredKey | None = None
        """The key that was read or written last."""
        self._document = document
        self._identity = identity
        self._escrow = escrow
        self._escrow_id = escrow_id
        self._clock = clock
        self._lock_timeout = lock_timeout
        self._lease_seconds = lease_seconds
        self._accept_deleted = accept_deleted
        self._reservation: LeasedReservation | None = None

    @property
    def location(self) -> str:
        return self._document.location

    def read(self) -> StoredKey | None:
        """The stored key, or the one that waits in escrow, or None."""
        self.stored = self._key_of(self._read())
        return self.stored

    def check_writable(self) -> None:
        self._escrow.check_writable()
        try:
            self._document.check_writable(self._document.read(), self._sample())
        except Conflict:
            raise self._busy() from None

    def reserve(self, observed: StoredKey | None) -> LeasedReservation:
        self._reservation = LeasedReservation(self, observed)
        return self._reservation

    def recover(self, key: StoredKey) -> StoredKey:
        """Commit the key that waits in escrow, or complete a document that is not as declared."""
        with self._escrow.lock:
            for _attempt in range(ATTEMPTS):
                found = self._wait_for_turn()
                if self._key_of(found) != key:
                    raise KeyChanged
                try:
                    self._commit(found, key)
                except Conflict:
                    continue
                return dataclasses.replace(key, in_place=True)
        raise self._busy()

    def deposit(self, key: StoredKey) -> None:
        """Put a key into escrow that was not issued by this run. C(recover()) commits it."""
        with self._escrow.reserve(self._escrow.read()) as reservation:
            reservation.commit(key)

    def remove(self, key: StoredKey) -> None:
        """Remove the key, all its versions, and its copy in escrow."""
        with self._escrow.lock:
            found = self._wait_for_turn()
            if self._key_of(found) != key:
                raise self._changed()
            try:
                self._document.destroy(found)
            except Conflict:
                raise self._changed() from None
            self._empty_escrow()

    def remove_all(self) -> bool:
        """Remove a document without a key: of a run that did not store one, or with a deleted key."""
        with self._escrow.lock:
            found = self._wait_for_turn()
            if found.state is State.ABSENT:
                return False
            if found.record.key is not None:
                raise self._changed()
            try:
                self._document.destroy(found)
            except Conflict:
                raise self._changed() from None
            return True

    def clean_up(self) -> None:
        """Remove a copy in escrow of the key that is stored."""
        if not (self._escrow.exists() or self._escrow.has_leftovers()):
            return
        try:
            with self._escrow.lock.without_waiting():
                waiting, stored = self._escrow.read(), self._document.read().record.key
                if waiting is not None and stored is not None and waiting.api_key_id == stored.api_key_id:
                    self._escrow.remove(waiting)
            self._escrow.clean_up()
        except SodaError:
            pass  # The next run that needs the escrow file reports it.

    def sleep(self, seconds: float) -> None:
        """Wait for a rate limit, and renew the lease meanwhile."""
        if self._reservation is None:
            self._clock.sleep(seconds)
        else:
            self._reservation.sleep(seconds)

    def _read(self) -> Found:
        found = self._document.read()
        if found.state is State.DELETED and not self._accept_deleted and self._escrow.read() is None:
            raise KeyDeleted(
                f"The key of the runner {self._identity.name!r} in {self.location} was deleted: {found.details}."
                " Restore it, or set reissue to true to issue another key.",
            )
        return found

    def _key_of(self, found: Found) -> StoredKey | None:
        stored, waiting = found.record.key, self._escrow.read()
        if waiting is None or (stored is not None and waiting.api_key_id == stored.api_key_id):
            return stored
        if stored is not None and waiting.key_version <= stored.key_version:
            self._warn(
                f"The key {waiting.api_key_id} of the runner {self._identity.name!r} is in escrow at"
                f" {self._escrow.path}, but {self.location} has the key {stored.api_key_id}. Nothing uses the key in"
                " escrow. Remove the file after you have checked this."
            )
            return stored
        return dataclasses.replace(waiting, in_place=False)

    def _wait_for_turn(self) -> Found:
        """The document, once no other run is in progress. The caller has the local lock."""
        deadline = self._clock.monotonic() + self._lock_timeout
        seen: tuple[Intent | None, float] = (None, 0.0)
        while True:
            found = self._read()
            intent, now = found.record.intent, self._clock.monotonic()
            if intent != seen[0]:
                seen = (intent, now)
            turn = whose_turn(intent, self._escrow_id, self._clock.now(), now - seen[1])
            if turn is not Turn.WAIT:
                return found
            if now >= deadline:
                raise self._busy()
            self._clock.sleep(POLL_INTERVAL)

    def _commit(self, found: Found, key: StoredKey) -> None:
        """Write the key, read it back, and remove its copy from escrow. Raises C(Conflict)."""
        key = dataclasses.replace(key, in_place=True)
        self._write(Record(key=key), found)
        stored = self._document.read().record.key
        if stored != key:
            raise StoreChanged(
                f"{self.location} does not contain the key {key.api_key_id} that was written to it. Another program"
                " changes this secret. Stop it and run the task again.",
            )
        self.stored = key
        self._empty_escrow()

    def _write(self, record: Record, found: Found) -> Found:
        """Write a record. If the answer is lost, the document itself shows whether it was written."""
        try:
            return self._document.write(record, found)
        except SodaError:
            try:
                now = self._document.read()
            except SodaError:
                now = None
            if now is not None and now.record == record:
                return now
            raise

    def _empty_escrow(self) -> None:
        waiting = self._escrow.read()
        if waiting is not None:
            self._escrow.remove(waiting)
        self._escrow.clean_up()

    def _sample(self) -> StoredKey:
        """A key of the usual size, to find out whether the store accepts one."""
        return StoredKey(
            endpoint=self._identity.endpoint,
            name=self._identity.name,
            api_key_id="0" * 36,
            api_key_secret="0" * 55,
            key_version=1,
            issued_at="2026-01-01T00:00:00Z",
            runner_id="0" * 36,
        )

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def _busy(self) -> SodaError:
        return StoreBusy(
            f"Another run has been issuing a key for {self.location} for {self._lock_timeout:.0f} s."
            " Run the task again when it has ended.",
        )

    def _changed(self) -> SodaError:
        return StoreChanged(
            f"Another run changed {self.location} during this task, so this task did not remove it."
            " Run the task again.",
        )


class LeasedReservation:
    """The local lock, space in escrow, and the intent in the document. For C(with)."""

    def __init__(self, store: LeasedStore, observed: StoredKey | None) -> None:
        self._store = store
        self._observed = observed
        self._escrow: KeyReservation | None = None
        self._found: Found | None = None
        """The document with the intent of this run."""
        self._was_absent = False
        self._intent: Intent | None = None
        self._renewed_at = 0.0
        self._keep_intent = False

    def __enter__(self) -> LeasedReservation:
        store = self._store
        store._escrow.lock.__enter__()
        try:
            self._set_aside_unused_key()
            self._escrow = store._escrow.reserve(store._escrow.read()).__enter__()
            self._claim()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        exc = exc_info[1]
        if isinstance(exc, SodaError) and not exc.in_doubt and not self._keep_intent:
            # No key was issued, so the next run need not expect that one is lost.
            self._withdraw()
        self._leave()

    def commit(self, key: StoredKey) -> None:
        """Write the key to escrow, then to the document. If the second step fails, the key stays in escrow."""
        t.cast(KeyReservation, self._escrow).commit(key)
        self._keep_intent = True
        try:
            self._store._commit(t.cast(Found, self._found), key)
        except (SodaError, Conflict) as exc:
            reason = exc.failure.message if isinstance(exc, SodaError) else "Another run has changed it."
            raise KeyInEscrow(
                f"The runner key {key.api_key_id} was issued, but could not be written to {self._store.location}:"
                f" {reason} The key is in escrow at {self._store._escrow.path} (mode 0600). Run the task again on this"
                " controller: it stores that key and issues no other.",
            ) from exc

    def sleep(self, seconds: float) -> None:
        clock, interval = self._store._clock, self._store._lease_seconds / 3
        until = clock.monotonic() + seconds
        while True:
            left = until - clock.monotonic()
            if left <= 0:
                return
            try:
                clock.sleep(min(left, interval))
            except BaseException:
                # No request is in progress.
                self._withdraw()
                raise
            if self._found is not None and clock.monotonic() - self._renewed_at >= interval:
                self._renew()

    def _claim(self) -> None:
        store = self._store
        for _attempt in range(ATTEMPTS):
            found = store._wait_for_turn()
            if store._key_of(found) != self._observed:
                raise KeyChanged
            left = found.record.intent
            if left is not None:
                store._warn(
                    LOST_KEY.format(
                        started=_timestamps.to_text(left.started_at),
                        where="this controller" if left.escrow_id == store._escrow_id else "another controller",
                        name=store._identity.name,
                        location=store.location,
                    )
                )
            now = store._clock.now()
            self._intent = Intent(secrets.token_hex(16), store._escrow_id, now, now, store._lease_seconds)
            self._was_absent = found.state is State.ABSENT
            try:
                store._document.check_writable(found, store._sample())
                self._put_intent(found)
                if found.state is not State.PRESENT:
                    # A service may allow to create a secret, but not to update it. The commit is an update.
                    self._renew()
            except Conflict:
                continue
            return
        raise store._busy()

    def _renew(self) -> None:
        store = self._store
        self._intent = t.cast(Intent, self._intent).renewed(store._clock.now())
        try:
            self._put_intent(t.cast(Found, self._found))
        except Conflict:
            self._keep_intent = True
            raise StoreBusy(
                f"Another run has taken over {store.location}, because this run did not renew its lease in time."
                " No key was requested. Run the task again.",
            ) from None

    def _put_intent(self, found: Found) -> None:
        self._renewed_at = self._store._clock.monotonic()
        self._found = self._store._write(Record(key=found.record.key, intent=self._intent), found)

    def _withdraw(self) -> None:
        found, self._found = self._found, None
        if found is None:
            return
        try:
            if self._was_absent:
                self._store._document.destroy(found)
            else:
                self._store._document.write(Record(key=found.record.key), found)
        except (SodaError, Conflict):
            pass  # The intent stays, and the next run takes over.

    def _set_aside_unused_key(self) -> None:
        """Keep a key in escrow that another key has replaced in the store: the new key needs its file."""
        escrow = self._store._escrow
        waiting, stored = escrow.read(), self._store._document.read().record.key
        if waiting is None or stored is None or waiting.key_version > stored.key_version:
            return
        if waiting.api_key_id == stored.api_key_id:
            escrow.remove(waiting)
        else:
            os.replace(escrow.path, f"{escrow.path}.{secrets.token_hex(4)}.unused")

    def _leave(self) -> None:
        self._store._reservation = None
        if self._escrow is not None:
            self._escrow.__exit__()
            self._escrow = None
        self._store._escrow.lock.__exit__()
