# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The request of the controller to a host: one JSON document, which is the only argument of the module."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .._key.stored_key import StoredKey

Placeholders = t.Mapping[str, t.Sequence[str]]
"""For each placeholder in a text: the field of the key that replaces it, and the encodings to apply, in order."""


@dataclasses.dataclass(frozen=True)
class FileAttributes:
    """Owner, group and mode of a file, as users declare them."""

    owner: str | None = None
    group: str | None = None
    mode: t.Any = "0600"

    def as_arguments(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class ConfigFile:
    """A configuration file."""

    path: str
    text: str = ""
    """The content, with placeholders for what only the host knows."""
    attributes: FileAttributes = FileAttributes()


VALUES_SECTION = "agent"
"""The default section of the Helm values, below C(soda)."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What the host has to do."""

    action: str
    """V(present), V(absent), V(acknowledge), V(export) or V(remove_key)."""
    endpoint: str
    """Normalized."""
    name: str
    key_path: str
    account: str = ""
    """The label of the account."""
    key_attributes: FileAttributes = FileAttributes()
    files: tuple[ConfigFile, ...] = ()
    placeholders: Placeholders = dataclasses.field(default_factory=dict, repr=False)
    values_section: str = VALUES_SECTION
    """Below C(soda) in the Helm values. The diff shows the runner's name and id in it."""
    waiting_key: str | None = dataclasses.field(default=None, repr=False)
    """The key file that waits in escrow, as JSON."""
    waiting_path: str | None = None
    """Where the key waits, for messages."""
    key_version: int | None = None
    key_required: bool = False
    key_store: str = "file"
    store_key: t.Mapping[str, t.Any] | None = None
    """The key in another store: its id and version, and the id of the runner. Never its secret."""
    existing_key: t.Mapping[str, str] | None = dataclasses.field(default=None, repr=False)
    """The key to adopt, if none is stored."""
    import_from: str | None = None
    """The configuration file with the key to adopt, if none is stored."""
    runner_id: str | None = None
    """The id to record with a key that is adopted, and to assume in check mode for a key that will be issued."""
    create_folders: bool = False
    """Create missing folders even if there is no key yet."""
    track_restart: bool = False
    diff: bool = False
    api_key_id: str | None = None
    """For V(remove_key): the key that may be removed."""
    seal: str = dataclasses.field(default="", repr=False)
    """For V(export)."""

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Request:
        data = json.loads(text)
        data["key_attributes"] = FileAttributes(**data["key_attributes"])
        data["files"] = tuple(
            ConfigFile(**{**file, "attributes": FileAttributes(**file["attributes"])}) for file in data["files"]
        )
        return cls(**data)

    def waiting(self) -> StoredKey | None:
        """The key that waits in escrow."""
        if self.waiting_key is None:
            return None
        return StoredKey.from_json(self.waiting_key.encode(), self.waiting_path or "the escrow file")
