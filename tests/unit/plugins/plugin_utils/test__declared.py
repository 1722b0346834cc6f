# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role as one typed value."""

from __future__ import annotations

import os
import pwd
from typing import Any

import pytest
import yaml

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._declared import (
    SPEC,
    Declared,
    read_declared,
)
from tooling import tree

ROLE = tree.ROOT / "roles" / "soda_runner"
OPTIONS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text("utf-8"))["argument_specs"]["main"]["options"]
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text("utf-8"))
NOT_OPTIONAL = {"soda_runner_name", "soda_runner_kubernetes_pull_secret"}
EXPORTED = {
    "SODA_CLOUD_ENDPOINT": "https://cloud.us.soda.io",
    "SODA_CLOUD_API_KEY_ID": "k2",
    "SODA_CLOUD_API_KEY_SECRET": "s2",
    "SODA_CLOUD_VALIDATE_CERTS": "no",
    "SODA_CLOUD_CA_PATH": "/etc/ca.pem",
    "SODA_CLOUD_TIMEOUT": "7",
    "SODA_CLOUD_RETRY_BUDGET": "8",
    "XDG_STATE_HOME": "/srv/state",
}
ACCOUNT = {"soda_runner_cloud_api_key_id": "k1", "soda_runner_cloud_api_key_secret": "s1"}


@pytest.fixture(autouse=True)
def nothing_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in EXPORTED:
        monkeypatch.delenv(name, raising=False)


def export(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in EXPORTED.items():
        monkeypatch.setenv(name, value)


def declared(environment: dict[str, Any] | None = None, **variables: Any) -> Declared:
    given = {"inventory_hostname": "edge-1", "soda_runner_name": "warehouse", **ACCOUNT, **variables}
    return read_declared(given, lambda value: value, environment or {})


def refused(environment: dict[str, Any] | None = None, **variables: Any) -> tuple[str, str]:
    with pytest.raises(SodaError) as raised:
        declared(environment, **variables)
    return raised.value.failure.code, raised.value.failure.message


def test_the_documented_variables_are_the_ones_that_are_read() -> None:
    assert set(OPTIONS) == set(SPEC)


def test_defaults_apply() -> None:
    one = declared()
    assert (one.host, one.name, one.state, one.key_store) == ("edge-1", "warehouse", "present", "file")
    assert one.account == Account("https://cloud.soda.io", "k1")
    assert one.key_path == "/etc/soda-runner/key.json"
    assert one.config_files == [{"format": "helm_values", "path": "/etc/soda-runner/values.yml"}]
    assert not one.is_direct


def test_a_deployed_runner_has_its_key_in_a_secret_by_default() -> None:
    assert declared(soda_runner_deploy=True, soda_runner_key_store="").key_store == "kubernetes_secret"
    assert declared(soda_runner_deploy=True, soda_runner_key_store="vault_kv2").key_store == "vault_kv2"
    assert declared(soda_runner_deploy="", soda_runner_key_store="").key_store == "file"


@pytest.mark.parametrize("variable", sorted(set(SPEC) - NOT_OPTIONAL))
def test_empty_text_means_that_an_optional_variable_is_not_set(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    export(monkeypatch)
    given = {"inventory_hostname": "edge-1", "soda_runner_name": "warehouse"}
    expected = read_declared(given, lambda value: value, {})
    for not_set in ("", None, DEFAULTS[variable]):
        assert read_declared({**given, variable: not_set}, lambda value: value, {}) == expected


def test_variables_that_are_not_set_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    export(monkeypatch)
    one = read_declared({"inventory_hostname": "edge-1", "soda_runner_name": "warehouse"}, lambda value: value, {})
    assert one.connection_arguments() == {
        "endpoint": "https://cloud.us.soda.io",
        "api_key_id": "k2",
        "api_key_secret": "s2",
        "validate_certs": False,
        "ca_path": "/etc/ca.pem",
        "timeout": 7.0,
        "retry_budget": 8.0,
    }
    assert one.escrow_dir == "/srv/state/community.soda/escrow"
    assert declared(soda_runner_cloud_endpoint="https://cloud.soda.io").account == Account(
        "https://cloud.soda.io", "k1"
    )


def test_an_empty_pull_secret_is_a_value() -> None:
    assert declared().kubernetes_pull_secret is None
    assert declared(soda_runner_kubernetes_pull_secret="").kubernetes_pull_secret == ""


@pytest.mark.parametrize(("given", "name"), [("1234", "1234"), (1234, "1234"), ("no", "no"), ("1e5", "1e5")])
def test_a_name_is_text_or_an_integer(given: Any, name: str) -> None:
    assert declared(soda_runner_name=given).name == name


@pytest.mark.parametrize("name", ["", None, False, 1e5, [], {}])
def test_another_name_is_refused(name: Any) -> None:
    code, message = refused(soda_runner_name=name)
    assert code == "invalid_name"
    assert "soda_runner_name" in message


def test_localhost_is_a_name_only_if_it_is_set() -> None:
    assert declared(inventory_hostname="localhost", soda_runner_name="localhost").name == "localhost"
    with pytest.raises(SodaError, match="Set soda_runner_name"):
        read_declared(
            {"inventory_hostname": "localhost", "soda_runner_name": "{{ inventory_hostname }}", **ACCOUNT},
            lambda value: "localhost" if value == "{{ inventory_hostname }}" else value,
            {},
        )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("soda_runner_state", "perhaps"),
        ("soda_runner_key_version", -1),
        ("soda_runner_key_version", 0),
        ("soda_runner_key_version", "newest"),
        ("soda_runner_key_store", "paper"),
        ("soda_runner_wait", "perhaps"),
        ("soda_runner_wait_for", "ever"),
        ("soda_runner_wait_delay", 0),
        ("soda_runner_wait_delay", "nan"),
        ("soda_runner_wait_timeout", -1),
        ("soda_runner_cloud_timeout", 0),
        ("soda_runner_cloud_retry_budget", "inf"),
        ("soda_runner_throttle", -1),
        ("soda_runner_config_files", "values.yml"),
        ("soda_runner_config_files", [{"format": "dotenv"}]),
        ("soda_runner_values", "no mapping"),
        ("soda_runner_api_host", "another.machine"),
        ("soda_runner_existing_api_key_id", "only-the-id"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_the_name_of_its_variable(variable: str, value: Any) -> None:
    code, message = refused(**{variable: value})
    assert code == "invalid_arguments"
    assert variable in message


def test_the_id_of_the_soda_cloud_api_key_is_required() -> None:
    code, message = refused(soda_runner_cloud_api_key_id="")
    assert code == "missing_credentials"
    assert "soda_runner_cloud_api_key_id" in message


def test_a_key_is_adopted_from_one_place() -> None:
    existing = {"soda_runner_existing_api_key_id": "id", "soda_runner_existing_api_key_secret": "secret"}
    assert declared(**existing).config_arguments()["existing_key"] == {"api_key_id": "id", "api_key_secret": "secret"}
    assert declared(soda_runner_import_from="/etc/old.yml").adopts
    assert refused(**existing, soda_runner_import_from="/etc/old.yml")[0] == "invalid_arguments"


def test_an_environment_that_the_role_does_not_read_is_reported() -> None:
    code, message = refused({"SODA_CLOUD_API_KEY_ID": "k2"})
    assert code == "invalid_arguments"
    assert "soda_runner_cloud_api_key_id instead of SODA_CLOUD_API_KEY_ID" in message
    same = {"SODA_CLOUD_API_KEY_ID": "k1", "SODA_CLOUD_TIMEOUT": "30", "HTTPS_PROXY": "http://proxy"}
    assert declared(same).account.api_key_id == "k1"


def test_identity_of_a_runner_on_its_host_has_no_secret() -> None:
    one = declared(soda_runner_existing_api_key_id="id", soda_runner_existing_api_key_secret="hidden")
    assert "hidden" not in str(one.acknowledge_arguments())
    assert "s1" not in str(one.config_arguments())


def test_the_escrow_does_not_move_if_home_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    expected = os.path.join(pwd.getpwuid(os.geteuid()).pw_dir, ".local/state/community.soda/escrow")
    assert declared().escrow_dir == expected
