# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one-time key on disk: whatever happens, it is held, or nobody asked for it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.community.soda.plugins.module_utils._failure import SodaError
from ansible_collections.community.soda.plugins.module_utils._key_file import (
    HeldKey,
    KeyFile,
    KeyMoved,
    KeyReservation,
    newly_issued,
)
from ansible_collections.community.soda.plugins.module_utils._runners import RunnerKey
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    ODD_NAMES,
    Json,
    Soda,
    mode_of,
    needs_root,
    result_of,
    snapshot,
    wait_until,
)

ENDPOINT, NAME = "https://cloud.soda.io", "one"
NOBODY = 65534

KEY = HeldKey(
    endpoint=ENDPOINT,
    name=NAME,
    api_key_id="key-1",
    api_key_secret="-the_secret-of-key-1",
    key_version=1,
    issued_at="2026-01-01T12:00:00Z",
    runner_id=None,
)
NEXT = replace(KEY, api_key_id="key-2", api_key_secret="the_secret-of-key-2", key_version=2, runner_id="id-1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "key.json"


@pytest.fixture
def file(path: Path) -> KeyFile:
    return KeyFile(str(path))


@pytest.fixture
def left(folder: Path) -> Path:
    """Where a run that is killed between writing a key and putting it in place leaves it."""
    return folder / ".key.json.new"


@pytest.fixture
def lock(folder: Path) -> Path:
    return folder / ".key.json.lock"


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


def reserve(file: KeyFile, observed: HeldKey | None = None, patience: float = 0) -> KeyReservation:
    return file.reserve(ENDPOINT, NAME, observed, lambda path: None, patience)


def commit(file: KeyFile, key: HeldKey, observed: HeldKey | None = None) -> None:
    with reserve(file, observed) as reservation:
        reservation.commit(key)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# Held or not


def test_nothing_is_held_where_there_is_no_file(file: KeyFile) -> None:
    assert file.read(ENDPOINT, NAME) is None
    assert file.exists() is False


def test_what_is_committed_is_held(file: KeyFile, folder: Path) -> None:
    commit(file, KEY)
    assert file.read(ENDPOINT, NAME) == KEY
    assert names(folder) == ["key.json"]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_a_key_of_any_name_is_held(file: KeyFile, name: str) -> None:
    key = replace(KEY, name=name)
    with file.reserve(ENDPOINT, name, None, lambda path: None, 0) as reservation:
        reservation.commit(key)
    assert file.read(ENDPOINT, name) == key


def test_the_file_is_a_json_object_of_seven_fields(file: KeyFile, path: Path) -> None:
    commit(file, NEXT)
    assert json.loads(path.read_bytes()) == {
        "endpoint": ENDPOINT,
        "name": NAME,
        "api_key_id": "key-2",
        "api_key_secret": "the_secret-of-key-2",
        "key_version": 2,
        "issued_at": "2026-01-01T12:00:00Z",
        "runner_id": "id-1",
    }


def test_fields_that_a_later_version_may_add_do_no_harm(file: KeyFile, path: Path) -> None:
    write(path, json.dumps({**json.loads(KEY.to_json()), "colour": "blue"}).encode())
    assert file.read(ENDPOINT, NAME) == KEY


def test_the_moment_of_issue_is_iso_8601_in_utc() -> None:
    key = newly_issued(RunnerKey("key-1", "a-secret"), ENDPOINT, NAME, 1, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", key.issued_at)


def test_what_modules_return_of_a_key_is_never_its_secret() -> None:
    assert KEY.as_result("/keys/one.json") == {
        "api_key_id": "key-1",
        "path": "/keys/one.json",
        "key_version": 1,
        "issued_at": "2026-01-01T12:00:00Z",
    }
    assert KEY.api_key_secret not in repr(KEY)


def test_a_path_is_taken_from_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert KeyFile("key.json").path == str(folder / "key.json")


def test_a_link_in_the_place_of_the_file_is_not_followed(file: KeyFile, path: Path, folder: Path) -> None:
    write(folder / "target", KEY.to_json())
    path.symlink_to("target")
    with pytest.raises(SodaError) as failed:
        file.read(ENDPOINT, NAME)
    assert failed.value.failure.code == "key_path_unusable"
    with pytest.raises(SodaError), reserve(file):
        pass
    assert (folder / "target").read_bytes() == KEY.to_json()


# Reserved


def test_a_reservation_holds_the_space_beside_the_target_with_mode_0600(file: KeyFile, left: Path) -> None:
    before = os.umask(0)
    try:
        with reserve(file):
            assert mode_of(left) == 0o600
            assert left.stat().st_size > len(KEY.to_json())
    finally:
        os.umask(before)


@pytest.mark.parametrize("name", ["x" * 3000, "\N{PARTY POPPER}" * 3000, "\x00" * 3000], ids=["x", "emoji", "control"])
def test_the_space_is_enough_for_any_name(file: KeyFile, left: Path, name: str) -> None:
    with file.reserve(ENDPOINT, name, None, lambda path: None, 0):
        assert left.stat().st_size >= len(replace(KEY, name=name).to_json())


def test_a_reservation_that_is_not_committed_leaves_nothing_or_an_empty_lock_file(
    file: KeyFile, folder: Path, lock: Path
) -> None:
    with contextlib.suppress(ZeroDivisionError), reserve(file):
        raise ZeroDivisionError
    assert set(names(folder)) <= {lock.name}
    assert not lock.exists() or lock.stat().st_size == 0


def test_the_file_from_before_is_whole_until_the_next_is_in_place(file: KeyFile, path: Path) -> None:
    commit(file, KEY)
    with reserve(file, KEY) as reservation:
        assert path.read_bytes() == KEY.to_json()
        reservation.commit(NEXT)
        assert path.read_bytes() == NEXT.to_json()


def test_a_file_is_replaced_not_written_to(file: KeyFile, path: Path, folder: Path) -> None:
    """Whoever holds the old one open, or under another name, keeps it whole."""
    commit(file, KEY)
    os.link(path, folder / "other name")
    commit(file, NEXT, KEY)
    assert (folder / "other name").read_bytes() == KEY.to_json()


def test_attributes_are_set_before_the_secret_is_written(file: KeyFile, left: Path) -> None:
    seen = []

    def prepare(path: str) -> None:
        seen.append((Path(path), b"secret" in Path(path).read_bytes()))
        os.chmod(path, 0o640)

    with file.reserve(ENDPOINT, NAME, None, prepare, 0) as reservation:
        reservation.commit(KEY)
    assert seen == [(left, False)]
    assert mode_of(Path(file.path)) == 0o640


def test_attributes_that_cannot_be_set_leave_nothing_behind(file: KeyFile, folder: Path, lock: Path) -> None:
    def prepare(path: str) -> None:
        raise PermissionError(1, "not permitted")

    with pytest.raises(SodaError) as failed, file.reserve(ENDPOINT, NAME, None, prepare, 0):
        pass
    assert failed.value.failure.code == "key_path_unusable"
    assert set(names(folder)) <= {lock.name}


@pytest.mark.parametrize("meanwhile", [KEY.to_json(), None], ids=["written", "removed"])
def test_a_key_that_was_changed_since_it_was_observed_is_observed_again(
    file: KeyFile, path: Path, meanwhile: bytes | None
) -> None:
    observed = None if meanwhile else KEY
    if meanwhile:
        write(path, meanwhile)
    with pytest.raises(KeyMoved), reserve(file, observed):
        pass
    assert path.exists() is bool(meanwhile)


def test_a_commit_that_fails_leaves_the_file_from_before(file: KeyFile, path: Path) -> None:
    commit(file, KEY)
    with reserve(file, KEY) as reservation:
        path.unlink()
        path.mkdir()
        with pytest.raises(IsADirectoryError):
            reservation.commit(NEXT)
    assert path.is_dir()


# Locked


def test_only_one_run_at_a_time_reserves_a_place(file: KeyFile, path: Path) -> None:
    with reserve(file):
        with pytest.raises(SodaError) as failed, reserve(KeyFile(str(path))):
            pass
        assert failed.value.failure.code == "key_path_busy"
        assert failed.value.failure.retryable is True


def test_another_run_is_waited_for_as_long_as_patience_lasts(file: KeyFile, path: Path) -> None:
    entered, ended = threading.Event(), []

    def hold() -> None:
        with reserve(file):
            entered.set()
            time.sleep(0.3)
            ended.append(time.monotonic())

    other = threading.Thread(target=hold)
    other.start()
    assert entered.wait(10)
    with reserve(KeyFile(str(path)), patience=30):
        assert ended
    other.join()


def test_patience_ends(file: KeyFile, path: Path) -> None:
    begun = time.monotonic()
    with reserve(file), pytest.raises(SodaError), reserve(KeyFile(str(path)), patience=0.3):
        pass
    assert 0.3 <= time.monotonic() - begun < 5


def test_places_in_one_folder_do_not_wait_for_each_other(file: KeyFile, folder: Path) -> None:
    with reserve(file), reserve(KeyFile(str(folder / "other.json"))):
        pass


@pytest.mark.parametrize("content", [b"", b"12345"])
def test_a_lock_file_that_a_killed_run_left_is_in_nobodys_way(
    file: KeyFile, folder: Path, lock: Path, content: bytes
) -> None:
    write(lock, content)
    commit(file, KEY)
    assert names(folder) == ["key.json"]


def test_a_link_in_the_place_of_the_lock_is_not_followed(file: KeyFile, folder: Path, lock: Path) -> None:
    lock.symlink_to("target")
    with pytest.raises(SodaError) as failed, reserve(file):
        pass
    assert failed.value.failure.code == "key_path_unusable"
    assert not (folder / "target").exists()


# Killed


@pytest.mark.parametrize("after", [b"", b"\0" * 4096], ids=["", "and the space that was reserved"])
def test_a_whole_key_that_a_killed_run_left_is_held(file: KeyFile, left: Path, after: bytes) -> None:
    write(left, KEY.to_json() + after)
    assert file.read(ENDPOINT, NAME) == replace(KEY, in_place=False)


@pytest.mark.parametrize("after", [b"", b"\0" * 4096], ids=["", "and the space that was reserved"])
def test_a_whole_key_that_a_killed_run_left_is_put_in_place(
    file: KeyFile, folder: Path, path: Path, left: Path, after: bytes
) -> None:
    write(left, KEY.to_json() + after)
    adopted = file.adopt(replace(KEY, in_place=False), lambda path: None, 0)
    assert adopted == KEY
    assert file.read(ENDPOINT, NAME) == KEY
    assert path.read_bytes() == KEY.to_json()
    assert names(folder) == ["key.json"]


def test_a_newer_key_that_a_killed_rotation_left_is_held_instead_of_the_older(
    file: KeyFile, path: Path, left: Path
) -> None:
    write(path, KEY.to_json())
    write(left, NEXT.to_json())
    held = file.read(ENDPOINT, NAME)
    assert held == replace(NEXT, in_place=False)
    file.adopt(held, lambda path: None, 0)
    assert file.read(ENDPOINT, NAME) == NEXT


def test_an_older_key_that_was_left_is_not_held_instead_of_a_newer(file: KeyFile, path: Path, left: Path) -> None:
    write(path, NEXT.to_json())
    write(left, KEY.to_json())
    assert file.read(ENDPOINT, NAME) == NEXT


def test_the_only_copy_of_a_key_is_not_written_again(file: KeyFile, path: Path, left: Path) -> None:
    content = json.dumps({**json.loads(KEY.to_json()), "of_a_later_version": 1}).encode()
    write(left, content + b"\0" * 4096)
    file.adopt(replace(KEY, in_place=False), lambda path: None, 0)
    assert path.read_bytes() == content


def test_a_link_that_takes_the_place_of_a_key_that_was_left_is_not_written_through(
    file: KeyFile, folder: Path, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(left, KEY.to_json())
    write(folder / "target", b"another's file" + b"\0" * 10)
    key = replace(KEY, in_place=False)
    # Between the look and the deed, as anyone can do who may write to the folder.
    read = KeyFile.read

    def then_replaced(self: KeyFile, endpoint: str, name: str | None) -> HeldKey | None:
        held = read(self, endpoint, name)
        left.unlink()
        left.symlink_to("target")
        return held

    monkeypatch.setattr(KeyFile, "read", then_replaced)
    with pytest.raises(SodaError) as failed:
        file.adopt(key, lambda path: None, 0)
    assert failed.value.failure.code == "key_path_unusable"
    assert (folder / "target").read_bytes() == b"another's file" + b"\0" * 10


@pytest.mark.parametrize("when", ["while it is prepared", "while the key is asked for"])
def test_a_file_that_takes_the_place_of_the_reserved_one_does_not_cost_the_key(
    file: KeyFile, folder: Path, left: Path, when: str
) -> None:
    def replace_it(path: str) -> None:
        left.unlink()
        write(left, b"another's")

    if when == "while it is prepared":
        with pytest.raises(SodaError) as failed, file.reserve(ENDPOINT, NAME, None, replace_it, 0):
            pytest.fail("a key would be asked for")
        assert failed.value.failure.code == "key_path_unusable"
        return
    with reserve(file) as reservation:
        replace_it("")
        with pytest.raises(FileExistsError):
            reservation.commit(KEY)


def test_the_lock_is_taken_again_by_who_holds_it(file: KeyFile, path: Path, folder: Path) -> None:
    with file.locked(0):
        commit(file, KEY)
        with pytest.raises(SodaError) as failed, reserve(KeyFile(str(path)), KEY):
            pass
        assert failed.value.failure.code == "key_path_busy"
    commit(file, NEXT, KEY)
    assert names(folder) == ["key.json"]


TORN = {
    "nothing": b"",
    "reserved space": b"\0" * 4096,
    "half of a key": KEY.to_json()[:60],
    "half of a key in reserved space": KEY.to_json()[:60] + b"\0" * 4096,
    "all but the last character": KEY.to_json().rstrip()[:-1],
}


@pytest.mark.parametrize("torn", list(TORN.values()), ids=list(TORN))
def test_a_torn_key_that_was_left_is_none_and_is_cleaned_up(
    file: KeyFile, folder: Path, left: Path, torn: bytes
) -> None:
    write(left, torn)
    assert file.read(ENDPOINT, NAME) is None
    commit(file, KEY)
    assert names(folder) == ["key.json"]


@pytest.mark.parametrize("torn", list(TORN.values()), ids=list(TORN))
def test_tidying_removes_a_torn_key_beside_a_whole_one(
    file: KeyFile, folder: Path, path: Path, left: Path, lock: Path, torn: bytes
) -> None:
    write(path, KEY.to_json())
    write(left, torn)
    write(lock, b"")
    file.tidy()
    assert names(folder) == ["key.json"]


def test_tidying_keeps_a_key_that_is_nowhere_else(file: KeyFile, path: Path, left: Path) -> None:
    write(path, KEY.to_json())
    write(left, NEXT.to_json())
    file.tidy()
    assert left.read_bytes() == NEXT.to_json()


def test_tidying_is_no_failure_while_another_run_is_at_work(file: KeyFile, path: Path, left: Path) -> None:
    with reserve(file):
        KeyFile(str(path)).tidy()
        assert left.exists()


def test_a_key_of_another_runner_that_was_left_is_not_thrown_away(file: KeyFile, left: Path) -> None:
    """It is nowhere else, and cannot be had again."""
    other = replace(KEY, name="another")
    write(left, other.to_json())
    with contextlib.suppress(SodaError):
        commit(file, KEY)
    assert left.exists()
    assert left.read_bytes() == other.to_json()


@needs_root
def test_a_key_that_another_user_put_there_is_not_taken(file: KeyFile, left: Path) -> None:
    write(left, KEY.to_json())
    os.chown(left, NOBODY, NOBODY)
    assert file.read(ENDPOINT, NAME) is None


def test_a_link_in_the_place_of_a_key_that_was_left_is_not_followed(file: KeyFile, folder: Path, left: Path) -> None:
    write(folder / "target", KEY.to_json())
    left.symlink_to("target")
    assert file.read(ENDPOINT, NAME) is None
    commit(file, KEY)
    assert (folder / "target").exists()


def test_a_module_run_puts_in_place_what_a_killed_run_left(soda: Soda) -> None:
    left = soda.folder / ".key.json.new"
    held = soda.held(path=left)
    ran = soda.runner()
    assert (ran["changed"], ran["registration"]) == (True, "pending")
    assert ran["key"]["api_key_id"] == held["api_key_id"]
    assert soda.key() == held
    assert soda.files() == ["key.json"]
    assert mode_of(soda.key_path) == 0o600
    assert soda.keys_issued() == 0


def test_check_mode_predicts_that_it_will_be_put_in_place(soda: Soda) -> None:
    soda.held(path=soda.folder / ".key.json.new")
    before = snapshot(soda.folder)
    ran = soda.runner(check=True)
    assert (ran["changed"], ran["registration"]) == (True, "pending")
    assert snapshot(soda.folder) == before


def test_absent_removes_what_a_killed_run_left(soda: Soda) -> None:
    soda.held(path=soda.folder / ".key.json.new")
    ran = soda.runner(state="absent")
    assert (ran["changed"], ran["registration"]) == (True, "absent")
    assert soda.files() == []


# Removed


def test_removing_leaves_nothing(file: KeyFile, folder: Path, path: Path, left: Path) -> None:
    write(path, KEY.to_json())
    write(left, KEY.to_json()[:20])
    file.remove(KEY, 0)
    assert names(folder) == []


def test_a_key_that_was_changed_since_it_was_observed_is_not_removed(file: KeyFile, path: Path) -> None:
    write(path, NEXT.to_json())
    with pytest.raises(SodaError) as failed:
        file.remove(KEY, 0)
    assert failed.value.failure.code == "key_file_changed"
    assert failed.value.failure.retryable is True
    assert path.read_bytes() == NEXT.to_json()


# Disks that are full, or cannot be written to


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own; skips where none can be mounted."""
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("needs root to mount a file system")
    point = folder / "mounted"
    point.mkdir()
    made = subprocess.run([mount, "-t", "tmpfs", "-o", options, "tmpfs", str(point)], check=False, capture_output=True)
    if made.returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), open(folder / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 512)


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_no_key_is_issued_for_a_full_disk(soda: Soda, tmp_path: Path, check: bool) -> None:
    with mounted(tmp_path, "size=64k") as disk:
        fill(disk)
        ran = soda.runner(key_path=disk / "key.json", check=check)
        assert ran.failure["code"] == "key_path_unusable"
        assert "no space" in ran["msg"]
        assert {each.name for each in disk.iterdir()} <= {"filler", ".key.json.lock"}
    assert soda.keys_issued() == 0


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_no_key_is_issued_for_a_disk_without_a_free_inode(soda: Soda, tmp_path: Path, check: bool) -> None:
    with mounted(tmp_path, "nr_inodes=2") as disk:
        (disk / "filler").write_text("")
        ran = soda.runner(key_path=disk / "key.json", check=check)
        assert ran.failure["code"] == "key_path_unusable"
    assert soda.keys_issued() == 0


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_no_key_is_issued_for_a_disk_that_is_read_only(soda: Soda, tmp_path: Path, check: bool) -> None:
    with mounted(tmp_path, "ro") as disk:
        assert soda.runner(key_path=disk / "key.json", check=check).failure["code"] == "key_path_unusable"
    assert soda.keys_issued() == 0


def test_no_key_is_issued_where_a_file_may_not_be_as_large_as_it_must_be(soda: Soda) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, hard))
    try:
        ran = soda.runner()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ran.failure["code"] == "key_path_unusable"
    assert soda.keys_issued() == 0
    assert set(soda.files()) <= {".key.json.lock"}


# A place that goes bad between the request and the answer


@pytest.fixture
def kept_at() -> Iterator[list[Path]]:
    """Files that a test finds outside of its folder, and that are removed at its end."""
    found: list[Path] = []
    yield found
    for each in found:
        each.unlink(missing_ok=True)


def test_a_key_that_cannot_be_put_in_place_is_kept_elsewhere_and_the_failure_says_where(
    soda: Soda, kept_at: list[Path]
) -> None:
    soda.account.fault("delay", "createRunner", seconds=1)
    process = soda.start("soda_runner", name=soda.name, key_path=soda.key_path)
    wait_until(lambda: "createRunner" in soda.account.operations())
    soda.key_path.mkdir()
    result = result_of(process)

    assert result["failed"] is True
    assert result["failure"]["code"] == "key_kept_elsewhere"
    (api_key_id,) = soda.account.stats()["runner_key_ids"]
    assert api_key_id in result["msg"]
    found = re.search(r"kept at (\S+)", result["msg"])
    assert found
    kept = Path(found[1])
    kept_at.append(kept)
    assert mode_of(kept) == 0o600
    content = json.loads(kept.read_bytes())
    assert content["api_key_id"] == api_key_id
    assert content["api_key_secret"] not in json.dumps(result)
    assert set(soda.files()) <= {"key.json", ".key.json.lock"}

    # What it says to do next works.
    soda.key_path.rmdir()
    shutil.move(str(kept), soda.key_path)
    assert soda.runner()["changed"] is False
    assert soda.keys_issued() == 1


def test_a_key_whose_folder_is_gone_is_kept_elsewhere(soda: Soda, kept_at: list[Path]) -> None:
    folder = soda.folder / "removed"
    folder.mkdir()
    soda.account.fault("delay", "createRunner", seconds=1)
    process = soda.start("soda_runner", name=soda.name, key_path=folder / "key.json")
    wait_until(lambda: "createRunner" in soda.account.operations())
    shutil.rmtree(folder)
    result = result_of(process)
    assert result["failure"]["code"] == "key_kept_elsewhere"
    found = re.search(r"kept at (\S+)", result["msg"])
    assert found
    kept_at.append(Path(found[1]))
    assert json.loads(kept_at[0].read_bytes())["name"] == soda.name


@pytest.fixture
def pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[Path]]]:
    """What was begun in the places that take a key in need, and not ended; removed at the end."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    places = (tmp_path, Path("/var/tmp"), Path("/dev/shm"))

    def begun() -> list[Path]:
        found = [each for place in places for each in place.glob("soda-runner-key-*")]
        return [each for each in found if each.stat().st_size <= LIMIT]

    yield begun
    for each in begun():
        each.unlink()


LIMIT = 16
"""Bytes; no key fits."""


@pytest.fixture
def orphaning(soda: Soda) -> Json:
    """The result of a run on disks that fail: every file but the one that was reserved is too large."""
    soda.account.fault("delay", "createRunner", seconds=1)
    process = soda.start("soda_runner", name=soda.name, key_path=soda.key_path)
    wait_until(lambda: "createRunner" in soda.account.operations())
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    return result_of(process)


def test_a_key_that_no_place_takes_is_named_as_orphaned(
    pieces: Callable[[], list[Path]], soda: Soda, orphaning: Json
) -> None:
    assert orphaning["failure"]["code"] == "key_orphaned"
    (api_key_id,) = soda.account.stats()["runner_key_ids"]
    assert api_key_id in orphaning["msg"]
    assert set(soda.files()) <= {".key.json.lock"}


def test_a_place_that_did_not_take_a_key_is_left_as_it_was(
    pieces: Callable[[], list[Path]], soda: Soda, orphaning: Json
) -> None:
    assert pieces() == []
