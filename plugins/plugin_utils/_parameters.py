# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The arguments of an action: converted to plain data, then validated as AnsibleModule validates those of a module.

Text from facts, lookups, vaults and results is of many classes, and C(str()) of some returns the same object again.
Everything after this point is plain text, numbers, booleans, lists and dictionaries.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ..module_utils._errors import InvalidArguments

Spec = t.Mapping[str, t.Mapping[str, t.Any]]


def validate(
    validator: ArgumentSpecValidator, arguments: t.Mapping[str, t.Any], keep_empty: t.Collection[str] = ()
) -> dict[str, t.Any]:
    """
    The value of each option. Raises V(invalid_arguments), which lists everything that is wrong.

    An optional option that is empty text is treated as not set, as surveys of automation platforms leave it. This does
    not apply to the options in C(keep_empty).
    """
    plain = to_plain(arguments)
    given = _without_empty_text(plain, validator.argument_spec, frozenset(keep_empty))
    validated = validator.validate(given)
    wrong = [
        # Ansible's own message is a list of names. AnsibleModule adds the sentence.
        (f"Unsupported parameters: {found.msg}" if isinstance(found, UnsupportedError) else str(found.msg)).rstrip(".")
        for found in validated.errors.errors
    ]
    if wrong:
        raise InvalidArguments("; ".join(wrong) + ".")
    # Validation parses text that looks like JSON or YAML, so it makes new values.
    return t.cast("dict[str, t.Any]", to_plain(validated.validated_parameters))


def to_plain(value: t.Any) -> t.Any:
    """C(value) as plain Python data. Vaulted text is decrypted. Other objects, such as dates, stay as they are."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        # str() of a subclass may return the same object.
        return str.__str__(value)
    if _is_vaulted(value):
        return str.__str__(value.data)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, t.Mapping):
        return {to_plain(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def _is_vaulted(value: t.Any) -> bool:
    """Whether this is vaulted text of ansible-core 2.18 or older, which is not a subclass of C(str)."""
    return hasattr(value, "vault") and hasattr(value, "data")


def _without_empty_text(given: dict[str, t.Any], spec: Spec, keep: frozenset[str]) -> dict[str, t.Any]:
    """C(given) without the options that are optional and empty text, at each level of suboptions."""
    result: dict[str, t.Any] = {}
    for option, value in given.items():
        rules = spec.get(option, {})
        if isinstance(value, str) and not value and rules and not rules.get("required") and option not in keep:
            continue
        suboptions = rules.get("options")
        if suboptions and isinstance(value, dict):
            value = _without_empty_text(value, suboptions, keep)
        elif suboptions and isinstance(value, list):
            value = [_without_empty_text(item, suboptions, keep) if isinstance(item, dict) else item for item in value]
        result[option] = value
    return result
