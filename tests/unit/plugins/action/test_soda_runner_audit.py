# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""soda_runner_audit, given what hosts have published: what it returns, writes and shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ansible_collections.community.soda.plugins.action import soda_runner_audit
from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import AccountListing, Observation
from ansible_collections.community.soda.plugins.plugin_utils._audit.rounds import Round
from ansible_collections.community.soda.plugins.plugin_utils._run_files import RunFiles
from ansible_collections.community.soda.tests.unit.plugins.harness import FAILURE_KEYS, Json, mode_of, snapshot

ACCOUNT = Account("https://cloud.soda.io", "key-1")
RUNNER = Runner("id-1", "one", None, "SELF_HOSTED", True, None, {})
GONE = replace(RUNNER, id="id-2", name="gone", is_online=False, last_seen_timestamp="2020-01-01T00:00:00Z")
HELD = Observation(host="host", name="one", account=ACCOUNT, issued_at="2026-01-01T12:00:00Z")


def publish(*observations: Observation, runners: tuple[Runner, ...] = (RUNNER,), play: str = "play") -> None:
    """What the hosts of a play publish."""
    one = Round(RunFiles(play))
    for account in {one.account for one in observations if one.account is not None}:
        one.listing(account, "", lambda account=account: AccountListing(account, "host", runners))  # type: ignore[misc]
    for observation in observations:
        one.publish(observation)


def run(
    hosts: list[str], hostvars: Json | None = None, check: bool = False, play: str = "play", **options: Any
) -> Json:
    """Run the action plugin as a task with these options does."""
    task = SimpleNamespace(
        action="community.soda.soda_runner_audit",
        args={"hosts": hosts, **options},
        check_mode=check,
        async_val=0,
        delegate_to=None,
        _parent=SimpleNamespace(_play=SimpleNamespace(_uuid=play)),
    )
    shell = SimpleNamespace(tmpdir=None)
    plugin = soda_runner_audit.ActionModule(task, SimpleNamespace(_shell=shell), None, None, None, None)
    result: Json = plugin.run(task_vars={"hostvars": {**{host: {} for host in hosts}, **(hostvars or {})}})
    return result


def failure(result: Json) -> Json:
    assert result["failed"] is True, result
    assert set(result["failure"]) == FAILURE_KEYS
    assert result["failure"]["message"] == result["msg"]
    found: Json = result["failure"]
    return found


@pytest.fixture(autouse=True)
def _run_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path_factory.mktemp("local")))


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the terminal shows."""
    lines: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, msg, *_a, **_k: lines.append(msg))
    return lines


def test_a_host_without_findings_is_in_order(shown: list[str]) -> None:
    publish(HELD)
    result = run(["host"], fail_on=["any"])
    assert (result["changed"], result["rows"], result["stale"], result["failing"]) == (False, [], [], {})
    assert result["totals"]["in_order"] == 1
    assert "\n".join(result["table"]) in shown[0]


def test_a_host_that_was_not_observed_is_a_finding() -> None:
    publish(HELD)
    (row,) = run(["host", "odd"])["rows"]
    assert (row["host"], row["name"], row["state"], row["endpoint"]) == ("odd", "odd", "role_fails", None)


def test_the_runner_of_a_host_that_was_not_observed_is_never_stale() -> None:
    publish(HELD, runners=(RUNNER, GONE))
    result = run(["host", "odd"], hostvars={"odd": {"soda_runner_name": "gone"}})
    assert result["stale"] == []
    assert result["totals"]["elsewhere"] == 1


def test_a_host_has_a_row_for_each_runner_and_account() -> None:
    """The same name in two accounts is two runners, and neither listing hides the other."""
    publish(HELD)
    publish(replace(HELD, account=Account("https://cloud.us.soda.io", "key-2")), replace(HELD, name="two"))
    result = run(["host"])
    assert result["totals"]["rows"] == 3
    assert result["totals"]["runners"] == 2


def test_an_observation_of_another_play_does_not_count() -> None:
    publish(HELD, play="another")
    assert failure(run(["host"]))["code"] == "audit_incomplete"


def test_a_second_audit_in_one_play_is_fresh() -> None:
    publish(HELD, runners=(RUNNER, GONE))
    assert [one["name"] for one in run(["host"])["stale"]] == ["gone"]
    # Without a new observation the data is the same.
    assert [one["name"] for one in run(["host"])["stale"]] == ["gone"]
    publish(HELD)
    assert run(["host"])["totals"]["rows"] == 1


class Undefined(dict):  # type: ignore[type-arg]
    """Variables of which one refers to an undefined variable."""

    def get(self, _name: str, _default: Any = None) -> Any:
        raise AnsibleError("undefined")


def test_hosts_outside_of_the_audit_keep_their_runners() -> None:
    names = ("there", "named", "1234", "undefined", "old", "x")
    publish(HELD, runners=tuple(replace(RUNNER, name=name, id=name) for name in names))
    hostvars: Json = {
        "there": {},
        "other": {"soda_runner_name": "named"},
        # YAML makes a number of a name without quotes.
        "number": {"soda_runner_name": 1234},
        "undefined": Undefined(),
        "old": {"soda_runner_state": "absent"},
        # The host is there because Soda Cloud lists it, so it declares nothing.
        "x": {"soda_id": "x", "group_names": ["soda_runners", "soda_online"]},
    }
    result = run(["host"], hostvars)
    assert result["totals"]["elsewhere"] == 4
    assert {row["name"] for row in result["rows"] if row["state"] == "not_in_inventory"} == {"old", "x"}


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
def test_only_selected_findings_fail(fail_on: Any, failing: dict[str, int]) -> None:
    publish(HELD, runners=(RUNNER, GONE))
    assert run(["host"], fail_on=fail_on)["failing"] == failing


def test_files_are_written_whole_and_private(tmp_path: Path) -> None:
    paths = {"json_path": str(tmp_path / "a.json"), "html_path": str(tmp_path / "a.html")}
    publish(HELD, runners=(RUNNER, GONE))
    result = run(["host"], **paths)
    assert result["files"] == list(paths.values())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.json"]
    assert {mode_of(path) for path in tmp_path.iterdir()} == {0o600}
    written = json.loads((tmp_path / "a.json").read_bytes())
    assert written["stale"] == result["stale"]
    assert [row["name"] for row in written["rows"]] == ["gone", "one"]
    assert f"soda_decommission_audit={tmp_path / 'a.json'}" in (tmp_path / "a.html").read_text("utf-8")
    assert run(["host"], mode="0644", **paths)["files"] == result["files"]
    assert {mode_of(path) for path in tmp_path.iterdir()} == {0o644}


def test_a_relative_path_starts_at_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", "/elsewhere")
    publish(HELD)
    assert run(["host"], json_path="./a.json")["files"] == [str(tmp_path / "a.json")]


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    publish(HELD)
    assert run(["host"], check=True, json_path=str(tmp_path / "a.json"))["files"] == []
    assert snapshot(tmp_path) == before


def test_a_symbolic_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.json").symlink_to(tmp_path / "elsewhere")
    publish(HELD)
    assert failure(run(["host"], json_path=str(tmp_path / "a.json")))["code"] == "audit_path_unusable"
    assert not (tmp_path / "elsewhere").exists()


def test_without_an_observation_the_audit_fails() -> None:
    assert failure(run(["host"]))["code"] == "audit_incomplete"


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
def test_invalid_options_are_refused(options: Json, tmp_path: Path) -> None:
    publish(HELD)
    result = run(["host"], json_path=str(tmp_path / "a.json"), **options)
    assert failure(result)["code"] == "invalid_arguments"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("callback", ["json", "ansible.posix.json", "ansible.posix.jsonl"])
def test_no_table_is_shown_if_a_program_reads_the_output(
    callback: str, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soda_runner_audit.constants, "DEFAULT_STDOUT_CALLBACK", callback)
    publish(HELD)
    run(["host"])
    assert shown == []
