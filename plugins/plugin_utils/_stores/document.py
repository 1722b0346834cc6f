# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What a shared key store needs from the service that keeps its secrets: one document with compare-and-set."""

from __future__ import annotations

import dataclasses
import enum
import re
import typing as t

from ...module_utils._endpoint import normalise_endpoint
from ...module_utils._errors import SodaError
from ...module_utils._key.stored_key import StoredKey
from .intent import Intent

Revision = t.Any
"""Which version of a document was read. Only the service that made it understands it."""


class State(enum.Enum):
    """Whether a document exists."""

    ABSENT = "absent"
    PRESENT = "present"
    DELETED = "deleted"
    """The current version was deleted, and the service can restore it."""


@dataclasses.dataclass(frozen=True)
class Identity:
    """The runner that a document belongs to. It does not change if the Soda Cloud API key is rotated."""

    endpoint: str
    name: str
    account: str = ""
    """The label that distinguishes two accounts at one endpoint."""

    def is_of(self, endpoint: str | None, name: str | None, account: str) -> bool:
        """Whether the metadata of a document are those of this runner."""
        try:
            return endpoint is not None and (normalise_endpoint(endpoint), name, account) == dataclasses.astuple(self)
        except SodaError:
            return False


@dataclasses.dataclass(frozen=True)
class Record:
    """The content of a document."""

    key: StoredKey | None = None
    intent: Intent | None = None


@dataclasses.dataclass(frozen=True)
class Found:
    """A document as it was read."""

    state: State
    revision: Revision
    record: Record = Record()
    details: str = ""
    """About a deleted version: which, and when it was deleted."""


def read_version(text: str | None) -> int | None:
    """The key version in the metadata of a document, or None if there is no valid one."""
    return int(text) if text is not None and re.fullmatch("[1-9][0-9]{0,8}", text) else None


class Conflict(Exception):
    """The document is no longer the one that was read. Nothing was written."""


class Lookup(t.Protocol):
    """Runs a lookup plugin of another collection on the controller."""

    def __call__(self, name: str, *terms: str, **options: t.Any) -> list[t.Any]: ...


class Document(t.Protocol):
    """One secret in Vault or in Kubernetes, which belongs to one runner."""

    @property
    def location(self) -> str:
        """Where the secret is, for messages."""

    def read(self) -> Found:
        """Read the document. Raises V(store_of_another_runner) if it is not this runner's."""

    def check_writable(self, found: Found, sample: StoredKey) -> None:
        """Raise if a key with the shape of C(sample) could not be written. Writes nothing."""

    def write(self, record: Record, found: Found) -> Found:
        """Write the document if it is still the one that was found. Raises C(Conflict) if not."""

    def destroy(self, found: Found) -> None:
        """Remove the document so that no version of it can be read. Raises C(Conflict) if it has changed."""
