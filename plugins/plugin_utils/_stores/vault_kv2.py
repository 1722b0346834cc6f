# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A KV version 2 secret in HashiCorp Vault or OpenBao, reached through ``community.hashi_vault``."""

from __future__ import annotations

import typing as t

from ...module_utils._errors import (
    InvalidArguments,
    SodaError,
    StoreChanged,
    StoreDenied,
    StoreEdited,
    StoreOfAnotherRunner,
    StoreWrongType,
)
from ...module_utils._key.stored_key import ID_VARIABLE, SECRET_VARIABLE, StoredKey
from .._config.names import check_vault_path
from . import vault_errors
from .document import Conflict, Found, Identity, Lookup, Record, State, read_version
from .fingerprint import fingerprint, is_edited
from .intent import Intent

READ, WRITE = "community.hashi_vault.vault_read", "community.hashi_vault.vault_write"

_OWN_OPTIONS = ("data", "wrap_ttl", "_terms")
"""Options of the plugins that are not about the connection."""

ATTEMPTS = 3
"""How often a secret is read that other runs change at the same moment."""

Json = dict[str, t.Any]


class VaultSecret:
    """
    The secret of one runner. Key, metadata and intent are fields of one version, so one write changes all of them.

    C(revision) is the number of the current version, also of a deleted one: the value of C(cas) for the next write.
    """

    def __init__(
        self,
        lookup: Lookup,
        identity: Identity,
        mount: str,
        path: str,
        options: t.Mapping[str, t.Any],
        adopt: bool = False,
    ) -> None:
        unknown = sorted(set(options) & set(_OWN_OPTIONS))
        if unknown:
            raise InvalidArguments(f"vault_options must not have {', '.join(unknown)}.")
        self._lookup = lookup
        self._identity = identity
        self._mount = check_vault_path(mount, "the mount of a KV secrets engine")
        self._path = check_vault_path(path)
        self._options = dict(options)
        self._adopt = adopt

    @property
    def location(self) -> str:
        return f"Vault at {self._mount}/{self._path}"

    def read(self) -> Found:
        for _attempt in range(ATTEMPTS):
            found = self._read_current() or self._read_absence()
            if found is not None:
                return found
        raise StoreChanged(
            f"{self.location} could not be read: Vault reports no data, but a current version. Run the task again.",
        )

    def _read_current(self) -> Found | None:
        current = self._read("data")
        fields = None if current is None else current["data"].get("data")
        if current is None or not isinstance(fields, dict):
            return None
        return self._found(fields, int(current["data"]["metadata"]["version"]))

    def _read_absence(self) -> Found | None:
        """Why there is no data: the answer for a deleted version is the same as that for no secret."""
        metadata = self._read("metadata")
        if metadata is None:
            self._check_engine()
            return Found(State.ABSENT, 0)
        version = int(metadata["data"]["current_version"])
        details = metadata["data"]["versions"].get(str(version))
        if details is None or details.get("destroyed"):
            return Found(State.ABSENT, version)
        if details.get("deletion_time"):
            return Found(State.DELETED, version, details=f"version {version} at {details['deletion_time']}")
        # Another run has written it since the data was read.
        return None

    def check_writable(self, found: Found, sample: StoredKey) -> None:
        """Read the capabilities of the token, if it may. Real writes check the rest before a key is requested."""
        path = self._api_path("data")
        try:
            answer = self._write_to("sys/capabilities-self", {"paths": [path]})
            allowed = set(answer["data"][path])
        except (SodaError, LookupError, TypeError):
            return
        if not allowed & {"root", "sudo"} and not {"create", "update"} <= allowed:
            missing = sorted({"create", "update"} - allowed)
            raise StoreDenied(
                f"The policies of the Vault token do not allow {' and '.join(missing)} on {path}."
                " Add the policy that the guide about Vault shows.",
            )

    def write(self, record: Record, found: Found) -> Found:
        data = {"data": self._fields(record), "options": {"cas": found.revision}}
        answer = self._write_to(self._api_path("data"), data)
        try:
            version = int(answer["data"]["version"])
        except (LookupError, TypeError, ValueError):
            raise self._not_kv2() from None
        return Found(State.PRESENT, version, record)

    def destroy(self, found: Found) -> None:
        metadata = self._read("metadata")
        if metadata is None:
            return
        if int(metadata["data"]["current_version"]) != found.revision:
            raise Conflict
        versions = [int(number) for number, details in metadata["data"]["versions"].items() if not details["destroyed"]]
        if versions:
            self._write_to(self._api_path("destroy"), {"versions": sorted(versions)})

    def _found(self, fields: Json, version: int) -> Found:
        text = {name: value for name, value in fields.items() if isinstance(value, str)}
        ours = self._identity.is_of(text.get("endpoint"), text.get("name"), text.get("account", ""))
        if not ours and fields and not self._adopt:
            raise self._foreign(text)
        key = self._key(text) if ours else self._adopted(text)
        intent = Intent.from_json(text.get("intent")) if ours else None
        return Found(State.PRESENT, version, Record(key, intent))

    def _key(self, text: t.Mapping[str, str]) -> StoredKey | None:
        if not text.get("api_key_id") or not text.get("api_key_secret"):
            return None
        version, stored = read_version(text.get("key_version")), text.get("fingerprint")
        edited = is_edited(stored, text["api_key_id"], text["api_key_secret"])
        if edited and not self._adopt:
            raise StoreEdited(
                f"Somebody has edited the key in {self.location} after this collection wrote it. Restore the version"
                " before the edit, or set adopt_store to true to keep the key that is there.",
            )
        return StoredKey(
            endpoint=self._identity.endpoint,
            name=self._identity.name,
            api_key_id=text["api_key_id"],
            api_key_secret=text["api_key_secret"],
            key_version=version or 1,
            issued_at="" if edited else text.get("issued_at", ""),
            runner_id=text.get("runner_id") or None,
            in_place=bool(version and stored) and not edited,
        )

    def _adopted(self, text: t.Mapping[str, str]) -> StoredKey | None:
        """The key of a secret that another program made. It is stored again, with the metadata of this collection."""
        key_id = text.get("api_key_id") or text.get(ID_VARIABLE)
        secret = text.get("api_key_secret") or text.get(SECRET_VARIABLE)
        if not key_id or not secret:
            return None
        return self._key({"api_key_id": key_id, "api_key_secret": secret, "issued_at": text.get("issued_at", "")})

    def _fields(self, record: Record) -> dict[str, str]:
        fields = {
            "endpoint": self._identity.endpoint,
            "name": self._identity.name,
            "account": self._identity.account,
        }
        if record.key is not None:
            key = record.key
            fields.update(
                api_key_id=key.api_key_id,
                api_key_secret=key.api_key_secret,
                key_version=str(key.key_version),
                issued_at=key.issued_at,
                runner_id=key.runner_id or "",
                fingerprint=fingerprint(key.api_key_id, key.api_key_secret),
            )
        if record.intent is not None:
            fields["intent"] = record.intent.to_json()
        return fields

    def _check_engine(self) -> None:
        """A KV engine of version 1 accepts the same requests and does something else, so its type is checked."""
        answer = self._send(READ, f"sys/internal/ui/mounts/{self._mount}", missing_mount=True)
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            return
        options = data.get("options") or {}
        if data.get("type") != "kv" or str(options.get("version")) != "2":
            raise self._not_kv2()

    def _read(self, kind: str) -> Json | None:
        answer = self._send(READ, self._api_path(kind))
        if answer is not None and not isinstance(answer, dict):
            raise self._not_kv2()
        return answer

    def _write_to(self, path: str, data: Json) -> t.Any:
        return self._send(WRITE, path, data=data)

    def _send(self, plugin: str, path: str, missing_mount: bool = False, **arguments: t.Any) -> t.Any:
        try:
            (answer,) = self._lookup(plugin, path, **self._options, **arguments)
        except SodaError:
            raise
        except Exception as exc:  # pylint: disable=broad-except
            # The plugins pass on exceptions of their libraries as they are.
            if plugin == READ and vault_errors.is_missing(exc):
                return None
            raise vault_errors.translate(exc, self._mount, path, missing_mount) from None
        return answer

    def _api_path(self, kind: str) -> str:
        return f"{self._mount}/{kind}/{self._path}"

    def _not_kv2(self) -> SodaError:
        return StoreWrongType(
            f"The secrets engine at {self._mount} in Vault is not KV version 2. Set the mount of an engine that is.",
        )

    def _foreign(self, text: t.Mapping[str, str]) -> SodaError:
        whose = f"belongs to the runner {text['name']!r}" if text.get("name") else "was not made by this collection"
        return StoreOfAnotherRunner(
            f"The secret in {self.location} {whose}. It was not changed. Set another path, or set adopt_store to true"
            f" if its key is that of the runner {self._identity.name!r}.",
        )
