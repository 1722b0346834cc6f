# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an action says of parameters that it cannot take."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._parameters import checked
from ansible_collections.community.soda.tests.unit.plugins.harness import Json

VALIDATOR = ArgumentSpecValidator(
    {"name": {"type": "str", "required": True}, "version": {"type": "int", "default": 1}},
)


def test_parameters_have_their_types_and_their_defaults() -> None:
    assert checked(VALIDATOR, {"name": 5}) == {"name": "5", "version": 1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"name": "a", "colour": "blue"},
            "Unsupported parameters: colour. Supported parameters include: name, version.",
        ),
        ({}, "missing required arguments: name."),
        ({"colour": "blue"}, "missing required arguments: name; Unsupported parameters: colour. Supported"),
    ],
    ids=str,
)
def test_all_that_is_wrong_is_said(arguments: Json, said: str) -> None:
    with pytest.raises(SodaError) as failed:
        checked(VALIDATOR, arguments)
    assert failed.value.failure.code == "invalid_arguments"
    assert failed.value.failure.message.startswith(said)
    assert failed.value.failure.message.endswith(".")
    assert not failed.value.failure.message.endswith("..")
