# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Helm values of a deployed runner, and what cannot be deployed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import InvalidArguments
from ansible_collections.community.soda.plugins.plugin_utils._declared import Declared, read_declared
from ansible_collections.community.soda.plugins.plugin_utils._role import release


def declared(**variables: t.Any) -> Declared:
    given = {
        "inventory_hostname": "edge-1",
        "soda_runner_name": "warehouse",
        "soda_runner_cloud_api_key_id": "k1",
        "soda_runner_cloud_api_key_secret": "s1",
        "soda_runner_deploy": True,
        "soda_runner_kubernetes_namespace": "soda",
        **{f"soda_runner_{name}": value for name, value in variables.items()},
    }
    return read_declared(given, lambda value: value, {})


def test_the_values_refer_to_the_secret_and_have_the_key_version() -> None:
    key = {"api_key_id": "id", "key_version": 3, "runner_id": None}
    values = release.values_of(declared(values={"soda": {"agent": {"loglevel": "INFO"}}}), key)
    name = values["soda"]["apikey"]["existingSecret"]
    assert name.startswith("warehouse-")
    assert values == {
        "soda": {
            "apikey": {
                "existingSecret": name,
                "secretKeys": {"idKey": "SODA_API_KEY_ID", "secretKey": "SODA_API_KEY_SECRET"},
            },
            "agent": {"name": "warehouse", "loglevel": "INFO"},
            "cloud": {"endpoint": "https://cloud.soda.io", "region": "eu"},
            "env": {"SODA_RUNNER_KEY_VERSION": "3"},
        },
        "existingImagePullSecrets": [{"name": f"{name}-pull"}],
    }
    assert release.key_version_in(values) == "3"


def test_a_registered_runner_keeps_its_id_and_values_of_the_user_keep_their_null() -> None:
    values = release.values_of(
        declared(kubernetes_secret="mine", kubernetes_pull_secret="", values={"soda": {"env": None}, "replicas": None}),
        {"api_key_id": "id", "key_version": 1, "runner_id": "r1"},
    )
    assert values["soda"]["agent"] == {"name": "warehouse", "id": "r1"}
    assert values["soda"]["apikey"]["existingSecret"] == "mine"
    assert "existingImagePullSecrets" not in values
    assert (values["replicas"], values["soda"]["env"]) == (None, None)
    assert release.key_version_in(values) is None


@pytest.mark.parametrize("values", [None, [], {"soda": None}, {"soda": {"env": []}}, {"soda": {"env": {}}}])
def test_other_values_have_no_key_version(values: t.Any) -> None:
    assert release.key_version_in(values) is None


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        ("soda_runner_kubernetes_namespace is not set", {"kubernetes_namespace": ""}),
        ("soda_runner_key_store is file", {"key_store": "file"}),
        ("soda_runner_values has soda.apikey.id", {"values": {"soda": {"apikey": {"id": "x"}}}}),
        ("soda_runner_values has soda.apikey.secret", {"values": {"soda": {"apikey": {"secret": None}}}}),
        ("soda_runner_values has imageCredentials", {"values": {"imageCredentials": {}}}),
        ("soda_runner_kubernetes_options has cache, password", {"kubernetes_options": {"password": 1, "cache": 2}}),
    ],
)
def test_what_cannot_be_deployed_is_refused(words: str, variables: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidArguments, match=words):
        release.check(declared(**variables))


def test_a_complete_declaration_can_be_deployed() -> None:
    options = {"kubeconfig": "/k", "context": "c"}
    release.check(declared(kubernetes_options=options, values={"soda": {"apikey": {"existingSecret": "x"}}}))
