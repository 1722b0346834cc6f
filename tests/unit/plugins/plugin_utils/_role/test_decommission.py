# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that delete runners: what is deleted, in which order, and what stays after a failure."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.soda.plugins.plugin_utils._audit.report import FORMAT, FORMAT_VERSION
from ansible_collections.community.soda.plugins.plugin_utils._config.names import vault_path
from ansible_collections.community.soda.tests.unit.plugins.engine import Engine

LAST_CONTACT = "2026-01-01T12:00:00Z"


def provisioned(engine: Engine, name: str = "edge-1", **variables: t.Any) -> Path:
    """A host with a key and a configuration, whose runner is registered and offline. Starts the next play."""
    folder = engine.host(name, **variables)
    assert not engine.step("issue", name).get("failed")
    registered(engine, name)
    engine.next_play()
    return folder


def registered(engine: Engine, name: str = "edge-1", online: bool = False, **fields: t.Any) -> str:
    (runner_id,) = engine.account.seed(
        {"name": name, "lastSeenTimestamp": LAST_CONTACT, **fields}, allow_duplicates=True
    )
    engine.account.set_online(runner_id, online)
    engine.account.clear_journal()
    return str(runner_id)


def deployed(engine: Engine, **variables: t.Any) -> str:
    """A runner that runs as a Helm release. Returns its name in the cluster."""
    engine.host("edge-1", deploy=True, key_store="vault_kv2", kubernetes_namespace="soda", **variables)
    result = engine.step("deploy")
    assert not result.get("failed"), result["msg"]
    engine.next_play()
    release: str = result["release"]
    return release


def stored(engine: Engine, name: str = "edge-1") -> t.Any:
    """What Vault has for the runner."""
    return engine.vault.fields(vault_path(name, engine.account.endpoint))


# The runner of a host


def test_the_runner_is_deleted_and_then_its_key_and_configuration(engine: Engine) -> None:
    folder = provisioned(engine)
    result = engine.step("remove")
    assert (result["changed"], result["runner_deleted"], result["left_behind"]) == (True, True, [])
    assert result["removed"] == [f"{folder}/key.json", f"{folder}/values.yml"]
    assert [file["path"] for file in result["files"]] == [f"{folder}/values.yml"]
    assert engine.runners() == []
    assert not (folder / "key.json").exists()
    assert engine.account.operations() == ["listRunners", "getRunner", "deleteRunner"]
    assert engine.step("summarize_decommission")["msg"] == (
        "1 runner of 1 host was deleted from Soda Cloud. Key and configuration were removed from 1 host."
    )
    engine.next_play()
    again = engine.step("remove")
    assert (again["changed"], again["runner_deleted"], again["removed"]) == (False, False, [])
    assert engine.step("summarize_decommission")["msg"].startswith("0 runners of 1 host were deleted")


def test_check_mode_predicts_and_removes_nothing(engine: Engine) -> None:
    folder = provisioned(engine)
    result = engine.step("remove", check=True, diff=True)
    assert (result["changed"], result["runner_deleted"]) == (True, True)
    assert result["removed"] == [f"{folder}/key.json", f"{folder}/values.yml"]
    assert result["diff"]
    assert engine.runners() == ["edge-1"]
    assert (folder / "key.json").exists()
    assert engine.step("summarize_decommission", check=True)["msg"] == (
        "1 runner of 1 host would be deleted from Soda Cloud. Key and configuration would be removed from 1 host."
        " Soda Cloud deletes 10 runners in 60 seconds for an account, so this takes less than a minute."
    )


def test_an_online_runner_keeps_everything(engine: Engine) -> None:
    folder = provisioned(engine)
    engine.account.set_online(engine.account.runner("edge-1")["id"])
    failure = engine.failure("remove")
    assert failure["code"] == "runner_online"
    assert engine.runners() == ["edge-1"]
    assert (folder / "key.json").exists()
    engine.next_play()
    engine.host(delete_online=True)
    assert engine.step("remove")["runner_deleted"]
    assert not (folder / "key.json").exists()


def test_after_a_refused_deletion_the_key_stays(engine: Engine) -> None:
    folder = provisioned(engine)
    engine.account.set_in_use(engine.account.runner("edge-1")["id"])
    assert engine.failure("remove")["code"] == "runner_in_use"
    assert (folder / "key.json").exists()


def test_the_runner_of_a_lost_host_is_deleted_and_its_files_are_named(engine: Engine) -> None:
    folder = provisioned(engine)
    engine.unreachable.add("edge-1")
    result = engine.step("remove")
    left = [f"{folder}/key.json", f"{folder}/values.yml"]
    assert (result["changed"], result["runner_deleted"], result["removed"]) == (True, True, [])
    assert result["left_behind"] == left
    assert result["warnings"] == [
        f"edge-1 could not be reached. These files remain there if they exist: {', '.join(left)}. Run the role again"
        " when the host is back."
    ]
    assert "1 host could not be reached" in engine.step("summarize_decommission")["msg"]


def test_a_key_of_a_runner_that_never_registered_stays_valid(engine: Engine) -> None:
    folder = engine.host()
    engine.step("issue")
    engine.next_play()
    result = engine.step("remove")
    assert (result["changed"], result["runner_deleted"]) == (True, False)
    (warning,) = result["warnings"]
    assert f"{folder}/key.json on edge-1" in warning
    assert "stays valid" in warning


def test_an_account_is_listed_once_for_all_its_hosts(engine: Engine) -> None:
    for name in ("edge-1", "edge-2"):
        provisioned(engine, name)
    registered(engine, "other")
    for name in ("edge-1", "edge-2"):
        assert engine.step("remove", name)["runner_deleted"]
    assert engine.account.operations() == ["listRunners", *["getRunner", "deleteRunner"] * 2]
    assert engine.runners() == ["other"]


def test_a_refused_account_is_requested_once(engine: Engine) -> None:
    for name in ("edge-1", "edge-2"):
        provisioned(engine, name)
    engine.account.fault("status", "listRunners", status=401)
    first, second = engine.failure("remove", "edge-1"), engine.failure("remove", "edge-2")
    assert first["code"] == second["code"] == "unauthorized"
    assert second["message"] == (
        "The request for the Soda Cloud account failed on edge-1, so this host was not changed."
    )
    assert engine.account.operations() == ["listRunners"]


def test_a_runner_that_has_another_id_since_the_listing_is_deleted_too(engine: Engine) -> None:
    for name in ("edge-1", "edge-2"):
        provisioned(engine, name)
    engine.step("remove", "edge-1")
    engine.account.remove_runner(engine.account.runner("edge-2")["id"])
    registered(engine, "edge-2")
    result = engine.step("remove", "edge-2")
    assert (result["changed"], result["runner_deleted"]) == (True, True)
    assert engine.runners() == []


def test_a_name_that_several_runners_have_identifies_none(engine: Engine) -> None:
    folder = provisioned(engine)
    registered(engine)
    assert engine.failure("remove")["code"] == "duplicate_name"
    assert engine.runners() == ["edge-1", "edge-1"]
    assert (folder / "key.json").exists()


def test_a_host_that_sends_the_requests_itself_looks_for_its_own_runner(engine: Engine) -> None:
    folder = provisioned(engine, api_host="edge-1")
    result = engine.step("remove")
    assert (result["runner_deleted"], (folder / "key.json").exists()) == (True, False)
    assert {machine for machine, _module, _arguments in engine.modules} == {"edge-1"}


def test_a_key_in_vault_is_removed_with_its_runner(engine: Engine) -> None:
    provisioned(engine, key_store="vault_kv2")
    assert stored(engine)["api_key_id"]
    engine.account.set_online(engine.account.runner("edge-1")["id"])
    assert engine.failure("remove")["code"] == "runner_online"
    assert stored(engine)["api_key_id"]
    engine.account.set_online(engine.account.runner("edge-1")["id"], False)
    engine.next_play()
    result = engine.step("remove")
    assert (result["changed"], result["runner_deleted"]) == (True, True)
    assert stored(engine) is None
    assert not any(module.startswith("helm") for _machine, module, _arguments in engine.modules)


def test_a_key_file_that_is_left_on_the_host_is_removed_with_a_key_in_vault(engine: Engine) -> None:
    folder = provisioned(engine)
    text = (folder / "key.json").read_bytes()
    engine.host(key_store="vault_kv2")
    engine.step("issue")
    engine.account.set_online(engine.account.runner("edge-1")["id"], False)
    (folder / "key.json").write_bytes(text)
    engine.next_play()
    assert str(folder / "key.json") in engine.step("remove")["removed"]
    assert not (folder / "key.json").exists()


# The runner of a Helm release


def test_a_release_is_uninstalled_before_its_runner_is_deleted(engine: Engine) -> None:
    release = deployed(engine, wait_timeout=30)
    runner_id = registered(engine, online=True)
    engine.helm.uninstalled = lambda: engine.account.set_online(runner_id, False) and None
    result = engine.step("remove")
    assert (result["changed"], result["runner_deleted"], result["removed"]) == (True, True, ["the Helm release"])
    assert (engine.helm.releases, engine.runners(), stored(engine)) == ({}, [], None)
    assert [arguments["release_name"] for _module, arguments in engine.helm.requests][-1] == release
    engine.next_play()
    again = engine.step("remove")
    assert (again["changed"], again["runner_deleted"], again["removed"]) == (False, False, [])


def test_a_runner_that_stays_online_after_its_release_is_not_deleted(engine: Engine) -> None:
    deployed(engine)
    registered(engine, online=True)
    failure = engine.failure("remove")
    assert failure["code"] == "wait_timeout"
    assert engine.runners() == ["edge-1"]
    assert stored(engine)["api_key_id"]


def test_without_a_timeout_the_run_does_not_wait_until_the_runner_is_offline(engine: Engine) -> None:
    deployed(engine, wait_timeout=0)
    registered(engine, online=True)
    assert engine.failure("remove")["code"] == "runner_online"
    assert engine.runners() == ["edge-1"]


def test_a_runner_that_may_be_deleted_online_is_not_awaited(engine: Engine) -> None:
    deployed(engine, delete_online=True, wait_timeout=600)
    registered(engine, online=True)
    assert engine.step("remove")["runner_deleted"]
    assert engine.runners() == []


def test_check_mode_expects_that_an_uninstalled_runner_goes_offline(engine: Engine) -> None:
    deployed(engine, wait_timeout=600)
    registered(engine, online=True)
    result = engine.step("remove", check=True)
    assert (result["changed"], result["runner_deleted"]) == (True, True)
    engine.helm.releases.clear()
    engine.next_play()
    assert engine.failure("remove", check=True)["code"] == "runner_online"
    assert engine.runners() == ["edge-1"]


def test_nothing_is_uninstalled_for_an_account_that_is_refused(engine: Engine) -> None:
    deployed(engine)
    engine.account.fault("status", "listRunners", status=401)
    assert engine.failure("remove")["code"] == "unauthorized"
    assert len(engine.helm.releases) == 1


def test_nothing_is_deleted_if_helm_fails(engine: Engine) -> None:
    deployed(engine)
    registered(engine)
    engine.helm.failure = {"failed": True, "msg": "cluster unreachable"}
    failure = engine.failure("remove")
    assert failure["code"] == "release_failed"
    assert "cluster unreachable" in failure["message"]
    assert engine.runners() == ["edge-1"]


# The stale runners of a report


def reported(engine: Engine, runner_id: str, name: str = "old", **changes: t.Any) -> dict[str, t.Any]:
    """What a report has about a stale runner."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "id": runner_id,
        "name": name,
        "endpoint": engine.account.endpoint,
        "api_key_id": engine.account.api_key_id,
        "last_seen_timestamp": LAST_CONTACT,
        "reported_at": now.isoformat(),
        "host": None,
        "listed_by": "edge-1",
        **changes,
    }


def chosen(engine: Engine, *runners: dict[str, t.Any], host: str = "edge-1") -> list[dict[str, t.Any]]:
    result = engine.step("choose_stale", host, soda_decommission_runners=list(runners))
    assert not result.get("failed"), result
    found: list[dict[str, t.Any]] = result["runners"]
    return found


def test_a_stale_runner_is_deleted_by_its_id(engine: Engine) -> None:
    engine.host()
    runner_id = registered(engine, "old")
    registered(engine, "other")
    (one,) = chosen(engine, reported(engine, runner_id))
    assert one["id"] == runner_id
    result = engine.step("remove_stale", runner=one)
    assert result == {"changed": True, "runner_deleted": True, "verdict": "deleted"}
    assert engine.runners() == ["other"]
    summary = engine.step("summarize_decommission")["msg"]
    assert summary == ["1 of 1 stale runner was deleted from Soda Cloud.", f"old ({runner_id})"]
    assert engine.step("remove_stale", runner=one)["verdict"] == "no longer listed"


def test_check_mode_deletes_no_stale_runner(engine: Engine) -> None:
    engine.host()
    (one,) = chosen(engine, reported(engine, registered(engine, "old")))
    assert engine.step("remove_stale", check=True, runner=one)["runner_deleted"]
    assert engine.runners() == ["old"]
    summary = engine.step("summarize_decommission", check=True)["msg"]
    assert summary[0].startswith("1 of 1 stale runner would be deleted from Soda Cloud. Soda Cloud deletes 10")


def test_a_runner_that_comes_online_at_the_last_moment_is_not_deleted(engine: Engine) -> None:
    engine.host()
    runner_id = registered(engine, "old")
    (one,) = chosen(engine, reported(engine, runner_id))

    def start(module: str) -> None:
        if engine.account.operations() == ["getRunner"]:
            engine.account.set_online(runner_id)

    engine.before = start
    result = engine.step("remove_stale", runner=one)
    assert result == {"changed": False, "runner_deleted": False, "verdict": "online"}
    assert engine.runners() == ["old"]


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({"lastSeenTimestamp": "2026-01-02T12:00:00Z"}, "its last contact or its name has changed"),
        ({"lastSeenTimestamp": "1970-01-01T00:00:00Z"}, "its last contact is not known"),
    ],
)
def test_a_runner_that_is_not_as_reported_is_explained(engine: Engine, now: dict[str, t.Any], reason: str) -> None:
    engine.host()
    (one,) = chosen(engine, reported(engine, registered(engine, "old", **now)))
    result = engine.step("remove_stale", runner=one)
    assert (result["changed"], result["runner_deleted"]) == (False, False)
    assert engine.runners() == ["old"]
    lines = engine.step("summarize_decommission")["msg"]
    assert lines[0] == "0 of 1 stale runner were deleted from Soda Cloud."
    assert reason in lines[1]


@pytest.mark.parametrize("has_run", [False, True])
def test_a_runner_that_a_host_declares_is_not_deleted(engine: Engine, has_run: bool) -> None:
    engine.host()
    engine.host("edge-2", name="old")
    one = reported(engine, registered(engine, "old"))
    (evidence,) = chosen(engine, one)
    if has_run:
        chosen(engine, one, host="edge-2")
    assert engine.step("remove_stale", runner=evidence)["verdict"] == "declared by a host"
    assert (engine.runners(), engine.account.operations()) == (["old"], [])
    assert "soda_runner_hosts=edge-2" in engine.step("summarize_decommission")["msg"][1]


def test_a_runner_that_a_host_wants_absent_is_not_declared(engine: Engine) -> None:
    engine.host()
    engine.host("edge-2", name="old", state="absent")
    one = reported(engine, registered(engine, "old"))
    (evidence,) = chosen(engine, one)
    chosen(engine, one, host="edge-2")
    assert engine.step("remove_stale", runner=evidence)["runner_deleted"]


def test_a_runner_of_the_same_name_in_another_account_is_not_declared(engine: Engine) -> None:
    engine.host()
    engine.host("edge-2", name="old", account="second")
    (evidence,) = chosen(engine, reported(engine, registered(engine, "old")))
    assert engine.step("remove_stale", runner=evidence)["runner_deleted"]


def test_the_first_host_of_an_account_deletes_its_stale_runners(engine: Engine) -> None:
    engine.host("edge-1")
    engine.host("edge-2")
    engine.host("edge-3", cloud_api_key_id="another")
    mine, others = reported(engine, "r1"), reported(engine, "r2", api_key_id="another")
    unclaimed = reported(engine, "r3", endpoint="https://cloud.us.soda.io")
    runners = (mine, others, unclaimed)
    assert [[one["id"] for one in chosen(engine, *runners, host=host)] for host in engine.hosts] == [["r1"], [], ["r2"]]
    assert chosen(engine, *runners)[0]["id"] == "r1"
    lines = engine.step("summarize_decommission")["msg"]
    assert lines == [
        "0 of 3 stale runners were deleted from Soda Cloud.",
        "1 runner of the report belongs to an account that no host of this run declares.",
    ]


def test_a_report_of_another_account_is_refused(engine: Engine) -> None:
    engine.host()
    assert chosen(engine, reported(engine, "r1", api_key_id="another")) == []
    failure = engine.failure("summarize_decommission")
    assert failure["code"] == "report_unusable"
    assert "another Soda Cloud API key" in failure["message"]


def test_an_empty_report_deletes_nothing(engine: Engine) -> None:
    engine.host()
    assert chosen(engine) == []
    assert engine.step("summarize_decommission")["msg"] == ["0 of 0 stale runners were deleted from Soda Cloud."]


def test_after_a_failed_deletion_no_other_is_deleted(engine: Engine) -> None:
    engine.host()
    first, second = (reported(engine, registered(engine, name), name) for name in ("first", "second"))
    engine.account.set_in_use(first["id"])
    evidence = chosen(engine, first, second)
    assert engine.failure("remove_stale", runner=evidence[0])["code"] == "runner_in_use"
    failure = engine.failure("remove_stale", runner=evidence[1])
    assert failure["code"] == "deletion_stopped"
    assert failure["message"] == (
        f"The runner 'second' ({second['id']}) was not deleted, because the deletion of 'first' failed."
    )
    assert engine.runners() == ["first", "second"]


def test_a_failed_request_stops_the_deletion_too(engine: Engine) -> None:
    engine.host()
    evidence = chosen(engine, reported(engine, registered(engine, "old")))[0]
    engine.account.fault("status", "getRunner", status=401)
    assert engine.failure("remove_stale", runner=evidence)["code"] == "unauthorized"
    assert engine.failure("remove_stale", runner=evidence)["code"] == "deletion_stopped"


def test_the_report_of_an_audit_is_read(engine: Engine) -> None:
    engine.host()
    path = engine.folder / "report.json"
    one = reported(engine, "r1", reported_at="2026-01-01T00:00:00Z")
    report = {"format": FORMAT, "format_version": FORMAT_VERSION, "generated_at": one["reported_at"], "stale": [one]}
    path.write_text(json.dumps(report), "utf-8")
    path.chmod(0o600)
    variables = {"soda_decommission_audit": str(path), "soda_decommission_max_age_hours": 10**6}
    assert [each["id"] for each in engine.step("choose_stale", **variables)["runners"]] == ["r1"]
    del variables["soda_decommission_max_age_hours"]
    assert engine.failure("choose_stale", **variables)["code"] == "report_unusable"


def test_a_report_without_a_path_is_refused(engine: Engine) -> None:
    engine.host()
    message = engine.failure("choose_stale", soda_decommission_audit=5)["message"]
    assert message == "Set soda_decommission_audit to the path of a report. Nothing was deleted."


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({}, "invalid_target"),
        ({"soda_decommission_audit": "/nonexistent/report.json"}, "report_unusable"),
        ({"soda_decommission_runners": [{}]}, "report_unusable"),
        ({"soda_decommission_runners": [], "soda_decommission_max_age_hours": -1}, "invalid_arguments"),
    ],
)
def test_without_a_usable_report_no_runner_is_chosen(engine: Engine, variables: dict[str, t.Any], code: str) -> None:
    engine.host()
    assert engine.failure("choose_stale", **variables)["code"] == code
    assert engine.account.operations() == []


def test_an_old_report_is_refused_unless_a_higher_age_is_allowed(engine: Engine) -> None:
    engine.host()
    old = reported(engine, "r1", reported_at="2026-01-01T00:00:00Z")
    assert engine.failure("choose_stale", soda_decommission_runners=[old])["code"] == "report_unusable"
    aged = engine.step("choose_stale", soda_decommission_runners=[old], soda_decommission_max_age_hours=10**6)
    assert [one["id"] for one in aged["runners"]] == ["r1"]


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({"soda_runner_hosts": "edge"}, "hosts"),
        ({"soda_decommission_audit": "report.json"}, "stale"),
        ({"soda_decommission_runners": [1]}, "stale"),
    ],
)
def test_the_target_decides_what_is_deleted(engine: Engine, variables: dict[str, t.Any], kind: str) -> None:
    engine.host()
    assert engine.step("check_target", **variables)["kind"] == kind


@pytest.mark.parametrize("variables", [{}, {"soda_runner_hosts": ""}, {"soda_decommission_unknown": 1}])
def test_a_run_without_a_target_deletes_nothing(engine: Engine, variables: dict[str, t.Any]) -> None:
    engine.host()
    assert engine.failure("check_target", **variables)["code"] == "invalid_target"


@pytest.mark.parametrize("check", [False, True])
def test_a_key_that_is_not_where_the_variables_say_is_reported(engine: Engine, check: bool) -> None:
    provisioned(engine, key_store="vault_kv2", vault_path="soda/elsewhere")
    engine.host(key_store="vault_kv2")
    result = engine.step("remove", check=check)
    assert "If its key is in another place, remove it there." in str(result["warnings"])
    assert engine.vault.fields("soda/elsewhere")["api_key_id"]
