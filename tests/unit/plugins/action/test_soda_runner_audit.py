# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""soda_runner_audit, given what the role notes: what it returns, writes and shows."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.community.soda.plugins.action import soda_runner_audit
from ansible_collections.community.soda.tests.unit.plugins.harness import FAILURE_KEYS, Json, mode_of, snapshot

RUNNER = {
    "id": "id-1",
    "name": "one",
    "label": None,
    "type": "SELF_HOSTED",
    "is_online": True,
    "last_seen_timestamp": None,
    "versions": {},
}
GONE = {**RUNNER, "id": "id-2", "name": "{{ gone }}", "is_online": False}


def note(name: str = "one", **fields: Any) -> Json:
    """What the role notes of a runner whose host has what it should."""
    return {
        "name": name,
        "endpoint": "https://cloud.soda.io/",
        "api_key_id": "key-1",
        "wanted": True,
        "key_version": 1,
        "reached": True,
        "looked": True,
        "said": "",
        "failure": None,
        "key": {"api_key_id": "a", "path": "/k", "key_version": 1, "issued_at": "2026-01-01T12:00:00Z"},
        "files": [{"path": "/v", "format": "dotenv", "changed": False}],
        "key_changed": False,
        "escrow_emptied": False,
        **fields,
    }


def facts(*notes: Json, runners: list[Json] | None = None, **variables: Any) -> Json:
    noted: Json = {"group_names": ["fleet"], **variables}
    if notes:
        noted[soda_runner_audit.SEEN] = {each["name"]: each for each in notes}
    if runners is not None:
        listed = {"account": "?", "endpoint": "https://CLOUD.soda.io", "api_key_id": "key-1", "runners": runners}
        noted[soda_runner_audit.LISTED] = [listed]
    return noted


def run(hostvars: Json, check: bool = False, hosts: list[str] | None = None, **options: Any) -> Json:
    """Run the action plugin as a task does that is given these options."""
    task = SimpleNamespace(
        action="community.soda.soda_runner_audit",
        args={"hosts": list(hostvars) if hosts is None else hosts, **options},
        check_mode=check,
        async_val=0,
        delegate_to=None,
    )
    shell = SimpleNamespace(tmpdir=None)
    plugin = soda_runner_audit.ActionModule(task, SimpleNamespace(_shell=shell), None, None, None, None)
    result: Json = plugin.run(task_vars={"hostvars": hostvars})
    return result


def failure(result: Json) -> Json:
    assert result["failed"] is True, result
    assert set(result["failure"]) == FAILURE_KEYS
    assert result["failure"]["message"] == result["msg"]
    found: Json = result["failure"]
    return found


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was shown on the terminal."""
    lines: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, msg, *_a, **_k: lines.append(msg))
    return lines


def test_a_host_that_has_what_it_should_is_in_order(shown: list[str]) -> None:
    result = run({"host": facts(note(), runners=[RUNNER])}, fail_on=["any"])
    assert (result["changed"], result["rows"], result["stale"], result["failing"]) == (False, [], [], {})
    assert result["totals"]["in_order"] == 1
    assert "\n".join(result["table"]) in shown[0]


@pytest.mark.parametrize(
    ("noted", "detail"),
    [
        ({"key_version": 2}, "the key has the key_version 1, and 2 is declared"),
        ({"key_changed": True}, "the key file"),
        ({"escrow_emptied": True}, "a key waits in escrow"),
        ({"files": [{"path": "/a", "changed": True}, {"path": "/b", "changed": False}]}, "/a"),
    ],
)
def test_what_the_role_would_change_is_drift(noted: Json, detail: str) -> None:
    (row,) = run({"host": facts(note(**noted), runners=[RUNNER])})["rows"]
    assert row["findings"] == [{"code": "drift", "detail": detail}]


def test_a_host_on_which_the_role_fails_says_why() -> None:
    noted = note(key=None, files=[], failure={"code": "key_file_not_ours", "message": "It is not ours."})
    (row,) = run({"host": facts(noted, runners=[RUNNER])})["rows"]
    assert row["findings"] == [{"code": "role_fails", "detail": "It is not ours."}]


def test_notes_as_the_templates_of_older_ansible_cores_write_them_say_the_same() -> None:
    noted = note(key_version="2", wanted="True", reached="True", failure="", key_changed="False", escrow_emptied="True")
    (row,) = run({"host": facts(noted, runners=[RUNNER])})["rows"]
    (finding,) = row["findings"]
    assert finding["detail"] == "the key has the key_version 1, and 2 is declared, a key waits in escrow"
    assert run({"host": facts(note(key="", failure="", files=[]), runners=[])})["rows"][0]["state"] == "no_key"


@pytest.mark.parametrize("looked", [False, "False"])
def test_of_a_host_where_the_look_itself_failed_nothing_is_said_but_that(looked: Any) -> None:
    noted = note(key=None, files=[], looked=looked, said="No shell.")
    (row,) = run({"host": facts(noted, runners=[])})["rows"]
    assert row["findings"] == [{"code": "role_fails", "detail": "No shell."}]


def test_a_host_for_which_nothing_was_noted_is_a_finding() -> None:
    (row,) = run({"host": facts(note(), runners=[RUNNER]), "odd": facts()})["rows"]
    assert (row["host"], row["state"]) == ("odd", "role_fails")


def test_several_runners_of_a_host_are_compared_each() -> None:
    two = {**RUNNER, "id": "id-2", "name": "two"}
    assert run({"host": facts(note(), note("two"), runners=[RUNNER, two])})["totals"]["in_order"] == 2


def test_hosts_of_the_inventory_that_were_not_looked_at_keep_their_runners() -> None:
    hostvars = {
        "host": facts(
            note(), runners=[{**RUNNER, "name": name, "id": name} for name in ("there", "named", "old", "x")]
        ),
        "there": facts(),
        "other": facts(soda_runner_name="named"),
        "old": facts(soda_runner_state="absent"),
        # It is there because Soda Cloud lists it, so it declares nothing.
        "x": facts(soda_id="x", group_names=["soda_runners", "soda_online"]),
    }
    result = run(hostvars, hosts=["host"])
    assert result["totals"]["elsewhere"] == 2
    found = {row["name"] for row in result["rows"] if row["state"] == "not_in_inventory"}
    assert found == {"old", "x"}


@pytest.mark.parametrize(
    ("fail_on", "failing"),
    [
        ([], {}),
        ("", {}),
        ([""], {}),
        (["drift"], {}),
        ("offline,drift", {"offline": 1}),
        (["not_in_inventory", "offline"], {"offline": 1, "not_in_inventory": 1}),
        (["any"], {"offline": 1, "not_in_inventory": 1}),
    ],
)
def test_only_what_is_to_fail_fails(fail_on: Any, failing: dict[str, int]) -> None:
    assert run({"host": facts(note(), runners=[RUNNER, GONE])}, fail_on=fail_on)["failing"] == failing


def test_the_files_are_written_whole_and_for_the_user_alone(tmp_path: Path) -> None:
    paths = {"json_path": str(tmp_path / "a.json"), "html_path": str(tmp_path / "a.html")}
    hostvars = {"host": facts(note(), runners=[RUNNER, GONE])}
    result = run(hostvars, **paths)
    assert result["files"] == list(paths.values())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.json"]
    assert {mode_of(path) for path in tmp_path.iterdir()} == {0o600}
    written = json.loads((tmp_path / "a.json").read_bytes())
    assert written["stale"] == result["stale"]
    assert [row["name"] for row in written["rows"]] == ["{{ gone }}", "one"]
    assert run(hostvars, mode="0644", **paths)["files"] == result["files"]
    assert {mode_of(path) for path in tmp_path.iterdir()} == {0o644}


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    assert run({"host": facts(note(), runners=[])}, check=True, json_path=str(tmp_path / "a.json"))["files"] == []
    assert snapshot(tmp_path) == before


def test_a_file_that_is_no_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.json").symlink_to(tmp_path / "elsewhere")
    result = run({"host": facts(note(), runners=[])}, json_path=str(tmp_path / "a.json"))
    assert failure(result)["code"] == "audit_path_unusable"
    assert not (tmp_path / "elsewhere").exists()


def test_an_account_that_was_not_listed_is_a_failure_that_names_it() -> None:
    found = failure(run({"host": facts(note(), runners=[]), "there": facts(note(api_key_id="key-2"))}))
    assert found["code"] == "audit_incomplete"
    assert "key-2 at https://cloud.soda.io" in found["message"]


def test_without_the_role_there_is_nothing_to_compare() -> None:
    assert failure(run({"host": facts()}))["code"] == "audit_incomplete"


@pytest.mark.parametrize(
    "options",
    [
        {"fail_on": ["offlien"]},
        {"mode": "rw-------"},
        {"mode": "7777"},
        {"offline_hours": -1},
        {"pending_minutes": "nan"},
        {"offline_hours": "inf"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: Json, tmp_path: Path) -> None:
    result = run({"host": facts(note(), runners=[])}, json_path=str(tmp_path / "a.json"), **options)
    assert failure(result)["code"] == "invalid_arguments"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("callback", ["json", "ansible.posix.json", "ansible.posix.jsonl"])
def test_where_a_program_reads_the_output_no_table_is_in_it(
    callback: str, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soda_runner_audit.constants, "DEFAULT_STDOUT_CALLBACK", callback)
    run({"host": facts(note(), runners=[])})
    assert shown == []
