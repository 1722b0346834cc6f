# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A runner key, as Soda Cloud issues it and as a key store keeps it."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .. import _timestamps
from .._errors import KeyFileNotOurs, KeyVersionTooLow, SodaError

ISSUED_AT_RUN_TIME = "<issued at run time>"
"""Replaces what check mode cannot know."""

ID_VARIABLE, SECRET_VARIABLE, RUNNER_ID_VARIABLE = "SODA_API_KEY_ID", "SODA_API_KEY_SECRET", "SODA_AGENT_ID"
"""The names of a key's fields in the environment of a runner, and in the Secret of the vendor's chart."""


@dataclasses.dataclass(frozen=True)
class IssuedKey:
    """What a runner logs in with. Soda Cloud shows the secret once, when it issues the key."""

    api_key_id: str
    api_key_secret: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class StoredKey:
    """A runner key with the runner that it belongs to."""

    endpoint: str
    name: str
    api_key_id: str
    api_key_secret: str = dataclasses.field(repr=False)
    key_version: int
    issued_at: str
    """ISO 8601, UTC."""
    runner_id: str | None
    """The id that the name had when the key was issued. A registered runner needs it to register again."""
    in_place: bool = True
    """False if a run was killed after it wrote the key and before it committed it."""

    def as_result(self, location: str | None) -> dict[str, t.Any]:
        """What modules return about a key and the place where it is stored: never the secret."""
        return {
            "api_key_id": self.api_key_id,
            "path": location,
            "key_version": self.key_version,
            "issued_at": self.issued_at,
        }

    def to_json(self) -> bytes:
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "in_place"}
        return (json.dumps(fields, indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes, location: str) -> StoredKey:
        """The key in a key file. Raises V(key_file_not_ours), which names the location."""
        try:
            # A run that was killed while it wrote leaves the zeros that reserved the space.
            data = json.loads(content.rstrip(b"\0"))
        except (ValueError, RecursionError):
            raise _not_ours(location, "it is not JSON") from None
        if not isinstance(data, dict):
            raise _not_ours(location, "it is JSON, but not an object")
        version, runner_id = data.get("key_version"), data.get("runner_id")
        for field in ("endpoint", "name", "api_key_id", "api_key_secret", "issued_at"):
            if not isinstance(data.get(field), str) or not data[field]:
                raise _not_ours(location, f"it has no {field}")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise _not_ours(location, "it has no key_version")
        if runner_id is not None and not isinstance(runner_id, str):
            raise _not_ours(location, "its runner_id is neither text nor null")
        texts = {f: data[f] for f in ("endpoint", "name", "api_key_id", "api_key_secret", "issued_at")}
        return cls(**texts, key_version=version, runner_id=runner_id)


def check_version(key: StoredKey, key_version: int, location: str) -> None:
    """Raise V(key_version_too_low) if the stored key has a higher version than the task declares."""
    if key.key_version > key_version:
        raise KeyVersionTooLow(
            f"key_version is {key_version}, but the key stored at {location} has version {key.key_version}."
            f" Set key_version to {key.key_version} or higher."
        )


class KeyChanged(Exception):
    """Another run has written or removed the key since it was observed: observe and decide again."""


def new_stored_key(key: IssuedKey, endpoint: str, name: str, key_version: int, runner_id: str | None) -> StoredKey:
    """The stored form of a key that was issued just now."""
    return StoredKey(
        endpoint=endpoint,
        name=name,
        api_key_id=key.api_key_id,
        api_key_secret=key.api_key_secret,
        key_version=key_version,
        issued_at=_timestamps.now_as_text(),
        runner_id=runner_id,
    )


def _not_ours(location: str, reason: str) -> SodaError:
    return KeyFileNotOurs(
        f"{location} is not a runner key file of this collection: {reason}. It was not changed."
        " Set another key_path, or move the file away.",
    )
