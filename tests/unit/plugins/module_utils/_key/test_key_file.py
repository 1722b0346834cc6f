# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one-time key on disk: whatever happens, it is stored, or it was not requested."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import (
    KeyKeptElsewhere,
    KeyPathUnusable,
    SodaError,
    UntrustedFile,
)
from ansible_collections.community.soda.plugins.module_utils._key.atomic_write import SetAttributes, keep_attributes
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile, KeyReservation
from ansible_collections.community.soda.plugins.module_utils._key.rescue import rescue_key
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import (
    IssuedKey,
    KeyChanged,
    StoredKey,
    new_stored_key,
)
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    ODD_NAMES,
    Json,
    Soda,
    mode_of,
    needs_root,
    plain_id,
    result_of,
    snapshot,
    wait_until,
)

ENDPOINT, NAME = "https://cloud.soda.io", "one"
NOBODY = 65534

KEY = StoredKey(
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
    return key_file(path)


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


def key_file(
    path: Path,
    name: str | None = NAME,
    lock_timeout: float = 0,
    set_attributes: SetAttributes = keep_attributes,
) -> KeyFile:
    return KeyFile(str(path), ENDPOINT, name, lock_timeout, set_attributes)


def reserve(file: KeyFile, observed: StoredKey | None = None) -> KeyReservation:
    return file.reserve(observed)


def commit(file: KeyFile, key: StoredKey, observed: StoredKey | None = None) -> None:
    with reserve(file, observed) as reservation:
        reservation.commit(key)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# Held or not


def test_no_key_is_stored_without_a_file(file: KeyFile) -> None:
    assert file.read() is None
    assert file.exists() is False


def test_a_committed_key_is_stored(file: KeyFile, folder: Path) -> None:
    commit(file, KEY)
    assert file.read() == KEY
    assert names(folder) == ["key.json"]


@needs_root
def test_the_declared_owner_of_a_key_file_is_trusted(file: KeyFile, path: Path) -> None:
    commit(file, KEY)
    os.chown(path, NOBODY, NOBODY)
    assert KeyFile(str(path), ENDPOINT, NAME, owner=str(NOBODY)).read() == KEY
    with pytest.raises(UntrustedFile):
        file.read()


def test_a_check_without_writing_checks_the_attributes_in_the_folder(path: Path, folder: Path) -> None:
    checks: list[str] = []
    KeyFile(str(path), ENDPOINT, NAME, check_attributes=checks.append).check_writable()
    assert checks == [str(folder)]


def test_a_check_without_writing_accepts_a_missing_folder_unless_it_is_excluded(folder: Path) -> None:
    file = key_file(folder / "missing" / "key.json")
    file.check_writable()
    with pytest.raises(KeyPathUnusable):
        file.check_writable(folder_may_be_missing=False)


@pytest.mark.parametrize("name", ODD_NAMES, ids=plain_id)
def test_a_key_of_any_name_is_stored(path: Path, name: str) -> None:
    key = replace(KEY, name=name)
    file = key_file(path, name)
    commit(file, key)
    assert file.read() == key


def test_the_file_is_a_json_object_of_seven_fields(file: KeyFile, path: Path) -> None:
    commit(file, NEXT)
    assert path.read_text() == (
        "{\n"
        f'  "endpoint": "{ENDPOINT}",\n'
        f'  "name": "{NAME}",\n'
        '  "api_key_id": "key-2",\n'
        '  "api_key_secret": "the_secret-of-key-2",\n'
        '  "key_version": 2,\n'
        '  "issued_at": "2026-01-01T12:00:00Z",\n'
        '  "runner_id": "id-1"\n'
        "}\n"
    )


def test_fields_that_a_later_version_may_add_do_no_harm(file: KeyFile, path: Path) -> None:
    write(path, json.dumps({**json.loads(KEY.to_json()), "colour": "blue"}).encode())
    assert file.read() == KEY


def test_an_issued_key_is_stored_with_its_metadata() -> None:
    key = new_stored_key(IssuedKey("key-2", "the_secret-of-key-2"), ENDPOINT, NAME, 2, "id-1")
    assert replace(key, issued_at=NEXT.issued_at) == NEXT


def without(*fields: str) -> bytes:
    return json.dumps({f: value for f, value in json.loads(NEXT.to_json()).items() if f not in fields}).encode()


def having(**fields: object) -> bytes:
    return json.dumps({**json.loads(NEXT.to_json()), **fields}).encode()


TEXTS = ("endpoint", "name", "api_key_id", "api_key_secret", "issued_at")
NOT_OURS = {
    "empty": (b"", "it is not JSON"),
    "text": (b"-----BEGIN PRIVATE KEY-----", "it is not JSON"),
    "more than a key": (NEXT.to_json() + b"X", "it is not JSON"),
    "list": (b"[]", "it is JSON, but not an object"),
    **{f"no {field}": (without(field), f"it has no {field}") for field in (*TEXTS, "key_version")},
    **{f"{field} of nothing": (having(**{field: ""}), f"it has no {field}") for field in TEXTS},
    **{f"{field} as number": (having(**{field: 1}), f"it has no {field}") for field in TEXTS},
    **{f"version {given}": (having(key_version=given), "it has no key_version") for given in (0, -1, True, "1", 1.0)},
    "runner as number": (having(runner_id=1), "its runner_id is neither text nor null"),
}


@pytest.mark.parametrize(("content", "reason"), list(NOT_OURS.values()), ids=list(NOT_OURS))
def test_a_file_that_is_no_key_is_not_ours_and_left_alone(
    file: KeyFile, path: Path, content: bytes, reason: str
) -> None:
    write(path, content)
    for attempt in (file.read, lambda: reserve(file).__enter__()):
        with pytest.raises(SodaError) as failed:
            attempt()
        assert failed.value.failure.code == "key_file_not_ours"
        assert f"{path} is not a runner key file of this collection: {reason}. It" in failed.value.failure.message
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [having(key_version=1), without("runner_id")], ids=["version 1", "no runner"])
def test_the_least_that_a_key_file_says_is_enough(file: KeyFile, path: Path, content: bytes) -> None:
    write(path, content)
    assert file.read() is not None


@pytest.mark.parametrize("missing", [True, False])
def test_only_check_mode_forgives_a_folder_that_is_missing(folder: Path, missing: bool) -> None:
    file = key_file(folder / "missing" / "key.json")
    with contextlib.nullcontext() if missing else pytest.raises(SodaError):
        file.check_writable(folder_may_be_missing=missing)


def test_the_moment_of_issue_is_iso_8601_in_utc() -> None:
    key = new_stored_key(IssuedKey("key-1", "a-secret"), ENDPOINT, NAME, 1, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", key.issued_at)


def test_returned_key_has_no_secret() -> None:
    assert KEY.as_result("/keys/one.json") == {
        "api_key_id": "key-1",
        "path": "/keys/one.json",
        "key_version": 1,
        "issued_at": "2026-01-01T12:00:00Z",
    }
    assert KEY.api_key_secret not in repr(KEY)


def test_a_path_is_taken_from_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert key_file(Path("key.json")).path == str(folder / "key.json")


def test_a_link_in_the_place_of_the_file_is_not_followed(file: KeyFile, path: Path, folder: Path) -> None:
    write(folder / "target", KEY.to_json())
    path.symlink_to("target")
    with pytest.raises(SodaError) as failed:
        file.read()
    assert failed.value.failure.code == "key_path_unusable"
    with pytest.raises(SodaError), reserve(file):
        pass
    assert (folder / "target").read_bytes() == KEY.to_json()


# Reserved


def test_a_reservation_holds_the_space_beside_the_target_with_mode_0600(file: KeyFile, left: Path, lock: Path) -> None:
    before = os.umask(0)
    try:
        with reserve(file):
            assert mode_of(left) == mode_of(lock) == 0o600
            assert left.stat().st_size > len(KEY.to_json())
    finally:
        os.umask(before)


@pytest.mark.parametrize("name", ["x" * 3000, "\N{PARTY POPPER}" * 3000, "\x00" * 3000], ids=["x", "emoji", "control"])
def test_the_space_is_enough_for_any_name(path: Path, left: Path, name: str) -> None:
    with key_file(path, name).reserve(None):
        assert left.stat().st_size >= len(replace(KEY, name=name).to_json())
        # JSON writes a character in up to 12.
        assert left.stat().st_size == 4096 + 12 * len(name)


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
    """A process that has the old file open, or another name of it, keeps the complete file."""
    commit(file, KEY)
    os.link(path, folder / "other name")
    commit(file, NEXT, KEY)
    assert (folder / "other name").read_bytes() == KEY.to_json()


def test_attributes_are_set_before_the_secret_is_written(path: Path, left: Path) -> None:
    seen = []

    def set_attributes(path: str) -> None:
        seen.append((Path(path), b"secret" in Path(path).read_bytes()))
        os.chmod(path, 0o640)

    commit(key_file(path, set_attributes=set_attributes), KEY)
    assert seen == [(left, False)]
    assert mode_of(path) == 0o640


def test_attributes_that_cannot_be_set_leave_nothing_behind(path: Path, folder: Path, lock: Path) -> None:
    def set_attributes(path: str) -> None:
        raise PermissionError(1, "not permitted")

    with pytest.raises(SodaError) as failed, reserve(key_file(path, set_attributes=set_attributes)):
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
    with pytest.raises(KeyChanged), reserve(file, observed):
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
        with pytest.raises(SodaError) as failed, reserve(key_file(path)):
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
    with reserve(key_file(path, lock_timeout=30)):
        assert ended
    other.join()


def test_patience_ends(file: KeyFile, path: Path) -> None:
    begun = time.monotonic()
    with reserve(file), pytest.raises(SodaError), reserve(key_file(path, lock_timeout=0.3)):
        pass
    assert 0.3 <= time.monotonic() - begun < 5


def test_places_in_one_folder_do_not_wait_for_each_other(file: KeyFile, folder: Path) -> None:
    with reserve(file), reserve(key_file(folder / "other.json")):
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
    assert os.strerror(errno.ELOOP).lower() in failed.value.failure.message
    assert not (folder / "target").exists()


def test_a_link_to_the_lock_that_takes_its_place_is_not_the_lock(
    file: KeyFile, folder: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def locked_and_replaced(fd: int, operation: int) -> None:
        flock(fd, operation)
        lock.rename(folder / "moved")
        lock.symlink_to("moved")

    monkeypatch.setattr(fcntl, "flock", locked_and_replaced)
    with pytest.raises(SodaError) as failed, reserve(file):
        pass
    assert failed.value.failure.code == "key_path_busy"


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EACCES, "key_path_busy"), (errno.EAGAIN, "key_path_busy"), (errno.ENOLCK, "key_path_unusable")],
    ids=["another's", "another's as a rule", "no locks"],
)
def test_the_lock_of_another_run_differs_from_a_disk_without_locks(
    file: KeyFile, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    opened: list[int] = []

    def fail(fd: int, operation: int) -> None:
        opened.append(fd)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(SodaError) as failed, reserve(file):
        pass
    assert failed.value.failure.code == code
    assert code == "key_path_busy" or os.strerror(number).lower() in failed.value.failure.message
    (fd,) = opened
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        os.fstat(fd)


def test_a_run_that_has_held_the_lock_before_does_not_take_it_from_the_one_that_holds_it_now(
    file: KeyFile, path: Path, lock: Path
) -> None:
    with reserve(file):
        pass
    with reserve(key_file(path)):
        with pytest.raises(SodaError) as failed, reserve(file):
            pass
        assert failed.value.failure.code == "key_path_busy"
        assert lock.exists()


# Killed


@pytest.mark.parametrize("after", [b"", b"\0" * 4096], ids=["", "and the space that was reserved"])
def test_a_whole_key_that_a_killed_run_left_is_stored(file: KeyFile, left: Path, after: bytes) -> None:
    write(left, KEY.to_json() + after)
    assert file.read() == replace(KEY, in_place=False)


@pytest.mark.parametrize("after", [b"", b"\0" * 4096], ids=["", "and the space that was reserved"])
def test_a_whole_key_that_a_killed_run_left_is_put_in_place(
    file: KeyFile, folder: Path, path: Path, left: Path, after: bytes
) -> None:
    write(left, KEY.to_json() + after)
    adopted = file.recover(replace(KEY, in_place=False))
    assert adopted == KEY
    assert file.read() == KEY
    assert path.read_bytes() == KEY.to_json()
    assert names(folder) == ["key.json"]


def test_a_newer_key_that_a_killed_rotation_left_replaces_the_older(file: KeyFile, path: Path, left: Path) -> None:
    write(path, KEY.to_json())
    write(left, NEXT.to_json())
    stored = file.read()
    assert stored == replace(NEXT, in_place=False)
    file.recover(stored)
    assert file.read() == NEXT


def test_another_key_of_the_same_version_from_a_killed_run_is_stored(file: KeyFile, path: Path, left: Path) -> None:
    other = replace(KEY, api_key_id="key-2")
    write(path, KEY.to_json())
    write(left, other.to_json())
    assert file.read() == replace(other, in_place=False)


def test_an_older_key_that_was_left_is_not_held_instead_of_a_newer(file: KeyFile, path: Path, left: Path) -> None:
    write(path, NEXT.to_json())
    write(left, KEY.to_json())
    assert file.read() == NEXT


def test_the_only_copy_of_a_key_is_not_written_again(file: KeyFile, path: Path, left: Path) -> None:
    content = json.dumps({**json.loads(KEY.to_json()), "of_a_later_version": 1}).encode()
    write(left, content + b"\0" * 4096)
    file.recover(replace(KEY, in_place=False))
    assert path.read_bytes() == content


def test_a_link_that_takes_the_place_of_a_key_that_was_left_is_not_written_through(
    file: KeyFile, folder: Path, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(left, KEY.to_json())
    write(folder / "target", b"another's file" + b"\0" * 10)
    key = replace(KEY, in_place=False)
    # Between the look and the deed, as anyone can do who may write to the folder.
    read = KeyFile.read

    def then_replaced(self: KeyFile) -> StoredKey | None:
        stored = read(self)
        left.unlink()
        left.symlink_to("target")
        return stored

    monkeypatch.setattr(KeyFile, "read", then_replaced)
    with pytest.raises(SodaError) as failed:
        file.recover(key)
    assert failed.value.failure.code == "key_path_unusable"
    assert (folder / "target").read_bytes() == b"another's file" + b"\0" * 10


@pytest.mark.parametrize("when", ["while it is prepared", "while the key is requested"])
def test_a_file_that_takes_the_place_of_the_reserved_one_does_not_cost_the_key(
    file: KeyFile, path: Path, left: Path, when: str
) -> None:
    def replace_it(path: str) -> None:
        left.unlink()
        write(left, b"another's")

    if when == "while it is prepared":
        with pytest.raises(SodaError) as failed, reserve(key_file(path, set_attributes=replace_it)):
            pytest.fail("a key would be requested")
        assert failed.value.failure.code == "key_path_unusable"
        return
    with reserve(file) as reservation:
        replace_it("")
        with pytest.raises(FileExistsError):
            reservation.commit(KEY)


def test_the_lock_is_taken_again_by_who_holds_it(file: KeyFile, path: Path, folder: Path) -> None:
    with file.lock:
        commit(file, KEY)
        with pytest.raises(SodaError) as failed, reserve(key_file(path), KEY):
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
    assert file.read() is None
    commit(file, KEY)
    assert names(folder) == ["key.json"]


@pytest.mark.parametrize("torn", list(TORN.values()), ids=list(TORN))
def test_tidying_removes_a_torn_key_beside_a_whole_one(
    file: KeyFile, folder: Path, path: Path, left: Path, lock: Path, torn: bytes
) -> None:
    write(path, KEY.to_json())
    write(left, torn)
    write(lock, b"")
    file.clean_up()
    assert names(folder) == ["key.json"]


def test_tidying_keeps_a_key_that_is_nowhere_else(file: KeyFile, path: Path, left: Path) -> None:
    write(path, KEY.to_json())
    write(left, NEXT.to_json())
    file.clean_up()
    assert left.read_bytes() == NEXT.to_json()


def test_tidying_is_no_failure_while_another_run_is_at_work(file: KeyFile, path: Path, left: Path) -> None:
    with reserve(file):
        key_file(path).clean_up()
        assert left.exists()


def test_a_key_of_another_runner_that_was_left_is_not_thrown_away(file: KeyFile, left: Path) -> None:
    """It is nowhere else, and cannot be retrieved again."""
    other = replace(KEY, name="another")
    write(left, other.to_json())
    with pytest.raises(SodaError) as failed:
        commit(file, KEY)
    assert failed.value.failure.code == "key_file_of_another_runner"
    assert f"{left} stores the key of the runner 'another' at {ENDPOINT}," in failed.value.failure.message
    assert left.read_bytes() == other.to_json()


@pytest.mark.parametrize(
    "other",
    [replace(KEY, name="another"), replace(KEY, endpoint="https://cloud.us.soda.io"), replace(KEY, endpoint="nowhere")],
    ids=["name", "endpoint", "endpoint that is none"],
)
def test_a_key_of_another_runner_is_left_alone(file: KeyFile, path: Path, other: StoredKey) -> None:
    write(path, other.to_json())
    with pytest.raises(SodaError) as failed:
        commit(file, KEY)
    assert failed.value.failure.code == "key_file_of_another_runner"
    assert f"{path} stores the key of the runner {other.name!r} at {other.endpoint}," in failed.value.failure.message
    assert path.read_bytes() == other.to_json()


@needs_root
def test_a_key_that_another_user_put_there_is_not_taken(file: KeyFile, left: Path) -> None:
    write(left, KEY.to_json())
    os.chown(left, NOBODY, NOBODY)
    assert file.read() is None


def test_a_link_in_the_place_of_a_key_that_was_left_is_not_followed(file: KeyFile, folder: Path, left: Path) -> None:
    write(folder / "target", KEY.to_json())
    left.symlink_to("target")
    assert file.read() is None
    commit(file, KEY)
    assert (folder / "target").exists()


def test_a_module_run_puts_in_place_what_a_killed_run_left(soda: Soda) -> None:
    left = soda.folder / ".key.json.new"
    stored = soda.stored(path=left)
    ran = soda.runner()
    assert (ran["changed"], ran["registration"]) == (True, "pending")
    assert ran["key"]["api_key_id"] == stored["api_key_id"]
    assert soda.key() == stored
    assert soda.files() == ["key.json"]
    assert mode_of(soda.key_path) == 0o600
    assert soda.keys_issued() == 0


def test_check_mode_predicts_that_it_will_be_put_in_place(soda: Soda) -> None:
    soda.stored(path=soda.folder / ".key.json.new")
    before = snapshot(soda.folder)
    ran = soda.runner(check=True)
    assert (ran["changed"], ran["registration"]) == (True, "pending")
    assert snapshot(soda.folder) == before


def test_absent_removes_what_a_killed_run_left(soda: Soda) -> None:
    soda.stored(path=soda.folder / ".key.json.new")
    ran = soda.runner(state="absent")
    assert (ran["changed"], ran["registration"]) == (True, "absent")
    assert soda.files() == []


def test_tidying_removes_a_second_copy_of_the_key(file: KeyFile, folder: Path, path: Path, left: Path) -> None:
    write(path, KEY.to_json())
    write(left, KEY.to_json())
    file.clean_up()
    assert names(folder) == ["key.json"]


def test_tidying_keeps_a_key_where_no_other_is_in_place(file: KeyFile, folder: Path, left: Path) -> None:
    write(left, KEY.to_json())
    file.clean_up()
    assert names(folder) == [left.name]


def test_tidying_removes_a_torn_key_whatever_is_in_place(file: KeyFile, folder: Path, path: Path, left: Path) -> None:
    write(path, b"not ours")
    write(left, TORN["half of a key"])
    file.clean_up()
    assert names(folder) == ["key.json"]


def test_tidying_keeps_a_key_beside_a_file_that_is_not_ours(
    file: KeyFile, folder: Path, path: Path, left: Path
) -> None:
    write(path, b"not ours")
    write(left, KEY.to_json())
    file.clean_up()
    assert names(folder) == [left.name, "key.json"]


def test_tidying_waits_for_nobody(file: KeyFile, path: Path, left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # By a clock that stands still, nobody's patience has lasted for any time.
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(time, "sleep", lambda _seconds: pytest.fail("it has waited"))
    with reserve(file):
        key_file(path).clean_up()
        assert left.exists()


@pytest.mark.parametrize("which", ["left", "lock"])
def test_one_thing_that_a_killed_run_left_is_enough_to_tidy(
    file: KeyFile, folder: Path, left: Path, lock: Path, which: str
) -> None:
    assert file.has_leftovers() is False
    write(left if which == "left" else lock, b"")
    assert file.has_leftovers() is True
    file.clean_up()
    assert names(folder) == []


@pytest.mark.parametrize(
    "do",
    [lambda file: file.recover(replace(KEY, in_place=False)), lambda file: file.remove(KEY)],
    ids=["recover", "remove"],
)
def test_a_key_of_another_runner_that_came_in_between_is_reported(
    file: KeyFile, path: Path, left: Path, do: Callable[[KeyFile], object]
) -> None:
    other = replace(KEY, name="another")
    write(path, other.to_json())
    write(left, KEY.to_json())
    with pytest.raises(SodaError) as failed:
        do(file)
    assert failed.value.failure.code == "key_file_of_another_runner"
    assert (path.read_bytes(), left.read_bytes()) == (other.to_json(), KEY.to_json())


# Removed


def test_removing_leaves_nothing(file: KeyFile, folder: Path, path: Path, left: Path) -> None:
    write(path, KEY.to_json())
    write(left, KEY.to_json()[:20])
    file.remove(KEY)
    assert names(folder) == []


def test_a_key_that_was_changed_since_it_was_observed_is_not_removed(file: KeyFile, path: Path) -> None:
    write(path, NEXT.to_json())
    with pytest.raises(SodaError) as failed:
        file.remove(KEY)
    assert failed.value.failure.code == "key_file_changed"
    assert failed.value.failure.retryable is True
    assert path.read_bytes() == NEXT.to_json()


# Disks that are full, or cannot be written to


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A separate file system. Skips if none can be mounted."""
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


def test_a_key_whose_folder_is_gone_is_rescue_key(soda: Soda, kept_at: list[Path]) -> None:
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


@pytest.fixture
def need(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has those in it to which a key is taken in need, each of them empty, as C(1) to C(4)."""
    places = {"/var/tmp": "1", "/a/home": "2", "/a/tmp": "3", "/dev/shm": "4"}
    for name in places.values():
        (folder / name).mkdir()
    monkeypatch.setenv("HOME", "/a/home")
    monkeypatch.setattr(tempfile, "tempdir", "/a/tmp")
    make = tempfile.mkstemp

    def made_below(prefix: str, suffix: str, dir: str | None) -> tuple[int, str]:
        return make(prefix=prefix, suffix=suffix, dir=folder / places[tempfile.gettempdir() if dir is None else dir])

    monkeypatch.setattr(tempfile, "mkstemp", made_below)
    return folder


FULL = OSError(errno.ENOSPC, "No space left on device", "/keys/.one.json.new")


def in_need(need: Path) -> list[str]:
    """Where there is something now."""
    return sorted(each.parent.name for each in need.glob("*/*"))


@pytest.mark.parametrize("gone", [0, 1, 2, 3])
def test_a_key_is_kept_durably_in_the_first_usable_place(
    need: Path, monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    for number in range(gone):
        (need / str(number + 1)).rmdir()
    flushed = []
    fsync = os.fsync

    def noted_fsync(fd: int) -> None:
        flushed.append(os.fstat(fd).st_size)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    failure = rescue_key("/keys/one.json", NEXT, FULL).failure
    assert failure.code == "key_kept_elsewhere"
    (kept,) = (need / str(gone + 1)).iterdir()
    assert re.fullmatch(r"soda-runner-key-\w+\.json", kept.name)
    assert (kept.read_bytes(), mode_of(kept)) == (NEXT.to_json(), 0o600)
    assert flushed == [len(NEXT.to_json())]
    assert failure.message.startswith(
        "The runner key key-2 was issued, but could not be written to /keys/one.json: No space left on device."
    )
    assert f"kept at {kept} instead" in failure.message
    assert NEXT.api_key_secret not in failure.message
    assert in_need(need) == [str(gone + 1)]


def test_a_key_is_kept_where_not_even_a_usual_place_for_temporary_files_is_any_good(
    need: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python looks for one by writing, and raises where all disks are full."""

    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    for name in ("1", "2"):
        (need / name).rmdir()
    assert rescue_key("/keys/one.json", KEY, FULL).failure.code == "key_kept_elsewhere"
    assert in_need(need) == ["4"]


@pytest.mark.parametrize("removable", [True, False], ids=["removed", "left"])
@pytest.mark.parametrize("full", [2, 4])
def test_partial_key_is_removed_and_the_next_folder_tried_on_a_full_disk(
    need: Path, monkeypatch: pytest.MonkeyPatch, full: int, removable: bool
) -> None:
    tried = []

    def fsync(fd: int) -> None:
        tried.append(fd)
        if len(tried) <= full:
            raise FULL

    def unlink(path: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system", path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        if not removable:
            patch.setattr(os, "unlink", unlink)
        failure = rescue_key("/keys/one.json", KEY, FULL).failure
    assert failure.code == ("key_kept_elsewhere" if full < 4 else "key_orphaned")
    assert in_need(need) == [each for each in "1234"[: full + 1] if int(each) > full or not removable]
    # Where it is not, it is not said to be.
    assert [each for each in "1234" if f"{need}/{each}/" in failure.message] == list("1234"[full : full + 1])


def test_a_key_that_is_orphaned_is_named(need: Path) -> None:
    for name in "1234":
        (need / name).rmdir()
    failure = rescue_key("/keys/one.json", KEY, ValueError("something else")).failure
    assert failure.code == "key_orphaned"
    assert failure.message.startswith(
        "The runner key key-1 was issued, but could not be written to /keys/one.json: something else."
    )
    assert "the key key-1 is orphaned" in failure.message
    assert KEY.api_key_secret not in failure.message


def test_the_rescue_location_is_reported_on_a_read_only_disk(
    file: KeyFile, path: Path, folder: Path, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    elsewhere = KeyKeptElsewhere("It was kept.")

    def commit_there(reservation: KeyReservation, patch: pytest.MonkeyPatch) -> None:
        for name in ("write", "unlink"):
            patch.setattr(os, name, fail)
        with pytest.raises(OSError, match=re.escape(os.strerror(errno.EROFS))):
            reservation.commit(KEY)
        raise elsewhere

    with monkeypatch.context() as patch, pytest.raises(SodaError) as failed, reserve(file) as reservation:
        commit_there(reservation, patch)
    assert failed.value is elsewhere
    assert (path.exists(), left.exists()) == (False, True)
    # Nobody holds the lock any more.
    commit(file, KEY)
    assert names(folder) == ["key.json"]
