# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of an action: plain data, empty text, names and messages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.module_utils._names import validate_name
from ansible_collections.community.soda.plugins.plugin_utils._parameters import to_plain, validate
from ansible_collections.community.soda.tests.unit.plugins.harness import Json

VALIDATOR = ArgumentSpecValidator(
    {
        "name": {"type": "str", "required": True},
        "version": {"type": "int", "default": 1},
        "values": {"type": "dict"},
        "files": {"type": "list", "elements": "dict", "options": {"owner": {"type": "str"}, "path": {"type": "str"}}},
    },
)


class Text(str):
    """As ansible-core 2.16 has it: str() returns the same object."""

    def __str__(self) -> str:  # pylint: disable=invalid-str-returned
        return self


class Number(int):
    """As ansible-core 2.19 tags numbers."""


class Vaulted(Sequence[str]):
    """As ansible-core 2.16 has it: no str, and decrypted when it is read."""

    vault = "any"
    data = Text("decrypted")

    def __getitem__(self, index: Any) -> Any:
        return self.data[index]

    def __len__(self) -> int:
        return len(self.data)


def types(value: object) -> list[type]:
    """The classes of a value and of everything in it."""
    inside: list[object] = []
    if isinstance(value, dict):
        inside = [*value, *value.values()]
    elif isinstance(value, list):
        inside = value
    return [type(value), *(found for item in inside for found in types(item))]


def test_arguments_become_plain_data_at_each_level() -> None:
    given = {Text("a"): [Text("b"), {Text("c"): Vaulted(), "d": Number(5)}], "e": (Text("f"), True, None, 1.5)}
    plain = to_plain(given)
    assert plain == {"a": ["b", {"c": "decrypted", "d": 5}], "e": ["f", True, None, 1.5]}
    assert set(types(plain)) == {dict, list, str, int, bool, float, type(None)}


def test_validated_arguments_are_plain_data() -> None:
    arguments = {"name": Vaulted(), "values": {"a": Text("b")}, "files": [{"path": Text("c")}]}
    validated = validate(VALIDATOR, arguments)
    assert set(types(validated)) <= {dict, list, str, int, type(None)}
    assert (validated["name"], validated["values"]) == ("decrypted", {"a": "b"})


def test_options_have_their_types_and_their_defaults() -> None:
    expected = {"name": "5", "version": 1, "values": None, "files": None}
    assert validate(VALIDATOR, {"name": 5}) == expected


def test_an_optional_option_that_is_empty_text_is_not_set() -> None:
    files = [{"path": "a", "owner": ""}]
    validated = validate(VALIDATOR, {"name": "a", "version": "", "values": "", "files": files})
    assert validated["version"] == 1
    assert validated["values"] is None
    assert validated["files"] == [{"path": "a", "owner": None}]


def test_a_required_option_and_a_named_one_may_be_empty_text() -> None:
    spec = ArgumentSpecValidator({"name": {"type": "str", "required": True}, "secret": {"type": "str"}})
    assert validate(spec, {"name": "", "secret": ""}, keep_empty=("secret",)) == {"name": "", "secret": ""}


def test_empty_text_inside_of_values_stays() -> None:
    assert validate(VALIDATOR, {"name": "a", "values": {"b": ""}})["values"] == {"b": ""}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "a", "colour": "blue"},
            "Unsupported parameters: colour. Supported parameters include: files, name, values, version.",
        ),
        ({}, "missing required arguments: name."),
        ({"colour": "blue"}, "missing required arguments: name; Unsupported parameters: colour. Supported"),
    ],
    ids=str,
)
def test_everything_that_is_wrong_is_reported(arguments: Json, message: str) -> None:
    with pytest.raises(SodaError) as failed:
        validate(VALIDATOR, arguments)
    assert failed.value.failure.code == "invalid_arguments"
    assert failed.value.failure.message.startswith(message)
    assert failed.value.failure.message.endswith(".")
    assert not failed.value.failure.message.endswith("..")


@pytest.mark.parametrize(("given", "name"), [("a", "a"), (1234, "1234"), ("1e5", "1e5"), ("no", "no")], ids=str)
def test_text_and_integers_are_names(given: object, name: str) -> None:
    assert validate_name(given) == name


@pytest.mark.parametrize("given", [True, False, 1e5, None, ["a"], {"a": 1}, ""], ids=json.dumps)
def test_other_types_and_empty_text_are_not_names(given: object) -> None:
    with pytest.raises(SodaError) as failed:
        validate_name(given)
    assert failed.value.failure.code == "invalid_name"
