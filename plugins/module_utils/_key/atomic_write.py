# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Replaces a file in one step. A reader sees the old content or the new content, never a part of it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import sys
import typing as t

from .._errors import SodaError, UntrustedFile
from .trust import distrust_of_file, distrust_of_folder, trusted_users

LARGEST = 1024 * 1024
"""No key file and no configuration file is larger than this number of bytes."""

# Of Linux on the usual machines. Elsewhere the call fails, and the attributes are unknown.
FS_IOC_GETFLAGS, FS_IMMUTABLE_FL, FS_APPEND_FL = 0x80086601, 0x10, 0x20

SEARCH_ONLY: int = getattr(os, "O_PATH", os.O_RDONLY)
"""To open a folder that may only be searched. Only Linux has this."""

SetAttributes = t.Callable[[str], None]
"""Sets owner, group and mode of the file at a path."""


def keep_attributes(path: str) -> None:
    """Leave owner, group and mode as they are: the user who runs, and 0600."""


class TargetFile:
    """
    A path that a file is read from and written to. Only regular files are accepted, and never a symbolic link.

    New content is first written to a temporary file beside it. Its name is fixed, so that the next run finds what a
    killed run left.
    """

    def __init__(
        self, path: str, error: type[SodaError], owner: str | None = None, must_be_trusted: bool = True
    ) -> None:
        """
        C(error) is raised for everything that is wrong with the path.

        C(owner) is the declared owner, by name or number. Files whose content is only compared and then replaced need
        not be trusted; what is read from all others is believed.
        """
        self.path = os.path.abspath(path)
        self._error = error
        self._owner = owner
        self._must_be_trusted = must_be_trusted
        self.folder, self.name = os.path.split(self.path)
        if path.endswith(os.sep) or not self.name:
            raise self.unusable("it names a folder, not a file")

    @property
    def temporary(self) -> str:
        """The name of the temporary file."""
        return f".{self.name}.new"

    def unusable(self, reason: str | OSError) -> SodaError:
        if isinstance(reason, OSError):
            reason = (os.strerror(reason.errno) if reason.errno else str(reason)).lower()
        return self._error(f"{self.path} cannot be used: {reason}. Nothing was changed there.")

    def read(self, largest: int = LARGEST) -> bytes | None:
        """The content, or None if there is no file. Raises V(untrusted_file) if others may have written it."""
        return self._read(self.name, largest)

    def read_temporary(self) -> bytes | None:
        """The content of the temporary file, or None if there is none."""
        return self._read(self.temporary, LARGEST)

    def _read(self, name: str, largest: int) -> bytes | None:
        try:
            folder_fd = os.open(self.folder, SEARCH_ONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise self.unusable(exc) from exc
        try:
            # Never wait for a named pipe, and never follow a link.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self._check_folder_is_trusted(os.fstat(folder_fd))
            with open(os.open(name, flags, dir_fd=folder_fd), "rb") as file:
                there = os.fstat(file.fileno())
                if not stat.S_ISREG(there.st_mode):
                    raise self.unusable("it is not a regular file")
                self._check_file_is_trusted(name, there, os.fstat(folder_fd))
                content = file.read(largest + 1)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise self.unusable("it is a symbolic link" if exc.errno == errno.ELOOP else exc) from exc
        finally:
            os.close(folder_fd)
        if len(content) > largest:
            raise self.unusable(f"it is larger than {largest} bytes, so it is not ours")
        return content

    def _check_folder_is_trusted(self, folder: os.stat_result) -> None:
        if self._must_be_trusted:
            self._raise_distrust(self.path, distrust_of_folder(self.folder, folder, trusted_users(self._owner)))

    def _check_file_is_trusted(self, name: str, there: os.stat_result, folder: os.stat_result) -> None:
        if self._must_be_trusted:
            path = os.path.join(self.folder, name)
            self._raise_distrust(path, distrust_of_file(path, there, folder, trusted_users(self._owner)))

    @staticmethod
    def _raise_distrust(path: str, reason: str | None) -> None:
        if reason is not None:
            raise UntrustedFile(f"{path} was not read, because {reason}.")

    def check(self, folder_may_be_missing: bool = False) -> None:
        """
        Raise what C(reserve()) would raise, as far as it can be known without writing.

        For check mode, in which an earlier task may not have created the folder yet.
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

    def reserve(self, size: int, set_attributes: SetAttributes = keep_attributes) -> AtomicWrite:
        """Check that this number of bytes can be written, by writing them to the temporary file."""
        return AtomicWrite(self, size, set_attributes)

    def write(self, content: bytes, set_attributes: SetAttributes = keep_attributes) -> None:
        """Replace the file in one step."""
        with self.reserve(len(content), set_attributes) as writing:
            try:
                writing.commit(content)
            except OSError as exc:
                raise self.unusable(exc) from exc

    def remove(self) -> bool:
        """Remove the file. Return whether there was one."""
        self._check_target()
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise self.unusable(exc) from exc
        return True

    def has_temporary(self) -> bool:
        """Whether there is anything at the path of the temporary file."""
        return os.path.lexists(os.path.join(self.folder, self.temporary))

    def remove_temporary(self) -> None:
        """Remove the temporary file that a killed run left."""
        try:
            os.unlink(os.path.join(self.folder, self.temporary))
        except FileNotFoundError:
            pass
        except OSError as exc:
            raise self.unusable(exc) from exc

    def recover(self, set_attributes: SetAttributes) -> None:
        """
        Replace the file with the temporary file that a killed run wrote completely.

        The temporary file is the only copy of its content, so it is not written again. Only the zeros that reserved
        the space are cut off.
        """
        folder_fd = self.open_folder()
        try:
            flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with open(os.open(self.temporary, flags, dir_fd=folder_fd), "r+b") as file:
                os.ftruncate(file.fileno(), len(file.read(LARGEST).rstrip(b"\0")))
                os.fsync(file.fileno())
                set_attributes(os.path.join(self.folder, self.temporary))
                self._check_target()
                os.replace(self.temporary, self.name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
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


class AtomicWrite:
    """
    A file that is about to be replaced. On entry it checks the folder, the permissions, the space and the attributes.

    On exit it removes what was not committed.
    """

    # The descriptors of the folder, and of the temporary file once it exists.
    _folder_fd = -1
    _fd = -1
    _committed = False

    def __init__(self, target: TargetFile, size: int, set_attributes: SetAttributes) -> None:
        self._target = target
        self._size = size
        self._set_attributes = set_attributes

    def __enter__(self) -> AtomicWrite:
        self._folder_fd = self._target.open_folder()
        try:
            self._target._check_target()
            with contextlib.suppress(FileNotFoundError):
                # A killed run left it. The caller has read it.
                os.unlink(self._target.temporary, dir_fd=self._folder_fd)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            # All paths are relative to the opened folder, so nobody can replace the folder meanwhile.
            self._fd = os.open(self._target.temporary, flags, 0o600, dir_fd=self._folder_fd)
            # Written, not only allocated, so that a full disk fails here.
            _write(self._fd, b"\0" * self._size)
            os.fsync(self._fd)
            self._set_attributes(os.path.join(self._target.folder, self._target.temporary))
            self._check_is_ours(self._target.temporary)
        except OSError as exc:
            self._discard()
            raise self._target.unusable(exc) from exc
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._discard()

    def commit(self, content: bytes) -> None:
        """Replace the file durably. If this raises C(OSError), the old file is still there."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        _write(self._fd, content)
        os.ftruncate(self._fd, len(content))
        os.fsync(self._fd)
        os.replace(self._target.temporary, self._target.name, src_dir_fd=self._folder_fd, dst_dir_fd=self._folder_fd)
        self._check_is_ours(self._target.name)
        self._committed = True
        os.fsync(self._folder_fd)

    def _check_is_ours(self, name: str) -> None:
        """Raise C(OSError) if somebody else has replaced our file."""
        there = os.lstat(name, dir_fd=self._folder_fd)
        if not os.path.samestat(os.fstat(self._fd), there):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    def _discard(self) -> None:
        # If the disk fails here, it failed before. That error matters more: it may name the file of a rescued key.
        if self._fd != -1:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            if not self._committed:
                with contextlib.suppress(OSError):
                    os.unlink(self._target.temporary, dir_fd=self._folder_fd)
            self._fd = -1
        if self._folder_fd != -1:
            os.close(self._folder_fd)
            self._folder_fd = -1


def _is_immutable(path: str) -> bool:
    """Whether a file is immutable or append-only. If this is unknown, it is not."""
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
    """Whether a single file is mounted at this path, as containers do. Only Linux has such mounts, and lists them."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            points = {line.split()[4] for line in file}
    except OSError:
        return False
    return os.fsencode(path) in {re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), p) for p in points}


def _write(fd: int, content: bytes) -> None:
    while content:
        content = content[os.write(fd, content) :]
