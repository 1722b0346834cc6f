# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Placeholders that a host replaces."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.module_utils._host.fill import (
    ISSUED_AT_RUN_TIME,
    fill_in,
    key_values,
)

VALUES = key_values("an-id", "a-secret", 2, None)


def test_each_placeholder_gets_its_field() -> None:
    placeholders = {"P0": ["api_key_id"], "P1": ["api_key_secret"], "P2": ["key_version"]}
    assert fill_in("a P0 P1\nb P2 P0\n", placeholders, VALUES) == "a an-id a-secret\nb 2 an-id\n"


def test_a_line_whose_placeholder_has_no_value_is_left_out() -> None:
    text = "a: 1\nid: P0\nb: 2\n"
    assert fill_in(text, {"P0": ["runner_id"]}, VALUES) == "a: 1\nb: 2\n"
    assert fill_in(text, {"P0": ["runner_id"]}, {**VALUES, "runner_id": "r"}) == "a: 1\nid: r\nb: 2\n"


def test_text_without_placeholders_stays_as_it_is() -> None:
    text = "a\r\n\x0b \u2028 b\n\n"
    assert fill_in(text, {"P0": ["runner_id"]}, VALUES) == text


@given(st.text())
def test_any_value_is_the_same_for_a_reader_of_yaml(value: str) -> None:
    text = fill_in('a: "P0"\n', {"P0": ["runner_id", "yaml"]}, {"runner_id": value})
    assert yaml.safe_load(text) == {"a": value}
    assert text.count("\n") == 1


@given(st.text())
def test_any_value_is_the_same_for_a_reader_of_json_in_yaml(value: str) -> None:
    outer = "a: " + json.dumps(json.dumps({"b": "P0"})) + "\n"
    text = fill_in(outer, {"P0": ["runner_id", "json", "yaml"]}, {"runner_id": value})
    assert json.loads(yaml.safe_load(text)["a"]) == {"b": value}


@pytest.mark.parametrize("value", ["with space", "new\nline", 'quote"', "dollar$", "hash#", "ü"])
def test_dotenv_refuses_a_value_that_its_readers_read_differently(value: str) -> None:
    with pytest.raises(SodaError) as failed:
        fill_in("A=P0\n", {"P0": ["api_key_secret", "dotenv"]}, {"api_key_secret": value})
    assert failed.value.failure.code == "config_not_expressible"
    assert value not in failed.value.failure.message


def test_unknown_value_of_check_mode_passes_each_encoding() -> None:
    for encoding in ("yaml", "json", "dotenv"):
        assert ISSUED_AT_RUN_TIME in fill_in("P0", {"P0": ["api_key_id", encoding]}, {"api_key_id": ISSUED_AT_RUN_TIME})
