# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runner keys in Secrets: issued once, unchanged on the second run, rotated, repaired and removed."""

from __future__ import annotations

import base64
import json
import os
import typing as t
from pathlib import Path

import pytest

from examples.collect import collected

from .conftest import Json, Namespace

NAMES = ("warehouse-eu", "Ümlaut & Co.", "edge-1")


def test_three_runners_get_one_key_each_and_a_second_run_sends_no_request(namespace: Namespace) -> None:
    controller = namespace.controller()
    placement: Json = {"labels": {"team": "data"}, "annotations": {"owner": "data@example.com"}}
    assert namespace.play(controller, NAMES, kubernetes=placement).changed == sorted(NAMES)
    assert sorted(namespace.keys().values()) == sorted(namespace.issued)
    secret = namespace.secrets()["warehouse-eu"]
    assert secret["metadata"]["labels"]["team"] == "data"
    assert secret["metadata"]["annotations"]["owner"] == "data@example.com"
    login = namespace.cluster.secrets(namespace.name)[secret["metadata"]["name"] + "-pull"]
    assert login["type"] == "kubernetes.io/dockerconfigjson"
    config = json.loads(login["text"][".dockerconfigjson"])["auths"]["registry.cloud.soda.io"]
    whole = f"{secret['text']['SODA_API_KEY_ID']}:{secret['text']['SODA_API_KEY_SECRET']}"
    assert base64.b64decode(config["auth"]).decode() == whole
    namespace.account.clear_journal()
    assert namespace.play(controller, NAMES, kubernetes=placement).changed == []
    assert namespace.account.operations() == []


def test_check_mode_writes_nothing_and_issues_no_key(namespace: Namespace) -> None:
    result = namespace.play(namespace.controller(), "warehouse-eu", "--check").ok()["warehouse-eu"]
    assert (result["changed"], result["key"]["api_key_id"]) == (True, None)
    assert namespace.issued == []
    assert namespace.secrets() == {}


def test_rotate_repair_and_remove(namespace: Namespace) -> None:
    controller = namespace.controller()
    namespace.play(controller, "warehouse-eu").ok()
    rotated = namespace.play(controller, "warehouse-eu", key_version=2).ok()["warehouse-eu"]
    assert rotated["key"]["key_version"] == 2
    assert namespace.keys() == {"warehouse-eu": namespace.issued[1]}
    name = namespace.secrets()["warehouse-eu"]["metadata"]["name"]
    namespace.cluster.run("delete", "secret", "-n", namespace.name, f"{name}-pull")
    assert namespace.play(controller, "warehouse-eu", key_version=2).changed == ["warehouse-eu"]
    assert f"{name}-pull" in namespace.cluster.secrets(namespace.name)
    assert len(namespace.issued) == 2
    assert namespace.play(controller, "warehouse-eu", state="absent").changed == ["warehouse-eu"]
    assert namespace.secrets() == {}
    assert f"{name}-pull" not in namespace.cluster.secrets(namespace.name)
    assert namespace.play(controller, "warehouse-eu", state="absent").changed == []


@pytest.mark.parametrize("field", ["SODA_API_KEY_ID", "SODA_API_KEY_SECRET"])
def test_a_key_that_somebody_edited_is_reported_and_kept_only_on_request(namespace: Namespace, field: str) -> None:
    controller = namespace.controller()
    namespace.play(controller, "warehouse-eu").ok()
    secret = namespace.secrets()["warehouse-eu"]
    edited = secret["text"][field].swapcase()
    namespace.patch(secret["metadata"]["name"], {"data": {field: base64.b64encode(edited.encode()).decode()}})
    for options in ({}, {"observe": True}, {"key_version": 2}, {"state": "absent"}):
        assert namespace.play(controller, "warehouse-eu", **options).failure()["code"] == "store_edited"
    assert namespace.play(controller, "warehouse-eu", adopt_store=True).changed == ["warehouse-eu"]
    assert namespace.play(controller, "warehouse-eu").changed == []
    assert namespace.secrets()["warehouse-eu"]["text"][field] == edited
    assert len(namespace.issued) == 1


@pytest.mark.parametrize("owned", [False, True], ids=["foreign", "owned by another resource"])
def test_a_secret_of_somebody_else(namespace: Namespace, owned: bool) -> None:
    key = namespace.account.issue_runner_key()
    metadata: Json = {"name": "runner", "namespace": namespace.name}
    if owned:
        metadata["ownerReferences"] = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "0000"}]
    text = {"SODA_API_KEY_ID": key.api_key_id, "SODA_API_KEY_SECRET": key.api_key_secret}
    namespace.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": text})
    controller = namespace.controller()
    placement = {"secret": "runner"}
    refused = namespace.play(controller, "warehouse-eu", kubernetes=placement).failure()
    assert refused["code"] == "store_of_another_runner"
    assert "Set another name" in refused["message"]
    adopted = namespace.play(controller, "warehouse-eu", kubernetes=placement, adopt_store=True)
    if owned:
        assert adopted.failure()["code"] == "store_of_another_runner"
    else:
        assert adopted.changed == ["warehouse-eu"]
        assert namespace.keys() == {"warehouse-eu": key.api_key_id}
        assert namespace.play(controller, "warehouse-eu", kubernetes=placement).changed == []
    assert namespace.account.stats()["keys_issued"] == 0


def role_of_the_guide() -> list[str]:
    """The verbs for Secrets in the role that the guide shows."""
    (role,) = (each for each in collected() if each.name.startswith("docs/guides/kubernetes.md: apiVersion:"))
    (rule,) = role.documents[0]["rules"]
    assert (rule["apiGroups"], rule["resources"]) == ([""], ["secrets"])
    return list(rule["verbs"])


def grant(namespace: Namespace, *verbs: str, others: t.Sequence[Json] = ()) -> str:
    """The name of a user who may do this with Secrets of the namespace, and what the other rules allow."""
    user = f"user-{namespace.name}"
    meta = {"name": user, "namespace": namespace.name}
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": list(verbs)}
    group = "rbac.authorization.k8s.io"
    namespace.cluster.apply(
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": [rule, *others]},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": user},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        },
    )
    return user


def test_the_minimal_role_is_enough(namespace: Namespace) -> None:
    controller = namespace.controller(K8S_AUTH_IMPERSONATE_USER=grant(namespace, *role_of_the_guide()))
    namespace.play(controller, "warehouse-eu").ok()
    namespace.play(controller, "warehouse-eu", key_version=2).ok()
    assert namespace.play(controller, "warehouse-eu", state="absent").changed == ["warehouse-eu"]


@pytest.mark.parametrize("missing", ["create", "get", "patch"])
def test_a_role_without_one_verb_costs_no_key(namespace: Namespace, missing: str) -> None:
    verbs = [verb for verb in role_of_the_guide() if verb != missing]
    user = grant(namespace, *verbs)
    fails(namespace, "store_denied", "See the guide for the role it needs.", {"K8S_AUTH_IMPERSONATE_USER": user})


def test_a_quota_costs_no_key(namespace: Namespace) -> None:
    meta = {"name": "none", "namespace": namespace.name}
    namespace.cluster.apply(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": {"secrets": "0"}}}
    )
    # A controller of the cluster computes this, and none runs here.
    status = json.dumps({"status": {"hard": {"secrets": "0"}, "used": {"secrets": "0"}}})
    patch = ["--subresource=status", "--type=merge", "-p", status]
    namespace.cluster.run("patch", "resourcequota", "none", "-n", namespace.name, *patch)
    fails(namespace, "store_quota_exceeded", "Raise it and run the task again.")


@pytest.mark.parametrize(
    ("code", "advice", "options", "environment"),
    [
        ("store_not_found", "Create it, or set another namespace.", {"kubernetes": {"namespace": "no-such"}}, {}),
        ("config_not_expressible", "Use lowercase letters", {"kubernetes": {"secret": "Not_Valid"}}, {}),
        ("config_not_expressible", "Use lowercase letters", {"kubernetes": {"namespace": "Not Valid"}}, {}),
        ("invalid_arguments", "It can have", {"kubernetes_options": {"definition": {}}}, {}),
        ("invalid_arguments", "Set the namespace", {"kubernetes": {"namespace": ""}}, {}),
        ("store_denied", "Check labels and annotations.", {"kubernetes": {"labels": {"not valid": "x"}}}, {}),
        (
            "store_unreachable",
            "Check KUBECONFIG and the context.",
            {"kubernetes_options": {"host": "https://127.0.0.1:9", "api_key": "x"}},
            {},
        ),
        ("store_login_failed", "Set K8S_AUTH_KUBECONFIG", {}, {"K8S_AUTH_KUBECONFIG": ""}),
        ("invalid_arguments", "Unset it", {}, {"ANSIBLE_KEEP_REMOTE_FILES": "1"}),
        ("invalid_arguments", "Unset it", {}, {"ANSIBLE_DEBUG": "1"}),
    ],
)
def test_bad_input_costs_no_key(
    namespace: Namespace, code: str, advice: str, options: Json, environment: dict[str, str]
) -> None:
    fails(namespace, code, advice, environment, **options)


def test_a_token_that_is_not_valid(namespace: Namespace) -> None:
    config = json.loads(namespace.cluster.run("config", "view", "--raw", "-o", "json"))
    server = config["clusters"][0]["cluster"]["server"]
    options = {"api_key": "not-a-token", "host": server, "validate_certs": False}
    advice, environment = "Set K8S_AUTH_KUBECONFIG", {"K8S_AUTH_KUBECONFIG": ""}
    fails(namespace, "store_login_failed", advice, environment, kubernetes_options=options)


def test_no_collection(namespace: Namespace) -> None:
    own = os.environ["ANSIBLE_COLLECTIONS_PATH"].split(os.pathsep)[0]
    advice = "Install it with ansible-galaxy collection install kubernetes.core"
    fails(namespace, "missing_collection", advice, {"ANSIBLE_COLLECTIONS_PATH": own})


def test_no_library(namespace: Namespace, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden" / "kubernetes"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('no kubernetes')\n", "utf-8")
    advice = "library kubernetes is not installed on the controller. Install it"
    fails(namespace, "missing_library", advice, {"PYTHONPATH": str(hidden.parent)})


def fails(
    namespace: Namespace, code: str, advice: str, environment: dict[str, str] | None = None, **options: t.Any
) -> None:
    """Run a play that fails before it requests a key. The message says what to do."""
    controller = namespace.controller(**(environment or {}))
    failure = namespace.play(controller, "warehouse-eu", **options).failure()
    assert failure["code"] == code, failure
    assert advice in failure["message"], failure
    assert "\n" not in failure["message"]
    assert namespace.issued == []
    assert "createRunner" not in namespace.account.operations()
    assert not list(controller.escrow.glob("*.json"))
