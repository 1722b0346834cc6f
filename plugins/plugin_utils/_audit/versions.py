# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The order of version numbers. A runner with a pre-release makes no other runner outdated. No I/O."""

from __future__ import annotations

import re
import typing as t

from ...module_utils._api.runner import Runner

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)(.*)", re.DOTALL)
_FINAL = re.compile(r"(?:\+.*|[.-]?(?:post|final|release)[.-]?\d*)?", re.IGNORECASE | re.DOTALL)

Order = tuple[tuple[int, ...], bool]


def newest_releases(runners: t.Iterable[Runner]) -> dict[str, str]:
    """The highest release of each part. Of equal versions it is the first."""
    newest: dict[str, str] = {}
    orders: dict[str, Order] = {}
    for runner in runners:
        for part, version in runner.versions.items():
            order = _order(version)
            if order is not None and order[1] and order > orders.get(part, ((), False)):
                newest[part], orders[part] = version, order
    return newest


def is_behind(version: str, newest: str) -> bool:
    one, other = _order(version), _order(newest)
    return one is not None and other is not None and one < other


def _order(version: str) -> Order | None:
    """The numbers of a version, and whether it is a release. None if the text is no version."""
    match = _RELEASE.fullmatch(version.strip())
    if match is None or len(match[1]) > 100:
        return None
    numbers = [int(number) for number in match[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), _FINAL.fullmatch(match[2]) is not None
