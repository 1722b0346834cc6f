# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Options that are durations. Ansible accepts V(nan) and V(inf) as numbers, so they are rejected here."""

from __future__ import annotations

import math
import typing as t

from ._errors import InvalidArguments


def check_duration(option: str, value: t.Any, unit: str = "seconds", zero_allowed: bool = False) -> float:
    """The value as a number. Raises V(invalid_arguments) if it is not finite, or below the minimum."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isfinite(number) and (number > 0 or (zero_allowed and number == 0)):
        return number
    minimum = "0 or higher" if zero_allowed else "above 0"
    raise InvalidArguments(f"{option} is {value!r}. Set it to a number of {unit}, {minimum}.")
