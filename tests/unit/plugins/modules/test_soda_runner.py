# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every row of the two tables that say what soda_runner does: what it returns, what it asks, what stays on disk."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.community.soda.plugins.module_utils._api.text import sanitize
from ansible_collections.community.soda.plugins.module_utils._key import atomic_write as _files
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile, KeyReservation
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    ODD_NAMES,
    Json,
    Ran,
    Soda,
    mode_of,
    needs_root,
    ordinary_user,
    plain_id,
    result_of,
    snapshot,
    wait_until,
)
from emulator.client import UNKNOWN

LIST, CREATE, GET, DELETE = "listRunners", "createRunner", "getRunner", "deleteRunner"
NAME = Soda.name
RUNNER = "11111111-1111-4111-8111-111111111111"
LOCK = ".key.json.lock"
EXISTING = {"api_key_id": "existing-id", "api_key_secret": "-existing_secret-of-a-key"}
NOBODY = 65534
OTHER = "22222222-2222-4222-8222-222222222222"

Scene = Callable[[Soda], object]


def nothing(soda: Soda) -> None:
    """Neither listed nor stored."""


def listed(**fields: Any) -> Scene:
    return lambda soda: soda.listed(**{"id": RUNNER, **fields})


def stored(**fields: Any) -> Scene:
    return lambda soda: soda.stored(**fields)


def both(*scenes: Scene) -> Scene:
    def set_all(soda: Soda) -> None:
        for scene in scenes:
            scene(soda)

    return set_all


def someone_removes(runner_id: str) -> Scene:
    """Between our listing and our deletion."""
    return lambda soda: soda.account.fault("move", DELETE, remove=runner_id)


@dataclass(frozen=True)
class Row:
    """A row of a table that ends well."""

    says: str
    scene: Scene
    operations: Sequence[str]
    changed: bool
    registration: str
    key: str = "none"
    """What is stored afterwards: none, kept (the one from before), new or adopted."""
    runner: str | None = None
    """The id of the runner that is returned."""
    warning: str | None = None
    """What the one warning says."""
    options: Json = field(default_factory=dict)
    foreseen: bool = True
    """Whether check mode can know it: not where others act between its listing and the deletion."""


# fmt: off
PRESENT = [
    Row("not listed, no key: issue one", nothing, [LIST, CREATE], True, "pending", "new"),
    Row("not listed, key stored: pending", stored(), [LIST], False, "pending", "kept"),
    Row("listed, key stored: registered", both(listed(), stored()), [LIST], False, "registered", "kept", RUNNER),
    Row("listed, no key: registered, with a warning", listed(), [LIST], False, "registered", "none", RUNNER,
        warning="cannot be retrieved again"),
    Row("listed, no key, reissue: issue one", listed(), [LIST, CREATE], True, "registered", "new", RUNNER,
        options={"reissue": True}),
    Row("listed, key stored: reissue does nothing", both(listed(), stored()), [LIST], False, "registered", "kept",
        RUNNER,
        options={"reissue": True}),
    Row("not listed, key of a lower version: rotate", stored(key_version=1), [LIST, CREATE], True, "pending", "new",
        options={"key_version": 2}),
    Row("listed, key of a lower version: rotate", both(listed(), stored(key_version=2)), [LIST, CREATE], True,
        "registered", "new", RUNNER, options={"key_version": 5}),
    Row("a key of the version that is wanted stays", stored(key_version=3), [LIST], False, "pending", "kept",
        options={"key_version": 3}),
    Row("not listed, no key, with a version: issue one of it", nothing, [LIST, CREATE], True, "pending", "new",
        options={"key_version": 7}),
    Row("hosted, without key_path: registered", listed(type="SODA_HOSTED"), [LIST], False, "registered", "none",
        RUNNER, options={"key_path": None}),
    Row("virtual, without key_path: registered", listed(type="VIRTUAL"), [LIST], False, "registered", "none", RUNNER,
        options={"key_path": None}),
    Row("listed, without key_path: registered", listed(), [LIST], False, "registered", "none", RUNNER,
        options={"key_path": None}),
    Row("name and id of one runner: registered", both(listed(), stored()), [LIST], False, "registered", "kept", RUNNER,
        options={"id": RUNNER}),
    Row("not listed, no key, existing key: store it", nothing, [LIST], True, "pending", "adopted",
        options={"existing_key": EXISTING}),
    Row("listed, no key, existing key: store it with the id", listed(), [LIST], True, "registered", "adopted", RUNNER,
        options={"existing_key": EXISTING}),
    Row("existing key and reissue: store it", listed(), [LIST], True, "registered", "adopted", RUNNER,
        options={"existing_key": EXISTING, "reissue": True}),
    Row("existing key and a version: store it with that version", listed(), [LIST], True, "registered", "adopted",
        RUNNER, options={"existing_key": EXISTING, "key_version": 3}),
    Row("existing key, another key stored: keep it, with a warning", both(listed(), stored()), [LIST], False,
        "registered", "kept", RUNNER, warning="existing_key (existing-id) was not stored",
        options={"existing_key": EXISTING}),
    Row("id alone: looked up", listed(), [GET], False, "registered", "none", RUNNER,
        options={"id": RUNNER, "name": None, "key_path": None}),
    Row("id alone, of a hosted runner: looked up", listed(type="SODA_HOSTED"), [GET], False, "registered", "none",
        RUNNER, options={"id": RUNNER, "name": None, "key_path": None}),
]

ABSENT = [
    Row("listed: delete it", listed(), [LIST, DELETE], True, "absent"),
    Row("listed, key stored: delete it, then remove the file", both(listed(), stored()), [LIST, DELETE], True,
        "absent"),
    Row("not listed, key stored: remove the file, with a warning", stored(), [LIST], True, "absent",
        warning="stays valid"),
    Row("not listed, no key: nothing to do", nothing, [LIST], False, "absent"),
    Row("not listed, without key_path: nothing to do", nothing, [LIST], False, "absent", options={"key_path": None}),
    Row("gone meanwhile: absent, unchanged", both(listed(), someone_removes(RUNNER)), [LIST, DELETE], False, "absent",
        foreseen=False),
    Row("gone meanwhile, key stored: changed, because its file is removed",
        both(listed(), stored(), someone_removes(RUNNER)), [LIST, DELETE], True, "absent"),
    Row("several of the name, and an id: delete that one", both(listed(), listed(id=OTHER)), [GET, DELETE], True,
        "absent", options={"id": RUNNER, "key_path": None}),
    Row("name and id of one runner: delete it", listed(), [GET, DELETE], True, "absent", options={"id": RUNNER}),
    Row("name and id of one runner, key stored: delete it, then remove the file", both(listed(), stored()),
        [GET, DELETE],
        True, "absent", options={"id": RUNNER}),
    Row("name and id, neither listed: nothing to do", nothing, [GET], False, "absent", options={"id": RUNNER}),
    Row("name and id, neither listed, key stored: remove the file, with a warning", stored(), [GET, LIST], True,
        "absent",
        warning="stays valid", options={"id": RUNNER}),
    Row("name and id, another runner of the name, key stored: keep the key", both(listed(id=OTHER), stored()),
        [GET, LIST], False, "absent", "kept", options={"id": RUNNER}),
    Row("id alone: delete it", listed(), [GET, DELETE], True, "absent",
        options={"id": RUNNER, "name": None, "key_path": None}),
    Row("id alone, not there: nothing to do", nothing, [GET], False, "absent",
        options={"id": RUNNER, "name": None, "key_path": None}),
]
# fmt: on

ROWS = [pytest.param(row, "present", id=f"present: {row.says}") for row in PRESENT]
ROWS += [pytest.param(row, "absent", id=f"absent: {row.says}") for row in ABSENT]
every_row = pytest.mark.parametrize(("row", "state"), ROWS)


def run(soda: Soda, row: Row, state: str, **options: Any) -> Ran:
    ran = soda.runner(state=state, **{**row.options, **options})
    assert ran.succeeded
    return ran


@every_row
def test_a_row_asks_exactly_this_of_soda_cloud(soda: Soda, row: Row, state: str) -> None:
    row.scene(soda)
    assert run(soda, row, state).operations == row.operations


@every_row
def test_a_row_returns_what_is_true_afterwards(soda: Soda, row: Row, state: str) -> None:
    row.scene(soda)
    ran = run(soda, row, state)
    assert ran["changed"] is row.changed
    assert ran["registration"] == row.registration
    assert (ran["runner"] or {}).get("id") == row.runner
    if row.key == "none":
        assert ran["key"] is None
    else:
        file = soda.key()
        assert ran["key"] == {
            "api_key_id": file["api_key_id"],
            "path": str(soda.key_path),
            "key_version": file["key_version"],
            "issued_at": file["issued_at"],
        }


@every_row
def test_a_row_leaves_exactly_this_on_disk(soda: Soda, row: Row, state: str) -> None:
    row.scene(soda)
    before = soda.key_path.read_bytes() if soda.key_path.exists() else None
    run(soda, row, state)
    if row.key == "none":
        assert soda.files() == []
        return
    assert soda.files() == [soda.key_path.name]
    assert mode_of(soda.key_path) == 0o600
    assert (soda.key_path.read_bytes() == before) is (row.key == "kept")
    if row.key == "adopted":
        stored = soda.key()
        assert {field: stored[field] for field in EXISTING} == EXISTING
        assert soda.keys_issued() == 0
        assert (stored["key_version"], stored["runner_id"]) == (row.options.get("key_version", 1), row.runner)
    if row.key == "new":
        assert soda.key()["api_key_id"] == soda.account.stats()["runner_key_ids"][-1]
        assert soda.key()["key_version"] == row.options.get("key_version", 1)
        assert soda.key()["runner_id"] == row.runner


@every_row
def test_a_row_warns_of_this_alone(soda: Soda, row: Row, state: str) -> None:
    row.scene(soda)
    warnings = run(soda, row, state).warnings
    assert len(warnings) == (row.warning is not None)
    assert all(row.warning is None or row.warning in warning for warning in warnings)


def foreseen_key(soda: Soda, row: Row) -> Json | None:
    """What check mode returns of the key that a run would return: of a new one what can be known."""
    if row.key == "none":
        return None
    path = str(soda.key_path)
    if row.key == "new":
        version = row.options.get("key_version", 1)
        return {"api_key_id": None, "path": path, "key_version": version, "issued_at": None}
    if row.key == "adopted":
        version = row.options.get("key_version", 1)
        return {"api_key_id": EXISTING["api_key_id"], "path": path, "key_version": version, "issued_at": None}
    file = soda.key()
    return {"path": path, **{field: file[field] for field in ("api_key_id", "key_version", "issued_at")}}


@every_row
@pytest.mark.parametrize("diff", [False, True], ids=["check", "check and diff"])
def test_check_mode_predicts_a_row_and_changes_nothing(soda: Soda, row: Row, state: str, diff: bool) -> None:
    row.scene(soda)
    before, runners = snapshot(soda.folder), soda.account.stats()["runners"]
    ran = run(soda, row, state, check=True, diff=diff)
    if row.foreseen:
        assert ran["changed"] is row.changed
    assert ran["registration"] == row.registration
    assert ran["key"] == foreseen_key(soda, row)
    assert len(ran.warnings) == (row.warning is not None)
    assert ran.operations == [operation for operation in row.operations if operation not in (CREATE, DELETE)]
    assert snapshot(soda.folder) == before
    assert soda.account.stats()["runners"] == runners


@every_row
def test_a_second_run_changes_nothing(soda: Soda, row: Row, state: str) -> None:
    row.scene(soda)
    run(soda, row, state)
    after = snapshot(soda.folder)
    again = run(soda, row, state)
    assert again["changed"] is False
    assert again["registration"] == row.registration
    assert not {CREATE, DELETE} & set(again.operations)
    assert snapshot(soda.folder) == after


@every_row
def test_a_diff_differs_exactly_when_something_changes(soda: Soda, row: Row, state: str) -> None:
    row.scene(soda)
    ran = run(soda, row, state, diff=True)
    assert (ran["diff"]["before"] != ran["diff"]["after"]) is row.changed
    assert "secret" not in json.dumps(ran["diff"])


PLACEHOLDER = "<issued at run time>"


def foretold(check: Json, run: Json) -> Json:
    """The diff of a check, with the values of the run in the place of those that only the issue can know."""
    diff: Json = json.loads(json.dumps(check))
    for value in ("api_key_id", "issued_at"):
        if (diff["after"]["key"] or {}).get(value) == PLACEHOLDER:
            diff["after"]["key"][value] = run["after"]["key"][value]
    return diff


@every_row
@pytest.mark.parametrize("mode", [0o600, 0o644], ids=["mode as declared", "other mode"])
def test_the_diff_of_a_check_is_that_of_the_run(soda: Soda, row: Row, state: str, mode: int) -> None:
    row.scene(soda)
    if soda.key_path.exists():
        soda.key_path.chmod(mode)
    check = run(soda, row, state, check=True, diff=True)
    ran = run(soda, row, state, diff=True)
    if not row.foreseen:
        return
    assert foretold(check["diff"], ran["diff"]) == ran["diff"]
    assert check["changed"] is ran["changed"]
    known = check["diff"]["after"]["key"] or {}
    placeholders = {field for field, value in known.items() if value == PLACEHOLDER}
    assert placeholders == {"new": {"api_key_id", "issued_at"}, "adopted": {"issued_at"}}.get(row.key, set())


def test_the_diff_of_a_check_is_that_of_the_run_for_a_key_that_is_returned(soda: Soda) -> None:
    check = soda.runner(key_path=None, check=True, diff=True)["diff"]
    ran = soda.runner(key_path=None, diff=True, reveals=True)["diff"]
    assert foretold(check, ran) == ran


def test_the_diff_of_a_check_is_that_of_the_run_for_a_recovered_key(soda: Soda) -> None:
    soda.stored(path=soda.folder / ".key.json.new")
    for options in ({}, {"key_version": 2}):
        check = soda.runner(check=True, diff=True, **options)["diff"]
        ran = soda.runner(diff=True, **options)["diff"]
        assert foretold(check, ran) == ran


def in_diff(soda: Soda, ran: Ran) -> Json:
    """A key as the diff shows it."""
    return {**ran["key"], "runner_id": soda.key()["runner_id"]}


def test_a_diff_is_of_the_registration_and_the_key_before_and_after(soda: Soda) -> None:
    assert soda.runner(state="absent", diff=True)["diff"]["before"] == {"registration": "absent", "key": None}
    issued = soda.runner(diff=True)
    first = in_diff(soda, issued)
    assert issued["diff"] == {
        "before": {"registration": "absent", "key": None},
        "after": {"registration": "pending", "key": first},
    }
    second = soda.runner(key_version=2, diff=True)
    assert second["diff"] == {
        "before": {"registration": "pending", "key": first},
        "after": {"registration": "pending", "key": in_diff(soda, second)},
    }
    before = in_diff(soda, second)
    runner = soda.account.register(NAME, second["key"]["api_key_id"])
    rotated = soda.runner(key_version=3, diff=True)
    after = in_diff(soda, rotated)
    assert (before["runner_id"], after["runner_id"]) == (None, runner["id"])
    assert rotated["diff"] == {
        "before": {"registration": "registered", "key": before},
        "after": {"registration": "registered", "key": after},
    }
    again = soda.runner(key_version=3, diff=True)["diff"]
    assert again == {"before": rotated["diff"]["after"], "after": rotated["diff"]["after"]}
    assert soda.runner(state="absent", diff=True)["diff"] == {
        "before": {"registration": "registered", "key": after},
        "after": {"registration": "absent", "key": None},
    }


# Existing keys


def test_an_existing_key_can_be_rotated_later(soda: Soda) -> None:
    soda.runner(existing_key=EXISTING)
    assert soda.runner(existing_key=EXISTING)["changed"] is False
    ran = soda.runner(key_version=2)
    assert (ran["changed"], ran.operations) == (True, [LIST, CREATE])


def test_an_existing_key_of_another_secret_is_not_stored_over_the_first(soda: Soda) -> None:
    soda.runner(existing_key=EXISTING)
    ran = soda.runner(existing_key={**EXISTING, "api_key_secret": "another-secret"})
    (warning,) = ran.warnings
    assert "with another secret than existing_key" in warning
    assert "another-secret" not in ran.output
    assert soda.key()["api_key_secret"] == EXISTING["api_key_secret"]


def test_an_existing_key_that_cannot_be_written_is_a_failure_that_names_it(
    soda: Soda, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(_files.AtomicWrite, "commit", full)
    ran = soda.runner(existing_key=EXISTING)
    assert ran.failure["code"] == "key_path_unusable"
    assert ran["msg"] == (
        f"The existing key existing-id could not be written to {soda.key_path}: no space. Fix this and run the task"
        " again."
    )
    assert set(soda.files()) <= {LOCK}


def test_neither_the_result_nor_the_system_log_has_the_secret_of_an_existing_key(
    soda: Soda, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(
        AnsibleModule, "log", lambda _module, msg, log_args=None: logged.append(f"{msg} {log_args or ''}")
    )
    # Ansible masks a text only if it is found as it is. A quoted one is not.
    secret = "quote ' and\nline"
    ran = soda.runner(existing_key={"api_key_id": "existing-id", "api_key_secret": secret})
    assert ran["key"]["api_key_id"] == "existing-id"
    assert [text for text in (*logged, ran.output) if "and\\nline" in text or "and\nline" in text] == []
    assert any("NOT_LOGGED" in text and NAME in text for text in logged)


def test_a_key_that_a_killed_run_left_is_put_in_place_and_returned(soda: Soda) -> None:
    soda.stored()
    file = soda.key()
    soda.key_path.chmod(0o644)
    soda.key_path.rename(soda.folder / ".key.json.new")
    before = snapshot(soda.folder)
    foreseen = soda.runner(check=True)
    assert (foreseen["changed"], snapshot(soda.folder)) == (True, before)
    ran = soda.runner()
    assert (ran["changed"], ran.operations) == (True, [LIST])
    expected = {field: file[field] for field in ("api_key_id", "key_version", "issued_at")}
    assert ran["key"] == foreseen["key"] == {**expected, "path": str(soda.key_path)}
    assert soda.files() == [soda.key_path.name]
    assert (soda.key(), mode_of(soda.key_path)) == (file, 0o600)


def test_a_runner_of_another_name_without_an_id_is_not_the_one_that_is_meant(soda: Soda) -> None:
    """The vendor promises no field."""
    page = {"content": [{"name": "another"}], "last": True, "totalElements": 1}
    soda.account.fault("status", LIST, status=200, body=page)
    ran = soda.runner()
    assert (ran["registration"], ran.operations) == ("pending", [LIST, CREATE])


def others_write(soda: Soda, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """So many times, between what a run has seen and what it does, another puts its key in place."""
    numbers = iter(range(times))
    reserve = KeyFile.reserve

    def reserved(*arguments: Any) -> KeyReservation:
        number = next(numbers, None)
        if number is not None:
            soda.stored(api_key_id=f"key-of-another-{number}")
        return reserve(*arguments)

    monkeypatch.setattr(KeyFile, "reserve", reserved)


@pytest.mark.parametrize(("moved", "operations"), [(1, [LIST] * 2 + [CREATE]), (4, [LIST] * 5 + [CREATE])])
def test_if_another_run_changes_the_key_everything_is_read_again(
    soda: Soda, monkeypatch: pytest.MonkeyPatch, moved: int, operations: list[str]
) -> None:
    soda.stored()
    others_write(soda, monkeypatch, moved)
    ran = soda.runner(key_version=2)
    assert (ran["changed"], ran.operations) == (True, operations)
    assert soda.key()["key_version"] == 2


def test_no_key_is_issued_while_other_runs_keep_changing_it(soda: Soda, monkeypatch: pytest.MonkeyPatch) -> None:
    soda.stored()
    others_write(soda, monkeypatch, 100)
    ran = soda.runner(key_version=2)
    assert (ran.failure["code"], ran.failure["retryable"]) == ("key_path_busy", True)
    assert ran["msg"] == f"Other runs kept changing {soda.key_path}. Run the task again when they have ended."
    assert ran.operations == [LIST] * 5


def test_by_its_id_alone_a_runner_is_deleted_with_the_key_that_was_issued_before_it_had_one(soda: Soda) -> None:
    soda.listed(id=RUNNER)
    soda.stored(runner_id=None)
    ran = soda.runner(name=None, id=RUNNER, state="absent", diff=True)
    assert (ran["changed"], ran.operations) == (True, [GET, DELETE])
    assert soda.files() == []
    assert ran["diff"]["before"]["key"]["path"] == str(soda.key_path)


@pytest.mark.parametrize("name", ["another", None], ids=str)
def test_the_owner_of_an_id_that_does_not_match_the_name_is_reported(soda: Soda, name: str | None) -> None:
    runner: Json = {"id": OTHER} if name is None else {"id": OTHER, "name": name}
    page = {"content": [runner], "last": True, "totalElements": 1}
    soda.account.fault("status", LIST, status=200, body=page)
    ran = soda.runner(id=OTHER)
    assert ran.failure["code"] == "name_and_id_differ"
    assert f"{OTHER!r} belongs to the runner {name or ''!r} and not to {NAME!r}." in ran["msg"]


# Rows that fail


@dataclass(frozen=True)
class Failing:
    """A row of a table that ends in a failure, which changes nothing."""

    says: str
    scene: Scene
    operations: Sequence[str]
    code: str
    mentions: Sequence[str] = ()
    options: Json = field(default_factory=dict)
    state: str = "present"


def file_with(content: bytes) -> Scene:
    return lambda soda: soda.key_path.write_bytes(content)


WHOLE = {
    "endpoint": "https://cloud.soda.io",
    "name": NAME,
    "api_key_id": "an-id",
    "api_key_secret": "stored-secret-of-a-key",
    "key_version": 1,
    "issued_at": "2026-01-01T12:00:00Z",
    "runner_id": None,
}
NOT_OURS = {
    "empty": b"",
    "text": b"not JSON, but somebody's notes",
    "bytes": bytes(range(256)),
    "a list": b"[]",
    "null": b"null",
    "an empty object": b"{}",
    "deeply nested": b"[" * 100_000,
    "a version that is text": json.dumps({**WHOLE, "key_version": "1"}).encode(),
    "a version that is true": json.dumps({**WHOLE, "key_version": True}).encode(),
    "a version of 0": json.dumps({**WHOLE, "key_version": 0}).encode(),
    "a secret that is a number": json.dumps({**WHOLE, "api_key_secret": 5}).encode(),
    "an empty secret": json.dumps({**WHOLE, "api_key_secret": ""}).encode(),
    "a runner_id that is a number": json.dumps({**WHOLE, "runner_id": 5}).encode(),
    "no name": json.dumps({k: v for k, v in WHOLE.items() if k != "name"}).encode(),
}

# fmt: off
FAILING = [
    Failing("key of a higher version", stored(key_version=3), [LIST], "key_version_too_low", ["version 3", "2"],
            {"key_version": 2}),
    Failing("listed, key of a higher version", both(listed(), stored(key_version=2)), [LIST], "key_version_too_low"),
    Failing("key file of another name", stored(name="another"), [], "key_file_of_another_runner", ["'another'"]),
    Failing("key file of another case of the name", stored(name=NAME.upper()), [], "key_file_of_another_runner"),
    Failing("key file of another endpoint", stored(endpoint="https://cloud.us.soda.io"), [],
            "key_file_of_another_runner", ["https://cloud.us.soda.io"]),
    Failing("key file of no endpoint", stored(endpoint="nonsense"), [], "key_file_of_another_runner"),
    *(Failing(f"key file that holds {what}", file_with(content), [], "key_file_not_ours")
      for what, content in NOT_OURS.items()),
    Failing("key file that is too large to be one", file_with(b" " * 2 * 1024 * 1024), [], "key_path_unusable"),
    Failing("hosted, with key_path", listed(type="SODA_HOSTED"), [LIST], "name_taken", [NAME, RUNNER, "SODA_HOSTED"]),
    Failing("virtual, with key_path", listed(type="VIRTUAL"), [LIST], "name_taken", [NAME, RUNNER, "VIRTUAL"]),
    Failing("hosted, with key_path and reissue", listed(type="SODA_HOSTED"), [LIST], "name_taken", [],
            {"reissue": True}),
    Failing("several of the name", both(listed(), listed(id=OTHER)), [LIST], "duplicate_name", [RUNNER, OTHER]),
    Failing("several of the name, one of them stored", both(listed(), listed(id=OTHER), stored()), [LIST],
            "duplicate_name", [RUNNER, OTHER]),
    Failing("name and id of two runners", both(listed(), listed(id=OTHER, name="other")), [LIST],
            "name_and_id_differ", [NAME, OTHER, "other"], {"id": OTHER}),
    Failing("name not listed, id of another", listed(id=OTHER, name="other"), [LIST], "name_and_id_differ",
            [NAME, OTHER, "other"], {"id": OTHER}),
    Failing("name listed, id of none", listed(), [LIST], "name_and_id_differ", [RUNNER, OTHER], {"id": OTHER}),
    Failing("name and id, neither listed", nothing, [LIST], "runner_not_found", [NAME, OTHER], {"id": OTHER}),
    Failing("id alone, not there", nothing, [GET], "runner_not_found", [OTHER],
            {"id": OTHER, "name": None, "key_path": None}),
    Failing("hosted", listed(type="SODA_HOSTED"), [LIST], "not_deletable", [NAME, "SODA_HOSTED"], {}, "absent"),
    Failing("virtual", listed(type="VIRTUAL"), [LIST], "not_deletable", [NAME, "VIRTUAL"], {}, "absent"),
    Failing("of a type unheard of", listed(type="QUANTUM"), [LIST], "not_deletable", [NAME, "QUANTUM"], {}, "absent"),
    Failing("of no type", listed(omit=["type"]), [LIST], "not_deletable", [NAME], {}, "absent"),
    Failing("hosted, by id alone", listed(type="SODA_HOSTED"), [GET], "not_deletable", ["SODA_HOSTED"],
            {"id": RUNNER, "name": None, "key_path": None}, "absent"),
    Failing("several of the name, no id", both(listed(), listed(id=OTHER)), [LIST], "duplicate_name", [RUNNER, OTHER],
            {}, "absent"),
    Failing("name and id of two runners", both(listed(), listed(id=OTHER, name="other")), [GET],
            "name_and_id_differ", [NAME, OTHER, "'other'"], {"id": OTHER}, "absent"),
    Failing("hosted, by name and id", listed(type="SODA_HOSTED"), [GET], "not_deletable", ["SODA_HOSTED"],
            {"id": RUNNER}, "absent"),
    Failing("existing key of a hosted name", listed(type="SODA_HOSTED"), [LIST], "name_taken", [NAME, RUNNER],
            {"existing_key": EXISTING}),
    Failing("key file of another name", both(listed(), stored(name="another")), [], "key_file_of_another_runner",
            ["'another'"], {}, "absent"),
    Failing("key file that is not ours", both(listed(), file_with(b"notes")), [], "key_file_not_ours", [], {},
            "absent"),
    Failing("key file of another name, by id alone", both(listed(), stored(name="another")), [GET],
            "key_file_of_another_runner", ["'another'", RUNNER], {"id": RUNNER, "name": None}, "absent"),
    Failing("key file of another id, by id alone", stored(name=NAME), [GET],
            "key_file_of_another_runner", [NAME, RUNNER], {"id": RUNNER, "name": None}, "absent"),
    Failing("in use", both(listed(in_use=True), stored()), [LIST, DELETE], "runner_in_use", [NAME, "is used by"], {},
            "absent"),
]
# fmt: on
every_failing_row = pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{row.state}: {row.says}") for row in FAILING]
)


@pytest.mark.usefixtures("no_garbage_collection")
@every_failing_row
def test_a_row_fails_and_leaves_everything_alone(soda: Soda, row: Failing) -> None:
    row.scene(soda)
    before, runners = snapshot(soda.folder), soda.account.runners()
    ran = soda.runner(state=row.state, **row.options)
    assert ran.failure["code"] == row.code
    assert [said for said in row.mentions if said not in ran["msg"]] == []
    assert ran.operations == row.operations
    assert {path: entry.content for path, entry in snapshot(soda.folder).items()} == {
        path: entry.content for path, entry in before.items()
    }
    assert [runner["id"] for runner in soda.account.runners()] == [runner["id"] for runner in runners]


@pytest.mark.usefixtures("no_garbage_collection")
@every_failing_row
def test_check_mode_fails_where_the_run_would(soda: Soda, row: Failing) -> None:
    row.scene(soda)
    before = snapshot(soda.folder)
    ran = soda.runner(state=row.state, check=True, **row.options)
    assert snapshot(soda.folder) == before
    if DELETE in row.operations:
        assert ran.succeeded  # Only the deletion itself tells that a runner is in use.
    else:
        assert ran.failure["code"] == row.code
        assert ran.operations == row.operations


# The key file


def test_the_key_file_says_whose_the_key_is(soda: Soda) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=2)
    soda.runner(key_version=4)
    file = soda.key()
    assert file["endpoint"] == soda.account.endpoint
    assert file["name"] == NAME
    assert file["key_version"] == 4
    assert file["runner_id"] is None
    assert before <= datetime.fromisoformat(file["issued_at"].replace("Z", "+00:00")) <= datetime.now(timezone.utc)


def test_the_key_that_is_kept_is_the_one_that_was_issued(soda: Soda) -> None:
    soda.runner()
    assert soda.account.register(NAME, soda.key()["api_key_id"])["name"] == NAME


def test_a_key_issued_for_a_listed_name_records_the_runners_id(soda: Soda) -> None:
    runner_id = soda.listed()
    soda.runner(reissue=True)
    assert soda.key()["runner_id"] == runner_id


def test_a_rotation_keeps_the_id_that_the_name_has(soda: Soda) -> None:
    soda.runner()
    runner = soda.account.register(NAME, soda.key()["api_key_id"])
    soda.runner(key_version=2)
    assert soda.key()["runner_id"] == runner["id"]
    assert soda.account.register(NAME, soda.key()["api_key_id"], runner["id"])["id"] == runner["id"]


def test_a_rotation_issues_another_key(soda: Soda) -> None:
    soda.runner()
    first = soda.key()
    soda.runner(key_version=2)
    assert soda.key()["api_key_id"] != first["api_key_id"]
    assert soda.key()["api_key_secret"] != first["api_key_secret"]
    assert soda.keys_issued() == 2


@pytest.mark.parametrize(
    "written",
    ["{upper}", "{endpoint}/", "{endpoint}//", " {endpoint} "],
    ids=["case", "slash", "slashes", "spaces"],
)
def test_a_key_is_known_however_its_endpoint_is_written(soda: Soda, written: str) -> None:
    endpoint = soda.account.endpoint
    soda.stored(endpoint=written.format(endpoint=endpoint, upper=endpoint.upper()))
    ran = soda.runner(endpoint=endpoint + "/")
    assert ran["changed"] is False
    assert ran["registration"] == "pending"


def test_the_life_of_a_runner(soda: Soda) -> None:
    assert soda.runner()["registration"] == "pending"
    assert soda.runner()["changed"] is False
    soda.account.register(NAME, soda.key()["api_key_id"])
    registered = soda.runner()
    assert (registered["registration"], registered["changed"]) == ("registered", False)
    assert soda.runner(state="absent")["changed"] is True
    assert soda.account.runners() == []
    assert soda.files() == []
    assert soda.keys_issued() == 1


def test_the_runner_is_returned_with_all_its_fields(soda: Soda) -> None:
    soda.listed(
        id=RUNNER,
        label="Warehouse",
        isOnline=True,
        lastSeenTimestamp="2026-01-01T12:00:00.000Z",
        versions={"runner": "1.2.3", "library": "4.28.0"},
    )
    assert soda.runner(key_path=None)["runner"] == {
        "id": RUNNER,
        "name": NAME,
        "label": "Warehouse",
        "type": "SELF_HOSTED",
        "is_online": True,
        "last_seen_timestamp": "2026-01-01T12:00:00.000Z",
        "versions": {"runner": "1.2.3", "library": "4.28.0"},
    }


# Names


@pytest.mark.parametrize("name", ODD_NAMES, ids=plain_id)
def test_any_name_but_the_empty_one_works(soda: Soda, name: str) -> None:
    assert soda.runner(name=name)["registration"] == "pending"
    assert soda.key()["name"] == name
    soda.account.register(name, soda.key()["api_key_id"])
    again = soda.runner(name=name)
    assert (again["registration"], again["changed"], again["runner"]["name"]) == ("registered", False, sanitize(name))
    assert soda.runner(name=name, state="absent")["changed"] is True
    assert soda.account.runners() == []


def test_an_integer_is_a_name(soda: Soda) -> None:
    soda.runner(name=1234)
    assert soda.key()["name"] == "1234"
    assert soda.runner(name="1234")["changed"] is False


@pytest.mark.parametrize("other", [NAME.upper(), f" {NAME}", f"{NAME} ", NAME[:-1], f"{NAME}x", NAME.replace("-", "_")])
def test_names_are_compared_exactly(soda: Soda, other: str) -> None:
    soda.listed(other)
    ran = soda.runner()
    assert ran["registration"] == "pending"
    assert ran.operations == [LIST, CREATE]


def test_names_that_differ_in_their_code_points_alone_are_two(soda: Soda) -> None:
    soda.listed("Zu\u0308rich")
    assert soda.runner(name="Z\u00fcrich").operations == [LIST, CREATE]


@pytest.mark.parametrize("runner_id", ["a/b", "a b", "ü", "a?b#c", "%2F", "-x"], ids=plain_id)
def test_any_id_reaches_its_runner(soda: Soda, runner_id: str) -> None:
    soda.listed(id=runner_id)
    ran = soda.runner(id=runner_id, name=None, key_path=None, state="absent")
    assert ran["changed"] is True
    assert soda.account.runners() == []


# Listings of many pages


def test_a_name_on_the_second_page_is_found(soda: Soda) -> None:
    soda.account.seed(count=1000)
    soda.listed(id=RUNNER)
    ran = soda.runner(key_path=None)
    assert ran["runner"]["id"] == RUNNER
    assert ran.operations == [LIST, LIST]


def test_an_absence_on_several_pages_is_confirmed_by_a_second_listing_before_a_key_is_issued(soda: Soda) -> None:
    soda.account.seed(count=1001)
    ran = soda.runner()
    assert ran["changed"] is True
    assert ran.operations == [LIST, LIST, LIST, LIST, CREATE]


def test_check_mode_confirms_an_absence_too(soda: Soda) -> None:
    soda.account.seed(count=1001)
    assert soda.runner(check=True).operations == [LIST] * 4


def test_an_absence_that_costs_no_key_is_not_confirmed(soda: Soda) -> None:
    soda.account.seed(count=1001)
    assert soda.runner(state="absent").operations == [LIST, LIST]
    soda.stored()
    assert soda.runner().operations == [LIST, LIST]


def test_an_absence_is_confirmed_before_the_stored_key_is_removed(soda: Soda) -> None:
    soda.account.seed(count=1001)
    soda.stored()
    ran = soda.runner(state="absent")
    assert ran["changed"] is True
    assert ran.operations == [LIST, LIST, LIST, LIST]
    assert not soda.key_path.exists()


def test_a_runner_that_moves_while_it_is_looked_for_is_deleted_with_its_key(soda: Soda) -> None:
    """One before it goes, so it moves to the page that was read; another comes, so the totals agree."""
    first, *_others = soda.account.seed(count=1000)
    soda.listed(id=RUNNER)
    soda.stored()
    soda.account.fault("move", LIST, page=1, remove=first, add={"name": "another"})
    ran = soda.runner(state="absent")
    assert ran["changed"] is True
    assert ran.warnings == []
    assert NAME not in [runner["name"] for runner in soda.account.runners()]
    assert not soda.key_path.exists()


def test_a_runner_that_only_the_second_listing_shows_costs_no_key(soda: Soda) -> None:
    soda.account.seed(count=1001)
    soda.account.fault("move", LIST, after=2, add={"name": NAME, "id": RUNNER})
    ran = soda.runner()
    assert (ran["changed"], ran["registration"], ran["runner"]["id"]) == (False, "registered", RUNNER)
    assert CREATE not in ran.operations
    assert soda.keys_issued() == 0


def test_a_runner_that_moves_from_page_to_page_while_it_is_looked_for_costs_no_key(soda: Soda) -> None:
    """One before it goes, so it moves to the page that was read; another comes, so the totals agree."""
    first, *_others = soda.account.seed(count=1000)
    soda.listed(id=RUNNER)
    soda.account.fault("move", LIST, page=1, remove=first, add={"name": "another"})
    ran = soda.runner()
    assert (ran["changed"], ran["registration"]) == (False, "registered")
    assert soda.keys_issued() == 0


def test_no_key_is_issued_on_a_listing_that_contradicts_itself(soda: Soda) -> None:
    soda.account.seed(count=1001)
    soda.account.fault("drop_runner", LIST, times=None)
    ran = soda.runner()
    assert ran.failure["code"] == "listing_contradictory"
    assert ran.failure["operation"] == "list"
    assert ran.failure["retryable"] is False
    assert soda.keys_issued() == 0


# Without key_path


def test_without_key_path_the_secret_is_returned_once_with_a_warning(soda: Soda) -> None:
    ran = soda.runner(key_path=None, reveals=True)
    assert ran["changed"] is True
    assert ran["registration"] == "pending"
    assert set(ran["key"]) == {"api_key_id", "api_key_secret", "path", "key_version", "issued_at"}
    assert ran["key"]["path"] is None
    assert ran.operations == [LIST, CREATE]
    (warning,) = ran.warnings
    assert "every further run issues another" in warning
    assert soda.account.register(NAME, ran["key"]["api_key_id"])["name"] == NAME


def test_without_key_path_the_secret_stands_in_one_place_of_the_result(soda: Soda) -> None:
    ran = soda.runner(key_path=None, reveals=True, diff=True)
    secret = ran["key"]["api_key_secret"]
    assert ran.output.count(secret) == 1
    assert secret not in json.dumps(ran["diff"])


def test_without_key_path_check_mode_predicts_and_issues_nothing(soda: Soda) -> None:
    ran = soda.runner(key_path=None, check=True)
    assert (ran["changed"], ran["registration"]) == (True, "pending")
    assert ran["key"] == {"api_key_id": None, "path": None, "key_version": 1, "issued_at": None}
    assert len(ran.warnings) == 1
    assert ran.operations == [LIST]


def test_without_key_path_and_once_registered_no_key_is_issued(soda: Soda) -> None:
    ran = soda.runner(key_path=None, reveals=True)
    soda.account.register(NAME, ran["key"]["api_key_id"])
    assert soda.runner(key_path=None)["changed"] is False
    assert soda.keys_issued() == 1


# File attributes


def test_a_key_file_is_0600_whatever_the_umask(soda: Soda) -> None:
    before = os.umask(0)
    try:
        soda.runner()
    finally:
        os.umask(before)
    assert mode_of(soda.key_path) == 0o600


def test_the_mode_that_is_declared_is_the_files(soda: Soda) -> None:
    soda.runner(mode="0640")
    assert mode_of(soda.key_path) == 0o640


@pytest.mark.parametrize("mode", [None, "0640", 0o640, "u=rw,g=r,o="])
def test_a_mode_that_differs_is_fixed_and_that_is_a_change(soda: Soda, mode: str | None) -> None:
    soda.stored()
    soda.key_path.chmod(0o644)
    ran = soda.runner(mode=mode)
    assert ran["changed"] is True
    assert mode_of(soda.key_path) == (0o600 if mode is None else 0o640)
    assert ran.operations == [LIST]
    assert soda.runner(mode=mode)["changed"] is False


def test_check_mode_predicts_that_a_mode_will_be_fixed(soda: Soda) -> None:
    soda.stored()
    soda.key_path.chmod(0o644)
    before = snapshot(soda.folder)
    ran = soda.runner(check=True, diff=True)
    assert ran["changed"] is True
    assert (ran["diff"]["before"]["mode"], ran["diff"]["after"]["mode"]) == ("0644", "0600")
    assert snapshot(soda.folder) == before


def test_a_rotation_keeps_the_mode_that_is_declared(soda: Soda) -> None:
    soda.runner(mode="0640")
    soda.runner(mode="0640", key_version=2)
    assert mode_of(soda.key_path) == 0o640


@needs_root
def test_the_owner_that_is_declared_is_the_files(soda: Soda) -> None:
    soda.runner(owner=str(NOBODY), group=str(NOBODY))
    there = soda.key_path.stat()
    assert (there.st_uid, there.st_gid) == (NOBODY, NOBODY)
    assert soda.runner(owner=str(NOBODY), group=str(NOBODY))["changed"] is False


@needs_root
def test_check_mode_predicts_a_change_of_owner_and_makes_none(soda: Soda) -> None:
    soda.stored()
    before = snapshot(soda.folder)
    assert soda.runner(check=True, owner=str(NOBODY))["changed"] is True
    assert snapshot(soda.folder) == before


@needs_root
def test_check_mode_takes_an_owner_for_a_key_that_is_not_there_yet(soda: Soda) -> None:
    assert soda.runner(check=True, owner=str(NOBODY))["changed"] is True
    assert soda.files() == []


@pytest.mark.parametrize(
    "attributes",
    [{"owner": "no-such-user-here"}, {"group": "no-such-group-here"}, {"mode": "nonsense"}],
    ids=lambda attributes: next(iter(attributes)),
)
def test_attributes_that_cannot_be_set_cost_no_key(soda: Soda, attributes: Json) -> None:
    ran = soda.runner(**attributes)
    assert ran.failure["code"] == "file_attributes_not_set"
    assert soda.keys_issued() == 0
    assert set(soda.files()) <= {LOCK}


# Deletions in doubt


@pytest.mark.parametrize("check", [False, True])
def test_a_runner_that_is_online_again_keeps_all_where_that_is_wanted(soda: Soda, check: bool) -> None:
    runner_id = soda.listed(isOnline=True)
    soda.stored()
    ran = soda.runner(state="absent", id=runner_id, unless_online=True, check=check)
    assert (ran["changed"], ran["registration"], ran["runner"]["id"]) == (False, "registered", runner_id)
    assert "is online, so it was not changed" in ran.warnings[0]
    assert ran.operations == [GET]
    assert soda.key_path.exists()
    soda.account.set_online(runner_id, False)
    ran = soda.runner(state="absent", id=runner_id, unless_online=True, check=check)
    assert (ran["changed"], ran["registration"]) == (True, "absent")
    assert ran.operations == [GET] + [DELETE] * (not check)


@pytest.mark.parametrize("check", [False, True])
def test_a_runner_that_was_in_contact_since_keeps_all_if_the_task_says_so(soda: Soda, check: bool) -> None:
    runner_id = soda.listed(isOnline=False, lastSeenTimestamp="2026-01-02T00:00:00Z")
    soda.stored()
    options = {"state": "absent", "id": runner_id, "check": check}
    ran = soda.runner(unless_seen_since="2026-01-01T00:00:00Z", **options)
    assert (ran["changed"], ran["registration"], ran.operations) == (False, "registered", [GET])
    assert "The last contact of the runner" in ran.warnings[0]
    assert soda.key_path.exists()
    ran = soda.runner(unless_seen_since="2026-01-02T00:00:00Z", **options)
    assert (ran["changed"], ran["registration"]) == (True, "absent")


@pytest.mark.parametrize("retry_budget", [0, 5])
def test_a_deletion_whose_answer_was_lost_counts_as_changed(soda: Soda, retry_budget: float) -> None:
    soda.listed()
    soda.stored()
    soda.account.fault("reset_after", DELETE)
    ran = soda.runner(state="absent", retry_budget=retry_budget)
    assert ran["changed"] is True
    assert ran["registration"] == "absent"
    # Sent again where waiting is allowed, and then it is the 404 that tells; else settled by looking.
    assert ran.operations == ([LIST, DELETE, DELETE] if retry_budget else [LIST, DELETE, GET])
    assert soda.files() == []


def test_a_deletion_answered_by_500_is_settled_by_looking(soda: Soda) -> None:
    soda.listed()
    soda.account.fault("status_after", DELETE, status=500)
    ran = soda.runner(state="absent")
    assert ran["changed"] is True
    assert ran.operations == [LIST, DELETE, GET]


def test_a_deletion_answered_by_500_that_did_not_happen_is_a_failure(soda: Soda) -> None:
    soda.listed()
    soda.stored()
    soda.account.fault("status", DELETE, status=500, body="")
    ran = soda.runner(state="absent")
    assert ran.failure["code"] == "server_error"
    assert ran.failure["operation"] == "delete"
    assert ran.failure["http_status"] == 500
    assert ran.operations == [LIST, DELETE, GET]
    assert soda.files() == [soda.key_path.name]


@pytest.mark.parametrize("status", [200, 204])
def test_a_deletion_answered_without_a_body_counts_where_it_happened(soda: Soda, status: int) -> None:
    soda.listed()
    soda.account.fault("status_after", DELETE, status=status, body="")
    assert soda.runner(state="absent")["changed"] is True


def test_a_deletion_whose_answer_says_something_counts_where_it_happened(soda: Soda) -> None:
    """Nothing is documented to be in that answer, and nothing forbids it."""
    soda.listed()
    soda.account.fault("status_after", DELETE, status=200, body={"deleted": True})
    ran = soda.runner(state="absent")
    assert ran["changed"] is True
    assert ran.operations == [LIST, DELETE, GET]


@pytest.mark.parametrize("answer", ["empty", "html", "other JSON"])
def test_a_deletion_that_something_else_answered_does_not_count(soda: Soda, answer: str) -> None:
    """Such as a proxy: the contract's answer is a JSON object, in which nothing is documented."""
    soda.listed()
    soda.stored()
    if answer == "html":
        soda.account.fault("html", DELETE)
    else:
        body = "" if answer == "empty" else {"hello": "world"}
        soda.account.fault("status", DELETE, status=200, body=body, content_type="text/plain")
    ran = soda.runner(state="absent")
    assert ran.failure["code"] == "not_soda_cloud"
    assert soda.files() == [soda.key_path.name]


# Keys in doubt

IN_DOUBT = {
    "reset before it was read": ("reset_before", {}),
    "reset after it was carried out": ("reset_after", {}),
    "500": ("status", {"status": 500, "body": ""}),
    "500 after it was carried out": ("status_after", {"status": 500, "body": ""}),
    "502": ("status", {"status": 502, "body": "<html></html>", "content_type": "text/html"}),
    "503 with Retry-After": ("status", {"status": 503, "body": "", "headers": {"Retry-After": "1"}}),
    "504 after it was carried out": ("status_after", {"status": 504, "body": ""}),
    "a body cut off": ("truncated", {}),
    "half a body that claims to be whole": ("truncated", {"declare": "short"}),
    "no body": ("truncated", {"length": 0, "declare": "short"}),
    "a web page": ("html", {}),
    "a redirect": ("status", {"status": 307, "headers": {"Location": "https://elsewhere.example/"}, "body": ""}),
    "other JSON": ("status_after", {"status": 200, "body": {"hello": "world"}}),
    "a key without its secret": ("status_after", {"status": 200, "body": {"apiKeyId": "an-id"}}),
    "a key with an empty secret": ("status_after", {"status": 200, "body": {"apiKeyId": "an-id", "apiKeySecret": ""}}),
    "a list": ("status_after", {"status": 200, "body": []}),
    "later than the timeout": ("delay", {"seconds": 3}),
    "byte by byte": ("slow", {"bytes_per_second": 5}),
}


@pytest.mark.parametrize(("fault", "options"), list(IN_DOUBT.values()), ids=list(IN_DOUBT))
def test_a_request_for_a_key_in_doubt_is_never_sent_again(soda: Soda, fault: str, options: Json) -> None:
    soda.account.fault(fault, CREATE, **options)
    ran = soda.runner(timeout=1)
    assert ran.failure["code"] == "create_outcome_unknown"
    assert ran.failure["operation"] == "create"
    assert ran.failure["retryable"] is False
    assert "may have issued a runner key that nobody has" in ran["msg"]
    assert ran.operations == [LIST, CREATE]
    assert set(soda.files()) <= {LOCK}


def test_the_file_from_before_stays_when_a_rotation_ends_in_doubt(soda: Soda) -> None:
    soda.stored()
    before = soda.key_path.read_bytes()
    soda.account.fault("reset_after", CREATE)
    assert soda.runner(key_version=2).failure["code"] == "create_outcome_unknown"
    assert soda.key_path.read_bytes() == before
    assert set(soda.files()) <= {soda.key_path.name, LOCK}


def test_the_api_key_id_is_named_where_only_that_much_came(soda: Soda) -> None:
    soda.account.fault("status_after", CREATE, status=200, body={"apiKeyId": "id-of-the-lost-one"})
    assert "id-of-the-lost-one" in soda.runner()["msg"]


def test_a_failure_carries_the_trace_id_that_support_asks_for(soda: Soda) -> None:
    soda.account.fault("status", CREATE, status=500)
    trace_id = soda.runner().failure["trace_id"]
    assert trace_id
    assert trace_id == soda.account.journal(operation=CREATE)[0]["trace_id"]


def test_the_next_run_after_one_in_doubt_issues_a_key(soda: Soda) -> None:
    soda.account.fault("reset_after", CREATE)
    soda.runner()
    assert soda.runner()["changed"] is True
    assert soda.files() == [soda.key_path.name]


def test_a_rate_limited_request_for_a_key_is_sent_again(soda: Soda) -> None:
    soda.account.fault("status", CREATE, status=429, headers={"Retry-After": "1"})
    ran = soda.runner()
    assert ran["changed"] is True
    assert ran.operations == [LIST, CREATE, CREATE]
    assert soda.keys_issued() == 1


def test_with_no_budget_a_deferral_fails_at_once(soda: Soda) -> None:
    soda.account.fault("status", CREATE, status=429, headers={"Retry-After": "1"}, body="")
    ran = soda.runner(retry_budget=0)
    assert ran.failure["code"] == "rate_limited"
    assert ran.failure["http_status"] == 429
    assert ran.failure["retryable"] is True
    assert "orphan" not in ran["msg"]
    assert "may have issued" not in ran["msg"]
    assert ran.operations == [LIST, CREATE]
    assert set(soda.files()) <= {LOCK}


@pytest.mark.parametrize(("status", "code"), [(400, "bad_request"), (403, "forbidden"), (418, "refused")])
def test_a_refusal_leaves_no_doubt(soda: Soda, status: int, code: str) -> None:
    soda.account.fault("status", CREATE, status=status, body="")
    ran = soda.runner()
    assert ran.failure["code"] == code
    assert "may have issued" not in ran["msg"]
    assert ran.operations == [LIST, CREATE]


def test_a_key_that_cannot_be_put_in_place_is_rescued_and_the_message_names_the_file(
    soda: Soda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkstemp

    def full(*_arguments: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "no space is left")

    monkeypatch.setattr(_files.AtomicWrite, "commit", full)
    # Not into the folders of this machine.
    monkeypatch.setattr(tempfile, "mkstemp", lambda **options: make(**{**options, "dir": tmp_path}))
    ran = soda.runner()
    (kept,) = tmp_path.glob("soda-runner-key-*.json")
    key_id = soda.account.stats()["runner_key_ids"][-1]
    assert ran.failure["code"] == "key_kept_elsewhere"
    assert ran["msg"].startswith(
        f"The runner key {key_id} was issued, but could not be written to {soda.key_path}: no space is left."
        f" It was kept at {kept} instead (mode 0600)."
    )
    assert soda.files() == []
    monkeypatch.undo()
    # As the message says, the user moves the file there.
    kept.rename(soda.key_path)
    again = soda.runner()
    assert (again["changed"], again["key"]["api_key_id"]) == (False, key_id)


# Bad input


def test_without_a_soda_cloud_api_key_nothing_is_sent(soda: Soda) -> None:
    emulator = soda.account.emulator
    # It may have had requests of no account from others.
    since = max((entry["sequence"] for entry in emulator.journal(UNKNOWN)), default=0)
    ran = soda.runner(api_key_id=None, api_key_secret=None)
    assert ran.failure["code"] == "missing_credentials"
    assert "SODA_CLOUD_API_KEY_ID" in ran["msg"]
    assert emulator.journal(UNKNOWN, since) == []


@pytest.mark.parametrize("option", ["api_key_id", "api_key_secret"])
@pytest.mark.parametrize("value", [None, "", "  "], ids=["unset", "empty", "blank"])
def test_half_a_soda_cloud_api_key_is_none(soda: Soda, option: str, value: str | None) -> None:
    options: Json = {option: value}
    ran = soda.runner(**options)
    assert ran.failure["code"] == "missing_credentials"
    assert option in ran["msg"]
    assert ran.operations == []


def test_an_empty_variable_in_the_environment_is_no_key(soda: Soda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SODA_CLOUD_API_KEY_SECRET", "")
    assert soda.runner(api_key_secret=None).failure["code"] == "missing_credentials"


def test_the_connection_is_taken_from_the_environment(soda: Soda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SODA_CLOUD_ENDPOINT", soda.account.endpoint)
    monkeypatch.setenv("SODA_CLOUD_API_KEY_ID", soda.account.api_key_id)
    monkeypatch.setenv("SODA_CLOUD_API_KEY_SECRET", soda.account.api_key_secret)
    monkeypatch.setenv("SODA_CLOUD_TIMEOUT", "9")
    monkeypatch.setenv("SODA_CLOUD_RETRY_BUDGET", "0")
    unset: Json = dict.fromkeys(("endpoint", "api_key_id", "api_key_secret", "timeout", "retry_budget"))
    assert soda.runner(**unset)["changed"] is True
    assert "X-Soda-Backpressure" not in soda.account.journal()[0]["headers"]


def test_the_message_of_a_wrong_key_names_the_usual_cause(soda: Soda) -> None:
    ran = soda.runner(api_key_secret="wrong-secret-of-another-region")
    assert ran.failure["code"] == "unauthorized"
    assert ran.failure["http_status"] == 401
    assert "region" in ran["msg"]
    assert "https://cloud.soda.io" in ran["msg"]
    assert "https://cloud.us.soda.io" in ran["msg"]
    assert ran.operations == [LIST]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_missing_permission_is_reported_by_both_its_names(soda: Soda, state: str) -> None:
    if state == "absent":
        soda.listed()
    powerless = soda.account.add_key(permissions=[])
    ran = soda.runner(state=state, api_key_id=powerless.api_key_id, api_key_secret=powerless.api_key_secret)
    assert ran.failure["code"] == "forbidden"
    assert ran.failure["http_status"] == 403
    assert "MANAGE_DATASOURCES_AND_RUNNERS" in ran["msg"]
    assert "MANAGE_DATASOURCES_AND_AGENTS" in ran["msg"]
    assert set(soda.files()) <= {LOCK}


def test_an_endpoint_that_answers_with_a_web_page_is_not_soda_cloud(soda: Soda) -> None:
    ran = soda.runner(endpoint=soda.account.endpoint + "/app")
    assert ran.failure["code"] == "not_soda_cloud"
    assert "HTML" in ran["msg"]
    assert soda.account.endpoint in ran["msg"]
    assert soda.files() == []


OTHER_JSON: list[Any] = [
    {},
    {"hello": "world"},
    [],
    [{"name": NAME}],
    "text",
    None,
    42,
    {"content": [], "last": True},
    {"content": {}, "last": True, "totalElements": 0},
    {"content": [], "last": "yes", "totalElements": 0},
    {"content": [], "last": True, "totalElements": "0"},
    {"content": [], "last": True, "totalElements": False},
    {"content": [None], "last": True, "totalElements": 1},
    {"content": ["text"], "last": True, "totalElements": 1},
]


@pytest.mark.parametrize("body", OTHER_JSON, ids=json.dumps)
def test_an_endpoint_that_answers_with_other_json_is_not_soda_cloud(soda: Soda, body: Any) -> None:
    soda.account.fault("status", LIST, status=200, body=json.dumps(body))
    ran = soda.runner()
    assert ran.failure["code"] == "not_soda_cloud"
    assert ran.failure["operation"] == "list"
    assert ran.operations == [LIST]
    assert soda.keys_issued() == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(soda: Soda, status: int) -> None:
    location = soda.account.endpoint + "/api/v1/runners?page=0&size=1000"
    soda.account.fault("status", LIST, status=status, headers={"Location": location}, body="")
    ran = soda.runner()
    assert ran.failure["code"] == "not_soda_cloud"
    assert "redirect" in ran["msg"]
    assert ran.operations == [LIST]


@pytest.mark.parametrize(
    "host", ["soda.example", "192.0.2.1", "localhost.example", "127.0.0.1.example", "[2001:db8::1]"]
)
def test_nothing_is_sent_in_clear_text_to_another_machine(
    soda: Soda, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        # Whatever is sent goes through here.
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        ran = soda.runner(endpoint=f"http://{host}")
        assert ran.failure["code"] == "insecure_endpoint"
        assert "https://" in ran["msg"]
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.mark.parametrize("endpoint", ["", "cloud.soda.io", "ftp://cloud.soda.io", "https://", "https://[", "nonsense"])
def test_an_endpoint_that_is_no_url_is_reported(soda: Soda, endpoint: str) -> None:
    assert soda.runner(endpoint=endpoint).failure["code"] == "invalid_endpoint"


def test_a_password_in_the_endpoint_is_refused_and_not_shown(soda: Soda) -> None:
    ran = soda.runner(endpoint="https://user:hunter2@cloud.soda.io")
    assert ran.failure["code"] == "invalid_endpoint"
    assert "hunter2" not in ran["msg"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"name": ""}, "invalid_name"),
        ({"name": None}, "invalid_name"),
        ({"name": "", "id": RUNNER}, "invalid_name"),
        ({"id": ""}, "invalid_id"),
        ({"key_version": 0}, "invalid_arguments"),
        ({"key_version": -1}, "invalid_arguments"),
        ({"reissue": True, "key_path": None}, "invalid_arguments"),
        ({"key_version": 2, "key_path": None}, "invalid_arguments"),
        ({"timeout": 0}, "invalid_arguments"),
        ({"timeout": -1}, "invalid_arguments"),
        ({"retry_budget": -1}, "invalid_arguments"),
        ({"retry_budget": "nan"}, "invalid_arguments"),
        ({"state": "paused"}, "invalid_arguments"),
        ({"nonsense": True}, "invalid_arguments"),
        ({"key_version": "one"}, "invalid_arguments"),
        ({"name": None, "id": RUNNER}, "invalid_arguments"),
        *(({"name": name}, "invalid_name") for name in (True, False, 1e5, [NAME], {"name": NAME})),
        ({"existing_key": EXISTING, "key_path": None}, "invalid_arguments"),
        ({"existing_key": {**EXISTING, "api_key_secret": ""}}, "invalid_arguments"),
        ({"existing_key": {**EXISTING, "api_key_id": ""}}, "invalid_arguments"),
        ({"existing_key": {"api_key_id": "existing-id"}}, "invalid_arguments"),
        ({"unless_seen_since": "yesterday", "state": "absent"}, "invalid_arguments"),
        ({"mode": "0660"}, "invalid_arguments"),
        ({"mode": "0602"}, "invalid_arguments"),
        ({"mode": 0o620}, "invalid_arguments"),
        ({"mode": "u=rw,g=rw,o="}, "invalid_arguments"),
    ],
    ids=str,
)
def test_invalid_options_fail_before_a_request(soda: Soda, options: Json, code: str) -> None:
    ran = soda.runner(**options)
    assert ran.failure["code"] == code
    assert ran.operations == []


@pytest.mark.parametrize("runner_id", [".", "..", "..."])
def test_an_id_that_would_lead_to_another_path_is_refused(soda: Soda, runner_id: str) -> None:
    soda.listed()
    ran = soda.runner(id=runner_id, name=None, key_path=None, state="absent")
    assert ran.result.get("failed") or not ran["changed"]
    assert len(soda.account.runners()) == 1


# Places that cannot be used

Place = Callable[[Soda], "Path | str"]


def in_a_folder_that_is_missing(soda: Soda) -> Path:
    return soda.folder / "missing" / "key.json"


def beneath_a_file(soda: Soda) -> Path:
    (soda.folder / "file").write_text("")
    return soda.folder / "file" / "key.json"


def a_link(soda: Soda) -> Path:
    soda.stored(path=soda.folder / "target")
    soda.key_path.symlink_to("target")
    return soda.key_path


def a_link_to_nothing(soda: Soda) -> Path:
    soda.key_path.symlink_to("nothing")
    return soda.key_path


def a_folder(soda: Soda) -> Path:
    soda.key_path.mkdir()
    return soda.key_path


def with_a_slash_at_its_end(soda: Soda) -> str:
    return f"{soda.key_path}/"


def a_named_pipe(soda: Soda) -> Path:
    os.mkfifo(soda.key_path)
    return soda.key_path


def a_socket(soda: Soda) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(soda.folder)  # The path of a socket is short.
        server.bind(soda.key_path.name)
        os.chdir(here)
    return soda.key_path


def with_a_name_that_is_too_long(soda: Soda) -> Path:
    return soda.folder / ("x" * 300)


PLACES = [
    in_a_folder_that_is_missing,
    beneath_a_file,
    a_link,
    a_link_to_nothing,
    a_folder,
    with_a_slash_at_its_end,
    a_named_pipe,
    a_socket,
    with_a_name_that_is_too_long,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("version", [1, 2])
def test_no_key_is_issued_for_a_place_that_cannot_be_used(soda: Soda, place: Place, version: int) -> None:
    path = place(soda)
    before = snapshot(soda.folder)
    ran = soda.runner(key_path=path, key_version=version)
    assert ran.failure["code"] == "key_path_unusable"
    assert soda.folder.name in ran["msg"]
    assert CREATE not in ran.operations
    assert {name: entry.content for name, entry in snapshot(soda.folder).items() if name != LOCK} == {
        name: entry.content for name, entry in before.items()
    }


@pytest.mark.parametrize(
    "place", [each for each in PLACES if each is not in_a_folder_that_is_missing], ids=lambda place: place.__name__
)
def test_check_mode_fails_for_a_place_that_cannot_be_used(soda: Soda, place: Place) -> None:
    path = place(soda)
    before = snapshot(soda.folder)
    assert soda.runner(key_path=path, check=True).failure["code"] == "key_path_unusable"
    assert snapshot(soda.folder) == before


def test_check_mode_forgives_a_folder_that_an_earlier_task_would_have_made(soda: Soda) -> None:
    ran = soda.runner(key_path=in_a_folder_that_is_missing(soda), check=True)
    assert (ran["changed"], ran["registration"]) == (True, "pending")


def test_the_module_never_makes_a_folder(soda: Soda) -> None:
    soda.runner(key_path=in_a_folder_that_is_missing(soda))
    assert soda.files() == []


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_no_key_is_issued_for_a_folder_that_cannot_be_written(open_soda: Soda, check: bool) -> None:
    open_soda.folder.chmod(0o555)
    with ordinary_user():
        ran = open_soda.runner(check=check)
    assert ran.failure["code"] == "key_path_unusable"
    assert str(open_soda.folder) in ran["msg"]
    assert open_soda.keys_issued() == 0


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_no_key_is_issued_where_the_file_cannot_be_read(open_soda: Soda, check: bool) -> None:
    open_soda.stored()
    open_soda.key_path.chmod(0)
    before = open_soda.key_path.read_bytes() if os.geteuid() == 0 else None
    with ordinary_user():
        ran = open_soda.runner(check=check, key_version=2)
    assert ran.failure["code"] == "key_path_unusable"
    assert open_soda.keys_issued() == 0
    assert before is None or open_soda.key_path.read_bytes() == before


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_no_key_is_issued_for_a_device(soda: Soda, check: bool) -> None:
    ran = soda.runner(key_path="/dev/null", check=check)
    assert ran.failure["code"] == "key_path_unusable"
    assert soda.keys_issued() == 0


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("attributes", [{"owner": "no-such-user"}, {"group": "no-such-group"}, {"mode": "nonsense"}])
def test_no_key_is_issued_where_there_is_no_such_owner_group_or_mode(soda: Soda, check: bool, attributes: Json) -> None:
    before = snapshot(soda.folder)
    ran = soda.runner(check=check, **attributes)
    assert ran.failure["code"] == "file_attributes_not_set"
    assert soda.keys_issued() == 0
    assert not check or snapshot(soda.folder) == before


def test_no_key_is_issued_where_the_owner_may_not_be_set(open_soda: Soda) -> None:
    with ordinary_user():
        ran = open_soda.runner(owner="root")
    assert ran.failure["code"] == "file_attributes_not_set"
    assert open_soda.keys_issued() == 0
    assert set(open_soda.files()) <= {LOCK}


@pytest.mark.parametrize("issued_at", ["1970-01-01T00:00:00Z", "2999-12-31T23:59:59Z"])
def test_a_key_that_was_issued_by_a_wrong_clock_is_stored(soda: Soda, issued_at: str) -> None:
    soda.stored(issued_at=issued_at)
    ran = soda.runner()
    assert (ran["changed"], ran["key"]["issued_at"]) == (False, issued_at)


@needs_root
@pytest.mark.parametrize("attribute", ["i", "a"])
def test_no_key_is_issued_where_an_attribute_keeps_the_file_in_place(soda: Soda, attribute: str) -> None:
    stored = soda.stored()
    if subprocess.run(["chattr", f"+{attribute}", str(soda.key_path)], check=False, capture_output=True).returncode:
        pytest.skip("this file system has no such attributes")
    try:
        for check in (True, False):
            assert soda.runner(key_version=2, check=check).failure["code"] == "key_path_unusable"
    finally:
        subprocess.run(["chattr", f"-{attribute}", str(soda.key_path)], check=True)
    assert (soda.key(), soda.keys_issued()) == (stored, 0)


@needs_root
def test_no_key_is_issued_where_only_another_user_may_replace_the_file(open_soda: Soda) -> None:
    os.chown(open_soda.folder, 0, 0)
    open_soda.folder.chmod(0o1777)
    open_soda.stored()
    open_soda.key_path.chmod(0o644)
    for check in (True, False):
        with ordinary_user():
            ran = open_soda.runner(key_version=2, check=check)
        assert ran.failure["code"] == "key_path_unusable"
    assert open_soda.keys_issued() == 0


@needs_root
def test_a_file_that_is_mounted_on_its_own_is_not_lost_nor_a_key(soda: Soda) -> None:
    """As containers do with a file: it can be read, but nothing can be put in its place."""
    stored = soda.stored()
    mount = subprocess.run(["mount", "--bind", str(soda.key_path), str(soda.key_path)], check=False)
    if mount.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        assert soda.runner()["changed"] is False
        for check in (True, False):
            assert soda.runner(key_version=2, check=check).failure["code"] == "key_path_unusable"
    finally:
        subprocess.run(["umount", str(soda.key_path)], check=True)
    assert (soda.key(), soda.keys_issued()) == (stored, 0)


def test_a_key_path_in_a_folder_that_is_a_link_works(soda: Soda) -> None:
    (soda.folder / "link").symlink_to(soda.folder)
    assert soda.runner(key_path=soda.folder / "link" / "key.json")["changed"] is True
    assert soda.key()["name"] == NAME


@pytest.mark.parametrize("file", ["-key", "key ' \" name", "ключ", "a" * 200, ".hidden"], ids=plain_id)
def test_any_file_name_works(soda: Soda, file: str) -> None:
    path = soda.folder / file
    assert soda.runner(key_path=path)["key"]["path"] == str(path)
    assert soda.files() == [file]
    assert soda.runner(key_path=path)["changed"] is False


# Two at once


def test_two_runs_at_once_for_one_key_path_issue_one_key(soda: Soda) -> None:
    soda.account.fault("delay", CREATE, seconds=1.5, times=None)
    options = {"name": NAME, "key_path": soda.key_path, "retry_budget": 30}
    results = [result_of(process) for process in [soda.start("soda_runner", **options) for _unused in range(2)]]
    assert [result.get("msg") for result in results if result.get("failed")] == []
    assert sorted(result["changed"] for result in results) == [False, True]
    assert {result["key"]["api_key_id"] for result in results} == {soda.key()["api_key_id"]}
    assert soda.keys_issued() == 1
    assert soda.files() == [soda.key_path.name]


def test_a_run_that_may_not_wait_fails_while_another_is_issuing_the_key(soda: Soda) -> None:
    soda.account.fault("delay", CREATE, seconds=3)
    first = soda.start("soda_runner", name=NAME, key_path=soda.key_path)
    wait_until(lambda: CREATE in soda.account.operations())
    second = soda.runner(retry_budget=0)
    assert second.failure["code"] == "key_path_busy"
    assert second.failure["retryable"] is True
    assert result_of(first)["changed"] is True
    assert soda.keys_issued() == 1


def test_runs_at_once_for_several_key_paths_of_one_folder_do_not_meet(soda: Soda) -> None:
    soda.account.fault("delay", CREATE, seconds=3)
    first = soda.start("soda_runner", name="first", key_path=soda.folder / "first.json")
    wait_until(lambda: CREATE in soda.account.operations())
    assert soda.runner(name="second", key_path=soda.folder / "second.json", retry_budget=0)["changed"] is True
    assert result_of(first)["changed"] is True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_polite_kill_while_a_key_is_issued_loses_no_key(soda: Soda, number: signal.Signals) -> None:
    soda.account.fault("delay", CREATE, seconds=1)
    process = soda.start("soda_runner", name=NAME, key_path=soda.key_path)
    wait_until(lambda: CREATE in soda.account.operations())
    process.send_signal(number)
    process.communicate(timeout=30)
    assert soda.key()["api_key_id"] in soda.account.stats()["runner_key_ids"]
    assert soda.runner()["changed"] is False
    assert soda.keys_issued() == 1


def test_after_a_kill_during_the_request_the_next_run_issues_a_key(soda: Soda) -> None:
    soda.account.fault("delay", CREATE, seconds=2)
    process = soda.start("soda_runner", name=NAME, key_path=soda.key_path)
    wait_until(lambda: CREATE in soda.account.operations())
    process.kill()
    process.communicate(timeout=30)
    ran = soda.runner()
    assert (ran["changed"], ran["registration"]) == (True, "pending")
    assert soda.files() == [soda.key_path.name]
