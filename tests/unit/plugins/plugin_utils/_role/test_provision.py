# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that give a host its runner key and configuration, and those that wait for its runner."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.community.soda.plugins.plugin_utils._config.names import vault_path
from ansible_collections.community.soda.tests.unit.plugins.engine import Engine
from ansible_collections.community.soda.tests.unit.plugins.harness import mode_of


def key_on(folder: Path) -> dict[str, t.Any]:
    key: dict[str, t.Any] = json.loads((folder / "key.json").read_text("utf-8"))
    return key


def escrow(engine: Engine) -> list[str]:
    folder = engine.folder / "escrow"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def provisioned(engine: Engine, name: str = "edge-1", **variables: t.Any) -> Path:
    """A host with a key and a configuration. Starts the next play."""
    folder = engine.host(name, **variables)
    result = engine.step("issue", name)
    assert not result.get("failed"), result["msg"]
    engine.account.clear_journal()
    engine.next_play()
    return folder


def in_vault(engine: Engine, name: str = "edge-1") -> t.Any:
    return engine.vault.fields(vault_path(name, engine.account.endpoint))


# Write


def test_a_new_host_needs_a_key_and_nothing_is_requested(engine: Engine) -> None:
    folder = engine.host()
    result = engine.step("write")
    assert (result["key_needed"], result["unfinished"], result["wait"]) == (True, True, False)
    assert result["changed"] is False
    assert list(folder.iterdir()) == []
    assert engine.account.operations() == []


def test_an_up_to_date_host_needs_one_module_and_no_request(engine: Engine) -> None:
    provisioned(engine)
    engine.step("schedule_acknowledgement")
    engine.step("acknowledge")
    engine.next_play()
    result = engine.step("write")
    assert (result["changed"], result["unfinished"]) == (False, False)
    assert [(machine, module) for machine, module, _arguments in engine.modules] == [("edge-1", "soda_runner_files")]
    assert engine.account.operations() == []
    assert engine.step("summarize_provision")["msg"] == "1 host was up to date."


def test_a_restart_that_is_owed_is_made_up_until_a_handler_acknowledges_it(engine: Engine) -> None:
    provisioned(engine)
    assert engine.step("write")["restart_owed"] is True
    assert engine.step("write")["unfinished"] is True
    assert engine.step("schedule_acknowledgement")["changed"] is True
    assert engine.step("acknowledge", check=True)["changed"] is False
    engine.host("edge-2")
    engine.step("acknowledge", "edge-2")
    assert engine.step("write")["restart_owed"] is True
    engine.step("acknowledge")
    assert engine.step("write")["restart_owed"] is False
    engine.modules.clear()
    engine.step("acknowledge")
    assert engine.modules == []


def test_a_new_setting_changes_the_configuration_only(engine: Engine) -> None:
    folder = provisioned(engine)
    before = key_on(folder)
    engine.host(values={"soda": {"agent": {"loglevel": "DEBUG"}}})
    assert engine.step("write")["changed"] is True
    assert key_on(folder) == before
    assert "DEBUG" in (folder / "values.yml").read_text("utf-8")
    assert engine.step("summarize_provision")["msg"].startswith("1 host got a new configuration.")


@pytest.mark.parametrize(
    ("variables", "words"),
    [({"state": "absent"}, "soda_runner_state is absent: edge-1"), ({"deploy": True}, "is true: edge-1")],
)
def test_a_host_without_a_local_runner_is_skipped(engine: Engine, variables: dict[str, t.Any], words: str) -> None:
    engine.host(**variables)
    assert engine.step("write") == {"changed": False, "unfinished": False}
    assert engine.modules == []
    assert words in engine.step("summarize_provision")["msg"]


# Announce


def test_the_needed_keys_are_announced_once_for_each_batch(engine: Engine) -> None:
    names = [f"edge-{number}" for number in range(12)]
    for name in names:
        engine.host(name)
        engine.step("write", name)
    message = engine.step("announce", "edge-0")["msg"]
    assert message == (
        "12 hosts need a new runner key. Soda Cloud issues 10 keys in 60 seconds for an account, so this takes"
        " at least 1 minute."
    )
    assert engine.step("announce", "edge-1") == {"changed": False}
    batch = {"ansible_play_batch": names[:2]}
    assert engine.step("announce", "edge-1", check=True, **batch)["msg"].startswith("2 hosts would need a new")


def test_accounts_have_separate_limits(engine: Engine) -> None:
    for number in range(12):
        engine.host(f"edge-{number}", **({"cloud_api_key_id": "another"} if number < 6 else {}))
        engine.step("write", f"edge-{number}")
    message = engine.step("announce", "edge-0")["msg"]
    assert message.startswith("12 hosts need a new runner key.")
    assert message.endswith("so this takes less than a minute.")


def test_hosts_that_need_no_key_are_not_announced(engine: Engine) -> None:
    provisioned(engine)
    engine.step("write")
    assert engine.step("announce") == {"changed": False}


# Issue


def test_the_key_goes_to_the_host_and_leaves_no_copy(engine: Engine) -> None:
    folder = engine.host()
    result = engine.step("issue")
    assert (result["changed"], result["key_issued"], result["key_adopted"]) == (True, True, False)
    key = key_on(folder)
    assert (key["name"], key["key_version"], key["endpoint"]) == ("edge-1", 1, engine.account.endpoint)
    assert mode_of(folder / "key.json") == 0o600
    assert key["api_key_secret"] in (folder / "values.yml").read_text("utf-8")
    assert escrow(engine) == []
    assert engine.account.stats()["keys_issued"] == 1
    requests = [machine for machine, module, _arguments in engine.modules if module != "soda_runner_files"]
    assert set(requests) == {"controller"}
    assert engine.step("summarize_provision")["msg"].startswith("1 host got a new runner key.")


def test_check_mode_issues_no_key(engine: Engine) -> None:
    folder = engine.host()
    result = engine.step("issue", check=True)
    assert (result["changed"], result["key_issued"]) == (True, True)
    assert list(folder.iterdir()) == []
    assert engine.account.stats()["keys_issued"] == 0
    assert not (engine.folder / "escrow").exists()
    assert engine.step("summarize_provision", check=True)["msg"] == "1 host would get a new runner key."


def test_a_host_that_sends_the_requests_itself_needs_no_escrow(engine: Engine) -> None:
    folder = engine.host(api_host="edge-1", dir=str(engine.folder / "edge-1"))
    assert engine.step("issue")["key_issued"]
    assert key_on(folder)["name"] == "edge-1"
    assert {machine for machine, _module, _arguments in engine.modules} == {"edge-1"}
    assert not (engine.folder / "escrow").exists()


def test_a_host_that_cannot_store_a_key_costs_none(engine: Engine) -> None:
    engine.host()
    (engine.folder / "edge-1" / "key.json").mkdir()
    assert engine.failure("issue")["code"] == "key_path_unusable"
    assert engine.account.stats()["keys_issued"] == 0


def test_an_escrow_folder_that_cannot_be_made_costs_no_key(engine: Engine) -> None:
    (engine.folder / "file").write_text("", "utf-8")
    engine.host(escrow_dir=str(engine.folder / "file" / "escrow"))
    failure = engine.failure("issue")
    assert failure["code"] == "key_path_unusable"
    assert engine.account.stats()["keys_issued"] == 0


def test_an_account_is_checked_once_before_a_host_is_changed(engine: Engine) -> None:
    for name in ("edge-1", "edge-2"):
        engine.host(name)
    engine.account.fault("status", "listRunners", status=401)
    failures = [engine.failure("issue", name) for name in ("edge-1", "edge-2")]
    assert [failure["code"] for failure in failures] == ["unauthorized"] * 2
    assert "failed on edge-1, so this host was not changed" in failures[1]["message"]
    assert engine.account.operations() == ["listRunners"]
    assert [module for _machine, module, _arguments in engine.modules] == ["soda_runner_info"]


def test_two_hosts_that_declare_one_runner_get_no_key(engine: Engine) -> None:
    engine.host("edge-1")
    engine.host("edge-2", name="edge-1")
    assert engine.failure("issue", "edge-1")["code"] == "duplicate_declaration"
    engine.hosts["edge-2"]["soda_runner_name"] = "edge-2"
    engine.next_play()
    engine.step("write", "edge-1")
    engine.hosts["edge-2"]["soda_runner_name"] = "edge-1"
    failure = engine.failure("issue", "edge-2")
    assert "edge-1" in failure["message"]
    assert engine.account.stats()["keys_issued"] == 0


def test_a_rotation_replaces_the_key_and_keeps_the_id_of_the_runner(engine: Engine) -> None:
    folder = provisioned(engine)
    first = key_on(folder)
    registered = engine.account.register("edge-1", first["api_key_id"])
    engine.host(key_version=2)
    assert engine.step("write")["key_needed"] is True
    assert engine.step("issue")["key_issued"] is True
    second = key_on(folder)
    assert (second["key_version"], second["runner_id"]) == (2, registered["id"])
    assert second["api_key_id"] != first["api_key_id"]
    assert registered["id"] in (folder / "values.yml").read_text("utf-8")


def test_check_mode_of_a_rotation_knows_the_id_of_the_runner(engine: Engine) -> None:
    folder = provisioned(engine)
    registered = engine.account.register("edge-1", key_on(folder)["api_key_id"])
    engine.host(key_version=2)
    result = engine.step("issue", check=True, diff=True)
    assert (result["changed"], result["key_issued"]) == (True, True)
    assert any(registered["id"] in str(diff.get("after")) for diff in result["diff"])
    assert key_on(folder)["key_version"] == 1


@pytest.mark.parametrize("direct", [False, True])
def test_a_registered_runner_without_a_key_gets_one_only_on_request(engine: Engine, direct: bool) -> None:
    variables = {"api_host": "edge-1"} if direct else {}
    folder = engine.host(**variables)
    (runner_id,) = engine.account.seed("edge-1")
    failure = engine.failure("issue")
    assert failure["code"] == "key_missing"
    assert f"({folder}/key.json)" in failure["message"]
    assert engine.account.stats()["keys_issued"] == 0
    engine.next_play()
    engine.host(**variables, reissue=True)
    assert engine.step("issue")["key_issued"] is True
    assert key_on(folder)["runner_id"] == runner_id


def test_a_key_that_did_not_reach_the_host_is_not_issued_again(engine: Engine) -> None:
    folder = engine.host()

    def lose_the_host(module: str) -> None:
        if module == "soda_runner":
            engine.unreachable.add("edge-1")

    engine.before = lose_the_host
    with pytest.raises(AnsibleConnectionFailure):
        engine.step("issue")
    (waiting,) = escrow(engine)
    content = json.loads((engine.folder / "escrow" / waiting).read_text("utf-8"))
    engine.before = lambda module: None
    engine.unreachable.clear()
    engine.next_play()
    assert engine.step("write")["changed"] is True
    assert key_on(folder)["api_key_id"] == content["api_key_id"]
    assert (escrow(engine), engine.account.stats()["keys_issued"]) == ([], 1)


def test_an_existing_key_is_adopted(engine: Engine) -> None:
    key = engine.account.issue_runner_key()
    existing = {f"existing_{field}": getattr(key, field) for field in ("api_key_id", "api_key_secret")}
    folder = engine.host(**existing)
    written = engine.step("write")
    assert (written["key_needed"], written["key_adoptable"]) == (True, True)
    assert engine.step("announce") == {"changed": False}
    result = engine.step("issue")
    assert (result["changed"], result["key_issued"], result["key_adopted"]) == (True, False, True)
    assert key_on(folder)["api_key_id"] == key.api_key_id
    assert engine.account.stats()["keys_issued"] == 0
    assert engine.step("summarize_provision")["msg"].startswith("1 host kept an existing runner key.")


# Vault


def test_a_key_in_vault_is_issued_once(engine: Engine) -> None:
    folder = engine.host(key_store="vault_kv2")
    assert engine.step("write")["key_needed"] is True
    result = engine.step("issue")
    assert (result["changed"], result["key_issued"]) == (True, True)
    assert in_vault(engine)["api_key_id"]
    assert not (folder / "key.json").exists()
    assert escrow(engine) == ["instance"]
    engine.account.clear_journal()
    engine.next_play()
    engine.step("schedule_acknowledgement")
    engine.step("acknowledge")
    again = engine.step("write")
    assert (again["changed"], again["key_needed"]) == (False, False)
    assert engine.account.operations() == []


def test_check_mode_issues_no_key_for_vault(engine: Engine) -> None:
    engine.host(key_store="vault_kv2")
    result = engine.step("issue", check=True)
    assert (result["changed"], result["key_issued"]) == (True, True)
    assert engine.vault.versions == {}
    assert engine.step("summarize_provision", check=True)["msg"].startswith("1 host would get a new runner key")


@pytest.mark.parametrize("check", [True, False])
def test_an_existing_key_is_adopted_into_vault(engine: Engine, check: bool) -> None:
    key = engine.account.issue_runner_key()
    existing = {f"existing_{field}": getattr(key, field) for field in ("api_key_id", "api_key_secret")}
    engine.host(key_store="vault_kv2", **existing)
    result = engine.step("issue", check=check)
    assert (result["changed"], result["key_issued"], result["key_adopted"]) == (True, False, True)


def test_a_key_version_that_vault_does_not_have_is_needed(engine: Engine) -> None:
    provisioned(engine, key_store="vault_kv2")
    engine.host(key_store="vault_kv2", key_version=2)
    assert engine.step("write")["key_needed"] is True
    predicted = engine.step("issue", check=True)
    assert (predicted["key_issued"], predicted["key_adopted"]) == (True, False)
    assert in_vault(engine)["key_version"] == "1"
    assert engine.step("issue")["key_issued"] is True
    assert in_vault(engine)["key_version"] == "2"


def test_a_key_file_is_moved_to_vault(engine: Engine) -> None:
    folder = provisioned(engine)
    key = key_on(folder)
    engine.host(key_store="vault_kv2")
    assert engine.step("issue")["changed"] is True
    assert in_vault(engine)["api_key_id"] == key["api_key_id"]
    assert not (folder / "key.json").exists()
    assert engine.account.stats()["keys_issued"] == 1


def test_a_move_that_was_killed_before_it_removed_the_key_file_is_continued(engine: Engine) -> None:
    folder = provisioned(engine)
    text = (folder / "key.json").read_bytes()
    engine.host(key_store="vault_kv2")
    engine.step("issue")
    engine.step("acknowledge")
    (folder / "key.json").write_bytes(text)
    engine.next_play()
    previewed = engine.step("write", check=True)
    assert (previewed["unfinished"], previewed["key_needed"]) == (True, True)
    assert engine.step("announce") == {"changed": False}
    assert engine.step("issue")["changed"] is True
    assert not (folder / "key.json").exists()
    assert engine.account.stats()["keys_issued"] == 1


def test_another_key_on_the_host_is_reported_and_stays(engine: Engine) -> None:
    folder = provisioned(engine)
    other = (folder / "key.json").read_bytes()
    (folder / "key.json").unlink()
    engine.host(key_store="vault_kv2")
    engine.step("issue")
    stored = in_vault(engine)["api_key_id"]
    (folder / "key.json").write_bytes(other)
    engine.next_play()
    assert engine.step("write")["key_needed"] is True
    result = engine.step("issue")
    assert json.loads(other)["api_key_id"] in str(result["warnings"])
    assert in_vault(engine)["api_key_id"] == stored
    assert (folder / "key.json").read_bytes() == other


def test_the_key_file_of_another_runner_does_not_matter_to_a_key_in_vault(engine: Engine) -> None:
    others = (provisioned(engine, "edge-1") / "key.json").read_bytes()
    folder = provisioned(engine, "edge-2", key_store="vault_kv2")
    (folder / "key.json").write_bytes(others)
    engine.step("acknowledge", "edge-2")
    assert engine.step("write", "edge-2")["key_needed"] is False
    assert (folder / "key.json").read_bytes() == others


def test_a_registered_runner_without_a_key_in_vault_gets_one_only_on_request(engine: Engine) -> None:
    engine.host(key_store="vault_kv2")
    engine.account.seed("edge-1")
    failure = engine.failure("issue")
    assert failure["code"] == "key_missing"
    assert "its key is not in its store" in failure["message"]
    engine.next_play()
    engine.host(key_store="vault_kv2", reissue=True)
    assert engine.step("issue")["key_issued"] is True


# Wait


def test_hosts_with_the_same_terms_wait_in_one_listing(engine: Engine) -> None:
    for name in ("edge-1", "edge-2"):
        provisioned(engine, name, wait=True)
    for name in ("edge-1", "edge-2"):
        assert engine.step("write", name)["wait"] is True
        engine.account.seed(name)
    assert [engine.step("wait", name) for name in ("edge-1", "edge-2")] == [{"changed": False}] * 2
    assert engine.account.operations() == ["listRunners"]


def test_a_host_whose_runner_does_not_register_fails_alone(engine: Engine) -> None:
    for name in ("edge-1", "edge-2"):
        provisioned(engine, name, wait=True)
    for name in ("edge-1", "edge-2"):
        engine.step("write", name)
    engine.account.seed("edge-2")
    failure = engine.failure("wait", "edge-1")
    assert failure["code"] == "wait_timeout"
    assert failure["message"].startswith("Soda Cloud did not list the runner 'edge-1' within 0.2 seconds.")
    assert engine.step("wait", "edge-2") == {"changed": False}


def test_a_runner_that_is_listed_is_not_always_online(engine: Engine) -> None:
    provisioned(engine, wait=True, wait_for="online")
    engine.step("write")
    (runner_id,) = engine.account.seed("edge-1")
    engine.account.set_online(runner_id, False)
    message = engine.failure("wait")["message"]
    assert message.startswith("Soda Cloud did not report the runner 'edge-1' as online within 0.2 seconds.")
    engine.step("write")
    engine.account.set_online(runner_id)
    assert engine.step("wait") == {"changed": False}


def test_hosts_with_other_terms_wait_for_themselves(engine: Engine) -> None:
    provisioned(engine, "edge-1", wait=True)
    provisioned(engine, "edge-2", wait=True, wait_delay=0.05)
    provisioned(engine, "edge-3", wait=True, api_host="edge-3")
    for name in engine.hosts:
        engine.step("write", name)
        engine.account.seed(name)
    for name in engine.hosts:
        engine.step("wait", name)
    assert engine.account.operations() == ["listRunners"] * 3


def test_a_host_of_another_batch_is_not_awaited(engine: Engine) -> None:
    for name in ("edge-1", "edge-2"):
        provisioned(engine, name, wait=True)
    for name in ("edge-1", "edge-2"):
        engine.step("write", name)
    engine.account.seed("edge-1")
    assert engine.step("wait", "edge-1", ansible_play_batch=["edge-1"]) == {"changed": False}
    engine.account.seed("edge-2")
    assert engine.step("wait", "edge-2", ansible_play_batch=["edge-2"]) == {"changed": False}


def test_a_failed_request_fails_the_wait_of_all(engine: Engine) -> None:
    for name in ("edge-1", "edge-2"):
        provisioned(engine, name, wait=True)
    for name in ("edge-1", "edge-2"):
        engine.step("write", name)
    engine.account.fault("status", "listRunners", status=401)
    assert [engine.failure("wait", name)["code"] for name in ("edge-1", "edge-2")] == ["unauthorized"] * 2
    assert engine.account.operations() == ["listRunners"]


def test_check_mode_does_not_wait(engine: Engine) -> None:
    provisioned(engine, wait=True)
    assert engine.step("write", check=True)["wait"] is False


# Any step


def test_facts_with_the_names_of_variables_are_refused(engine: Engine) -> None:
    engine.host()
    facts = {"soda_runner_cloud_endpoint": "https://evil.example"}
    assert engine.failure("write", ansible_facts=facts)["code"] == "shadowed_variable"
    assert engine.modules == []


@pytest.mark.parametrize("step", ["unknown", None])
def test_an_unknown_step_is_refused(engine: Engine, step: t.Any) -> None:
    engine.host()
    assert engine.failure(step)["code"] == "invalid_arguments"


def test_only_the_documented_options_are_accepted(engine: Engine) -> None:
    engine.host()
    assert engine.failure("write", other=1)["code"] == "invalid_arguments"


@pytest.mark.parametrize("is_direct", [True, False])
def test_a_failed_request_stops_the_account_only_if_the_controller_sent_it(engine: Engine, is_direct: bool) -> None:
    for name, secret in {"edge-1": "wrong", "edge-2": engine.account.api_key_secret}.items():
        engine.host(name, cloud_api_key_secret=secret, **({"api_host": name} if is_direct else {}))
    assert engine.step("issue", "edge-1")["failed"]
    assert engine.step("issue", "edge-2").get("failed", False) is not is_direct
