# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Timestamps: ISO 8601 text to moments in UTC, and back. The same on every Python."""

from __future__ import annotations

import datetime
import re
import typing as t

# datetime.fromisoformat() reads Z, fractions of any length and +0000 only from Python 3.11 on.
_ISO_8601 = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,]\d+)?)?(?:[Zz]|([+-]\d\d)(?::?(\d\d))?)?)?", re.ASCII
)


def parse(timestamp: t.Any) -> datetime.datetime | None:
    """The moment of an ISO 8601 timestamp, or None if it is not one. Without an offset it is UTC."""
    match = None if not isinstance(timestamp, str) else _ISO_8601.fullmatch(timestamp.strip())
    if match is None:
        return None
    day, minute, second, hours, minutes = match.groups()
    offset = f"{hours}:{minutes or '00'}" if hours else "+00:00"
    try:
        return datetime.datetime.fromisoformat(f"{day}T{minute or '00:00'}:{second or '00'}{offset}")
    except ValueError:
        return None


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def to_text(moment: datetime.datetime) -> str:
    """A moment as ISO 8601 text in UTC, to the second."""
    return moment.astimezone(datetime.timezone.utc).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def now_as_text() -> str:
    return to_text(now())
