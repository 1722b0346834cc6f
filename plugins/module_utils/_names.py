# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What can be the name of a runner."""

from __future__ import annotations

import typing as t

from ._errors import InvalidName


def validate_name(value: t.Any) -> str:
    """The name of a runner as text. Only text and integers are names. Raises V(invalid_name)."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InvalidName(
            f"The name of a runner must be text, not {_kind(value)}. Quote the name in YAML, and check the template"
            " that it comes from.",
        )
    if not value:
        raise InvalidName("The name of a runner must not be empty. Set name.")
    return value


def _kind(value: t.Any) -> str:
    kinds = {bool: "a boolean", float: "a decimal number", list: "a list", dict: "a mapping", type(None): "null"}
    return kinds.get(type(value), f"a {type(value).__name__}")


NOT_A_NAME = "A name of a runner must be text or an integer. Quote it in YAML, for instance '1e5' or 'no'."


def text_or_int(value: t.Any) -> str:
    """
    The type of options in argument specs that select runners by name. Unlike a declared name, they may be empty.

    Raises C(TypeError) with C(NOT_A_NAME), because Ansible's argument check catches nothing else.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(NOT_A_NAME)


def code_of_option_error(message: str) -> str:
    """The failure code for what Ansible's argument check reports."""
    return "invalid_name" if NOT_A_NAME.rstrip(".") in message else "invalid_arguments"
