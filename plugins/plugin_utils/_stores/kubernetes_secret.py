# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A Secret in a Kubernetes cluster, reached through ``kubernetes.core``."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import typing as t

from ...module_utils._errors import InvalidArguments, SodaError, StoreEdited, StoreOfAnotherRunner
from ...module_utils._key.stored_key import ID_VARIABLE, SECRET_VARIABLE, StoredKey
from .._config.names import check_namespace, check_secret_name
from . import kubernetes_errors
from .document import Conflict, Found, Identity, Lookup, Record, State, read_version
from .fingerprint import fingerprint, is_edited
from .intent import Intent

Json = dict[str, t.Any]

MODULE, LOOKUP = "kubernetes.core.k8s", "kubernetes.core.k8s"
PREFIX = "community.soda/"
LOGIN = ".dockerconfigjson"

_METADATA = (
    *("endpoint", "runner-name", "account", "api-key-id", "key-version", "issued-at", "runner-id"),
    *("fingerprint", "intent"),
)

CONNECTION_OPTIONS = frozenset(
    {
        *("host", "api_key", "kubeconfig", "context", "username", "password", "client_cert", "client_key", "ca_cert"),
        *("validate_certs", "proxy", "no_proxy", "proxy_headers", "persist_config"),
        *("impersonate_user", "impersonate_groups"),
    }
)


Module = t.Callable[..., Json]
"""Runs a module of another collection on the controller: its name, its arguments and C(check_mode)."""

# The server gives a new Secret its own uid.
NO_UID = "00000000-0000-0000-0000-000000000000"


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where the Secrets are, and their metadata."""

    namespace: str
    secret: str
    pull_secret: str | None
    """The Secret with the login to the image registry, or None."""
    registry: str
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    annotations: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


class KubernetesSecret:
    """
    The Secret of one runner. The key is its data, metadata and intent are annotations, so one write changes all.

    C(revision) is the uid and the resourceVersion of the Secret, and those of the image pull Secret.
    """

    def __init__(
        self,
        lookup: Lookup,
        module: Module,
        identity: Identity,
        placement: Placement,
        options: t.Mapping[str, t.Any],
        adopt: bool = False,
    ) -> None:
        unknown = sorted(set(options) - CONNECTION_OPTIONS)
        if unknown:
            raise InvalidArguments(
                f"kubernetes_options has {', '.join(unknown)}. It can have {', '.join(sorted(CONNECTION_OPTIONS))}.",
            )
        check_namespace(placement.namespace)
        for name in (placement.secret, placement.pull_secret):
            if name is not None:
                check_secret_name(name)
        self._lookup = lookup
        self._module = module
        self._identity = identity
        self._placement = placement
        self._options = dict(options)
        self._adopt = adopt

    @property
    def location(self) -> str:
        return f"the Secret {self._placement.secret} in the namespace {self._placement.namespace}"

    def read(self) -> Found:
        secret = self._get(self._placement.secret)
        pull = None if self._placement.pull_secret is None else self._get(self._placement.pull_secret)
        revision = (_version(secret), _version(pull))
        if secret is None:
            return Found(State.ABSENT, revision)
        annotations, data = self._checked(secret, self._placement.secret), _data(secret)
        key = self._key(annotations, data)
        if pull is not None:
            self._checked(pull, t.cast(str, self._placement.pull_secret))
        if key is not None and not self._is_as_declared(secret, pull, key):
            key = dataclasses.replace(key, in_place=False)
        return Found(State.PRESENT, revision, Record(key, Intent.from_json(annotations.get(PREFIX + "intent"))))

    def check_writable(self, found: Found, sample: StoredKey) -> None:
        """Let the server check the Secrets with a key in them, and store nothing."""
        self._put(Record(key=found.record.key or sample), found.revision, dry_run=True)

    def write(self, record: Record, found: Found) -> Found:
        self._put(record, found.revision)
        # The module reports success if another client created the Secret at the same moment.
        now = self.read()
        wanted = dataclasses.replace(record, key=record.key and dataclasses.replace(record.key, in_place=True))
        seen = dataclasses.replace(
            now.record, key=now.record.key and dataclasses.replace(now.record.key, in_place=True)
        )
        if seen != wanted:
            raise Conflict
        return now

    def destroy(self, found: Found) -> None:
        secret_version, pull_version = found.revision
        # The image pull Secret first: without the other one, no later run would remove it.
        for name, version in (
            (self._placement.pull_secret, pull_version),
            (self._placement.secret, secret_version),
        ):
            if name is not None and version is not None:
                uid, resource_version = version
                self._run(
                    {
                        **self._named(name),
                        "state": "absent",
                        "delete_options": {"preconditions": {"uid": uid, "resourceVersion": resource_version}},
                    },
                )

    def _put(self, record: Record, revision: t.Any, dry_run: bool = False) -> None:
        secret_version, pull_version = revision
        metadata = self._annotations(record)
        data = {}
        if record.key is not None:
            data = {ID_VARIABLE: _encode(record.key.api_key_id), SECRET_VARIABLE: _encode(record.key.api_key_secret)}
        if self._placement.pull_secret is not None and record.key is not None and (dry_run or record.intent is None):
            # First, so that the Secret with the key is complete when its own write has succeeded.
            login = {LOGIN: _encode(_docker_config(self._placement.registry, record.key))}
            kind = "kubernetes.io/dockerconfigjson"
            self._put_secret(self._placement.pull_secret, kind, login, metadata, pull_version, dry_run)
        self._put_secret(self._placement.secret, "Opaque", data, metadata, secret_version, dry_run)

    def _put_secret(
        self, name: str, kind: str, data: Json, annotations: Json, version: tuple[str, str] | None, dry_run: bool
    ) -> None:
        metadata: Json = {"name": name, "namespace": self._placement.namespace}
        labels = {**self._placement.labels, "app.kubernetes.io/managed-by": "community.soda"}
        definition = {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "data": data}
        metadata["labels"] = labels
        if version is None:
            metadata["annotations"] = {name: value for name, value in annotations.items() if value is not None}
            # If another client has created the Secret meanwhile, the module patches that one, and the server refuses
            # the patch because of the uid.
            metadata["uid"] = NO_UID
            self._run({"state": "present", "definition": definition}, dry_run)
            return
        metadata.update(annotations=annotations, uid=version[0], resourceVersion=version[1])
        result = self._run({"state": "patched", "definition": definition, "merge_type": ["merge"]}, dry_run)
        if not result.get("result"):
            # It was deleted since it was read.
            raise Conflict

    def _annotations(self, record: Record) -> dict[str, str | None]:
        """All annotations of ours. A merge patch removes those that are null."""
        values: dict[str, str | None] = dict.fromkeys(_METADATA)
        values.update({"endpoint": self._identity.endpoint, "runner-name": self._identity.name})
        values["account"] = self._identity.account or None
        if record.key is not None:
            key = record.key
            values.update({"api-key-id": key.api_key_id, "key-version": str(key.key_version)})
            values.update({"issued-at": key.issued_at or None, "runner-id": key.runner_id})
            values["fingerprint"] = fingerprint(key.api_key_id, key.api_key_secret)
        if record.intent is not None:
            values["intent"] = record.intent.to_json()
        return {**self._placement.annotations, **{PREFIX + name: value for name, value in values.items()}}

    def _checked(self, secret: Json, name: str) -> dict[str, str]:
        """The annotations of a Secret. Raises V(store_of_another_runner)."""
        metadata = secret.get("metadata") or {}
        annotations = {str(k): str(v) for k, v in (metadata.get("annotations") or {}).items()}
        other = annotations.get(PREFIX + "runner-name")
        ours = self._identity.is_of(
            annotations.get(PREFIX + "endpoint"), other, annotations.get(PREFIX + "account", "")
        )
        if metadata.get("ownerReferences"):
            raise self._foreign(name, "belongs to another resource of the cluster, which would write it again", False)
        if not ours and not self._adopt:
            whose_text = f"belongs to the runner {other!r}" if other else "was not made by this collection"
            raise self._foreign(name, whose_text, True)
        return annotations if ours else {}

    def _key(self, annotations: t.Mapping[str, str], data: t.Mapping[str, str]) -> StoredKey | None:
        key_id, secret = data.get(ID_VARIABLE), data.get(SECRET_VARIABLE)
        if not key_id or not secret:
            return None
        version, stored = read_version(annotations.get(PREFIX + "key-version")), annotations.get(PREFIX + "fingerprint")
        edited = is_edited(stored, key_id, secret)
        if edited and not self._adopt:
            raise StoreEdited(
                f"Somebody has edited the key in {self.location} after this collection wrote it. Restore the key"
                f" {annotations.get(PREFIX + 'api-key-id')}, or set adopt_store to true to keep the key that is there.",
            )
        return StoredKey(
            endpoint=self._identity.endpoint,
            name=self._identity.name,
            api_key_id=key_id,
            api_key_secret=secret,
            key_version=version or 1,
            issued_at="" if edited else annotations.get(PREFIX + "issued-at", ""),
            runner_id=annotations.get(PREFIX + "runner-id") or None,
            in_place=bool(version and stored) and not edited,
        )

    def _is_as_declared(self, secret: Json, pull: Json | None, key: StoredKey) -> bool:
        """Whether labels and annotations are set, and the image pull Secret has the login."""
        placement = self._placement
        for each in (secret, pull):
            metadata = (each or {}).get("metadata") or {}
            for wanted, there in ((placement.labels, "labels"), (placement.annotations, "annotations")):
                if each is not None and not dict(wanted).items() <= (metadata.get(there) or {}).items():
                    return False
        if placement.pull_secret is None:
            return True
        login = _docker_config(placement.registry, key)
        return pull is not None and _data(pull).get(LOGIN) == login

    def _get(self, name: str) -> Json | None:
        which = {"api_version": "v1", "kind": "Secret", "namespace": self._placement.namespace, "resource_name": name}
        try:
            found = self._lookup(LOOKUP, **self._options, **which)
        except SodaError:
            raise
        except Exception as exc:  # pylint: disable=broad-except
            # The plugin passes on exceptions of its library as they are.
            raise kubernetes_errors.translate_exception(exc, self._placement.namespace) from None
        return t.cast(Json, found[0]) if found else None

    def _named(self, name: str) -> Json:
        return {"api_version": "v1", "kind": "Secret", "namespace": self._placement.namespace, "name": name}

    def _run(self, arguments: Json, dry_run: bool = False) -> Json:
        result = self._module(MODULE, {**self._options, **arguments}, check_mode=dry_run)
        if result.get("failed") or result.get("rc"):
            raise kubernetes_errors.translate(result, self._placement.namespace)
        return result

    def _foreign(self, name: str, reason: str, can_adopt: bool) -> SodaError:
        advice = f", or set adopt_store to true if its key is that of the runner {self._identity.name!r}"
        return StoreOfAnotherRunner(
            f"The Secret {name} in the namespace {self._placement.namespace} {reason}. It was not changed. Set another"
            f" name{advice if can_adopt else ''}.",
        )


def _version(secret: Json | None) -> tuple[str, str] | None:
    if secret is None:
        return None
    return str(secret["metadata"]["uid"]), str(secret["metadata"]["resourceVersion"])


def _data(secret: Json) -> dict[str, str]:
    found = {}
    for name, value in (secret.get("data") or {}).items():
        with contextlib.suppress(ValueError):
            found[str(name)] = base64.b64decode(str(value)).decode()
    return found


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _docker_config(registry: str, key: StoredKey) -> str:
    login = _encode(f"{key.api_key_id}:{key.api_key_secret}")
    return json.dumps(
        {"auths": {registry: {"username": key.api_key_id, "password": key.api_key_secret, "auth": login}}}
    )
