# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are whole or not there."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import re
import stat
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import KeyPathUnusable, SodaError
from ansible_collections.community.soda.plugins.module_utils._key import atomic_write as _files
from ansible_collections.community.soda.plugins.module_utils._key.atomic_write import (
    LARGEST,
    AtomicWrite,
    SetAttributes,
    TargetFile,
    keep_attributes,
)
from ansible_collections.community.soda.tests.unit.plugins.harness import mode_of, ordinary_user


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def place(path: Path | str) -> TargetFile:
    return TargetFile(str(path), KeyPathUnusable)


def reserve(path: Path, size: int = 100, set_attributes: SetAttributes = keep_attributes) -> AtomicWrite:
    return place(path).reserve(size, set_attributes)


def names(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def has_reasons(error: SodaError, path: Path, *reasons: str) -> bool:
    """Whether it is the failure of this place, and for one of these reasons."""
    said = [f"{path} cannot be used: {reason}. Nothing was changed there." for reason in reasons]
    return isinstance(error, KeyPathUnusable) and error.failure.message in said


def words(number: int) -> str:
    return os.strerror(number).lower()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("it is A Link", "it is A Link"),
        (OSError(errno.EDQUOT, "As a library puts it", "/another/path"), words(errno.EDQUOT)),
        (OSError("No Number"), "no number"),
    ],
    ids=["text", "number", "no number"],
)
def test_a_failure_says_which_place_it_is_and_why(path: Path, reason: str | OSError, said: str) -> None:
    assert has_reasons(place(path).unusable(reason), path, said)


def test_committed_content_is_in_the_file(path: Path) -> None:
    with reserve(path) as reservation:
        reservation.commit(b"content")
    assert path.read_bytes() == b"content"
    assert mode_of(path) == 0o600
    assert names(path) == ["file"]


@pytest.mark.parametrize("size", [0, 10, 1000], ids=["of none", "of less", "of more"])
def test_any_content_fits_whatever_size_was_reserved(path: Path, size: int) -> None:
    with reserve(path, size) as reservation:
        reservation.commit(b"x" * 100)
    assert path.read_bytes() == b"x" * 100


def test_nothing_remains_without_a_commit(path: Path) -> None:
    with reserve(path):
        assert names(path) == [".file.new"]
    assert names(path) == []


def test_a_file_is_replaced_in_one_step(path: Path) -> None:
    path.write_bytes(b"before")
    with open(path, "rb") as reader:
        with reserve(path) as reservation:
            assert path.read_bytes() == b"before"
            reservation.commit(b"after")
        assert reader.read() == b"before"
    assert path.read_bytes() == b"after"


def test_remains_of_a_killed_run_are_replaced_and_not_reused(path: Path, tmp_path: Path) -> None:
    """Else a link that others planted would have its target overwritten."""
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / ".file.new").symlink_to("target")
    with reserve(path) as reservation:
        reservation.commit(b"content")
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert not path.is_symlink()


def test_reading_what_is_not_there_gives_nothing(path: Path) -> None:
    assert place(path).read() is None


def test_reading_gives_the_content(path: Path) -> None:
    path.write_bytes(bytes(range(256)))
    assert place(path).read() == bytes(range(256))


@pytest.mark.parametrize(("size", "readable"), [(LARGEST, True), (LARGEST + 1, False)])
def test_too_large_file_is_not_read(path: Path, size: int, readable: bool) -> None:
    path.write_bytes(b"x" * size)
    if readable:
        assert place(path).read() == b"x" * size
    else:
        with pytest.raises(SodaError) as failed:
            place(path).read()
        assert has_reasons(failed.value, path, f"it is larger than {LARGEST} bytes, so it is not ours")


def test_no_more_is_read_of_a_file_than_tells_that_it_is_too_large(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"content")
    attempts: list[int | None] = []

    class Noted(io.BufferedReader):
        def read(self, size: int | None = -1) -> bytes:
            attempts.append(size)
            return super().read(size)

    monkeypatch.setattr(_files, "open", lambda fd, mode: Noted(io.FileIO(fd, mode)), raising=False)
    assert place(path).read(largest=7) == b"content"
    assert attempts == [8]


def link(path: Path) -> None:
    (path.parent / "target").write_bytes(b"precious")
    path.symlink_to("target")


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


WAYS: dict[str, Callable[[Path], object]] = {
    "read": lambda path: place(path).read(),
    "check": lambda path: place(path).check(),
    "reserve": lambda path: reserve(path).__enter__(),
    "remove": lambda path: place(path).remove(),
}


REASONS: dict[Callable[[Path], None], tuple[str, ...]] = {
    link: ("it is a symbolic link",),
    folder: ("it is a folder", words(errno.EISDIR)),
    pipe: ("it is not a regular file",),
}


@pytest.mark.parametrize("put", list(REASONS))
@pytest.mark.parametrize("do", list(WAYS.values()), ids=list(WAYS))
def test_only_a_regular_file_is_accepted_and_others_are_not_changed(
    path: Path, put: Callable[[Path], None], do: Callable[[Path], object]
) -> None:
    put(path)
    before = names(path)
    with pytest.raises(SodaError) as failed:
        do(path)
    assert has_reasons(failed.value, path, *REASONS[put])
    assert names(path) == before
    assert put is not link or (path.parent / "target").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("written", "reasons"),
    [
        ("name" * 70, (words(errno.ENAMETOOLONG),)),
        ("folder" * 50 + "/file", (words(errno.ENAMETOOLONG),)),
        # The system does not report whether the file or its folder refused.
        ("loop/file", (words(errno.ELOOP), "it is a symbolic link")),
    ],
    ids=["name", "folder", "loop"],
)
@pytest.mark.parametrize("do", list(WAYS.values()), ids=list(WAYS))
def test_a_path_that_the_system_refuses_is_a_failure_that_names_it(
    tmp_path: Path, written: str, reasons: tuple[str, ...], do: Callable[[Path], object]
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SodaError) as failed:
        do(tmp_path / written)
    assert has_reasons(failed.value, tmp_path / written, *reasons)
    assert [each.name for each in tmp_path.iterdir()] == ["loop"]


def test_remains_that_cannot_be_removed_are_a_failure(path: Path, tmp_path: Path) -> None:
    (tmp_path / ".file.new").mkdir()
    with pytest.raises(SodaError) as failed:
        place(path).remove_temporary()
    assert has_reasons(failed.value, path, words(errno.EISDIR))
    place(tmp_path / "other").remove_temporary()


def test_a_folder_that_is_missing_is_never_made(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "file"
    for attempt in (lambda: place(path).check(), lambda: reserve(path).__enter__()):
        with pytest.raises(SodaError) as failed:
            attempt()
        assert isinstance(failed.value, KeyPathUnusable)
        assert f"the folder {tmp_path / 'missing'} does not exist" in failed.value.failure.message
    assert list(tmp_path.iterdir()) == []


def test_a_check_may_forgive_a_folder_that_is_missing(tmp_path: Path) -> None:
    place(tmp_path / "missing" / "file").check(folder_may_be_missing=True)
    with pytest.raises(SodaError):
        place(tmp_path / "missing" / "file").check(folder_may_be_missing=False)


def test_a_check_does_not_forgive_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    with pytest.raises(SodaError) as failed:
        place(tmp_path / "folder" / "file").check(folder_may_be_missing=True)
    assert has_reasons(failed.value, tmp_path / "folder" / "file", f"{tmp_path / 'folder'} is not a folder")


def test_a_file_is_not_opened_as_the_folder(path: Path) -> None:
    path.write_bytes(b"content")
    with pytest.raises(SodaError) as failed:
        place(path / "file").open_folder()
    assert has_reasons(failed.value, path / "file", words(errno.ENOTDIR))


def test_a_check_writes_nothing(path: Path) -> None:
    before = path.parent.stat().st_mtime_ns
    place(path).check()
    assert path.parent.stat().st_mtime_ns == before
    assert names(path) == []


@pytest.mark.parametrize("written", ["folder/", "folder/.", "/"])
def test_a_path_that_names_a_folder_is_refused(tmp_path: Path, written: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SodaError) as failed:
        place(os.path.join(tmp_path, written)).check()
    path = tmp_path / written
    assert has_reasons(
        failed.value, path, "it is a folder" if written == "folder/." else "it names a folder, not a file"
    )


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(SodaError) as failed:
        place("").check()
    assert has_reasons(failed.value, Path.cwd(), "it is a folder")


def test_removing_says_whether_there_was_something(path: Path) -> None:
    path.write_bytes(b"content")
    assert place(path).remove() is True
    assert place(path).remove() is False
    assert names(path) == []


def test_a_folder_that_cannot_be_written_to_fails_the_check_as_it_fails_the_reservation(open_folder: Path) -> None:
    path = open_folder / "file"
    open_folder.chmod(0o555)
    with ordinary_user():
        for attempt in (lambda: place(path).check(), lambda: reserve(path).__enter__()):
            with pytest.raises(SodaError) as failed:
                attempt()
            assert has_reasons(
                failed.value, path, f"the folder {open_folder} cannot be written to", words(errno.EACCES)
            )


def test_a_file_that_cannot_be_removed_is_a_failure(open_folder: Path) -> None:
    (open_folder / "file").write_bytes(b"content")
    open_folder.chmod(0o555)
    with ordinary_user(), pytest.raises(SodaError) as failed:
        place(open_folder / "file").remove()
    assert has_reasons(failed.value, open_folder / "file", words(errno.EACCES))


def test_no_file_descriptor_is_left_open(path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("needs /proc")
    before = len(list(descriptors.iterdir()))
    for _unused in range(5):
        with reserve(path) as reservation:
            reservation.commit(b"content")
        place(path).read()
    assert len(list(descriptors.iterdir())) <= before


# Told without writing


def test_a_check_asks_about_the_real_user_where_the_system_cannot_be_asked_about_the_effective_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = os.access
    attempts = []

    def plain_access(path: str, mode: int) -> bool:
        attempts.append(path)
        return access(path, mode)

    # What is not among os.supports_effective_ids does not take that argument.
    monkeypatch.setattr(os, "access", plain_access)
    place(path).check()
    assert attempts == [str(path.parent)]


ROOMY = {"f_blocks": 9, "f_bfree": 9, "f_bavail": 9, "f_files": 9, "f_ffree": 9}


@pytest.mark.parametrize(
    ("user", "disk", "usable"),
    [
        (0, {}, True),
        (1000, {}, True),
        (0, {"f_bavail": 0}, True),
        (1000, {"f_bavail": 0}, False),
        (0, {"f_bavail": 0, "f_bfree": 0}, False),
        (1000, {"f_ffree": 0}, False),
        (0, {"f_blocks": 0, "f_bfree": 0, "f_bavail": 0, "f_files": 0, "f_ffree": 0}, True),
    ],
    ids=["root", "user", "for root only, root", "for root only, user", "full", "no inode", "nothing is counted"],
)
def test_a_disk_without_space_fails_the_check_as_it_would_fail_the_reservation(
    path: Path, monkeypatch: pytest.MonkeyPatch, user: int, disk: dict[str, int], usable: bool
) -> None:
    attempts = []

    def statvfs(folder: str) -> SimpleNamespace:
        attempts.append(folder)
        return SimpleNamespace(**{**ROOMY, **disk})

    monkeypatch.setattr(os, "statvfs", statvfs)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if usable:
        place(path).check()
    else:
        with pytest.raises(SodaError) as failed:
            place(path).check()
        assert has_reasons(failed.value, path, words(errno.ENOSPC))
    assert attempts == [str(path.parent)]


@pytest.mark.parametrize("sticky", [True, False])
@pytest.mark.parametrize("who", ["root", "owner", "another"])
def test_a_file_of_another_user_is_refused_in_a_folder_where_only_owners_may_replace_files(
    path: Path, monkeypatch: pytest.MonkeyPatch, who: str, sticky: bool
) -> None:
    path.write_bytes(b"content")
    path.parent.chmod(0o1777 if sticky else 0o777)
    owner = os.geteuid()
    if owner == 0:
        owner = 65534
        for each in (path, path.parent):
            os.chown(each, owner, owner)
    monkeypatch.setattr(os, "geteuid", lambda: {"root": 0, "owner": owner, "another": owner + 1}[who])
    if who != "another" or not sticky:
        place(path).check()
        return
    with pytest.raises(SodaError) as failed:
        place(path).check()
    assert has_reasons(
        failed.value, path, "it belongs to another user, in a folder where only owners may replace files"
    )


ATTRIBUTES = {"immutable": 0x10, "append only": 0x20, "others": 0xFFFFFFCF}


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("attributes", list(ATTRIBUTES))
def test_a_file_with_an_attribute_that_keeps_it_in_place_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, attributes: str, order: str
) -> None:
    path.write_bytes(b"content")

    def ioctl(fd: int, request: int, buffer: bytes) -> bytes:
        assert os.path.samestat(os.fstat(fd), path.stat())
        assert request == 0x80086601
        # Linux writes four bytes, file systems in user space eight.
        assert buffer == bytes(8)
        return struct.pack("<I" if order == "little" else ">I", ATTRIBUTES[attributes]) + b"\xff" * 4

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    monkeypatch.setattr(sys, "byteorder", order)
    if attributes == "others":
        place(path).check()
        return
    with pytest.raises(SodaError) as failed:
        place(path).check()
    assert has_reasons(failed.value, path, "it has an attribute (lsattr) that keeps it from being replaced")


def test_a_file_is_usable_where_its_attributes_and_what_is_mounted_cannot_be_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"content")

    def fail(*_arguments: object) -> bytes:
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))

    monkeypatch.setattr(fcntl, "ioctl", fail)
    monkeypatch.setattr(_files, "open", fail, raising=False)
    place(path).check()
    monkeypatch.delattr(_files, "open")
    assert place(path).remove() is True


@pytest.mark.parametrize(
    "name",
    ["plain", "two words", "tab\tand\nline", "back\\slash", "Zürich"],
    ids=["plain", "blank", "tab", "escape", "umlaut"],
)
@pytest.mark.parametrize("mounted", [True, False], ids=["itself", "another"])
def test_a_file_that_is_mounted_on_its_own_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mounted: bool
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / name).write_bytes(b"content")
    # A list of mounts has real paths, whatever path a play names.
    (tmp_path / "link").symlink_to("real")
    path = tmp_path / "link" / name
    point = os.fsencode(os.path.realpath(tmp_path / "real" / (name if mounted else "another")))
    # As Linux writes what would end a word, a line or an escape.
    written = re.sub(rb"[ \t\n\\]", lambda found: b"\\%03o" % ord(found[0]), point)
    opened = []

    def mounts(path: str, mode: str) -> io.BytesIO:
        opened.append((path, mode))
        return io.BytesIO(
            b"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
            b"99 22 254:0 /keys/key.json %b rw,relatime shared:1 - ext4 /dev/vda rw\n" % written
        )

    monkeypatch.setattr(_files, "open", mounts, raising=False)
    if mounted:
        with pytest.raises(SodaError) as failed:
            place(path).check()
        assert has_reasons(failed.value, path, "it is mounted on its own, so no other file can be put in its place")
    else:
        place(path).check()
    assert opened == [("/proc/self/mountinfo", "rb")]


def test_broken_link_beside_the_file_is_found(path: Path) -> None:
    path.write_bytes(b"content")
    assert place(path).has_temporary() is False
    path.with_name(".file.new").symlink_to("nowhere")
    assert place(path).has_temporary() is True


def test_a_reservation_that_has_ended_closes_nothing_of_others(path: Path) -> None:
    """The numbers of what it had open are given to what is opened next."""
    reservation = reserve(path)
    with reservation:
        pass
    others = [os.open(path.parent, os.O_RDONLY) for _unused in range(3)]
    standard_streams = [0, 1, 2]
    before = [os.fstat(fd)[:3] for fd in standard_streams + others]
    reservation.__exit__()
    assert [os.fstat(fd)[:3] for fd in standard_streams + others] == before
    for fd in others:
        os.close(fd)


# Finished for a run that was killed


def test_complete_file_of_a_killed_run_is_committed_with_attributes_and_without_zeros(path: Path) -> None:
    left = path.with_name(".file.new")
    left.write_bytes(b"content" + b"\0" * 100)
    path.write_bytes(b"before")
    inode = left.stat().st_ino
    seen = []

    def set_attributes(given: str) -> None:
        seen.append((given, path.read_bytes()))
        os.chmod(given, 0o640)

    place(path).recover(set_attributes)
    assert seen == [(str(left), b"before")]
    assert (path.read_bytes(), mode_of(path), path.stat().st_ino) == (b"content", 0o640, inode)
    assert names(path) == ["file"]


def test_removed_remains_of_a_killed_run_are_a_failure(path: Path) -> None:
    path.write_bytes(b"before")
    with pytest.raises(SodaError) as failed:
        place(path).recover(keep_attributes)
    assert has_reasons(failed.value, path, words(errno.ENOENT))
    assert path.read_bytes() == b"before"


def test_foreign_file_is_opened_without_following_a_link_or_waiting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was looked at before. Between that and this anyone who may write to the folder can replace it."""
    path.write_bytes(b"content")
    path.with_name(".file.new").write_bytes(b"next")
    system_open = os.open
    opened: list[tuple[str, int]] = []

    def noted_open(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        fd = system_open(path, flags, mode, dir_fd=dir_fd)
        assert os.get_inheritable(fd) is False
        if stat.S_ISREG(os.fstat(fd).st_mode):
            opened.append((os.path.basename(path), flags))
        return fd

    monkeypatch.setattr(os, "open", noted_open)
    assert place(path).read() == b"content"
    place(path).check()
    place(path).recover(keep_attributes)
    assert [name for name, _flags in opened] == ["file", "file", ".file.new", "file"]
    assert [bool(flags & os.O_NOFOLLOW and flags & os.O_NONBLOCK) for _name, flags in opened] == [True] * 4
    opened.clear()
    with reserve(path):
        (flags,) = [flags for name, flags in opened if name == ".file.new"]
    assert flags & os.O_EXCL
    assert flags & os.O_NOFOLLOW


@pytest.mark.parametrize("what", ["a link", "a file"])
def test_replacement_of_the_reserved_file_is_not_written_to(
    path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    left, target = path.with_name(".file.new"), path.with_name("target")
    left.write_bytes(b"left")
    target.write_bytes(b"precious")
    unlink = os.unlink

    def unlink_and_plant(path: str, *, dir_fd: int | None = None) -> None:
        unlink(path, dir_fd=dir_fd)
        if what == "a link":
            left.symlink_to("target")
        else:
            os.link(target, left)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink_and_plant)
        with pytest.raises(SodaError) as failed, reserve(path):
            pass
    assert has_reasons(failed.value, path, words(errno.EEXIST))
    assert target.read_bytes() == b"precious"


def test_a_link_to_the_reserved_file_is_not_the_reserved_file(path: Path) -> None:
    def replace_it(given: str) -> None:
        os.rename(given, path.with_name("moved"))
        os.symlink("moved", given)

    with pytest.raises(SodaError) as failed, reserve(path, set_attributes=replace_it):
        pass
    assert has_reasons(failed.value, path, words(errno.EEXIST))
    with reserve(path) as reservation:
        replace_it(str(path.with_name(".file.new")))
        with pytest.raises(FileExistsError) as refused:
            reservation.commit(b"content")
    assert (refused.value.errno, refused.value.strerror) == (errno.EEXIST, os.strerror(errno.EEXIST))


def test_foreign_file_beside_a_committed_file_is_not_changed(path: Path) -> None:
    with reserve(path) as reservation:
        reservation.commit(b"content")
        path.with_name(".file.new").write_bytes(b"of another run")
    assert path.with_name(".file.new").read_bytes() == b"of another run"


def test_remains_of_a_killed_run_stay_if_the_path_cannot_be_used(path: Path) -> None:
    path.mkdir()
    path.with_name(".file.new").write_bytes(b"left")
    with pytest.raises(SodaError), reserve(path):
        pass
    assert path.with_name(".file.new").read_bytes() == b"left"


# Disks that go bad


@pytest.fixture
def go_bad(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on nothing can be removed, and closing a file fails, as on a disk that has become read-only."""
    close = os.close

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def close_and_fail(fd: int) -> None:
        is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        close(fd)
        if is_file:
            fail()

    def begin() -> None:
        monkeypatch.setattr(os, "unlink", fail)
        monkeypatch.setattr(os, "close", close_and_fail)

    return begin


def test_a_disk_that_fails_at_the_end_does_not_hide_what_has_failed_before(
    path: Path, go_bad: Callable[[], None]
) -> None:
    """What has failed before may say where a key was kept instead."""

    def fail() -> None:
        go_bad()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), reserve(path):
        fail()
    assert not path.exists()


def test_a_disk_that_fails_during_the_check_is_a_failure(path: Path, go_bad: Callable[[], None]) -> None:
    def set_attributes(_path: str) -> None:
        go_bad()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(SodaError) as failed, reserve(path, set_attributes=set_attributes):
        pass
    assert has_reasons(failed.value, path, words(errno.EIO))
