# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
The manifests for the External Secrets Operator have the fields of its API, and no others.

The schema below covers what the manifests use of the kind ExternalSecret, version v1. Its source is the definition
config/crds/bases/external-secrets.io_externalsecrets.yaml in https://github.com/external-secrets/external-secrets, as
of the chart 2.9.0. The definition itself has 600 lines.
"""

from __future__ import annotations

import base64
import json
import re
import typing as t

import jsonschema_rs
import pytest
import yaml

from ansible_collections.community.soda.plugins.plugin_utils._config import formats

Json = dict[str, t.Any]

NAME = {
    "type": "string",
    "minLength": 1,
    "maxLength": 253,
    "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
}
SECRET_KEY = {"type": "string", "minLength": 1, "maxLength": 253, "pattern": "^[-._a-zA-Z0-9]+$"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def record(required: t.Sequence[str] = (), **properties: t.Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


TEMPLATE = record(type={"type": "string"}, engineVersion={"enum": ["v2"]}, data=TEXTS)
DATA = record(
    ["remoteRef", "secretKey"],
    secretKey=SECRET_KEY,
    remoteRef=record(["key"], key={"type": "string"}, property={"type": "string"}),
)
SPEC = record(
    refreshInterval={"type": "string"},
    secretStoreRef=record(kind={"enum": ["SecretStore", "ClusterSecretStore"]}, name=NAME),
    target=record(
        name=NAME,
        creationPolicy={"enum": ["Owner", "Orphan", "Merge", "None"]},
        template=TEMPLATE,
    ),
    data={"type": "array", "items": DATA},
)
EXTERNAL_SECRET = record(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "external-secrets.io/v1"},
    kind={"const": "ExternalSecret"},
    metadata=record(["name"], name=NAME, namespace=NAME, labels=TEXTS, annotations=TEXTS),
    spec=SPEC,
)


def manifests(**settings: t.Any) -> list[Json]:
    given: Json = {"name": "warehouse-eu", "endpoint": "https://cloud.soda.io", "key_store": "vault_kv2"}
    given |= {"external_store_name": "vault", **settings}
    placeholders = formats.Placeholders()
    text = formats.render("external_secret", formats.Settings(**given), placeholders)
    for token in placeholders.rules:
        text = text.replace(token, "1")
    return list(yaml.safe_load_all(text))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"name": "Ümlaut & Co."},
        {"name": "1e5", "external_store_kind": "ClusterSecretStore"},
        {"vault_path": "team/data/runner"},
        {"kubernetes": formats.Kubernetes("soda", labels={"team": "data", "paid": True}, annotations={"cost": 1})},
        {"kubernetes": formats.Kubernetes("soda", secret="runner", pull_secret="")},
    ],
)
def test_the_manifests_are_valid(settings: Json) -> None:
    validator = jsonschema_rs.Draft202012Validator(EXTERNAL_SECRET)
    for manifest in manifests(**settings):
        assert [error.message for error in validator.iter_errors(manifest)] == []


def test_the_login_of_the_pull_secret_is_that_of_the_key() -> None:
    """The template of the operator, with the one function replaced that joins and encodes."""
    template = manifests()[1]["spec"]["target"]["template"]["data"][".dockerconfigjson"]
    login = base64.b64encode(b"id:secret").decode()
    template = re.sub(r"\{\{ list .api_key_id .api_key_secret \| join `:` \| b64enc \}\}", login, template)
    filled = template.replace("{{ .api_key_id }}", "id").replace("{{ .api_key_secret }}", "secret")
    expected = {"username": "id", "password": "secret", "auth": login}
    assert json.loads(filled) == {"auths": {"registry.cloud.soda.io": expected}}
