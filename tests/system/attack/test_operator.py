# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A careless operator deletes nothing by mistake."""

from __future__ import annotations

import datetime
import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from attack.field import FILES, Field, Vars
from attack.hostile_api import HostileApi, page
from tooling import tree

MONTH = 30 * 86400
ROLE = "community.soda.soda_runner"


def provisioned(field: Field, *hosts: str, online: bool = False) -> list[str]:
    """Hosts with a key and a registered runner each. Returns the ids."""
    field.hosts(*hosts)
    assert not field.role().failed
    ids = [field.register(host) for host in hosts]
    for each in ids:
        field.account.set_online(each, online)
        if not online:
            field.account.change_runner(each, last_seen_seconds_ago=MONTH)
    return ids


def left(field: Field) -> list[str]:
    return [runner["id"] for runner in field.account.runners()]


def codes(row: Vars) -> list[str]:
    return [finding["code"] for finding in row["findings"]]


# No target


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"soda_decommission_audit": ""}, id="empty", marks=pytest.mark.quick),
        pytest.param({"soda_decommision_audit": "soda-audit.json"}, id="misspelt", marks=pytest.mark.quick),
        pytest.param({"soda_decommission_report": "soda-audit.json"}, id="unknown"),
        pytest.param({}, id="nothing"),
        pytest.param({"soda_runner_hosts": ""}, id="empty hosts"),
        pytest.param({"soda_runner_hosts": "nobody"}, id="no such host"),
    ],
)
def test_decommission_has_no_target(field: Field, extra: Vars) -> None:
    (one,) = provisioned(field, "one")
    ended = field.play("community.soda.decommission", **extra)
    assert left(field) == [one]
    assert (field.host_dir() / "key.json").exists()
    assert ended.failed


def test_decommission_has_no_target_under_a_limit(field: Field) -> None:
    (one,) = provisioned(field, "one")
    ended = field.play("community.soda.decommission", "--limit", "one", soda_decommission_audit="")
    assert left(field) == [one]
    assert ended.failed


# Extra variables, which are stronger than what a playbook and a task set


@pytest.mark.parametrize(
    "state", [pytest.param("", id="empty", marks=pytest.mark.quick), pytest.param("present", id="present")]
)
@pytest.mark.parametrize("form", ["playbook", "include_role", "roles", "absent"])
def test_an_extra_variable_contradicts_a_removal(field: Field, form: str, state: str) -> None:
    field.hosts("one")
    role: Vars = {"name": ROLE, **({"tasks_from": "absent"} if form == "absent" else {})}
    absent = {"soda_runner_state": "absent"}
    plays: dict[str, Vars] = {
        "include_role": {"tasks": [{"ansible.builtin.include_role": role, "vars": absent}]},
        "roles": {"roles": [{"role": ROLE, **absent}]},
        "absent": {"tasks": [{"ansible.builtin.include_role": role}]},
    }
    if form == "playbook":
        ended = field.play("community.soda.decommission", soda_runner_hosts="one", soda_runner_state=state)
    else:
        ended = field.play([{"hosts": "all", "gather_facts": False, **plays[form]}], soda_runner_state=state)
    assert ended.refused_with("invalid_arguments")
    assert field.account.operations() == []


def test_an_extra_variable_that_agrees_with_a_removal_is_accepted(field: Field) -> None:
    provisioned(field, "one")
    field.common["soda_runner_state"] = "present"
    field.hosts("one")
    ended = field.play("community.soda.decommission", soda_runner_hosts="one", soda_runner_state="absent")
    assert not ended.failed
    assert left(field) == []
    assert not (field.host_dir() / "key.json").exists()


@pytest.mark.parametrize("internal", ["__soda_runner_work", "__soda_runner_target"])
def test_an_extra_variable_replaces_an_internal_one(field: Field, internal: str) -> None:
    (one,) = provisioned(field, "one")
    extra: Vars = {"soda_runner_hosts": "one", internal: "absent"}
    for playbook in ("community.soda.provision", "community.soda.decommission"):
        assert field.play(playbook, **extra).refused_with("invalid_arguments")
    assert left(field) == [one]
    assert (field.host_dir() / "key.json").exists()


def test_an_extra_variable_removes_nothing_with_provision(field: Field) -> None:
    (one,) = provisioned(field, "one")
    ended = field.play("community.soda.provision", soda_runner_state="absent")
    assert "1 host was skipped" in ended.words
    assert left(field) == [one]
    assert (field.host_dir() / "key.json").exists()


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"soda_runner_state": "absent"}, id="state", marks=pytest.mark.quick),
        pytest.param({"soda_runner_name": "another"}, id="name"),
    ],
)
def test_an_extra_variable_hides_that_a_host_declares_a_stale_runner(field: Field, extra: Vars) -> None:
    """The runner was offline for a month, and its host is back in the inventory."""
    (one,) = provisioned(field, "one")
    field.audit()
    ended = field.play("community.soda.decommission", soda_decommission_audit="soda-audit.json", **extra)
    assert ended.refused_with("invalid_target")
    assert left(field) == [one]


# Running runners


@pytest.mark.quick
def test_an_online_runner_is_decommissioned(field: Field) -> None:
    (one,) = provisioned(field, "one", online=True)
    ended = field.play("community.soda.decommission", soda_runner_hosts="one")
    assert ended.refused_with("runner_online")
    assert left(field) == [one]
    assert (field.host_dir() / "key.json").exists()


IGNORING: dict[str, Vars] = {
    "play": {"ignore_errors": True, "roles": [ROLE]},
    "roles": {"roles": [{"role": ROLE, "ignore_errors": True}]},
    "import_role": {"tasks": [{"ansible.builtin.import_role": {"name": ROLE}, "ignore_errors": True}]},
    "include_role": {"tasks": [{"ansible.builtin.include_role": {"name": ROLE}, "ignore_errors": True}]},
    "apply": {"tasks": [{"ansible.builtin.include_role": {"name": ROLE, "apply": {"ignore_errors": True}}}]},
}


@pytest.mark.parametrize("form", IGNORING)
def test_a_runner_in_use_is_removed_with_errors_ignored(field: Field, form: str) -> None:
    (one,) = provisioned(field, "one")
    field.account.set_in_use(one)
    field.common["soda_runner_state"] = "absent"
    field.hosts("one")
    field.play([{"hosts": "all", "gather_facts": False, **IGNORING[form]}])
    assert field.sent("deleteRunner") == 1
    assert left(field) == [one]
    assert (field.host_dir() / "key.json").exists()
    assert (field.host_dir() / "values.yml").exists()


CAUSES = {"permission": "403", "folder": "not a directory", "deployment": "soda_runner_kubernetes_namespace is not set"}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_step_that_failed_is_followed_by_others_with_errors_ignored(field: Field, cause: str) -> None:
    """The failure is the only one, because each later step would rest on a key that is not there."""
    field.common |= {"soda_runner_wait": True, "soda_runner_wait_timeout": 2}
    field.hosts("one")
    if cause == "permission":
        field.account.fault("status", "createRunner", status=403, body="", times=None)
    elif cause == "folder":
        field.host_dir().write_text("This is not a folder.", "utf-8")
    else:
        field.common["soda_runner_deploy"] = True
        field.hosts("one")
    ended = field.play([{"hosts": "all", "gather_facts": False, **IGNORING["roles"]}])
    assert not ended.failed
    assert len(re.findall(r"^fatal: ", ended.output, re.MULTILINE)) == 1
    assert CAUSES[cause] in ended.words
    assert not (field.host_dir() / "key.json").exists()
    assert not (field.host_dir() / "values.yml").exists()


# Old evidence


def stale_report(field: Field) -> tuple[Path, str]:
    """A report that calls a runner stale."""
    field.hosts("other")
    (one,) = field.account.seed({"name": "one", "isOnline": False, "last_seen_seconds_ago": MONTH})
    report, _ended = field.audit()
    assert [runner["id"] for runner in report["stale"]] == [one]
    return field.folder / "work" / "soda-audit.json", one


@pytest.mark.quick
def test_a_report_is_six_months_old(field: Field) -> None:
    path, one = stale_report(field)
    long_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=180)
    report = json.loads(path.read_text("utf-8"))
    dated = [name for name, value in report.items() if isinstance(value, str) and value[:4].isdigit()]
    assert dated
    report.update(dict.fromkeys(dated, long_ago.strftime("%Y-%m-%dT%H:%M:%SZ")))
    path.write_text(json.dumps(report), "utf-8")
    ended = field.play("community.soda.decommission", soda_decommission_audit=str(path))
    assert left(field) == [one]
    assert ended.refused_with("report_unusable")


def test_a_report_is_of_a_runner_that_was_seen_since(field: Field) -> None:
    path, one = stale_report(field)
    field.account.change_runner(one, last_seen_seconds_ago=60)
    field.play("community.soda.decommission", soda_decommission_audit=str(path))
    assert left(field) == [one]


def test_a_report_is_of_a_runner_whose_host_was_added_since(field: Field) -> None:
    path, one = stale_report(field)
    field.hosts("one", "other")
    field.play("community.soda.decommission", soda_decommission_audit=str(path))
    assert left(field) == [one]


def test_a_report_is_of_a_host_that_got_a_new_key_since(field: Field) -> None:
    (one,) = provisioned(field, "one")
    report, _ended = field.audit()
    assert [runner["id"] for runner in report["stale"]] == [one]
    assert not field.role(soda_runner_reissue=True).failed
    key = field.key()
    field.play("community.soda.decommission", soda_decommission_audit=str(field.folder / "work" / "soda-audit.json"))
    assert (field.host_dir() / "key.json").exists()
    assert field.key() == key


# Unknown is not stale


@pytest.mark.quick
def test_extra_variables_change_the_types_of_the_stale_runners(field: Field) -> None:
    field.account.seed(
        {"name": "1234", "isOnline": False, "last_seen_seconds_ago": MONTH},
        {"name": "other", "isOnline": False, "last_seen_seconds_ago": MONTH},
    )
    report, _audited = field.audit()
    (wanted,) = [runner for runner in report["stale"] if runner["name"] == "1234"]
    # What the audit gives to later jobs, which get it as an extra variable.
    ended = field.play("community.soda.decommission", soda_decommission_runners=json.dumps([wanted]))
    assert not ended.failed
    assert [runner["name"] for runner in field.account.runners()] == ["other"]


@pytest.mark.parametrize("seen", [None, "yesterday", "1970-01-01T00:00:00Z", 0], ids=str)
def test_a_last_contact_is_unknown(field: Field, seen: object) -> None:
    listed = {"id": "r1", "name": "one", "type": "SELF_HOSTED", "isOnline": False, "lastSeenTimestamp": seen}
    with HostileApi(lambda request: page([listed])).running() as api:
        field.common["soda_runner_cloud_endpoint"] = api.url
        field.hosts("other")
        report, _ended = field.audit()
        result, _called = field.module("soda_runner_info", endpoint=api.url, not_seen_for="1h")
    assert report["stale"] == []
    assert result.get("failed") or result["runners"] == []


# Names


@pytest.mark.quick
def test_the_name_of_a_runner_is_a_number(field: Field) -> None:
    field.hosts(one={"soda_runner_name": 1234})
    assert not field.role().failed
    runner = field.register("one", name="1234")
    field.account.set_online(runner, False)
    field.account.change_runner(runner, last_seen_seconds_ago=MONTH)
    report, _ended = field.audit()
    (row,) = report["rows"]
    assert (row["name"], row["host"], row["runner"]["id"]) == ("1234", "one", runner)
    assert "not_in_inventory" not in codes(row)


@pytest.mark.parametrize("serial", [0, pytest.param(1, marks=pytest.mark.quick)])
def test_three_hosts_declare_one_name(field: Field, serial: int) -> None:
    named: dict[str, Vars] = {host: {"soda_runner_name": "warehouse"} for host in ("one", "two", "three")}
    field.hosts(**named)
    ended = field.role(play={"serial": serial} if serial else None)
    assert ended.refused_with("duplicate_declaration")
    assert field.sent("createRunner") == 0


def test_an_extra_variable_names_the_runner_of_one_target(field: Field) -> None:
    field.hosts("one", "two")
    assert not field.play("community.soda.provision", soda_runner_hosts="one", soda_runner_name="warehouse").failed
    assert field.key()["name"] == "warehouse"


def test_an_extra_variable_gives_two_targets_one_name(field: Field) -> None:
    field.hosts("one", "two")
    play = {"hosts": "all", "gather_facts": False, "serial": 1, "roles": ["community.soda.soda_runner"]}
    assert field.play([play], soda_runner_name="warehouse").refused_with("duplicate_declaration")
    assert field.sent("createRunner") == 0


def test_a_survey_is_left_empty(field: Field) -> None:
    exported = {
        "SODA_CLOUD_ENDPOINT": field.account.endpoint,
        "SODA_CLOUD_API_KEY_ID": field.account.api_key_id,
        "SODA_CLOUD_API_KEY_SECRET": field.account.api_key_secret,
        "SODA_CLOUD_RETRY_BUDGET": "2",
        "XDG_STATE_HOME": str(field.folder / "state"),
    }
    of_host = ("soda_runner_name", "soda_runner_dir", "soda_runner_kubernetes_pull_secret")
    specifications = yaml.safe_load((tree.ROOT / "roles/soda_runner/meta/argument_specs.yml").read_text("utf-8"))
    variables = specifications["argument_specs"]["main"]["options"]
    left_empty = {variable: "" for variable in variables if variable not in of_host}
    assert not field.play("community.soda.provision", env=exported, **left_empty).failed
    assert field.key()["endpoint"] == field.account.endpoint
    assert (field.host_dir() / "values.yml").exists()
    assert (field.folder / "state" / "community.soda" / "escrow").is_dir()
    assert not (field.folder / "home" / ".local").exists()


def test_the_folder_of_the_report_is_left_empty(field: Field) -> None:
    report, _ended = field.audit(soda_audit_dir="")
    assert report["rows"]


def test_every_machine_is_called_localhost(field: Field) -> None:
    field.hosts("localhost")
    ended = field.role()
    assert ended.refused_with("invalid_name")
    assert field.sent("createRunner") == 0


def test_one_name_in_two_accounts(field: Field) -> None:
    other = field.account.emulator.account(window_factor=0)
    online = {"isOnline": True}
    (here,) = field.account.seed({"name": "one", **online})
    (there,) = other.seed({"name": "one", **online})
    second = {
        "soda_runner_cloud_api_key_id": other.api_key_id,
        "soda_runner_cloud_api_key_secret": other.api_key_secret,
        "soda_runner_dir": str(field.folder / "hosts" / "second"),
    }

    def observe(**variables: t.Any) -> Vars:
        return {
            "ansible.builtin.include_role": {"name": "community.soda.soda_runner", "tasks_from": "audit"},
            "vars": variables,
        }

    report = field.folder / "work" / "report.json"
    compare = {
        "community.soda.soda_runner_audit": {"hosts": "{{ ansible_play_hosts_all }}", "json_path": str(report)},
        "run_once": True,
    }
    tasks: list[Vars] = [observe(), observe(**second), compare]
    field.play([{"hosts": "one", "gather_facts": False, "strategy": "linear", "tasks": tasks}])
    rows = json.loads(report.read_text("utf-8"))["rows"]
    assert {row["runner"]["id"] for row in rows if row["runner"]} == {here, there}
    assert [row for row in rows if "not_in_inventory" in codes(row) or row["stale"]] == []
    other.remove()


# Paths


@pytest.mark.parametrize("path", ["{dir}/./key.json", "{dir}//key.json", "{folder}/link/key.json"])
def test_a_configuration_file_is_the_key_file(field: Field, path: str) -> None:
    directory = field.host_dir()
    directory.mkdir()
    (field.folder / "link").symlink_to(directory)
    named = path.format(dir=directory, folder=field.folder)
    field.common["soda_runner_config_files"] = [{"format": "helm_values", "path": named}]
    field.hosts("one")
    ended = field.role()
    assert ended.refused_with("config_path_twice")
    assert field.sent("createRunner") == 0


@pytest.mark.parametrize("path", ["{dir}/./values.yml", "{folder}/link/values.yml"])
def test_two_configuration_files_are_one(field: Field, path: str) -> None:
    directory = field.host_dir()
    directory.mkdir()
    (field.folder / "link").symlink_to(directory)
    again = {"format": "dotenv", "path": path.format(dir=directory, folder=field.folder)}
    field.common["soda_runner_config_files"] = [*FILES, again]
    field.hosts("one")
    ended = field.role()
    assert ended.refused_with("config_path_twice")
    assert field.sent("createRunner") == 0


def test_two_runners_share_a_key_file(field: Field) -> None:
    field.hosts("one")
    assert not field.role().failed
    key = field.key()
    ended = field.role(soda_runner_name="another")
    assert ended.failed
    assert field.key() == key
