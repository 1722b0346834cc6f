# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
A lock between runs that write the same file.

The lock is flock() on a file beside the target. The kernel releases it if the process dies, so a killed run never
blocks the next run. The existence of the lock file means nothing: only the flock counts.

The process that has the lock removes the lock file before it releases the lock, so no file stays behind. Another
process may have opened that file meanwhile and then lock a file that has no name. Therefore a process that got the
flock compares its open file with the file at the path. If they differ, it tries again.

flock() on the folder would need no lock file, but runs for different keys in one escrow folder would wait for each
other.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
import typing as t

from .._errors import KeyPathBusy
from .atomic_write import TargetFile

POLL_INTERVAL = 0.1
"""Seconds between two attempts to get the lock."""


class FileLock:
    """The lock of one target file, for C(with). The same object can be entered again inside the block."""

    # The descriptor of the folder while the lock is requested, of the lock file while this process has the lock.
    _folder_fd = -1
    _fd: int | None = None

    def __init__(self, target: TargetFile, timeout: float) -> None:
        self._target = target
        self._timeout = timeout
        self._depth = 0
        self.name = f".{target.name}.lock"

    def exists(self) -> bool:
        """Whether there is a lock file: of a run in progress, or of a killed one."""
        return os.path.lexists(os.path.join(self._target.folder, self.name))

    @contextlib.contextmanager
    def without_waiting(self) -> t.Iterator[None]:
        """Take the lock, or fail at once."""
        timeout, self._timeout = self._timeout, 0.0
        try:
            with self:
                yield
        finally:
            self._timeout = timeout

    def __enter__(self) -> FileLock:
        if self._depth == 0:
            self._acquire()
        self._depth += 1
        return self

    def __exit__(self, *_exc: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._release()

    def _acquire(self) -> None:
        deadline = time.monotonic() + self._timeout
        self._folder_fd = self._target.open_folder()
        try:
            while not self._try_to_acquire():
                if time.monotonic() >= deadline:
                    raise KeyPathBusy(
                        f"Another run has been issuing a key for {self._target.path} for {self._timeout:.0f} s."
                        " Run the task again when it has ended.",
                    )
                time.sleep(POLL_INTERVAL)
        except OSError as exc:
            self._release()
            raise self._target.unusable(exc) from exc
        except BaseException:
            self._release()
            raise

    def _try_to_acquire(self) -> bool:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self.name, flags, 0o600, dir_fd=self._folder_fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The process that had the lock before may have removed the file that we opened.
            there = os.lstat(self.name, dir_fd=self._folder_fd)
            if os.path.samestat(os.fstat(fd), there):
                self._fd = fd
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError as exc:
            # Some file systems report EACCES for a lock that another process has.
            if exc.errno != errno.EACCES:
                os.close(fd)
                raise
        os.close(fd)
        return False

    def _release(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                # If the file stays, it is empty, and the next run takes it.
                os.unlink(self.name, dir_fd=self._folder_fd)
            os.close(self._fd)
            self._fd = None
        os.close(self._folder_fd)
