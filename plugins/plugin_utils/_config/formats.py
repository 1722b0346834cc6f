# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The configuration formats: from settings to text. No I/O and no Ansible.

The controller does not have the key of an up-to-date host, so the text has placeholders for it. The host replaces them.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
import typing as t
from urllib.parse import urlsplit

from ...module_utils._errors import ConfigFormatUnknown, ConfigNotExpressible, ConfigValuesInvalid
from ...module_utils._host.request import VALUES_SECTION
from ...module_utils._key.stored_key import ID_VARIABLE, RUNNER_ID_VARIABLE, SECRET_VARIABLE
from . import names
from .yaml_text import dump, merge, to_yaml_types

KEY_VERSION_NAME = "SODA_RUNNER_KEY_VERSION"
"""A rotation changes this variable in the pod template, so Kubernetes restarts the pods."""

REGIONS = {"https://cloud.soda.io": "eu", "https://cloud.us.soda.io": "us"}
REGISTRIES = {"eu": "registry.cloud.soda.io", "us": "registry.us.soda.io"}

KUBERNETES_SPEC: dict[str, t.Any] = {
    "type": "dict",
    "default": {},
    "options": {
        "namespace": {"type": "str"},
        "secret": {"type": "str", "no_log": False},
        "pull_secret": {"type": "str", "no_log": False},
        "labels": {"type": "dict", "default": {}},
        "annotations": {"type": "dict", "default": {}},
    },
}
"""The option C(kubernetes): the names of a runner's Secrets, and what their metadata contains."""


@dataclasses.dataclass(frozen=True)
class Kubernetes:
    """Where the Secrets are in Kubernetes, and their metadata."""

    namespace: str | None = None
    secret: str | None = None
    """The default is a unique name."""
    pull_secret: str | None = None
    """The default is a name that belongs to the Secret. Empty text is no image pull secret."""
    labels: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    annotations: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the files contain besides the key."""

    name: str
    endpoint: str
    """Normalized."""
    values: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    """Merged over the Helm values."""
    values_section: str = VALUES_SECTION
    """The product was renamed from agent to runner. The section of the chart was not."""
    account: str = ""
    """The label that distinguishes two accounts at one endpoint."""
    key_store: str = "file"
    existing_secret: str | None = None
    """A Kubernetes Secret with the key that somebody else maintains."""
    kubernetes: Kubernetes = Kubernetes()
    vault_path: str | None = None
    """Below the mount. The default is a unique path."""
    external_store_kind: str = "SecretStore"
    external_store_name: str | None = None

    @property
    def secret_name(self) -> str:
        """The name of the Secret with the key."""
        default = names.unique_name(self.name, self.endpoint, self.account)
        return names.check_secret_name(self.existing_secret or self.kubernetes.secret or default)

    @property
    def pull_secret_name(self) -> str | None:
        """The name of the Secret with the login to Soda's image registry."""
        given = self.kubernetes.pull_secret
        if given == "":
            return None
        return names.check_secret_name(given or names.pull_secret_name(self.secret_name))

    @property
    def refers_to_secret(self) -> bool:
        """Whether the Helm values name a Secret and contain no key."""
        return self.existing_secret is not None or self.key_store != "file"

    @property
    def region(self) -> str | None:
        return REGIONS.get(self.endpoint)

    @property
    def registry(self) -> str:
        return REGISTRIES[self.region or "eu"]


class Placeholders:
    """Random text that stands for values that only the host has."""

    def __init__(self) -> None:
        self._prefix = f"placeholder{secrets.token_hex(12)}x"
        self.rules: dict[str, list[str]] = {}

    def of(self, field: str, *encodings: str) -> str:
        """The placeholder for a field of the key. The host applies the encodings in this order."""
        for token, rule in self.rules.items():
            if rule == [field, *encodings]:
                return token
        token = f"{self._prefix}{len(self.rules)}x"
        self.rules[token] = [field, *encodings]
        return token


def check(file_format: str, settings: Settings) -> None:
    """Raise a C(SodaError) for what cannot be rendered."""
    if file_format not in _FORMATS:
        raise ConfigFormatUnknown(
            f"{file_format!r} is not a configuration format. Use one of {', '.join(_FORMATS)}.",
        )
    if settings.key_store != "file" and contains_key(file_format, settings):
        raise ConfigNotExpressible(
            f"The format {file_format} contains the key, but the key store is {settings.key_store}, so the host does"
            " not have it. Use helm_values or external_secret.",
        )
    render(file_format, settings, Placeholders())


def contains_key(file_format: str, settings: Settings) -> bool:
    """Whether a file in this format contains the secret of the runner key."""
    if file_format == "helm_values":
        return not settings.refers_to_secret
    return file_format != "external_secret"


def render(file_format: str, settings: Settings, placeholders: Placeholders) -> str:
    """The text of a configuration file in this format."""
    return _FORMATS[file_format](settings, placeholders)


def _helm_values(settings: Settings, placeholders: Placeholders) -> str:
    # A runner that was registered before can register again only with its id. Without one, the line is left out.
    runner = {"name": settings.name, "id": placeholders.of("runner_id", "yaml")}
    cloud = {"endpoint": settings.endpoint}
    if settings.region is not None:
        # The chart chooses the image registry by the region.
        cloud["region"] = settings.region
    soda: dict[str, t.Any] = {"apikey": _apikey(settings, placeholders), settings.values_section: runner}
    soda["cloud"] = cloud
    values: dict[str, t.Any] = {"soda": soda}
    if settings.refers_to_secret:
        soda["env"] = {KEY_VERSION_NAME: placeholders.of("key_version", "yaml")}
        if settings.pull_secret_name is not None:
            values["existingImagePullSecrets"] = [{"name": settings.pull_secret_name}]
    return _document(merge(values, settings.values))


def _apikey(settings: Settings, placeholders: Placeholders) -> dict[str, t.Any]:
    if settings.refers_to_secret:
        return {
            "existingSecret": settings.secret_name,
            "secretKeys": {"idKey": ID_VARIABLE, "secretKey": SECRET_VARIABLE},
        }
    return {"id": placeholders.of("api_key_id", "yaml"), "secret": placeholders.of("api_key_secret", "yaml")}


def _kubernetes_secret(settings: Settings, placeholders: Placeholders) -> str:
    return _document(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": _metadata(settings, settings.secret_name),
            "type": "Opaque",
            "stringData": {
                ID_VARIABLE: placeholders.of("api_key_id", "yaml"),
                SECRET_VARIABLE: placeholders.of("api_key_secret", "yaml"),
            },
        }
    )


def _image_pull_secret(settings: Settings, placeholders: Placeholders) -> str:
    login = _docker_config(
        settings.registry,
        placeholders.of("api_key_id", "json", "yaml"),
        placeholders.of("api_key_secret", "json", "yaml"),
        placeholders.of("registry_login", "json", "yaml"),
    )
    return _document(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": _metadata(settings, _required_pull_secret(settings)),
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": login},
        }
    )


def _external_secret(settings: Settings, placeholders: Placeholders) -> str:
    """The manifests with which the External Secrets Operator copies the key from Vault."""
    path = names.check_vault_path(
        settings.vault_path or names.vault_path(settings.name, settings.endpoint, settings.account)
    )
    key = {"key": path}
    documents = [
        _external_manifest(
            settings,
            settings.secret_name,
            {},
            [
                {"secretKey": ID_VARIABLE, "remoteRef": {**key, "property": "api_key_id"}},
                {"secretKey": SECRET_VARIABLE, "remoteRef": {**key, "property": "api_key_secret"}},
            ],
            placeholders,
        )
    ]
    if settings.pull_secret_name is not None:
        # A template of the operator, which runs in the cluster.
        login = _docker_config(
            settings.registry,
            "{{ .api_key_id }}",
            "{{ .api_key_secret }}",
            "{{ list .api_key_id .api_key_secret | join `:` | b64enc }}",
        )
        template = {
            "type": "kubernetes.io/dockerconfigjson",
            "engineVersion": "v2",
            "data": {".dockerconfigjson": login},
        }
        fields = [
            {"secretKey": field, "remoteRef": {**key, "property": field}} for field in ("api_key_id", "api_key_secret")
        ]
        documents.append(
            _external_manifest(settings, settings.pull_secret_name, {"template": template}, fields, placeholders)
        )
    return "---\n".join(documents)


def _external_manifest(
    settings: Settings,
    name: str,
    target: t.Mapping[str, t.Any],
    data: list[dict[str, t.Any]],
    placeholders: Placeholders,
) -> str:
    if not settings.external_store_name:
        raise ConfigNotExpressible(
            "The format external_secret needs external_secret_store.name, the name of the SecretStore or"
            " ClusterSecretStore in the cluster.",
        )
    metadata = _metadata(settings, name)
    # A rotation changes the annotation, so the operator reads the key again at once.
    version = {"community.soda/key-version": placeholders.of("key_version", "yaml")}
    metadata["annotations"] = {**metadata.get("annotations", {}), **version}
    return _document(
        {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": metadata,
            "spec": {
                "refreshInterval": "1h",
                "secretStoreRef": {
                    "kind": settings.external_store_kind,
                    "name": names.check_secret_name(settings.external_store_name, "external_secret_store.name"),
                },
                "target": {"name": name, "creationPolicy": "Owner", **target},
                "data": data,
            },
        }
    )


def _dotenv(settings: Settings, placeholders: Placeholders) -> str:
    fields = {ID_VARIABLE: "api_key_id", SECRET_VARIABLE: "api_key_secret", RUNNER_ID_VARIABLE: "runner_id"}
    return "".join(f"{name}={placeholders.of(field, 'dotenv')}\n" for name, field in fields.items())


def _soda_core(settings: Settings, placeholders: Placeholders) -> str:
    parts = urlsplit(settings.endpoint)
    if parts.path:
        raise ConfigNotExpressible(
            f"The format soda_core has no field for the path in the endpoint {settings.endpoint}. Use another format.",
        )
    host = str(parts.hostname)
    return _document(
        {
            "soda_cloud": {
                "host": f"[{host}]" if ":" in host else host,
                "port": str(parts.port or {"https": 443, "http": 80}[parts.scheme]),
                "scheme": parts.scheme,
                "api_key_id": placeholders.of("api_key_id", "yaml"),
                "api_key_secret": placeholders.of("api_key_secret", "yaml"),
            }
        }
    )


_FORMATS: dict[str, t.Callable[[Settings, Placeholders], str]] = {
    "helm_values": _helm_values,
    "kubernetes_secret": _kubernetes_secret,
    "image_pull_secret": _image_pull_secret,
    "external_secret": _external_secret,
    "dotenv": _dotenv,
    "soda_core": _soda_core,
}

FORMATS = tuple(_FORMATS)


def _metadata(settings: Settings, name: str) -> dict[str, t.Any]:
    kubernetes = settings.kubernetes
    metadata: dict[str, t.Any] = {"name": name}
    if kubernetes.namespace:
        metadata["namespace"] = names.check_namespace(kubernetes.namespace)
    for field, given in (("labels", kubernetes.labels), ("annotations", kubernetes.annotations)):
        if given:
            metadata[field] = {key: _as_text(value, f"kubernetes.{field}.{key}") for key, value in given.items()}
    return metadata


def _as_text(value: t.Any, option: str) -> str:
    """Kubernetes accepts only text as the value of a label or an annotation."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ConfigValuesInvalid(f"{option} is a {type(value).__name__}. Set it to text.")


def _required_pull_secret(settings: Settings) -> str:
    name = settings.pull_secret_name
    if name is None:
        raise ConfigNotExpressible(
            "The format image_pull_secret needs a name, but kubernetes.pull_secret is empty. Set it, or leave it out.",
        )
    return name


def _docker_config(registry: str, username: str, password: str, login: str) -> str:
    return json.dumps({"auths": {registry: {"username": username, "password": password, "auth": login}}})


def _document(data: t.Any) -> str:
    return dump(to_yaml_types(data, ""))
