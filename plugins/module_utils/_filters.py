# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The filters that select runners, which the info module and the inventory share. No I/O."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from . import _timestamps
from ._api.runners import Listing, Runner
from ._names import text_or_int
from ._numbers import check_duration


def filter_spec() -> dict[str, t.Any]:
    """The argument spec of the filters."""
    return {
        "name": {"type": "raw"},
        "id": {"type": "str"},
        "type": {"type": "str"},
        "is_online": {"type": "bool"},
        "not_seen_for": {"type": "float"},
    }


@dataclasses.dataclass(frozen=True)
class Filters:
    """Conditions that are combined with and. None accepts any value."""

    names: frozenset[str] | None
    id: str | None
    type: str | None
    is_online: bool | None
    seen_before: datetime.datetime | None
    """Offline, and last seen at this moment or earlier. If the last contact is unknown, no runner passes."""

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any], names: t.Iterable[t.Any] | None = None) -> Filters:
        """
        The filters of the options C(filter_spec()), with C(names) as a further condition.

        Raises V(invalid_name) for a name that is neither text nor an integer.
        """
        either = None if names is None else frozenset(map(text_or_int, names))
        if options["name"] is not None:
            one = frozenset((text_or_int(options["name"]),))
            either = one if either is None else either & one
        ago = options["not_seen_for"]
        if ago is not None:
            check_duration("not_seen_for", ago, zero_allowed=True)
        return cls(
            names=either,
            id=options["id"],
            type=options["type"],
            is_online=options["is_online"],
            seen_before=None if ago is None else _moment(ago),
        )

    def apply(self, listing: Listing) -> list[Runner]:
        candidates = listing.matching() if self.names is None else listing.named(self.names)
        return [runner for runner in candidates if self.passes(runner)]

    def passes(self, runner: Runner) -> bool:
        return (
            (self.names is None or runner.exact_name in self.names)
            and self.id in (None, runner.id)
            and self.type in (None, runner.type)
            and self.is_online in (None, runner.is_online)
            and (self.seen_before is None or runner.is_stale(self.seen_before))
        )


def _moment(seconds_ago: float) -> datetime.datetime:
    try:
        return _timestamps.now() - datetime.timedelta(seconds=seconds_ago)
    except OverflowError:
        return datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


def last_seen(runner: Runner) -> datetime.datetime | None:
    """The last contact, or None if it is unknown."""
    return runner.last_seen
