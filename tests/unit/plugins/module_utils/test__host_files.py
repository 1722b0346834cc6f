# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done on a host: what is seen there and sealed, what is written, and what is removed."""

from __future__ import annotations

import errno
import grp
import json
import os
import pwd
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ansible_collections.community.soda.plugins.module_utils._key import atomic_write as _files
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile, KeyReservation
from ansible_collections.community.soda.plugins.module_utils._seal import new_key, unseal
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    Json,
    Ran,
    mode_of,
    needs_root,
    ordinary_user,
    run_module,
    snapshot,
)

ENDPOINT = "https://cloud.soda.io"
NAME = "warehouse-eu"
SECRET = "-a-secret-that-nobody-may-see"


class Host:
    """A host that is this machine: a folder with the key file and two configuration files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key_path = folder / "key.json"
        self.values = folder / "values.yml"
        self.env = folder / "runner.env"
        self.seal = new_key()

    def run(self, state: str, check: bool = False, **options: Any) -> Ran:
        """Run what the action plugin runs here; its output holds no secret."""
        given = {
            "state": state,
            "endpoint": ENDPOINT,
            "name": NAME,
            "key_path": self.key_path,
            "files": [{"path": str(self.values)}, {"path": str(self.env)}],
            "seal": self.seal,
            "_ansible_check_mode": check,
            **options,
        }
        result, output = run_module("soda_runner_files", {k: v for k, v in given.items() if v is not None})
        assert SECRET not in output
        return Ran(result, output, [])

    def key(self, version: int = 1, **fields: Any) -> str:
        """The text of a key file."""
        content = {
            "endpoint": ENDPOINT,
            "name": NAME,
            "api_key_id": f"id-{version}",
            "api_key_secret": SECRET,
            "key_version": version,
            "issued_at": "2026-01-01T12:00:00Z",
            "runner_id": None,
        }
        return json.dumps({**content, **fields}, indent=2) + "\n"

    def held(self, version: int = 1, **fields: Any) -> str:
        """Put a key in place."""
        self.key_path.write_text(self.key(version, **fields), encoding="utf-8")
        self.key_path.chmod(0o600)
        return self.key(version, **fields)

    def left(self, version: int = 1) -> Path:
        """A key that a killed run left beside its place."""
        path = self.folder / ".key.json.new"
        path.write_text(self.key(version), encoding="utf-8")
        path.chmod(0o600)
        return path

    def configured(self) -> None:
        for path in (self.values, self.env):
            path.write_text(f"content of {path.name}", encoding="utf-8")
            path.chmod(0o600)

    def unsealed(self, label: Path, sealed: str) -> str:
        return unseal(self.seal, str(label), sealed).decode()

    def files(self) -> list[str]:
        """What is in the folder, but for an empty lock file."""
        return sorted(path.name for path in self.folder.iterdir() if not path.name.endswith(".lock"))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    folder = tmp_path / "host"
    folder.mkdir()
    return Host(folder)


@pytest.fixture(params=[False, True], ids=["run", "check mode"])
def check(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


# Observe


def test_where_nothing_is_nothing_is_seen(host: Host, check: bool) -> None:
    before = snapshot(host.folder)
    ran = host.run("observed", check)
    assert ran.succeeded
    assert ran["changed"] is False
    nothing = {"content": None, "attributes_differ": False}
    assert ran["observed"] == {
        "key": None,
        "key_path": str(host.key_path),
        "key_left_behind": False,
        "untidy": False,
        "attributes_differ": False,
        "files": [{"path": str(host.values), **nothing}, {"path": str(host.env), **nothing}],
        "missing_folders": [],
    }
    assert snapshot(host.folder) == before


def test_what_is_there_is_seen_and_sealed_each_with_its_path(host: Host) -> None:
    text = host.held()
    host.configured()
    before = snapshot(host.folder)
    observed = host.run("observed")["observed"]
    assert json.loads(host.unsealed(host.key_path, observed["key"])) == json.loads(text)
    assert [host.unsealed(path, file["content"]) for path, file in zip((host.values, host.env), observed["files"])] == [
        "content of values.yml",
        "content of runner.env",
    ]
    assert [file["attributes_differ"] for file in observed["files"]] == [False, False]
    assert (observed["attributes_differ"], observed["key_left_behind"], observed["untidy"]) == (False, False, False)
    assert snapshot(host.folder) == before


def test_without_a_seal_that_is_given_contents_are_no_plain_text_either(host: Host) -> None:
    host.held()
    sealed = host.run("observed", seal=None)["observed"]["key"]
    assert json.loads(unseal("", str(host.key_path), sealed))["api_key_secret"] == SECRET


def test_attributes_that_are_not_the_declared_ones_are_seen_one_by_one(host: Host, check: bool) -> None:
    host.held()
    host.configured()
    host.key_path.chmod(0o640)
    host.env.chmod(0o644)
    before = snapshot(host.folder)
    observed = host.run("observed", check)["observed"]
    assert observed["attributes_differ"] is True
    assert [file["attributes_differ"] for file in observed["files"]] == [False, True]
    assert snapshot(host.folder) == before


def test_the_mode_of_a_file_is_the_declared_one(host: Host) -> None:
    host.configured()
    files = [{"path": str(host.values), "mode": "0640"}, {"path": str(host.env), "mode": "u=rw,go="}]
    observed = host.run("observed", files=files)["observed"]
    assert [file["attributes_differ"] for file in observed["files"]] == [True, False]


def test_a_key_that_a_killed_run_left_is_seen_as_such(host: Host, check: bool) -> None:
    host.left().chmod(0o644)
    observed = host.run("observed", check)["observed"]
    assert json.loads(host.unsealed(host.key_path, observed["key"]))["api_key_secret"] == SECRET
    assert (observed["key_left_behind"], observed["attributes_differ"]) == (True, False)


@pytest.mark.parametrize("name", [".values.yml.new", ".runner.env.new"])
def test_what_a_killed_run_left_of_a_file_is_untidy(host: Host, name: str) -> None:
    (host.folder / name).write_text("half", encoding="utf-8")
    assert host.run("observed")["observed"]["untidy"] is True


def test_what_a_killed_run_left_of_a_key_is_untidy(host: Host) -> None:
    host.held(2)
    host.left(1)
    assert host.run("observed")["observed"]["untidy"] is True


@pytest.mark.parametrize("lacking", ["key_path", "values"])
def test_a_folder_that_is_missing_fails_but_in_check_mode(host: Host, lacking: str, check: bool) -> None:
    missing = host.folder / "missing"
    options: Json = (
        {"key_path": missing / "key.json"} if lacking == "key_path" else {"files": [{"path": str(missing / "f")}]}
    )
    ran = host.run("observed", check, **options)
    if check:
        assert ran.succeeded
    else:
        assert ran.failure["code"] == ("key_path_unusable" if lacking == "key_path" else "config_path_unusable")
        assert str(missing) in ran["msg"]


@pytest.mark.parametrize("place", ["key_path", "values"])
def test_a_place_that_is_a_folder_fails(host: Host, place: str, check: bool) -> None:
    getattr(host, place).mkdir()
    ran = host.run("observed", check)
    assert ran.failure["code"] == ("key_path_unusable" if place == "key_path" else "config_path_unusable")
    assert str(getattr(host, place)) in ran["msg"]


def test_a_key_of_another_runner_fails(host: Host) -> None:
    host.held(name="another")
    assert host.run("observed").failure["code"] == "key_file_of_another_runner"
    host.held(endpoint="https://cloud.us.soda.io")
    assert host.run("observed").failure["code"] == "key_file_of_another_runner"


@pytest.mark.parametrize("kind", ["owner", "group"])
@pytest.mark.parametrize("of", ["key", "file"])
def test_an_owner_or_group_that_there_is_not_fails_before_anything_is_written(
    host: Host, kind: str, of: str, check: bool
) -> None:
    nobody = "no-such-name"
    options: Json = {kind: nobody} if of == "key" else {"files": [{"path": str(host.env), kind: nobody}]}
    ran = host.run("observed", check, **options)
    assert ran.failure["code"] == ("key_path_unusable" if of == "key" else "config_path_unusable")
    assert f"its {kind} is to be 'no-such-name', which this host does not know" in ran["msg"]
    assert str(host.key_path if of == "key" else host.env) in ran["msg"]


def test_owners_and_groups_that_there_are_are_taken_by_name_and_by_number(host: Host) -> None:
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    assert host.run("observed", owner=user, group=group).succeeded
    assert host.run("observed", owner=str(os.geteuid()), group="123456").succeeded


def test_a_mode_that_is_none_fails_before_anything_is_written(host: Host, check: bool) -> None:
    ran = host.run("observed", check, files=[{"path": str(host.env), "mode": "u=nonsense"}])
    assert ran.failure["code"] == "file_attributes_not_set"


# Write


def contents(host: Host) -> list[Json]:
    return [
        {"path": str(host.values), "content": "values"},
        {"path": str(host.env), "content": "Zürich", "mode": "0640"},
    ]


def test_the_key_and_the_files_are_put_in_place(host: Host) -> None:
    ran = host.run("present", key=host.key(), files=contents(host))
    assert ran.succeeded
    assert ran["changed"] is True
    assert json.loads(host.key_path.read_text("utf-8"))["api_key_secret"] == SECRET
    assert (host.values.read_text("utf-8"), host.env.read_text("utf-8")) == ("values", "Zürich")
    assert [mode_of(path) for path in (host.key_path, host.values, host.env)] == [0o600, 0o600, 0o640]
    assert host.files() == ["key.json", "runner.env", "values.yml"]


def test_a_file_is_replaced_not_written_to(host: Host) -> None:
    host.configured()
    with host.values.open(encoding="utf-8") as before:
        host.run("present", files=contents(host)[:1])
        assert before.read() == "content of values.yml"
    assert host.values.read_text("utf-8") == "values"


def test_without_contents_only_attributes_are_set(host: Host) -> None:
    text = host.held()
    host.configured()
    for path in (host.key_path, host.values):
        path.chmod(0o644)
    assert host.run("present")["changed"] is True
    assert [mode_of(path) for path in (host.key_path, host.values, host.env)] == [0o600] * 3
    assert host.key_path.read_text("utf-8") == text
    assert host.values.read_text("utf-8") == "content of values.yml"
    assert host.run("present")["changed"] is False


@pytest.mark.parametrize("path", ["key_path", "values", "env"])
def test_each_attribute_that_differed_is_a_change(host: Host, path: str) -> None:
    host.held()
    host.configured()
    getattr(host, path).chmod(0o644)
    assert host.run("present")["changed"] is True
    assert mode_of(getattr(host, path)) == 0o600


def test_the_key_is_not_for_others_whatever_its_file_was(host: Host) -> None:
    host.held()
    host.configured()
    host.key_path.chmod(0o644)
    host.run("present", key=host.key(2))
    assert mode_of(host.key_path) == 0o600


@needs_root
def test_owner_and_group_are_those_of_the_key_and_of_each_file(host: Host) -> None:
    files = [{**contents(host)[0], "owner": "1234", "group": "1235"}, contents(host)[1]]
    host.run("present", key=host.key(), owner="1236", group="1237", files=files)
    owners = [(path.stat().st_uid, path.stat().st_gid) for path in (host.key_path, host.values, host.env)]
    assert owners == [(1236, 1237), (1234, 1235), (os.geteuid(), os.getegid())]


def test_attributes_that_cannot_be_set_leave_no_file(open_folder: Path) -> None:
    host = Host(open_folder)
    with ordinary_user():
        ran = host.run("present", files=[{**contents(host)[0], "owner": "0"}])
    assert ran.failure["code"] == "file_attributes_not_set"
    assert host.files() == []


@pytest.mark.parametrize("lacking", ["key", "file"])
def test_where_a_disk_fills_up_meanwhile_it_is_said_of_which_file(
    host: Host, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.held()
    host.configured()
    before = host.key_path.read_text("utf-8"), host.values.read_text("utf-8")

    def full(*_arguments: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(_files.AtomicWrite, "commit", full)
    files = [{"path": str(host.values), "content": "new"}]
    ran = host.run("present", **({"key": host.key(2)} if lacking == "key" else {"files": files}))
    assert ran.failure["code"] == ("key_path_unusable" if lacking == "key" else "config_path_unusable")
    assert f"{host.key_path if lacking == 'key' else host.values} " in ran["msg"]
    assert "no space left on device" in ran["msg"]
    assert (host.key_path.read_text("utf-8"), host.values.read_text("utf-8")) == before
    assert host.files() == ["key.json", "runner.env", "values.yml"]


def test_the_key_of_another_runner_stays_whatever_is_to_be_written(host: Host) -> None:
    text = host.held(name="another")
    ran = host.run("present", files=contents(host))
    assert ran.failure["code"] == "key_file_of_another_runner"
    assert host.key_path.read_text("utf-8") == text
    assert host.files() == ["key.json"]


def test_a_key_that_moved_although_it_was_locked_is_told(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as by hand, or on a file system that knows no locks."""
    host.held(1)
    reserve = KeyFile.reserve

    def reserved(*arguments: Any) -> KeyReservation:
        host.held(1, api_key_id="another")
        return reserve(*arguments)

    monkeypatch.setattr(KeyFile, "reserve", reserved)
    ran = host.run("present", key=host.key(2))
    assert (ran.failure["code"], ran.failure["retryable"]) == ("key_file_changed", True)
    assert ran["msg"].startswith(f"{host.key_path} was changed by another run")
    assert json.loads(host.key_path.read_text("utf-8"))["api_key_id"] == "another"


def test_check_mode_writes_no_file(host: Host) -> None:
    host.configured()
    before = {name: entry.content for name, entry in snapshot(host.folder).items()}
    host.run("present", check=True, files=contents(host))
    after = {name: entry.content for name, entry in snapshot(host.folder).items() if not name.endswith(".lock")}
    assert after == before


def test_a_newer_key_takes_the_place_of_an_older_and_not_the_other_way(host: Host) -> None:
    host.held(1)
    host.configured()
    assert host.run("present", key=host.key(2))["changed"] is True
    assert json.loads(host.key_path.read_text("utf-8"))["key_version"] == 2
    ran = host.run("present", key=host.key(1))
    assert ran.failure["code"] == "key_file_changed"
    assert ran.failure["retryable"] is True
    assert ran["msg"].startswith(f"{host.key_path} was changed by another run")
    assert json.loads(host.key_path.read_text("utf-8"))["key_version"] == 2


def test_a_key_of_the_same_version_takes_the_place_of_the_one_before(host: Host) -> None:
    host.held(1, api_key_id="before")
    host.configured()
    assert host.run("present", key=host.key(1))["changed"] is True
    assert json.loads(host.key_path.read_text("utf-8"))["api_key_id"] == "id-1"


@pytest.mark.parametrize("key", [None, 2], ids=["no key", "a newer key"])
def test_a_key_that_a_killed_run_left_is_put_in_place_first(host: Host, key: int | None) -> None:
    host.left(1)
    host.configured()
    host.run("present", key=None if key is None else host.key(key))
    assert json.loads(host.key_path.read_text("utf-8"))["key_version"] == (key or 1)
    assert mode_of(host.key_path) == 0o600
    assert host.files() == ["key.json", "runner.env", "values.yml"]


@pytest.mark.parametrize("files", ["with contents", "without"])
def test_what_a_killed_run_left_is_cleaned_up(host: Host, files: str) -> None:
    host.held(2)
    host.left().write_text('{"endpoint": ', encoding="utf-8")
    host.configured()
    for name in (".values.yml.new", ".runner.env.new"):
        (host.folder / name).write_text("half", encoding="utf-8")
    host.run("present", **({"files": contents(host)} if files == "with contents" else {}))
    assert host.files() == ["key.json", "runner.env", "values.yml"]
    assert json.loads(host.key_path.read_text("utf-8"))["key_version"] == 2


def test_a_link_in_the_place_of_what_is_written_is_not_followed(host: Host, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine", encoding="utf-8")
    (host.folder / ".values.yml.new").symlink_to(tmp_path / "elsewhere")
    host.run("present", files=contents(host)[:1])
    assert (tmp_path / "elsewhere").read_text("utf-8") == "mine"
    assert host.values.read_text("utf-8") == "values"


# Remove


def test_all_that_is_there_is_removed_and_named(host: Host, check: bool) -> None:
    host.held()
    host.configured()
    before = snapshot(host.folder)
    ran = host.run("absent", check)
    assert (ran["changed"], ran["removed"]) == (True, [str(host.key_path), str(host.values), str(host.env)])
    if check:
        assert snapshot(host.folder) == before
    else:
        assert list(host.folder.iterdir()) == []


def test_only_what_was_there_is_named(host: Host, check: bool) -> None:
    host.configured()
    host.values.unlink()
    ran = host.run("absent", check)
    assert (ran["changed"], ran["removed"]) == (True, [str(host.env)])
    assert host.env.exists() is check


def test_where_nothing_is_nothing_changes(host: Host, check: bool) -> None:
    before = snapshot(host.folder)
    ran = host.run("absent", check)
    assert (ran["changed"], ran["removed"]) == (False, [])
    if check:
        assert snapshot(host.folder) == before
    assert list(host.folder.iterdir()) == []


def test_what_killed_runs_left_goes_too(host: Host, check: bool) -> None:
    (host.folder / ".values.yml.new").write_text("half", encoding="utf-8")
    torn = host.left()
    torn.write_text('{"endpoint": ', encoding="utf-8")
    assert host.run("absent", check)["changed"] is False
    assert bool(list(host.folder.iterdir())) is check


def test_a_key_that_a_killed_run_left_is_removed_and_named(host: Host) -> None:
    host.left()
    assert host.run("absent")["removed"] == [str(host.key_path)]
    assert list(host.folder.iterdir()) == []


def test_a_key_of_another_runner_is_not_removed(host: Host) -> None:
    host.held(name="another")
    host.configured()
    assert host.run("absent").failure["code"] == "key_file_of_another_runner"
    assert host.files() == ["key.json", "runner.env", "values.yml"]
