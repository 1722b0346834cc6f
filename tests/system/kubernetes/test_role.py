# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role keeps the keys of a fleet in Secrets, and the audit compares them."""

from __future__ import annotations

import base64
from pathlib import Path

from servers.roles import HOSTS, audit, run

from .conftest import PREFIX, Json, Namespace


def variables(namespace: Namespace) -> Json:
    return {"soda_runner_key_store": "kubernetes_secret", "soda_runner_kubernetes_namespace": namespace.name}


def test_the_audit_finds_what_is_wrong_with_secrets_and_the_role_repairs_them(
    namespace: Namespace, tmp_path: Path
) -> None:
    controller, hosts = namespace.controller(), tmp_path / "hosts"
    run(namespace, controller, hosts, **variables(namespace))
    assert audit(namespace, controller, hosts, **variables(namespace)) == {host: [] for host in HOSTS}
    secrets = namespace.secrets()
    names = {host: secret["metadata"]["name"] for host, secret in secrets.items()}
    namespace.cluster.run("delete", "secret", "-n", namespace.name, f"{names['edge-1']}-pull")
    assert audit(namespace, controller, hosts, **variables(namespace))["edge-1"] == ["drift"]
    run(namespace, controller, hosts, **variables(namespace))
    assert f"{names['edge-1']}-pull" in namespace.cluster.secrets(namespace.name)
    assert len(namespace.issued) == 3

    edited = base64.b64encode(secrets["warehouse-eu"]["text"]["SODA_API_KEY_SECRET"].swapcase().encode()).decode()
    namespace.patch(names["warehouse-eu"], {"data": {"SODA_API_KEY_SECRET": edited}})
    namespace.patch(names["warehouse-us"], {"metadata": {"annotations": {PREFIX + "runner-name": "another"}}})
    namespace.cluster.run("delete", "secret", "-n", namespace.name, names["edge-1"], f"{names['edge-1']}-pull")
    assert audit(namespace, controller, hosts, **variables(namespace)) == {
        "warehouse-eu": ["secret_changed"],
        "warehouse-us": ["key_of_another_runner"],
        "edge-1": ["no_key"],
    }
