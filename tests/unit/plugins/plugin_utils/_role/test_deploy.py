# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The step that deploys a runner: its key in Vault, then its Helm release."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.soda.plugins.plugin_utils._config.names import unique_name, vault_path
from ansible_collections.community.soda.tests.unit.plugins.engine import Engine


@pytest.fixture
def name(engine: Engine) -> str:
    """A runner that is declared and not deployed yet. Its name in the cluster."""
    declare(engine)
    return unique_name("edge-1", engine.account.endpoint)


def declare(engine: Engine, host: str = "edge-1", /, **variables: t.Any) -> None:
    given = {"deploy": True, "key_store": "vault_kv2", "kubernetes_namespace": "soda", "wait_timeout": 0}
    engine.host(host, **{**given, **variables})


def in_vault(engine: Engine) -> t.Any:
    return engine.vault.fields(vault_path("edge-1", engine.account.endpoint))


def test_the_key_is_stored_and_the_release_refers_to_it(engine: Engine, name: str) -> None:
    result = engine.step("deploy")
    assert result == {"changed": True, "key_issued": True, "release": name, "wait": False}
    assert in_vault(engine)["api_key_id"]
    (module, arguments) = engine.helm.requests[-1]
    values = arguments.pop("release_values")
    assert arguments == {
        "release_name": name,
        "release_namespace": "soda",
        "chart_ref": "soda-agent",
        "chart_repo_url": "https://helm.soda.io/soda-agent/",
        "timeout": "600s",
    }
    assert module == "helm"
    assert values["soda"]["apikey"]["existingSecret"] == name
    assert values["soda"]["env"] == {"SODA_RUNNER_KEY_VERSION": "1"}
    assert engine.step("summarize_deployment")["msg"].startswith("1 of 1 runner is deployed, 1 changed.")


def test_a_second_run_changes_nothing_and_sends_no_request(engine: Engine, name: str) -> None:
    engine.step("deploy")
    engine.account.clear_journal()
    engine.next_play()
    result = engine.step("deploy")
    assert (result["changed"], result["key_issued"]) == (False, False)
    assert engine.account.operations() == []
    assert engine.step("summarize_deployment")["msg"].startswith("1 of 1 runner is deployed, 0 changed.")


def test_a_rotation_upgrades_the_release(engine: Engine, name: str) -> None:
    engine.step("deploy")
    engine.next_play()
    declare(engine, key_version=2)
    result = engine.step("deploy", diff=True)
    assert (result["changed"], result["key_issued"]) == (True, True)
    assert engine.helm.releases[name]["soda"]["env"] == {"SODA_RUNNER_KEY_VERSION": "2"}
    assert in_vault(engine)["key_version"] == "2"
    (diff,) = result["diff"]
    assert diff["before_header"] == diff["after_header"] == f"values of the release {name}"
    assert 'SODA_RUNNER_KEY_VERSION: "1"' in diff["before"]
    assert 'SODA_RUNNER_KEY_VERSION: "2"' in diff["after"]


def test_a_new_release_has_nothing_before(engine: Engine, name: str) -> None:
    (diff,) = engine.step("deploy", diff=True)["diff"]
    assert diff["before"] == ""
    assert "edge-1" in diff["after"]


def test_check_mode_deploys_nothing(engine: Engine, name: str) -> None:
    declare(engine, wait_timeout=600)
    result = engine.step("deploy", check=True)
    assert result == {"changed": True, "key_issued": True, "release": name, "wait": False}
    assert (engine.vault.versions, engine.helm.releases) == ({}, {})
    assert engine.account.stats()["keys_issued"] == 0
    assert engine.step("summarize_deployment", check=True)["msg"].startswith("1 of 1 runner would be deployed")


def test_a_new_setting_upgrades_the_release_without_a_key(engine: Engine, name: str) -> None:
    engine.step("deploy")
    engine.next_play()
    declare(engine, values={"soda": {"agent": {"loglevel": "DEBUG"}}})
    result = engine.step("deploy")
    assert (result["changed"], result["key_issued"]) == (True, False)
    assert engine.helm.releases[name]["soda"]["agent"]["loglevel"] == "DEBUG"


def test_a_deployed_runner_is_awaited(engine: Engine) -> None:
    declare(engine, wait_timeout=0.2)
    assert engine.step("deploy")["wait"] is True
    assert engine.failure("wait")["code"] == "wait_timeout"
    engine.account.seed("edge-1")
    engine.next_play()
    engine.step("deploy")
    assert engine.step("wait") == {"changed": False}


@pytest.mark.parametrize("variables", [{"deploy": False, "key_store": "file"}, {"state": "absent"}])
def test_a_host_without_a_deployed_runner_is_skipped(engine: Engine, variables: dict[str, t.Any]) -> None:
    declare(engine, **variables)
    assert engine.step("deploy") == {"changed": False, "wait": False}
    assert engine.modules == []
    assert "edge-1" in engine.step("summarize_deployment")["msg"]


def test_a_declaration_that_cannot_be_deployed_costs_no_key(engine: Engine) -> None:
    declare(engine, values={"soda": {"apikey": {"id": "x"}}})
    assert engine.failure("deploy")["code"] == "invalid_arguments"
    assert (engine.account.operations(), engine.vault.requests) == ([], [])


def test_two_hosts_that_declare_one_runner_get_no_key(engine: Engine, name: str) -> None:
    declare(engine, "edge-2", name="edge-1")
    assert engine.failure("deploy", "edge-2")["code"] == "duplicate_declaration"
    assert engine.account.stats()["keys_issued"] == 0


def test_an_account_that_is_refused_changes_nothing(engine: Engine, name: str) -> None:
    engine.account.fault("status", "listRunners", status=401)
    assert engine.failure("deploy")["code"] == "unauthorized"
    assert engine.helm.requests == []


def test_a_registered_runner_without_a_key_is_not_deployed(engine: Engine, name: str) -> None:
    engine.account.seed("edge-1")
    assert engine.failure("deploy")["code"] == "key_missing"
    assert engine.helm.releases == {}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"helm_release": "mine"}, {"release_name": "mine"}),
        ({"helm_chart": "/charts/soda"}, {"chart_ref": "/charts/soda", "chart_repo_url": None}),
        ({"helm_repository": "https://mirror"}, {"chart_ref": "soda-agent", "chart_repo_url": "https://mirror"}),
        ({"helm_chart_version": "1.2"}, {"chart_version": "1.2"}),
        ({"helm_program": "/opt/helm", "helm_timeout": 5}, {"binary_path": "/opt/helm", "timeout": "5s"}),
        ({"kubernetes_options": {"context": "c"}}, {"context": "c"}),
    ],
)
def test_the_variables_of_the_release(engine: Engine, variables: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    declare(engine, **variables)
    engine.step("deploy")
    arguments = engine.helm.requests[-1][1]
    assert {name: arguments.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"failed": True, "msg": "no\n  cluster"}, "in the namespace soda: no cluster"),
        ({"unreachable": True, "msg": "no route"}, "no route"),
        ({"failed": True}, "The module failed on the host."),
        ({"failed": True, "msg": "x" * 3000}, "x" * 900),
    ],
)
def test_a_failure_of_helm_is_reported(engine: Engine, name: str, answer: dict[str, t.Any], words: str) -> None:
    engine.helm.failure = answer
    failure = engine.failure("deploy")
    assert failure["code"] == "release_failed"
    assert failure["message"].startswith(f"Helm failed for the release {name} ")
    assert words in failure["message"]
    assert len(failure["message"]) < 1200
    assert engine.account.stats()["keys_issued"] == 0
