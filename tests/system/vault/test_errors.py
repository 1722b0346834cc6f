# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with Vault or with the options is one failure with a code, and no key is requested."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from servers.openbao import OpenBao

from .conftest import Vault
from .test_guides import minimal_policy

READ_ONLY = 'path "{mount}/*" {{ capabilities = ["read"] }}'


def fails(vault: Vault, code: str, advice: str, environment: dict[str, str] | None = None, **options: t.Any) -> None:
    """Run a play that fails before it requests a key. The message says what to do."""
    controller = vault.controller(**(environment or {}))
    failure = vault.play(controller, "warehouse-eu", **options).failure()
    assert failure["code"] == code, failure
    assert vault.issued == []
    assert "createRunner" not in vault.account.operations()
    assert not list(controller.escrow.glob("*.json"))
    assert advice in failure["message"], failure
    assert "\n" not in failure["message"]


def test_a_token_without_a_policy_for_writing(vault: Vault) -> None:
    token = vault.bao.token(READ_ONLY.format(mount=vault.mount))
    fails(vault, "store_denied", "add the policy that the guide about Vault shows.", {"VAULT_TOKEN": token})


@pytest.mark.parametrize("capability", ["create", "update"])
def test_a_policy_without_one_capability(vault: Vault, capability: str) -> None:
    policy = minimal_policy(vault.mount).replace(f'"{capability}", ', "").replace(f', "{capability}"]', "]")
    fails(
        vault,
        "store_denied",
        "add the policy that the guide about Vault shows.",
        {"VAULT_TOKEN": vault.bao.token(policy)},
    )


def test_the_minimal_policy_is_enough(vault: Vault) -> None:
    controller = vault.controller(VAULT_TOKEN=vault.bao.token(minimal_policy(vault.mount)))
    vault.play(controller, "warehouse-eu").ok()
    vault.play(controller, "warehouse-eu", key_version=2).ok()
    vault.play(controller, "warehouse-eu", state="absent").ok()
    assert vault.keys() == {}


def test_a_token_that_is_not_valid(vault: Vault) -> None:
    fails(vault, "store_denied", "Check that the token is valid", {"VAULT_TOKEN": "not-a-token"})


def test_no_token(vault: Vault) -> None:
    fails(vault, "store_login_failed", "Set VAULT_ADDR and VAULT_TOKEN", {"VAULT_TOKEN": ""})


def test_no_address(vault: Vault) -> None:
    fails(vault, "store_login_failed", "Set VAULT_ADDR and VAULT_TOKEN", {"VAULT_ADDR": ""})


def test_an_address_where_nothing_listens(vault: Vault) -> None:
    fails(vault, "store_unreachable", "Check VAULT_ADDR", {"VAULT_ADDR": "http://127.0.0.1:9"})


def test_a_mount_that_does_not_exist(vault: Vault) -> None:
    fails(
        vault,
        "store_not_found",
        "no-such-mount in Vault, or the token has no access to it. Check mount, namespace",
        vault_mount="no-such-mount",
    )


def test_a_namespace_that_does_not_exist(vault: Vault) -> None:
    fails(vault, "store_not_found", "Check the mount and the namespace.", {"VAULT_NAMESPACE": "no-such-namespace"})


def test_an_engine_of_version_1(vault: Vault) -> None:
    mount = f"{vault.mount}-old"
    vault.bao.call("POST", f"sys/mounts/{mount}", {"type": "kv", "options": {"version": "1"}})
    fails(vault, "store_wrong_type", "Set the mount of an engine that is.", vault_mount=mount)


@pytest.mark.parametrize("path", ["a/../b", "/a", "a//b", "a/", ".", "a/./b", "a b", "a?b"])
def test_a_path_that_leaves_its_place(vault: Vault, path: str) -> None:
    fails(vault, "config_not_expressible", "Use segments of letters", vault_path=path)


def test_a_secret_of_another_runner(vault: Vault) -> None:
    controller = vault.controller()
    vault.play(controller, "warehouse-us", vault={"mount": vault.mount, "path": "shared"}).ok()
    failure = vault.play(controller, "warehouse-eu", vault={"mount": vault.mount, "path": "shared"}).failure()
    assert failure["code"] == "store_of_another_runner"
    assert "'warehouse-us'" in failure["message"]
    assert "Set another path, or set adopt_store to true" in failure["message"]
    assert len(vault.issued) == 1


def test_vault_options_set_the_login(vault: Vault) -> None:
    environment = {"VAULT_TOKEN": "", "VAULT_ADDR": "", "TOKEN_OF_TEST": vault.bao.environment()["VAULT_TOKEN"]}
    token = "{{ lookup('ansible.builtin.env', 'TOKEN_OF_TEST') }}"
    options = {"url": vault.bao.url, "token": token}
    vault.play(vault.controller(**environment), "warehouse-eu", vault_options=options).ok()


def test_no_collection(vault: Vault) -> None:
    own = os.environ["ANSIBLE_COLLECTIONS_PATH"].split(os.pathsep)[0]
    advice = "Install it with ansible-galaxy collection install community.hashi_vault"
    fails(vault, "missing_collection", advice, {"ANSIBLE_COLLECTIONS_PATH": own})


def test_no_library(vault: Vault, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden" / "hvac"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('no hvac')\n", "utf-8")
    advice = "library hvac is not installed on the controller. Install it"
    fails(vault, "missing_library", advice, {"PYTHONPATH": str(hidden.parent)})


def test_a_sealed_vault(vault: Vault, tmp_path: Path) -> None:
    with OpenBao(Path(os.environ["OPENBAO"]), tmp_path / "sealed.log").running() as server:
        server.call("PUT", "sys/seal")
        fails(vault, "store_sealed", "Unseal it and run the task again.", {"VAULT_ADDR": server.url})


def test_a_quota(vault: Vault) -> None:
    name = f"quota-{vault.mount}"
    vault.bao.call("POST", f"sys/quotas/rate-limit/{name}", {"path": f"{vault.mount}/", "rate": 0.001})
    try:
        vault.bao.call("GET", f"{vault.mount}/config", check=False)
        fails(vault, "store_quota_exceeded", "Run the task again later.")
    finally:
        vault.bao.call("DELETE", f"sys/quotas/rate-limit/{name}")
