# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Numbers and lists in messages."""

from __future__ import annotations

import typing as t


def count(number: int, noun: str) -> str:
    """Such as C(1 runner) and C(1,200 runners)."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def list_few(texts: t.Sequence[str], most: int) -> str:
    """The first texts, and the number of the others."""
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")
