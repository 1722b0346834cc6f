# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Validates the names of runners."""

from __future__ import annotations

import typing as t

from ._errors import InvalidName


def validate_name(value: t.Any) -> str:
    """A declared name as text. Only non-empty text and integers are names. Raises V(invalid_name)."""
    name = text_or_int(value)
    if not name:
        raise InvalidName("The name of a runner must not be empty. Set name.")
    return name


def text_or_int(value: t.Any) -> str:
    """
    A name that selects runners, as text. It may be empty. Raises V(invalid_name).

    C(no) would become C(False). Native Jinja converts C(1e5) to a number, which would become C(100000.0).
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InvalidName(
            f"The name of a runner must be text, not {_kind(value)}. Quote the name in YAML, and check the template"
            " that it comes from.",
        )
    return value


def _kind(value: t.Any) -> str:
    kinds = {bool: "a boolean", float: "a decimal number", list: "a list", dict: "a mapping", type(None): "null"}
    return kinds.get(type(value), f"a {type(value).__name__}")
