# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.community.soda.plugins.module_utils._failure import SodaError
from ansible_collections.community.soda.plugins.module_utils._files import LARGEST, Place, Reservation
from ansible_collections.community.soda.tests.unit.plugins.harness import mode_of, ordinary_user

CODE = "place_unusable"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def place(path: Path | str) -> Place:
    return Place(str(path), CODE)


def reserve(path: Path, size: int = 100) -> Reservation:
    return place(path).reserve(".file.new", size, lambda path: None)


def names(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_what_is_committed_is_there(path: Path) -> None:
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


def test_what_is_not_committed_leaves_nothing(path: Path) -> None:
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


def test_what_a_killed_run_left_is_replaced_not_written_to(path: Path, tmp_path: Path) -> None:
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
def test_what_is_too_large_to_be_ours_is_not_read(path: Path, size: int, readable: bool) -> None:
    path.write_bytes(b"x" * size)
    if readable:
        assert place(path).read() == b"x" * size
    else:
        with pytest.raises(SodaError) as failed:
            place(path).read()
        assert failed.value.failure.code == CODE


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


@pytest.mark.parametrize("put", [link, folder, pipe])
@pytest.mark.parametrize("do", list(WAYS.values()), ids=list(WAYS))
def test_what_is_no_regular_file_is_refused_and_left_alone(
    path: Path, put: Callable[[Path], None], do: Callable[[Path], object]
) -> None:
    put(path)
    before = names(path)
    with pytest.raises(SodaError) as failed:
        do(path)
    assert failed.value.failure.code == CODE
    assert str(path) in failed.value.failure.message
    assert names(path) == before
    assert put is not link or (path.parent / "target").read_bytes() == b"precious"


@pytest.mark.parametrize("written", ["name" * 70, "folder" * 50 + "/file", "loop/file"], ids=["name", "folder", "loop"])
@pytest.mark.parametrize("do", list(WAYS.values()), ids=list(WAYS))
def test_a_path_that_the_system_refuses_is_a_failure_that_names_it(
    tmp_path: Path, written: str, do: Callable[[Path], object]
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SodaError) as failed:
        do(tmp_path / written)
    assert failed.value.failure.code == CODE
    assert str(tmp_path / written) in failed.value.failure.message
    assert [each.name for each in tmp_path.iterdir()] == ["loop"]


def test_what_a_killed_run_left_and_cannot_be_removed_is_a_failure(path: Path, tmp_path: Path) -> None:
    (tmp_path / ".file.new").mkdir()
    with pytest.raises(SodaError) as failed:
        place(path).discard(".file.new")
    assert failed.value.failure.code == CODE
    place(path).discard(".never.there")


def test_a_folder_that_is_missing_is_never_made(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "file"
    for attempt in (lambda: place(path).check(), lambda: reserve(path).__enter__()):
        with pytest.raises(SodaError) as failed:
            attempt()
        assert failed.value.failure.code == CODE
        assert str(tmp_path / "missing") in failed.value.failure.message
    assert list(tmp_path.iterdir()) == []


def test_a_check_may_forgive_a_folder_that_is_missing(tmp_path: Path) -> None:
    place(tmp_path / "missing" / "file").check(folder_may_be_missing=True)
    with pytest.raises(SodaError):
        place(tmp_path / "missing" / "file").check(folder_may_be_missing=False)


def test_a_check_does_not_forgive_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    with pytest.raises(SodaError):
        place(tmp_path / "folder" / "file").check(folder_may_be_missing=True)


def test_a_check_writes_nothing(path: Path) -> None:
    before = path.parent.stat().st_mtime_ns
    place(path).check()
    assert path.parent.stat().st_mtime_ns == before
    assert names(path) == []


@pytest.mark.parametrize("written", ["folder/", "/", ""])
def test_a_path_that_names_a_folder_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(SodaError) as failed:
        place(f"{tmp_path}/{written}" if written == "folder/" else written).check()
    assert failed.value.failure.code == CODE


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
            assert failed.value.failure.code == CODE


def test_a_file_that_cannot_be_removed_is_a_failure(open_folder: Path) -> None:
    (open_folder / "file").write_bytes(b"content")
    open_folder.chmod(0o555)
    with ordinary_user(), pytest.raises(SodaError) as failed:
        place(open_folder / "file").remove()
    assert failed.value.failure.code == CODE


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
