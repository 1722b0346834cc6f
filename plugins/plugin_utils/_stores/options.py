# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The options that name a store, and the document that they name."""

from __future__ import annotations

import typing as t

from ...module_utils._errors import InvalidArguments
from .._config.formats import KUBERNETES_SPEC, REGIONS, REGISTRIES
from .._config.names import pull_secret_name, unique_name, vault_path
from .controller import Controller
from .document import Document, Identity
from .kubernetes_secret import KubernetesSecret, Placement
from .vault_kv2 import VaultSecret

VAULT_KV2, KUBERNETES_SECRET = "vault_kv2", "kubernetes_secret"

STORE_SPEC: dict[str, t.Any] = {
    "store": {"type": "str", "choices": [VAULT_KV2, KUBERNETES_SECRET], "required": True},
    "account": {"type": "str", "default": ""},
    "adopt_store": {"type": "bool", "default": False},
    "vault": {
        "type": "dict",
        "default": {},
        "options": {"mount": {"type": "str", "default": "secret"}, "path": {"type": "str"}},
    },
    "vault_options": {"type": "dict", "default": {}, "no_log": True},
    "kubernetes": KUBERNETES_SPEC,
    "kubernetes_options": {"type": "dict", "default": {}, "no_log": True},
}

KEEP_EMPTY = ("pull_secret",)
"""Options for which empty text has a meaning: no image pull Secret."""


def document_of(parameters: t.Mapping[str, t.Any], identity: Identity, controller: Controller) -> Document:
    """The document in which the key of the runner is stored."""
    if parameters["store"] == VAULT_KV2:
        vault = parameters["vault"]
        return VaultSecret(
            controller.lookup,
            identity,
            mount=vault.get("mount") or "secret",
            path=vault.get("path") or vault_path(identity.name, identity.endpoint, identity.account),
            options=parameters["vault_options"],
            adopt=parameters["adopt_store"],
        )
    return KubernetesSecret(
        controller.lookup,
        controller.module,
        identity,
        placement(parameters["kubernetes"], identity),
        options=parameters["kubernetes_options"],
        adopt=parameters["adopt_store"],
    )


def placement(options: t.Mapping[str, t.Any], identity: Identity) -> Placement:
    """Where the Secrets of a runner are in a cluster."""
    if not options.get("namespace"):
        raise InvalidArguments("kubernetes.namespace is not set. Set the namespace of the Secret.")
    secret = options.get("secret") or unique_name(identity.name, identity.endpoint, identity.account)
    pull_secret = options.get("pull_secret")
    return Placement(
        namespace=options["namespace"],
        secret=secret,
        pull_secret=None if pull_secret == "" else pull_secret or pull_secret_name(secret),
        registry=REGISTRIES[REGIONS.get(identity.endpoint, "eu")],
        labels=_text(options.get("labels") or {}),
        annotations=_text(options.get("annotations") or {}),
    )


def _text(values: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Kubernetes accepts text only. YAML reads an unquoted true or 1 as something else."""
    return {str(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
