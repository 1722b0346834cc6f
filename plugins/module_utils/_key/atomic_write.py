# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Files that are whole or not there: made sure of before they are needed, then put in place in one step."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import sys
import typing as t

from .._errors import SodaError, error

LARGEST = 1024 * 1024
"""No key file and no configuration file is larger."""

# Of Linux on the usual machines; elsewhere the call fails, and nothing is known.
FS_IOC_GETFLAGS, FS_IMMUTABLE_FL, FS_APPEND_FL = 0x80086601, 0x10, 0x20

Prepare = t.Callable[[str], None]
"""Sets owner, group and mode of the file at a path, before anything is written to it."""


class Place:
    """A path at which a file is kept. Symbolic links and everything but regular files are refused there."""

    def __init__(self, path: str, code: str) -> None:
        self.path = os.path.abspath(path)
        self.code = code
        """The C(failure.code) of whatever is wrong with the place."""
        self.folder, self.name = os.path.split(self.path)
        if path.endswith(os.sep) or not self.name:
            raise self.unusable("it names a folder, not a file")

    def unusable(self, reason: str | OSError) -> SodaError:
        if isinstance(reason, OSError):
            reason = (os.strerror(reason.errno) if reason.errno else str(reason)).lower()
        return error(self.code, f"{self.path} cannot be used: {reason}. Nothing was changed there.")

    def read(self, name: str | None = None, largest: int = LARGEST) -> bytes | None:
        """What the file holds, or of another file beside it; nothing where there is none."""
        path = self.path if name is None else os.path.join(self.folder, name)
        try:
            # Not to be held up by a named pipe, and never through a link.
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise self.unusable("it is a symbolic link" if exc.errno == errno.ELOOP else exc) from exc
        try:
            with open(fd, "rb") as file:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise self.unusable("it is not a regular file")
                content = file.read(largest + 1)
        except OSError as exc:
            raise self.unusable(exc) from exc
        if len(content) > largest:
            raise self.unusable(f"it is larger than {largest} bytes, so it is not ours")
        return content

    def check(self, folder_may_be_missing: bool = False) -> None:
        """
        Raise what C(reserve()) would raise, as far as that can be told without writing.

        For check mode, where an earlier task may not have created the folder yet.
        """
        try:
            if not stat.S_ISDIR(os.stat(self.folder).st_mode):
                raise self.unusable(f"{self.folder} is not a folder")
        except FileNotFoundError:
            if folder_may_be_missing:
                return
            raise self._no_folder() from None
        except OSError as exc:
            raise self.unusable(exc) from exc
        self._check_target()
        effective = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
        if not os.access(self.folder, os.W_OK | os.X_OK, **effective):
            raise self.unusable(f"the folder {self.folder} cannot be written to")
        space = os.statvfs(self.folder)
        free = space.f_bfree if os.geteuid() == 0 else space.f_bavail
        if (space.f_blocks and not free) or (space.f_files and not space.f_ffree):
            raise self.unusable(os.strerror(errno.ENOSPC).lower())

    def reserve(self, temporary: str, size: int, prepare: Prepare) -> Reservation:
        """Make sure that so many bytes can be put in place, with a temporary file of that name beside the target."""
        return Reservation(self, temporary, size, prepare)

    def remove(self) -> bool:
        """Remove the file. Whether there was one."""
        self._check_target()
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise self.unusable(exc) from exc
        return True

    def is_beside(self, name: str) -> bool:
        """Whether there is anything of that name beside the file."""
        return os.path.lexists(os.path.join(self.folder, name))

    def discard(self, temporary: str) -> None:
        """Remove a temporary file that a killed run left."""
        try:
            os.unlink(os.path.join(self.folder, temporary))
        except FileNotFoundError:
            pass
        except OSError as exc:
            raise self.unusable(exc) from exc

    def adopt(self, temporary: str, prepare: Prepare) -> None:
        """
        Put in place what a killed run wrote whole.

        What is there is the only copy, so it is not written again: only the zeros go that reserved the space.
        """
        folder_fd = self.open_folder()
        try:
            flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with open(os.open(temporary, flags, dir_fd=folder_fd), "r+b") as file:
                os.ftruncate(file.fileno(), len(file.read(LARGEST).rstrip(b"\0")))
                os.fsync(file.fileno())
                prepare(os.path.join(self.folder, temporary))
                self._check_target()
                os.replace(temporary, self.name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
                os.fsync(folder_fd)
        except OSError as exc:
            raise self.unusable(exc) from exc
        finally:
            os.close(folder_fd)

    def _check_target(self) -> None:
        try:
            there = os.lstat(self.path)
        except FileNotFoundError:
            return
        except OSError as exc:
            raise self.unusable(exc) from exc
        mode = there.st_mode
        if stat.S_ISLNK(mode):
            raise self.unusable("it is a symbolic link")
        if not stat.S_ISREG(mode):
            raise self.unusable("it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file")
        folder = os.stat(self.folder)
        if folder.st_mode & stat.S_ISVTX and os.geteuid() not in (0, there.st_uid, folder.st_uid):
            raise self.unusable("it belongs to another user, in a folder where only owners may replace files")
        if _is_immutable(self.path):
            raise self.unusable("it has an attribute (lsattr) that keeps it from being replaced")
        if _is_mount_point(os.path.join(os.path.realpath(self.folder), self.name)):
            raise self.unusable("it is mounted on its own, so no other file can be put in its place")

    def _no_folder(self) -> SodaError:
        return self.unusable(f"the folder {self.folder} does not exist; create it first, with ansible.builtin.file")

    def open_folder(self) -> int:
        try:
            return os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise self._no_folder() from None
        except OSError as exc:
            raise self.unusable(exc) from exc


class Reservation:
    """
    A place that is made sure of: the folder, the permission, the space and the attributes of the file to be.

    Used with C(with): what was not committed is removed at the end.
    """

    # Of the folder, and of the temporary file once that is there.
    _folder_fd = -1
    _fd = -1
    _committed = False

    def __init__(self, place: Place, temporary: str, size: int, prepare: Prepare) -> None:
        self._place = place
        self._temporary = temporary
        self._size = size
        self._prepare = prepare

    def __enter__(self) -> Reservation:
        self._folder_fd = self._place.open_folder()
        try:
            self._place._check_target()
            with contextlib.suppress(FileNotFoundError):
                # What a killed run left; the caller has looked at it.
                os.unlink(self._temporary, dir_fd=self._folder_fd)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            # Everything is relative to the folder that was opened, so nobody can put another in its place.
            self._fd = os.open(self._temporary, flags, 0o600, dir_fd=self._folder_fd)
            # Written, not only allocated: a full disk shows now.
            _write(self._fd, b"\0" * self._size)
            os.fsync(self._fd)
            self._prepare(os.path.join(self._place.folder, self._temporary))
            self._check_is_ours(self._temporary)
        except OSError as exc:
            self._discard()
            raise self._place.unusable(exc) from exc
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._discard()

    def commit(self, content: bytes) -> None:
        """Put the content in place, durably. Raises C(OSError); then what was there before is still there."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        _write(self._fd, content)
        os.ftruncate(self._fd, len(content))
        os.fsync(self._fd)
        os.replace(self._temporary, self._place.name, src_dir_fd=self._folder_fd, dst_dir_fd=self._folder_fd)
        self._check_is_ours(self._place.name)
        self._committed = True
        os.fsync(self._folder_fd)

    def _check_is_ours(self, name: str) -> None:
        """Raise C(OSError) where others who may write to the folder have put another file in the place of ours."""
        there = os.lstat(name, dir_fd=self._folder_fd)
        if not os.path.samestat(os.fstat(self._fd), there):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    def _discard(self) -> None:
        # A disk that fails here has failed before. What was raised then is what counts: it may say where a key is kept.
        if self._fd != -1:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            if not self._committed:
                with contextlib.suppress(OSError):
                    os.unlink(self._temporary, dir_fd=self._folder_fd)
            self._fd = -1
        if self._folder_fd != -1:
            os.close(self._folder_fd)
            self._folder_fd = -1


def _is_immutable(path: str) -> bool:
    """Whether a file is immutable or may only be appended to. Where that cannot be told it is not."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            flags = fcntl.ioctl(fd, FS_IOC_GETFLAGS, b"\0" * 8)
        finally:
            os.close(fd)
    except OSError:
        return False
    return bool(int.from_bytes(flags[:4], sys.byteorder) & (FS_IMMUTABLE_FL | FS_APPEND_FL))


def _is_mount_point(path: str) -> bool:
    """Whether a file is mounted on its own, as containers do. Only Linux has such mounts, and it lists them."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            points = {line.split()[4] for line in file}
    except OSError:
        return False
    return os.fsencode(path) in {re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), p) for p in points}


def _write(fd: int, content: bytes) -> None:
    while content:
        content = content[os.write(fd, content) :]
