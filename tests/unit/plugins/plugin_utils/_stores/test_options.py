# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a key store, and the place that they name."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest

from ansible_collections.community.soda.plugins.module_utils import _errors
from ansible_collections.community.soda.plugins.plugin_utils._config.names import unique_name, vault_path
from ansible_collections.community.soda.plugins.plugin_utils._stores.document import Identity, Record
from ansible_collections.community.soda.plugins.plugin_utils._stores.kubernetes_secret import Placement
from ansible_collections.community.soda.plugins.plugin_utils._stores.options import document_of, placement
from ansible_collections.community.soda.tests.unit.plugins.cluster_service import ClusterService
from ansible_collections.community.soda.tests.unit.plugins.vault_service import VaultService

IDENTITY = Identity("https://cloud.soda.io", "warehouse", "label")
NAME = unique_name("warehouse", "https://cloud.soda.io", "label")


@pytest.mark.parametrize(
    ("options", "location"),
    [
        ({}, f"secret/{vault_path('warehouse', 'https://cloud.soda.io', 'label')}"),
        ({"mount": "", "path": ""}, f"secret/{vault_path('warehouse', 'https://cloud.soda.io', 'label')}"),
        ({"mount": "kv", "path": "teams/one"}, "kv/teams/one"),
    ],
)
def test_the_place_in_vault(options: dict[str, t.Any], location: str) -> None:
    vault = VaultService(mount=location.partition("/")[0])
    vault.put(location.partition("/")[2], SODA_API_KEY_ID="id", SODA_API_KEY_SECRET="secret")
    parameters = {"store": "vault_kv2", "vault": options, "vault_options": {"url": "u"}, "adopt_store": True}
    document = document_of(parameters, IDENTITY, t.cast(t.Any, SimpleNamespace(lookup=vault.lookup)))
    assert document.location == f"Vault at {location}"
    assert document.read().record.key is not None
    assert vault.requests[0][2] == {"url": "u"}
    refused = document_of({**parameters, "adopt_store": False}, IDENTITY, t.cast(t.Any, vault))
    with pytest.raises(_errors.StoreOfAnotherRunner):
        refused.read()


def test_the_place_in_a_cluster() -> None:
    cluster = ClusterService()
    cluster.put("mine", {"SODA_API_KEY_ID": "id", "SODA_API_KEY_SECRET": "secret"})
    parameters = {
        "store": "kubernetes_secret",
        "kubernetes": {"namespace": "soda", "secret": "mine", "pull_secret": ""},
        "kubernetes_options": {"context": "c"},
        "adopt_store": True,
    }
    document = document_of(parameters, IDENTITY, t.cast(t.Any, cluster))
    assert document.location == "the Secret mine in the namespace soda"
    found = document.read()
    assert found.record.key is not None
    assert document.write(Record(found.record.key), found)
    assert cluster.lookups[0]["context"] == cluster.requests[0][1]["context"] == "c"
    cluster.secrets["mine"]["metadata"]["annotations"] = {}
    with pytest.raises(_errors.StoreOfAnotherRunner):
        document_of({**parameters, "adopt_store": False}, IDENTITY, t.cast(t.Any, cluster)).read()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Placement("soda", NAME, f"{NAME}-pull", "registry.cloud.soda.io")),
        ({"secret": "mine"}, Placement("soda", "mine", "mine-pull", "registry.cloud.soda.io")),
        ({"pull_secret": ""}, Placement("soda", NAME, None, "registry.cloud.soda.io")),
        ({"pull_secret": "login"}, Placement("soda", NAME, "login", "registry.cloud.soda.io")),
        (
            {"labels": {"a": True, "b": 1}, "annotations": {3: False, "c": "Yes"}},
            Placement(
                "soda",
                NAME,
                f"{NAME}-pull",
                "registry.cloud.soda.io",
                {"a": "true", "b": "1"},
                {"3": "false", "c": "Yes"},
            ),
        ),
    ],
)
def test_the_secrets_of_a_runner(options: dict[str, t.Any], expected: Placement) -> None:
    assert placement({"namespace": "soda", **options}, IDENTITY) == expected


@pytest.mark.parametrize(
    ("endpoint", "registry"),
    [
        ("https://cloud.us.soda.io", "registry.us.soda.io"),
        ("https://soda.example.com", "registry.cloud.soda.io"),
    ],
)
def test_the_registry_is_that_of_the_region(endpoint: str, registry: str) -> None:
    assert placement({"namespace": "soda"}, Identity(endpoint, "warehouse")).registry == registry


@pytest.mark.parametrize("options", [{}, {"namespace": ""}, {"namespace": None}])
def test_a_secret_needs_a_namespace(options: dict[str, t.Any]) -> None:
    with pytest.raises(_errors.InvalidArguments, match=r"kubernetes\.namespace is not set"):
        placement(options, IDENTITY)
