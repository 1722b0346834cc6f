# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The parameters of an action, checked as AnsibleModule checks those of a module."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ..module_utils._errors import error


def checked(validator: ArgumentSpecValidator, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What the arguments give each parameter. Raises V(invalid_arguments), which says all that is wrong with them."""
    validated = validator.validate(arguments)
    wrong = [
        # Ansible's own words are a list of names, to which AnsibleModule adds what is the matter with them.
        (f"Unsupported parameters: {found.msg}" if isinstance(found, UnsupportedError) else str(found.msg)).rstrip(".")
        for found in validated.errors.errors
    ]
    if wrong:
        raise error("invalid_arguments", "; ".join(wrong) + ".")
    return t.cast(dict[str, t.Any], validated.validated_parameters)
