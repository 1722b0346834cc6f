# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The Helm release of a runner: its values, and how C(kubernetes.core) installs, reads and uninstalls it."""

from __future__ import annotations

import typing as t

import yaml
from ansible.plugins.loader import module_loader

from ...module_utils._api.text import sanitize_line
from ...module_utils._errors import InvalidArguments, MissingCollection, ReleaseFailed
from .._config import formats
from .._config.names import unique_name
from .._config.reply import message_of
from .._config.yaml_text import to_yaml_types
from .._declared import Declared
from .._parameters import to_plain
from .._secret_call import execute_module_with_secret

Json = dict[str, t.Any]

CHART, REPOSITORY = "soda-agent", "https://helm.soda.io/soda-agent/"

HELM, HELM_INFO = "kubernetes.core.helm", "kubernetes.core.helm_info"

LOGIN = ("host", "api_key", "kubeconfig", "context", "ca_cert", "validate_certs")
"""The options of a login to Kubernetes that C(kubernetes.core.helm) has."""

# Below these the values would contain a key. Helm stores the values of a release in the cluster.
_KEYS = (("soda", "apikey", "id"), ("soda", "apikey", "secret"), ("imageCredentials",))

_LONGEST_MESSAGE = 1000


def check_target(declared: Declared) -> None:
    """Raise V(invalid_arguments) for a declaration that does not identify a release."""
    if not declared.kubernetes_namespace:
        raise InvalidArguments("soda_runner_kubernetes_namespace is not set. Set the namespace of the Helm release.")
    if declared.key_store == "file":
        raise InvalidArguments(
            "soda_runner_key_store is file, but soda_runner_deploy is true. Set it to kubernetes_secret or vault_kv2:"
            " the values of a Helm release must not contain a key."
        )
    unknown = sorted(set(declared.kubernetes_options) - set(LOGIN))
    if unknown:
        raise InvalidArguments(
            f"soda_runner_kubernetes_options has {', '.join(unknown)}, which kubernetes.core.helm does not have. Use"
            f" {', '.join(LOGIN)}.",
        )


def check(declared: Declared) -> None:
    """Raise V(invalid_arguments) for a declaration that cannot be deployed."""
    check_target(declared)
    for path in _KEYS:
        if _has(declared.values, path):
            raise InvalidArguments(
                f"soda_runner_values has {'.'.join(path)}. Remove it: Helm stores the values of a release in the"
                " cluster, so they must not contain a key."
            )


def values_of(declared: Declared, key: t.Mapping[str, t.Any]) -> Json:
    """The Helm values for the runner and the status of its key. They refer to the Secret."""
    settings = formats.Settings(
        name=declared.name,
        endpoint=declared.account.endpoint,
        values=declared.values,
        values_section=declared.values_section,
        account=declared.account_label,
        key_store=declared.key_store,
        existing_secret=declared.existing_secret,
        kubernetes=formats.Kubernetes(
            secret=declared.kubernetes_secret,
            pull_secret=declared.kubernetes_pull_secret,
        ),
    )
    placeholders = formats.Placeholders()
    document = yaml.safe_load(formats.render("helm_values", settings, placeholders))
    fields = {"key_version": str(key["key_version"]), "runner_id": key.get("runner_id")}
    known = {token: fields[rule[0]] for token, rule in placeholders.rules.items()}
    return t.cast(Json, _filled(document, known))


def key_version_in(values: t.Any) -> str | None:
    """The version of the key that the values of a release name."""
    for name in ("soda", "env", formats.KEY_VERSION_NAME):
        values = values.get(name) if isinstance(values, dict) else None
    return None if values is None else str(values)


class Release:
    """The release of one runner. Modules run on the host, which has Helm and access to the cluster."""

    def __init__(self, action: t.Any, declared: Declared, task_vars: Json) -> None:
        self._action = action
        self._declared = declared
        self._task_vars = task_vars
        default = unique_name(declared.name, declared.account.endpoint, declared.account_label)
        self.name: str = declared.helm_release or default

    def install(self, values: Json) -> bool:
        """Install or upgrade the release. Return whether that changes anything."""
        declared = self._declared
        arguments = {
            "chart_ref": declared.helm_chart or CHART,
            # Another chart comes from the repository that is declared with it, if there is one.
            "chart_repo_url": declared.helm_repository or (None if declared.helm_chart else REPOSITORY),
            "chart_version": declared.helm_chart_version,
            "release_values": to_yaml_types(values, "soda_runner_values"),
            "timeout": f"{declared.helm_timeout}s",
        }
        return bool(self._run(HELM, arguments)["changed"])

    def uninstall(self) -> bool:
        """Uninstall the release and wait until its pods are gone. Return whether it was installed."""
        arguments = {"release_state": "absent", "wait": True, "wait_timeout": f"{self._declared.helm_timeout}s"}
        return bool(self._run(HELM, arguments)["changed"])

    def values(self) -> Json | None:
        """The values that the installed release has, or None if it is not installed."""
        status = self._run(HELM_INFO, {}).get("status")
        if not isinstance(status, dict):
            return None
        values = status.get("values")
        return t.cast(Json, to_plain(values)) if isinstance(values, dict) else {}

    def _run(self, module: str, arguments: Json) -> Json:
        if module_loader.find_plugin(module) is None:
            raise MissingCollection(
                "The collection kubernetes.core is not installed on the controller. Install it with ansible-galaxy"
                " collection install kubernetes.core.",
            )
        declared = self._declared
        given = {
            "release_name": self.name,
            "release_namespace": declared.kubernetes_namespace,
            "binary_path": declared.helm_program,
            **declared.kubernetes_options,
            **arguments,
        }
        given = {option: value for option, value in given.items() if value is not None}
        result = execute_module_with_secret(self._action, module, given, self._task_vars)
        if result.get("failed") or result.get("unreachable"):
            raise ReleaseFailed(
                f"Helm failed for the release {self.name} in the namespace {declared.kubernetes_namespace}:"
                f" {_message(result)}"
            )
        return result


def _message(result: Json) -> str:
    return sanitize_line(" ".join(str(result.get("msg") or message_of(result)).split()), _LONGEST_MESSAGE)


def _has(values: t.Any, path: t.Sequence[str]) -> bool:
    for name in path:
        if not isinstance(values, t.Mapping) or name not in values:
            return False
        values = values[name]
    return True


def _filled(value: t.Any, known: t.Mapping[str, str | None]) -> t.Any:
    """A document in which placeholders have their values. Without a value, the field is left out."""
    if isinstance(value, dict):
        filled = {name: _filled(item, known) for name, item in value.items()}
        return {name: item for name, item in filled.items() if item is not None or value[name] is None}
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    return known[value] if isinstance(value, str) and value in known else value
