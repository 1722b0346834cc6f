# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file is read only if nobody else could have written it."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import KeyPathUnusable, SodaError
from ansible_collections.community.soda.plugins.module_utils._key.atomic_write import TargetFile
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import StoredKey
from ansible_collections.community.soda.tests.unit.plugins.harness import Soda, needs_root, ordinary_user, snapshot

pytestmark = needs_root

ROOT, OWNER, MALLORY, NOBODY_KNOWN = 0, 65534, 65533, 54321
CONTENT = b"content"


@pytest.fixture
def path(open_folder: Path) -> Path:
    """A file that root wrote, in a folder that root owns."""
    os.chown(open_folder, ROOT, ROOT)
    path = open_folder / "file"
    path.write_bytes(CONTENT)
    path.chmod(0o600)
    return path


@dataclass(frozen=True)
class Case:
    """Who owns the file and its folder, and who may write to them. The user who runs is root unless C(user) differs."""

    file_owner: int = ROOT
    file_mode: int = 0o600
    folder_owner: int = ROOT
    folder_mode: int = 0o755
    links: int = 1
    declared: str | None = None
    user: int = ROOT

    def build(self, path: Path) -> None:
        for number in range(1, self.links):
            os.link(path, path.parent.parent / f"another name {number}")
        os.chown(path, self.file_owner, 12345)
        path.chmod(self.file_mode)
        os.chown(path.parent, self.folder_owner, 12345)
        path.parent.chmod(self.folder_mode)


TRUSTED = {
    "root's file": Case(),
    "a file that others may read": Case(file_mode=0o644),
    "a file of the declared owner by number": Case(file_owner=OWNER, declared=str(OWNER)),
    "a file of the declared owner by name": Case(file_owner=OWNER, declared=pwd.getpwuid(OWNER).pw_name),
    "a file in a folder of the declared owner": Case(folder_owner=OWNER, declared=str(OWNER)),
    "a file of the user who runs": Case(file_owner=OWNER, folder_owner=OWNER, user=OWNER),
    "root's file for another user": Case(file_mode=0o644, user=OWNER),
    "a file in a sticky folder": Case(folder_mode=0o1777),
    "two names in a folder that only root writes to": Case(links=2),
}
FOLDER = "{folder}"
REFUSED = {
    "a file of somebody else": (
        Case(file_owner=NOBODY_KNOWN),
        f"it belongs to the unknown user {NOBODY_KNOWN}, and not to you, to root or to the declared owner."
        " Check where it comes from. Then change its owner, or remove it.",
    ),
    "a file of the ordinary user, read by root": (
        Case(file_owner=OWNER),
        f"it belongs to the user {pwd.getpwuid(OWNER).pw_name}, and not to you, to root or to the declared owner."
        " Check where it comes from. Then change its owner, or remove it.",
    ),
    "a file of neither root nor the declared owner": (
        Case(file_owner=NOBODY_KNOWN, declared=str(OWNER)),
        f"it belongs to the unknown user {NOBODY_KNOWN}, and",
    ),
    "a file of an owner that does not exist": (
        Case(file_owner=NOBODY_KNOWN, declared="no-such-user-here"),
        f"it belongs to the unknown user {NOBODY_KNOWN}, and",
    ),
    "a file that everybody may write": (
        Case(file_mode=0o602),
        "its mode 0602 lets other users change it. Check the file, then run: chmod go-w {path}.",
    ),
    "a file that a group may write": (
        Case(file_mode=0o660),
        "its mode 0660 lets other users change it. Check the file, then run: chmod go-w {path}.",
    ),
    "a file of somebody else in a sticky folder": (
        Case(file_owner=NOBODY_KNOWN, folder_mode=0o1777),
        f"it belongs to the unknown user {NOBODY_KNOWN}, and",
    ),
    "two names in a sticky folder": (
        Case(folder_mode=0o1777, links=2),
        "it has 2 names (hard links), and other users can create names in its folder."
        " Remove it, or use a folder that only you can write to.",
    ),
    "a folder of somebody else": (
        Case(folder_owner=NOBODY_KNOWN),
        f"the folder {FOLDER} belongs to the unknown user {NOBODY_KNOWN}, who could replace the file."
        " Use a folder that belongs to you, to root or to the declared owner.",
    ),
    "a sticky folder of somebody else": (
        Case(folder_owner=NOBODY_KNOWN, folder_mode=0o1777),
        f"the folder {FOLDER} belongs to the unknown user {NOBODY_KNOWN}, who could replace the file.",
    ),
    "a folder that everybody may write to": (
        Case(folder_mode=0o777),
        f"the mode 0777 of the folder {FOLDER} lets other users replace the file."
        f" Check the file, then run: chmod go-w {FOLDER}.",
    ),
    "a folder that a group may write to": (
        Case(folder_mode=0o775),
        f"the mode 0775 of the folder {FOLDER} lets other users replace the file.",
    ),
}


def as_user(user: int, do: Callable[[], object]) -> object:
    if user == ROOT:
        return do()
    with ordinary_user():
        return do()


@pytest.mark.parametrize("case", list(TRUSTED.values()), ids=list(TRUSTED))
def test_a_trusted_file_is_read(path: Path, case: Case) -> None:
    case.build(path)
    assert as_user(case.user, TargetFile(str(path), KeyPathUnusable, case.declared).read) == CONTENT


@pytest.mark.parametrize(("case", "reason"), list(REFUSED.values()), ids=list(REFUSED))
def test_an_untrusted_file_is_not_read(path: Path, case: Case, reason: str) -> None:
    case.build(path)
    with pytest.raises(SodaError) as failed:
        TargetFile(str(path), KeyPathUnusable, case.declared).read()
    assert failed.value.failure.code == "untrusted_file"
    message = f"{path} was not read, because {reason.format(path=path, folder=path.parent)}"
    assert failed.value.failure.message.startswith(message)


@pytest.mark.parametrize("case", [case for case, _reason in REFUSED.values()], ids=list(REFUSED))
def test_a_file_that_is_only_compared_need_not_be_trusted(path: Path, case: Case) -> None:
    case.build(path)
    assert TargetFile(str(path), KeyPathUnusable, must_be_trusted=False).read() == CONTENT


@pytest.mark.parametrize(
    "case",
    [case for name, (case, _reason) in REFUSED.items() if name.startswith("a folder")],
    ids=lambda case: str(case)[:40],
)
def test_a_missing_file_is_no_proof_in_a_folder_that_is_not_trusted(path: Path, case: Case) -> None:
    """Somebody may have removed the key so that another is issued."""
    case.build(path)
    path.unlink()
    with pytest.raises(SodaError) as failed:
        TargetFile(str(path), KeyPathUnusable).read()
    assert failed.value.failure.code == "untrusted_file"


def test_the_same_rule_applies_to_the_temporary_file(path: Path) -> None:
    target = TargetFile(str(path), KeyPathUnusable, owner=str(OWNER))
    temporary = path.with_name(target.temporary)
    temporary.write_bytes(CONTENT)
    os.chown(temporary, OWNER, OWNER)
    assert target.read_temporary() == CONTENT
    os.chown(temporary, MALLORY, MALLORY)
    with pytest.raises(SodaError) as failed:
        target.read_temporary()
    assert failed.value.failure.code == "untrusted_file"
    assert failed.value.failure.message.startswith(f"{temporary} was not read, because it belongs to ")


def user(name: str, gid: int) -> SimpleNamespace:
    return SimpleNamespace(pw_name=name, pw_gid=gid, pw_dir="/home/user", pw_uid=ROOT)


@pytest.mark.parametrize(
    ("group", "members", "primary", "trusted"),
    [
        ("alice", [], 12345, True),
        ("alice", ["alice"], 12345, True),
        ("alice", ["mallory"], 12345, False),
        ("staff", [], 12345, False),
        ("alice", [], 100, False),
    ],
    ids=["private", "own member", "another member", "another name", "not the primary group"],
)
@pytest.mark.parametrize("what", ["file", "folder"])
def test_the_private_group_of_the_owner_may_write(
    path: Path, monkeypatch: pytest.MonkeyPatch, group: str, members: list[str], primary: int, trusted: bool, what: str
) -> None:
    """With the umask 002, as distributions with private groups have it."""
    Case(file_mode=0o660 if what == "file" else 0o600, folder_mode=0o775 if what == "folder" else 0o755).build(path)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: user("alice", primary))
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: SimpleNamespace(gr_name=group, gr_mem=members))
    target = TargetFile(str(path), KeyPathUnusable)
    if trusted:
        assert target.read() == CONTENT
    else:
        with pytest.raises(SodaError) as failed:
            target.read()
        assert failed.value.failure.code == "untrusted_file"


def test_the_content_of_a_private_group_never_makes_a_file_of_everybody_trusted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Case(file_mode=0o662).build(path)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: user("alice", 12345))
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: SimpleNamespace(gr_name="alice", gr_mem=[]))
    with pytest.raises(SodaError) as failed:
        TargetFile(str(path), KeyPathUnusable).read()
    assert failed.value.failure.code == "untrusted_file"


def test_a_folder_that_may_only_be_searched_is_enough_to_read(path: Path) -> None:
    path.chmod(0o644)
    path.parent.chmod(0o711)
    with ordinary_user():
        assert TargetFile(str(path), KeyPathUnusable).read() == CONTENT


# As a play sees it


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_no_planted_key_is_used(soda: Soda, state: str, check: bool) -> None:
    soda.stored()
    os.chown(soda.key_path, MALLORY, MALLORY)
    before = snapshot(soda.folder)
    ran = soda.runner(state=state, check=check)
    assert (ran.failure["code"], ran.operations) == ("untrusted_file", [])
    assert snapshot(soda.folder) == before


def test_no_key_is_issued_into_a_folder_that_others_may_write_to(soda: Soda) -> None:
    soda.folder.chmod(0o777)
    assert (soda.runner().failure["code"], soda.keys_issued()) == ("untrusted_file", 0)
    soda.folder.chmod(0o1777)
    assert soda.runner()["changed"] is True
    assert soda.runner()["changed"] is False


def test_the_key_of_the_declared_owner_is_used(soda: Soda) -> None:
    options = {"owner": str(OWNER), "group": str(OWNER)}
    assert soda.runner(**options)["changed"] is True
    assert soda.runner(**options)["changed"] is False
    # Without the declaration it is somebody else's file.
    assert soda.runner().failure["code"] == "untrusted_file"


def test_a_key_that_a_killed_run_left_for_the_declared_owner_is_recovered(soda: Soda) -> None:
    left = soda.folder / ".key.json.new"
    key = soda.stored(path=left)
    os.chown(left, OWNER, OWNER)
    ran = soda.runner(owner=str(OWNER), group=str(OWNER))
    assert (ran["changed"], ran["key"]["api_key_id"], ran.operations) == (True, key["api_key_id"], ["listRunners"])
    assert (soda.keys_issued(), soda.files()) == (0, ["key.json"])
    assert soda.key_path.stat().st_uid == OWNER


def test_a_key_that_somebody_planted_as_that_of_a_killed_run_is_not_recovered(soda: Soda) -> None:
    left = soda.folder / ".key.json.new"
    planted = soda.stored(path=left)
    os.chown(left, MALLORY, MALLORY)
    ran = soda.runner(owner=str(OWNER))
    assert ran["key"]["api_key_id"] != planted["api_key_id"]
    assert soda.keys_issued() == 1


def test_a_key_file_names_the_file_that_it_does_not_trust(soda: Soda) -> None:
    soda.stored()
    os.chown(soda.key_path, MALLORY, MALLORY)
    file = KeyFile(str(soda.key_path), soda.account.endpoint, soda.name)
    for attempt in (file.read, lambda: file.reserve(None).__enter__()):
        with pytest.raises(SodaError) as failed:
            attempt()
        assert failed.value.failure.message.startswith(f"{soda.key_path} was not read, because it belongs to ")
    assert StoredKey.from_json(soda.key_path.read_bytes(), "here").name == soda.name
