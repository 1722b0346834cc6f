# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
A runner as Soda Cloud lists it: the boundary that validates what the API gives, and the one pair of codecs.

Results, the inventory cache, the audit report and the state of the event source all use C(to_dict()) and
C(from_dict()). A new field is added here and nowhere else.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from .. import _timestamps
from .._wording import list_few
from .text import MARK, sanitize

SELF_HOSTED = "SELF_HOSTED"

LONGEST_VERSION = 200
MOST_VERSIONS = 20
_VERSION_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")

_SHOWN = 3

Clean = t.Callable[[t.Any, "t.Callable[[str], None]"], t.Any]
"""The valid form of a value, or None. What it drops or alters is reported to the second argument."""

DROPPED = "are of the wrong type and were dropped"
ALTERED = "contain characters that are not printable, a template, or too much text. They were replaced"


class Findings:
    """What the boundary dropped or altered. A listing has one; it makes one bounded warning for each kind."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], dict[str, None]] = {}
        self.entry: t.Mapping[str, t.Any] = {}
        """The entry and the field of the API that is read now."""
        self.field = ""

    def add(self, kind: str) -> None:
        self._ids.setdefault((self.field, kind), {})[label_of(self.entry)] = None

    def warnings(self) -> list[str]:
        return [
            f"Soda Cloud lists runners whose {field} {kind}: {list_few(list(ids), _SHOWN)}."
            for (field, kind), ids in sorted(self._ids.items())
        ]


def _text(value: t.Any, report: t.Callable[[str], None]) -> str | None:
    if not isinstance(value, str):
        if value is not None:
            report(DROPPED)
        return None
    text = sanitize(value)
    if text is not value and text != value:
        report(ALTERED)
    return text


def _identifier(value: t.Any, report: t.Callable[[str], None]) -> str | None:
    """An id selects what is deleted, so an altered id is not valid."""
    text = _text(value, report)
    return None if text is None or MARK in text else text


def _flag(value: t.Any, report: t.Callable[[str], None]) -> bool | None:
    if isinstance(value, bool):
        return value
    if value is not None:
        report(DROPPED)
    return None


def _versions(value: t.Any, report: t.Callable[[str], None]) -> dict[str, str]:
    if not isinstance(value, dict):
        if value is not None:
            report(DROPPED)
        return {}
    valid = {
        part: sanitize(version, LONGEST_VERSION)
        for part, version in value.items()
        if isinstance(part, str) and _VERSION_KEY.fullmatch(part) and isinstance(version, str)
    }
    if len(valid) > MOST_VERSIONS:
        valid = dict(sorted(valid.items())[:MOST_VERSIONS])
    if len(valid) < sum(version is not None for version in value.values()):
        report(DROPPED)
    elif any(valid.get(part) != version for part, version in value.items() if version is not None):
        report(ALTERED)
    return valid


def _read(api_name: str, clean: Clean) -> dict[str, t.Any]:
    """The name of a field in the API, and the function that validates its value."""
    return {"api": api_name, "clean": clean}


@dataclasses.dataclass(frozen=True)
class Runner:
    """A runner. The vendor promises none of the fields, so each of them may be None."""

    id: str | None = dataclasses.field(metadata=_read("id", _identifier))
    name: str | None = dataclasses.field(metadata=_read("name", _text))
    """For people. Use C(is_named()) to compare it with a declared name."""
    label: str | None = dataclasses.field(metadata=_read("label", _text))
    type: str | None = dataclasses.field(metadata=_read("type", _text))
    """V(SELF_HOSTED) and V(SODA_HOSTED) are documented. Others exist."""
    is_online: bool | None = dataclasses.field(metadata=_read("isOnline", _flag))
    last_seen_timestamp: str | None = dataclasses.field(metadata=_read("lastSeenTimestamp", _text))
    """ISO 8601, as the API gives it. See C(last_seen)."""
    versions: dict[str, str] = dataclasses.field(metadata=_read("versions", _versions), hash=False)
    raw_name: str | None = dataclasses.field(default=None, repr=False, compare=False)
    """The name exactly as the API gave it. It never leaves the process."""

    @classmethod
    def from_api(cls, data: t.Mapping[str, t.Any], findings: Findings | None = None) -> Runner:
        """The runner in an entry of the API. It never fails: what is not valid is dropped, and reported."""
        findings = findings or Findings()
        findings.entry = data
        values = []
        for _name, api, clean in _FIELDS:
            findings.field = api
            values.append(clean(data.get(api), findings.add))
        raw = data.get("name")
        values.append(raw if isinstance(raw, str) else None)
        return cls(*values)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Runner:
        """The runner that C(to_dict()) gave. It is validated again: files may have been edited."""
        return cls(*[clean(data.get(name), _ignore) for name, _api, clean in _FIELDS])

    def to_dict(self) -> dict[str, t.Any]:
        return {name: getattr(self, name) for name, _api, _clean in _FIELDS}

    @property
    def exact_name(self) -> str | None:
        """
        The name that declared names are compared with, or None if it is not known exactly.

        A name that had to be altered is compared as the API gave it. Where only the altered form is left, such as in
        a cache, it is equal to no declared name: it could belong to another runner.
        """
        if self.raw_name is not None:
            return self.raw_name
        return None if self.name is None or MARK in self.name else self.name

    def is_named(self, name: str | None) -> bool:
        return name is not None and self.exact_name == name

    @property
    def last_seen(self) -> datetime.datetime | None:
        """The last contact, or None if it is unknown: not given, unreadable, or the zero of Unix time."""
        moment = _timestamps.parse(self.last_seen_timestamp)
        return None if moment is None or moment <= _NEVER else moment

    def is_stale(self, since: datetime.datetime) -> bool:
        """Whether the runner is offline and its last contact, which is known, was at this moment or earlier."""
        last_seen = self.last_seen
        return not self.is_online and last_seen is not None and last_seen <= since


_FIELDS: tuple[tuple[str, str, Clean], ...] = tuple(
    (field.name, field.metadata["api"], field.metadata["clean"])
    for field in dataclasses.fields(Runner)
    if "api" in field.metadata
)

FIELDS = tuple(name for name, _api, _clean in _FIELDS)
"""The names of the fields that C(to_dict()) gives, in order."""

_NEVER = datetime.datetime(1970, 1, 2, tzinfo=datetime.timezone.utc)
"""Clocks that were never set, and zeros in any time zone, are before this."""


def label_of(entry: t.Mapping[str, t.Any]) -> str:
    """How a warning names an entry of the API."""
    for field in ("id", "name"):
        value = entry.get(field)
        if isinstance(value, (str, int)) and value != "":
            return sanitize(str(value), 80)
    return "one without an id"


def _ignore(_kind: str) -> None:
    pass
