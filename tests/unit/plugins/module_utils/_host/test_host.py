# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens on a host: it compares, writes and removes files, and remembers what it wrote."""

from __future__ import annotations

import grp
import json
import os
import pwd
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._host.request import ConfigFile, FileAttributes, Request
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
RULES = {"P0x": ["api_key_id", "yaml"], "P1x": ["api_key_secret", "yaml"], "P2x": ["runner_id", "yaml"]}
VALUES_TEXT = 'soda:\n  apikey:\n    id: "P0x"\n    secret: "P1x"\n  agent:\n    name: "warehouse-eu"\n    id: "P2x"\n'
STATE = ".key.json.state"


@dataclass
class Host:
    """A host that is this machine: a folder with the key file and two configuration files."""

    folder: Path
    name: str = NAME
    key_name: str = "key.json"
    secrets: list[str] = field(default_factory=lambda: [SECRET])

    @property
    def key_path(self) -> Path:
        return self.folder / self.key_name

    @property
    def values(self) -> Path:
        return self.folder / "values.yml"

    @property
    def env(self) -> Path:
        return self.folder / "runner.env"

    def file(self, path: Path | str, text: str = VALUES_TEXT, **attributes: Any) -> ConfigFile:
        return ConfigFile(str(path), text, FileAttributes(**attributes))

    def run(self, action: str = "present", check: bool = False, **options: Any) -> Ran:
        """Run what the action plugin runs here. Its output contains no secret."""
        given = {
            "files": (self.file(self.values), self.file(self.env, "A=P0x\nB=P1x\n")),
            "placeholders": RULES,
            "key_path": str(self.key_path),
            **options,
        }
        request = Request(action, ENDPOINT, self.name, **given)
        arguments = {"request": request.to_json(), "_ansible_check_mode": check}
        result, output = run_module("soda_runner_files", arguments)
        for secret in self.secrets:
            assert secret not in output, "there is a secret in the result"
        return Ran(result, output, [])

    def key(self, version: int = 1, **fields: Any) -> str:
        """The text of a key file."""
        content = {
            "endpoint": ENDPOINT,
            "name": self.name,
            "api_key_id": f"id-{version}",
            "api_key_secret": SECRET,
            "key_version": version,
            "issued_at": "2026-01-01T12:00:00Z",
            "runner_id": None,
        }
        return json.dumps({**content, **fields}, indent=2) + "\n"

    def stored(self, version: int = 1, **fields: Any) -> str:
        """Store a key on the host."""
        text = self.key(version, **fields)
        self.key_path.write_text(text, encoding="utf-8")
        self.key_path.chmod(0o600)
        return text

    def left(self, version: int = 1) -> Path:
        """A key that a killed run left beside the key file."""
        path = self.folder / f".{self.key_name}.new"
        path.write_text(self.key(version), encoding="utf-8")
        path.chmod(0o600)
        return path

    def configured(self, **options: Any) -> None:
        """A host that is up to date."""
        self.stored()
        assert self.run(**options).succeeded

    def state(self) -> Json:
        state: Json = json.loads((self.folder / f".{self.key_name}.state").read_text("utf-8"))
        return state

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def api_key_id(self) -> str:
        stored: str = json.loads(self.key_path.read_text("utf-8"))["api_key_id"]
        return stored


@pytest.fixture
def host(tmp_path: Path) -> Host:
    folder = tmp_path / "host"
    folder.mkdir()
    return Host(folder)


@pytest.fixture(params=[False, True], ids=["run", "check mode"])
def check(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


# Without a key


def test_without_a_key_nothing_is_changed_and_a_key_is_needed(host: Host, check: bool) -> None:
    before = snapshot(host.folder)
    ran = host.run(check=check)
    assert ran.succeeded
    assert (ran["changed"], ran["key"], ran["key_needed"]) == (False, None, True)
    assert ran["files_changed"] == [False, False]
    assert snapshot(host.folder) == before


def test_without_a_key_missing_folders_are_created_only_if_that_is_requested(host: Host, check: bool) -> None:
    deep = host.folder / "a" / "b"
    options: Json = {"key_path": str(deep / "key.json"), "files": ()}
    ran = host.run(check=check, **options)
    assert (ran["changed"], ran["missing_folders"]) == (False, [str(deep)])
    assert not deep.exists()
    ran = host.run(check=check, create_folders=True, **options)
    assert (ran["changed"], ran["missing_folders"]) == (True, [str(deep)])
    assert deep.is_dir() is not check


def test_a_key_that_is_required_and_missing_is_a_failure(host: Host) -> None:
    ran = host.run(key_required=True)
    assert ran.failure["code"] == "key_missing"
    assert str(host.key_path) in ran["msg"]


# Write


def test_the_waiting_key_and_the_files_are_written(host: Host) -> None:
    host.run(check=True, waiting_key=host.key())
    assert host.files() == []
    files = (host.file(host.values), host.file(host.env, "A=P0x\n", mode="0640"))
    ran = host.run(waiting_key=host.key(), files=files)
    assert (ran["changed"], ran["key_changed"], ran["files_changed"]) == (True, True, [True, True])
    assert ran["key"]["api_key_id"] == "id-1"
    assert json.loads(host.key_path.read_text("utf-8"))["api_key_secret"] == SECRET
    assert f'secret: "{SECRET}"' in host.values.read_text("utf-8")
    assert host.env.read_text("utf-8") == "A=id-1\n"
    assert [mode_of(path) for path in (host.key_path, host.values, host.env)] == [0o600, 0o600, 0o640]
    assert host.files() == [STATE, "key.json", "runner.env", "values.yml"]


def test_an_up_to_date_host_is_unchanged_and_nothing_is_written(host: Host, check: bool) -> None:
    host.configured()
    before = snapshot(host.folder)
    ran = host.run(check=check, waiting_key=host.key())
    assert (ran["changed"], ran["key_changed"], ran["restart_owed"]) == (False, False, False)
    assert snapshot(host.folder) == before


def test_the_runner_id_is_in_a_file_exactly_if_the_key_has_one(host: Host) -> None:
    host.configured()
    assert "    id: " not in host.values.read_text("utf-8").split("agent")[1]
    host.run(waiting_key=host.key(2, runner_id="r1"))
    assert '    id: "r1"\n' in host.values.read_text("utf-8")


def test_a_file_is_replaced_and_not_written_to(host: Host) -> None:
    host.configured()
    host.values.write_text("by hand", encoding="utf-8")
    with host.values.open(encoding="utf-8") as before:
        host.run()
        assert before.read() == "by hand"
    assert SECRET in host.values.read_text("utf-8")


@pytest.mark.parametrize("path", ["key_path", "values", "env"])
def test_each_attribute_that_differs_is_a_change(host: Host, path: str, check: bool) -> None:
    host.configured()
    getattr(host, path).chmod(0o644)
    ran = host.run(check=check)
    assert ran["changed"] is True
    assert ran["key_changed"] is (path == "key_path")
    assert ran["files_changed"] == [path == "values", path == "env"]
    assert mode_of(getattr(host, path)) == (0o644 if check else 0o600)


@needs_root
def test_owner_and_group_are_those_of_the_key_and_of_each_file(host: Host) -> None:
    files = (host.file(host.values, owner="1234", group="1235"), host.file(host.env))
    host.run(waiting_key=host.key(), key_attributes=FileAttributes("1236", "1237"), files=files)
    owners = [(path.stat().st_uid, path.stat().st_gid) for path in (host.key_path, host.values, host.env)]
    assert owners == [(1236, 1237), (1234, 1235), (os.geteuid(), os.getegid())]
    assert (host.folder / STATE).stat().st_uid == os.geteuid()


def test_missing_folders_are_created_with_the_files(host: Host, check: bool) -> None:
    deep, other = host.folder / "a" / "b", host.folder / "c"
    options: Json = {"key_path": str(deep / "key.json"), "files": (host.file(other / "values.yml"),)}
    ran = host.run(check=check, waiting_key=host.key(), **options)
    assert (ran["changed"], ran["missing_folders"]) == (True, [str(deep), str(other)])
    assert (deep / "key.json").exists() is not check
    assert (other / "values.yml").exists() is not check


# The right key


def test_a_newer_waiting_key_replaces_the_stored_one_and_an_older_does_not(host: Host) -> None:
    host.stored(2)
    assert host.run(waiting_key=host.key(3))["key_changed"] is True
    assert host.api_key_id() == "id-3"
    ran = host.run(waiting_key=host.key(1))
    assert (ran["changed"], host.api_key_id()) == (False, "id-3")
    assert "warnings" not in ran.result


def test_another_key_of_the_same_version_is_reported_and_does_not_replace_the_stored_one(host: Host) -> None:
    host.configured()
    ran = host.run(waiting_key=host.key(api_key_id="reissued"), waiting_path="/escrow/file")
    assert (ran["changed"], host.api_key_id()) == (False, "id-1")
    (warning,) = ran.warnings
    assert "reissued" in warning
    assert "/escrow/file" in warning


def test_a_key_that_is_newer_than_declared_is_a_failure(host: Host, check: bool) -> None:
    host.stored(3)
    ran = host.run(check=check, key_version=2)
    assert ran.failure["code"] == "key_version_too_low"
    assert ran["msg"].startswith("key_version is 2, but the key stored at ")
    assert host.run(check=check, key_version=3, waiting_key=host.key(4)).failure["code"] == "key_version_too_low"


def test_an_outdated_key_stays_until_a_new_one_is_there(host: Host) -> None:
    host.configured()
    ran = host.run(key_version=2)
    assert (ran["changed"], ran["key_needed"], ran["key"]["key_version"]) == (False, True, 1)


def test_check_mode_assumes_the_key_that_would_be_issued_and_the_run_writes_the_same(host: Host) -> None:
    """All but the id, which only the issue can know."""
    host.configured()
    options: Json = {"key_version": 2, "key_required": True, "runner_id": "r1", "diff": True}
    checked = host.run(check=True, **options)
    host.secrets.append("another-secret-that-nobody-may-see")
    ran = host.run(waiting_key=host.key(2, runner_id="r1", api_key_secret=host.secrets[1]), **options)
    assert (checked["changed"], checked["key"]) == (True, None)
    assert ran["diff"][0]["after"].count("id-2") == 1
    assert [
        {**entry, "after": entry["after"].replace("id-2", "<issued at run time>")} for entry in ran["diff"]
    ] == checked["diff"]
    assert '+    id: "r1"'[1:] in checked["diff"][0]["after"]


@pytest.mark.parametrize("text", ["another", "other endpoint"])
def test_the_key_of_another_runner_is_a_failure_and_nothing_is_changed(host: Host, text: str) -> None:
    host.stored(**({"name": "another"} if text == "another" else {"endpoint": "https://cloud.us.soda.io"}))
    before = snapshot(host.folder)
    for action in ("present", "absent"):
        assert host.run(action).failure["code"] == "key_file_of_another_runner"
    assert snapshot(host.folder) == before


# Keys in other stores


def test_with_another_key_store_the_host_needs_no_key(host: Host) -> None:
    options: Json = {"key_store": "vault_kv2", "files": (host.file(host.values, 'a: "P0x"\nid: "P2x"\n'),)}
    assert host.run(**options)["key_needed"] is True
    assert host.files() == []
    ran = host.run(store_key={"api_key_id": "id-9", "key_version": 2, "runner_id": "r1"}, **options)
    assert (ran["changed"], ran["key_needed"], ran["key_changed"]) == (True, False, False)
    assert ran["key"] == {"api_key_id": "id-9", "path": None, "key_version": 2, "issued_at": ""}
    assert host.values.read_text("utf-8") == 'a: "id-9"\nid: "r1"\n'
    assert host.files() == [STATE, "values.yml"]


def test_the_key_is_moved_in_two_steps_and_only_the_key_that_was_moved_is_removed(host: Host) -> None:
    text = host.stored()
    seal = new_key()
    ran = host.run("export", seal=seal)
    assert json.loads(unseal(seal, ran["key_path"], ran["sealed_key"])) == json.loads(text)
    assert host.run("remove_key", api_key_id="another")["removed"] == []
    assert host.run("remove_key", check=True, api_key_id="id-1")["removed"] == [str(host.key_path)]
    assert host.key_path.exists()
    assert host.run("remove_key", api_key_id="id-1")["removed"] == [str(host.key_path)]
    assert host.run("export", seal=seal)["sealed_key"] is None


# Adoption


def test_an_existing_key_is_adopted_if_it_is_required_and_none_is_stored(host: Host, check: bool) -> None:
    existing: Json = {"existing_key": {"api_key_id": "mine", "api_key_secret": SECRET}, "runner_id": "r1"}
    ran = host.run(check=check, **existing)
    assert (ran["changed"], ran["key_needed"], ran["key_adoptable"]) == (False, True, True)
    assert host.files() == []
    ran = host.run(check=check, key_required=True, **existing)
    assert (ran["changed"], ran["key_needed"], ran["key"]["api_key_id"]) == (True, False, "mine")
    if not check:
        stored = json.loads(host.key_path.read_text("utf-8"))
        assert (stored["api_key_secret"], stored["runner_id"], stored["key_version"]) == (SECRET, "r1", 1)
        assert host.run(key_required=True, **existing)["changed"] is False


def test_a_stored_key_is_not_replaced_by_an_existing_one(host: Host) -> None:
    host.configured()
    existing = {"api_key_id": "mine", "api_key_secret": SECRET}
    assert host.run(existing_key=existing, key_required=True)["changed"] is False
    assert host.api_key_id() == "id-1"


def test_adopting_a_key_whose_configuration_stays_owes_no_restart(host: Host) -> None:
    host.configured()
    host.key_path.unlink()
    (host.folder / STATE).unlink()
    before = host.values.read_text("utf-8")
    ran = host.run(import_from=str(host.values), key_required=True, track_restart=True)
    assert (ran["changed"], ran["restart_owed"], ran["files_changed"]) == (True, False, [False, False])
    assert host.values.read_text("utf-8") == before
    assert json.loads(host.key_path.read_text("utf-8"))["api_key_secret"] == SECRET


def test_an_import_that_fails_changes_nothing(host: Host, check: bool) -> None:
    ran = host.run(check=check, import_from=str(host.folder / "missing"))
    assert ran.failure["code"] == "import_failed"
    assert host.files() == []


def test_an_import_is_not_read_if_a_key_is_stored(host: Host) -> None:
    host.configured()
    assert host.run(import_from=str(host.folder / "missing"))["changed"] is False


# The state: what was written, and the owed restart


def test_a_file_that_is_no_longer_declared_is_removed_once(host: Host, check: bool) -> None:
    host.configured()
    only = (host.file(host.values),)
    ran = host.run(check=check, files=only, diff=True)
    assert (ran["changed"], ran["removed"], ran["restart_owed"]) == (True, [str(host.env)], True)
    assert ran["diff"] == [{"path": str(host.env), "before": "A=********\nB=********\n", "after": ""}]
    assert host.env.exists() is check
    if not check:
        assert host.run(files=only)["changed"] is False
        assert host.state()["config_paths"] == [str(host.values)]


def test_absent_removes_files_that_were_declared_before(host: Host) -> None:
    host.configured()
    ran = host.run("absent", files=(host.file(host.values),))
    assert ran["removed"] == [str(host.key_path), str(host.values), str(host.env)]
    assert host.files() == []


def test_a_recorded_path_below_a_link_is_not_removed(host: Host, tmp_path: Path) -> None:
    """The owner of the folder could make it point to another file."""
    sub = host.folder / "sub"
    sub.mkdir()
    host.configured(files=(host.file(sub / "values.yml"),))
    elsewhere = tmp_path / "elsewhere"
    sub.rename(elsewhere)
    sub.symlink_to(elsewhere)
    ran = host.run(files=())
    assert ran["removed"] == []
    assert (elsewhere / "values.yml").exists()


@needs_root
def test_the_state_of_another_user_is_not_trusted(host: Host, tmp_path: Path) -> None:
    host.configured()
    victim = tmp_path / "victim"
    victim.write_text("stays", encoding="utf-8")
    state = {**host.state(), "config_paths": [str(victim)]}
    (host.folder / STATE).write_text(json.dumps(state), encoding="utf-8")
    os.chown(host.folder / STATE, 1234, 1234)
    assert host.run(files=())["removed"] == []
    assert victim.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"config_paths": ["relative"]}', "[" * 100_000])
def test_a_broken_state_is_written_again(host: Host, text: str) -> None:
    host.configured()
    (host.folder / STATE).write_text(text, encoding="utf-8")
    assert host.run()["changed"] is False
    assert host.state()["config_paths"] == [str(host.values), str(host.env)]


def test_an_owed_restart_is_reported_until_it_is_acknowledged(host: Host) -> None:
    host.stored()
    for _run in range(3):
        ran = host.run(track_restart=True)
        assert (ran["changed"], ran["restart_owed"]) == (True, True)
    assert host.run("acknowledge", check=True)["restart_owed"] is True
    assert host.run(track_restart=True)["changed"] is True
    ran = host.run("acknowledge")
    assert (ran["changed"], ran["restart_owed"]) == (False, False)
    ran = host.run(track_restart=True)
    assert (ran["changed"], ran["restart_owed"]) == (False, False)


def test_without_tracking_only_the_run_that_changes_owes_a_restart(host: Host) -> None:
    host.stored()
    assert host.run()["restart_owed"] is True
    assert host.run()["restart_owed"] is False
    assert host.run(track_restart=True)["changed"] is False


def test_a_run_without_tracking_does_not_forget_a_restart(host: Host) -> None:
    host.stored()
    host.run(track_restart=True)
    host.env.unlink()
    host.run()
    assert host.run(track_restart=True)["restart_owed"] is True


def test_the_restart_is_owed_before_anything_is_changed(host: Host) -> None:
    """A run that fails, or is killed, at the first write."""
    host.configured()
    host.values.write_text("by hand", encoding="utf-8")
    (host.folder / ".values.yml.new").mkdir()
    ran = host.run(track_restart=True)
    assert ran.failure["code"] == "config_path_unusable"
    assert host.state()["restart_owed"] is True
    (host.folder / ".values.yml.new").rmdir()
    host.run(track_restart=True)
    assert host.run(track_restart=True)["restart_owed"] is True


# Paths


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("key.json", "key.json"),
        ("key.json", "./key.json"),
        ("key.json", "/key.json"),
        ("key.json", "link/key.json"),
        ("key.json", "sub/../key.json"),
        ("key.json", ".key.json.state"),
        ("key.json", ".key.json.new"),
        ("key.json", ".key.json.lock"),
        ("a.yml", "./a.yml"),
        ("link/a.yml", "a.yml"),
    ],
)
@pytest.mark.parametrize("action", ["present", "absent"])
def test_two_declared_files_that_are_one_are_refused(host: Host, first: str, second: str, action: str) -> None:
    (host.folder / "link").symlink_to(host.folder)
    (host.folder / "sub").mkdir()
    before = snapshot(host.folder)
    options: Json = {"waiting_key": host.key(), "key_path": f"{host.folder}/key.json"}
    files = tuple(host.file(f"{host.folder}/{path}") for path in dict.fromkeys((first, second)) if path != "key.json")
    if first == second:
        files = (host.file(host.key_path),)
    assert host.run(action, files=files, **options).failure["code"] == "config_path_twice"
    assert snapshot(host.folder) == before


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same folder", "another folder"])
@pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
def test_two_runners_that_share_a_file_are_refused(host: Host, elsewhere: bool, check: bool) -> None:
    folder = host.folder / "shared"
    folder.mkdir()
    shared = folder / "values.yml" if elsewhere else host.folder / "values.yml"
    host.configured(files=(host.file(shared),))
    second = Host(host.folder / "second" if elsewhere else host.folder, "second", "second.json")
    second.folder.mkdir(exist_ok=True)
    ran = second.run(check=check, files=(second.file(shared),), waiting_key=second.key())
    assert ran.failure["code"] == "config_path_twice"
    assert str(host.key_path) in ran["msg"]
    assert NAME in ran["msg"]
    assert not second.key_path.exists()
    # Not any more, when the first is gone.
    host.run("absent", files=(host.file(shared),))
    assert second.run(files=(second.file(shared),), waiting_key=second.key()).succeeded


def test_two_runners_in_one_folder_with_their_own_files_are_no_conflict(host: Host) -> None:
    host.configured(files=(host.file(host.values),))
    second = Host(host.folder, "second", "second.json")
    assert second.run(files=(second.file(host.env),), waiting_key=second.key()).succeeded
    assert host.run(files=(host.file(host.values),))["changed"] is False


def test_a_home_folder_is_that_of_the_user_database(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(host.folder))
    ran = host.run(check=True, key_path="~/soda/key.json", files=())
    assert ran["key_path"] == f"{pwd.getpwuid(os.geteuid()).pw_dir}/soda/key.json"


@pytest.mark.parametrize("place", ["key_path", "values"])
@pytest.mark.parametrize("kind", ["folder", "below a file"])
def test_a_path_that_cannot_be_used_is_a_failure_before_there_is_a_key(
    host: Host, place: str, kind: str, check: bool
) -> None:
    path = host.folder / "in the way"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_text("", encoding="utf-8")
        path = path / "sub" / "file"
    options: Json = {"key_path": str(path), "files": ()} if place == "key_path" else {"files": (host.file(path),)}
    ran = host.run(check=check, **options)
    assert ran.failure["code"] == ("key_path_unusable" if place == "key_path" else "config_path_unusable")
    assert str(path) in ran["msg"]


@pytest.mark.parametrize("kind", ["owner", "group"])
@pytest.mark.parametrize("of", ["key", "file"])
def test_an_unknown_owner_or_group_is_a_failure_before_anything_is_written(
    host: Host, kind: str, of: str, check: bool
) -> None:
    unknown = {kind: "no-such-name"}
    options: Json = {"key_attributes": FileAttributes(**unknown)} if of == "key" else {}
    if of == "file":
        options = {"files": (host.file(host.env, **unknown),)}
    ran = host.run(check=check, waiting_key=host.key(), **options)
    assert ran.failure["code"] == ("key_path_unusable" if of == "key" else "config_path_unusable")
    assert f"its {kind} is 'no-such-name', which does not exist on this host" in ran["msg"]
    assert host.files() == []


def test_owners_and_groups_are_accepted_by_name_and_by_number(host: Host) -> None:
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    assert host.run(key_attributes=FileAttributes(user, group)).succeeded
    assert host.run(key_attributes=FileAttributes(str(os.geteuid()), "123456")).succeeded


def test_an_invalid_mode_is_a_failure_before_anything_is_written(host: Host, check: bool) -> None:
    ran = host.run(check=check, waiting_key=host.key(), files=(host.file(host.env, mode="u=nonsense"),))
    assert ran.failure["code"] == "file_attributes_not_set"
    assert host.files() == []


@needs_root
def test_a_normal_user_gets_a_hint_to_use_become(open_folder: Path) -> None:
    host = Host(open_folder)
    host.stored()
    os.chown(open_folder, 0, 0)
    open_folder.chmod(0o755)
    with ordinary_user():
        unreadable = host.run(files=())
        missing = host.run(key_path=str(open_folder / "sub" / "key.json"), files=())
        unwritable = host.run(key_path=str(open_folder / "other.json"), files=())
    for ran in (unreadable, missing, unwritable):
        assert ran.failure["code"] == "key_path_unusable"
        assert ran["msg"].endswith("Use --become if root owns the files.")


@needs_root
def test_attributes_that_cannot_be_set_leave_no_file(open_folder: Path) -> None:
    host = Host(open_folder)
    with ordinary_user():
        ran = host.run(waiting_key=host.key(), files=(host.file(host.values, owner="0"),))
    assert ran.failure["code"] == "file_attributes_not_set"
    assert not host.values.exists()


# Killed runs


def test_a_key_that_a_killed_run_left_is_committed(host: Host, check: bool) -> None:
    host.left()
    ran = host.run(check=check)
    assert (ran["changed"], ran["key_changed"], ran["key"]["api_key_id"]) == (True, True, "id-1")
    assert host.key_path.exists() is not check
    if not check:
        assert host.files() == [STATE, "key.json", "runner.env", "values.yml"]


def test_remains_of_a_killed_run_are_removed(host: Host) -> None:
    host.configured()
    for name in (".key.json.new", ".values.yml.new", ".runner.env.new", ".key.json.lock", f".{STATE}.new"):
        (host.folder / name).write_text("half", encoding="utf-8")
    ran = host.run()
    assert ran["changed"] is False
    assert host.files() == [STATE, "key.json", "runner.env", "values.yml"]


def test_a_link_at_the_path_of_a_temporary_file_is_not_followed(host: Host, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine", encoding="utf-8")
    (host.folder / ".values.yml.new").symlink_to(tmp_path / "elsewhere")
    host.run(waiting_key=host.key())
    assert (tmp_path / "elsewhere").read_text("utf-8") == "mine"
    assert SECRET in host.values.read_text("utf-8")


# Absent


def test_everything_is_removed_and_listed(host: Host, check: bool) -> None:
    host.configured()
    before = snapshot(host.folder)
    ran = host.run("absent", check, diff=True)
    assert (ran["changed"], ran["removed"]) == (True, [str(host.key_path), str(host.values), str(host.env)])
    assert [entry["after"] for entry in ran["diff"]] == ["", "", ""]
    assert ran["diff"][0]["before"] == "(the runner key id-1)\n"
    assert (snapshot(host.folder) == before) is check
    assert (host.files() == []) is not check


def test_absent_on_a_host_without_files_changes_nothing(host: Host, check: bool) -> None:
    before = snapshot(host.folder)
    ran = host.run("absent", check)
    assert (ran["changed"], ran["removed"]) == (False, [])
    assert snapshot(host.folder) == before


def test_absent_removes_what_killed_runs_left(host: Host) -> None:
    host.stored()
    (host.folder / ".values.yml.new").write_text("half", encoding="utf-8")
    host.left().write_text('{"endpoint": ', encoding="utf-8")
    assert host.run("absent")["removed"] == [str(host.key_path)]
    assert host.files() == []


def test_a_key_that_a_killed_run_left_is_removed_and_listed(host: Host) -> None:
    host.left()
    assert host.run("absent")["removed"] == [str(host.key_path)]
    assert host.files() == []


def test_absent_leaves_the_files_of_another_runner(host: Host) -> None:
    host.configured()
    host.key_path.unlink()
    second = Host(host.folder, "second")
    assert second.run("absent", files=())["removed"] == []
    assert host.values.exists()


# Diffs


def test_there_is_no_diff_unless_it_is_requested(host: Host) -> None:
    assert host.run(waiting_key=host.key())["diff"] == []


def test_a_hostile_file_is_not_parsed(host: Host) -> None:
    """Nested aliases, an endless line, control characters."""
    host.configured()
    bomb = "a: &a [x]\n" + "".join(f"b{i}: [*a, *a]\n" for i in range(500)) + "\x1b[2J" + "z" * 100_000
    host.values.write_text(bomb, encoding="utf-8")
    (entry, *_rest) = host.run(diff=True)["diff"]
    assert len(entry["before"]) < 1000
    assert "\x1b" not in entry["before"]


def test_a_file_that_is_larger_than_any_of_ours_is_a_failure(host: Host) -> None:
    host.configured()
    host.values.write_bytes(b"x" * (2 * 1024 * 1024))
    assert host.run(diff=True).failure["code"] == "config_path_unusable"


def test_a_file_that_is_not_text_is_replaced(host: Host) -> None:
    host.configured()
    host.values.write_bytes(b"\xff\xfe\n")
    assert host.run(diff=True)["files_changed"] == [True, False]
    assert SECRET in host.values.read_text("utf-8")
