# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection against the contract's schema: whatever is added there is used here, or a test says why it is not."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.community.soda.plugins.doc_fragments import filters
from ansible_collections.community.soda.plugins.module_utils._api import client as _client
from ansible_collections.community.soda.plugins.module_utils._api import messages as _messages
from ansible_collections.community.soda.plugins.module_utils._api import runners as _runners
from ansible_collections.community.soda.tests.unit.plugins.harness import Json

CONTRACT: Json = yaml.safe_load(
    (Path(__file__).parents[2] / "emulator" / "contract" / "soda-cloud-runners.openapi.yaml").read_text("utf-8")
)
SCHEMAS = CONTRACT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, item in CONTRACT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}

# Fields of the contract by which soda_runner_info does not filter, and why.
NO_FILTER = {
    "label": "it is for people; the name is what identifies",
    "lastSeenTimestamp": "not_seen_for filters by it",
    "versions": "they are returned, and have no order to filter by",
}
TYPES = {"string": "str", "boolean": "bool", "object": "dict", "array": "list", "integer": "int"}


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def documented(module: str, section: str) -> Json:
    text = getattr(importlib.import_module(f"ansible_collections.community.soda.plugins.modules.{module}"), section)
    found: Json = yaml.safe_load(text)
    return found


@pytest.mark.parametrize(("module", "field"), [("soda_runner", "runner"), ("soda_runner_info", "runners")])
def test_returned_fields_are_those_of_the_contract(module: str, field: str) -> None:
    returned = documented(module, "RETURN")[field]["contains"]
    expected = {snake_case(name): TYPES[schema["type"]] for name, schema in SCHEMAS["Runner"]["properties"].items()}
    assert {name: value["type"] for name, value in returned.items()} == expected


def test_a_runner_carries_every_field_of_the_contract() -> None:
    every: Json = {"string": "text", "boolean": True, "object": {"runner": "1"}}
    given = {name: every[schema["type"]] for name, schema in SCHEMAS["Runner"]["properties"].items()}
    result = _runners.Runner.from_api(given).to_dict()
    assert result == {snake_case(name): value for name, value in given.items()}
    # raw_name is compared with declared names, and never leaves the process.
    assert {*result, "raw_name"} == {field.name for field in dataclasses.fields(_runners.Runner)}


def test_every_field_of_a_runner_is_a_filter_or_is_not_for_a_reason() -> None:
    options = yaml.safe_load(filters.ModuleDocFragment.DOCUMENTATION)["options"]
    fields = SCHEMAS["Runner"]["properties"]
    assert set(fields) >= set(NO_FILTER)
    expected = {snake_case(name): TYPES[schema["type"]] for name, schema in fields.items() if name not in NO_FILTER}
    # Text, or an integer that becomes text.
    expected["name"] = "raw"
    ours = {"not_seen_for"}
    assert {name: option["type"] for name, option in options.items() if name not in ours} == expected


def test_every_field_of_a_key_is_returned() -> None:
    returned = documented("soda_runner", "RETURN")["key"]["contains"]
    assert {snake_case(name) for name in SCHEMAS["RunnerKey"]["properties"]} <= set(returned)


@pytest.mark.parametrize("module", ["soda_runner", "soda_runner_info"])
def test_every_field_of_an_error_is_reported(module: str) -> None:
    assert set(SCHEMAS["Error"]["properties"]) <= set(documented(module, "RETURN")["failure"]["contains"])


def test_every_operation_and_parameter_of_the_contract_is_used() -> None:
    ids = {"list": "listRunners", "create": "createRunner", "get": "getRunner", "delete": "deleteRunner"}
    assert {ids[operation.value] for operation in _client.Operation} == set(OPERATIONS)
    path, _method, listing = OPERATIONS["listRunners"]
    assert path == _runners.PATH
    sizes: dict[str, Any] = {parameter["name"]: parameter["schema"] for parameter in listing["parameters"]}
    assert set(sizes) == {"page", "size"}
    assert sizes["size"]["maximum"] == _runners.PAGE_SIZE
    assert not [name for name, (_path, _method, each) in OPERATIONS.items() if "requestBody" in each]


@pytest.mark.parametrize("status", sorted({s for _p, _m, each in OPERATIONS.values() for s in each["responses"]}))
def test_every_refusal_of_the_contract_has_a_code_of_ours(status: str) -> None:
    """For answers in which Soda Cloud gives none."""
    assert status in ("200", "500") or int(status) in _messages._BY_STATUS
