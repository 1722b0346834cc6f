# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diff shows of a configuration file: nothing that may be secret."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.soda.plugins.module_utils._host.mask import (
    CHANGED,
    LONGEST_TEXT,
    MASK,
    MOST_LINES,
    mask_diff,
)
from ansible_collections.community.soda.plugins.plugin_utils._config.yaml_text import dump


def shown(text: str, section: str = "agent") -> str:
    """What a diff shows of a new file."""
    return mask_diff(None, text, section)[1]


# From users of such charts: each contains text that is secret, under a name that does not say so.
VALUES: dict[str, Any] = {
    "s3": {"secretKey": "S1"},
    "pwd": "S2",
    "apiKey": "S3",
    "accessKey": "S4",
    "auth": "S5",
    "dsn": "postgres://u:S6@h/db",
    "cert": "-----BEGIN PRIVATE KEY-----\nS7\n-----END PRIVATE KEY-----",
    "args": ["--api-key=S8"],
    "env": [{"name": "S9", "value": "S10"}],
    "raw": "S11 (from a vault)",
    "dockerconfigjson": "S12",
    "password": 19_000_013,
    "soda": {"agent": {"password": "S14"}, "env": {"PIN": "S15"}, "cloud": {"endpoint": "https://u:S16@h"}},
    "name": "S17",
    "id": "S18",
    "nested": [["S19", {"a": ["S20"]}]],
}


@pytest.mark.parametrize(
    "text",
    [
        dump(VALUES),
        yaml.safe_dump(VALUES),
        yaml.safe_dump(VALUES, default_style="|"),
        yaml.safe_dump(VALUES, default_style="'"),
        yaml.safe_dump(VALUES, default_flow_style=True),
        yaml.safe_dump(VALUES, width=1),
    ],
    ids=["as written", "plain", "block", "quoted", "flow", "narrow"],
)
def test_no_text_of_values_is_shown_however_it_is_written(text: str) -> None:
    assert re.findall(r"S\d+|19000013", text)
    assert re.findall(r"S\d+|19000013", shown(text)) == []
    assert re.findall(r"S\d+|19000013", mask_diff(text, None, "agent")[0]) == []


@given(
    st.dictionaries(st.sampled_from(["a", "name", "id", "pwd"]), st.text(min_size=1).map(lambda text: f"S3CR{text}"))
)
def test_no_generated_text_is_shown(values: dict[str, str]) -> None:
    assert "S3CR" not in shown(dump({"values": values}))


@pytest.mark.parametrize(
    "text",
    [
        "raw: |\n  hunter2: 5\n\n  hunter2: true\nend: 1\n",
        'raw: "first\n  hunter2: 5\n  last"\n',
        "raw: {a: b,\n  hunter2: 5}\n",
        "- |\n  hunter2: 5\n",
        "--- |\nhunter2: 5\n",
        "# hunter2\n",
        "hunter2\n",
        "!!python/object:os.system hunter2\n",
        "A=hunter2\nexport B=hunter2\n",
        "a: 5 # hunter2\n",
        "loglevel: INFO # hunter2\n",
        "a\x00b: hunter2\n",
        "\thunter2: 5\n",
        "[" * 500 + "hunter2",
        "a: &a {secret: hunter2}\nb: *a\n",
    ],
)
def test_lines_that_are_part_of_a_value_or_not_understood_are_masked(text: str) -> None:
    assert "hunter2" not in shown(text)


def test_booleans_numbers_and_harmless_settings_are_shown() -> None:
    text = dump(
        {
            "soda": {
                "apikey": {"id": "0d9c2b8e-5f0d-4f7e-9a37-3c3f6d1c2a55", "secret": "S"},
                "agent": {"name": "Zürich ☂", "id": "7f9d1c1e", "loglevel": "DEBUG", "logFormat": "json"},
                "cloud": {"endpoint": "https://cloud.us.soda.io", "region": "us"},
                "scanLauncher": {"resources": {"limits": {"cpu": "500m", "memory": "2Gi"}}},
            },
            "replicas": 2,
            "enabled": True,
            "nothing": None,
            "empty": {},
            "existingImagePullSecrets": [{"name": "soda-pull"}],
        }
    )
    assert shown(text) == text.replace('"S"', MASK)


def test_the_section_of_the_runner_may_be_renamed() -> None:
    text = dump({"soda": {"runner": {"name": "warehouse"}}})
    assert shown(text, "runner") == text
    assert "warehouse" not in shown(text, "agent")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("SODA_API_KEY_ID=an-id", "SODA_API_KEY_ID=an-id"),
        ("SODA_API_KEY_SECRET=an-id", f"SODA_API_KEY_SECRET={MASK}"),
        ("A=5", f"A={MASK}"),
        ("- 5", "- 5"),
        ("- five", f"- {MASK}"),
        ("---", "---"),
        ("  indented", f"  {MASK}"),
        ("soda: 5", "soda: 5"),
        ("pwd: 5", f"pwd: {MASK}"),
        ("pwd: true", "pwd: true"),
    ],
)
def test_a_line(line: str, expected: str) -> None:
    assert shown(f"{line}\n") == f"{expected}\n"


def test_control_characters_are_not_shown() -> None:
    text = "soda:\n  agent:\n    name: red\x1b[2J\n    id: a\u202eb\n    x\x07: 1\n"
    assert shown(text) == f"soda:\n  agent:\n    name: {MASK}\n    id: {MASK}\n    {MASK}\n"


def test_a_harmless_field_in_another_place_is_masked() -> None:
    assert "warehouse" not in shown(dump({"other": {"soda": {"agent": {"name": "warehouse"}}}}))
    assert "warehouse" not in shown(dump({"soda": {"agent": {"list": [{"name": "warehouse"}]}}}))


def test_a_harmless_field_with_another_form_is_masked() -> None:
    text = dump({"soda": {"apikey": {"id": "x" * 55}, "agent": {"loglevel": "hunter2"}}})
    assert "x" * 55 not in shown(text)
    assert "hunter2" not in shown(text)


def test_a_masked_line_that_changed_is_marked() -> None:
    before, after = mask_diff("a: 1\npwd: old\nb: 2\nx: same\n", "a: 1\npwd: new\nb: 2\nx: same\n", "agent")
    assert before == f"a: 1\npwd: {MASK}\nb: 2\nx: {MASK}\n"
    assert after == f"a: 1\npwd: {CHANGED}\nb: 2\nx: {MASK}\n"


def test_a_difference_that_is_not_shown_is_reported() -> None:
    before, after = mask_diff("a: 1\n\n", "a: 1\n \n", "agent")
    assert before != after


@pytest.mark.parametrize("text", ["a" * (LONGEST_TEXT + 1), "a\n" * (MOST_LINES + 2)], ids=["long", "many lines"])
def test_a_large_file_is_not_compared(text: str) -> None:
    before, after = mask_diff(text, "a: 1\n", "agent")
    assert before == f"({len(text)} characters, too long to compare)\n"
    assert after == "(5 characters, too long to compare)\n"


def test_no_file_is_empty() -> None:
    assert mask_diff(None, None, "agent") == ("", "")
