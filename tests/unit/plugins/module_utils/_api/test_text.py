# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from the API is inert and printable, ordinary text unchanged. Ansible's own templating is the oracle."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.community.soda.plugins.module_utils._api.text import (
    LONGEST_TEXT,
    MARK,
    sanitize,
    sanitize_line,
    sanitize_lines,
)

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19, all text is trusted
    trust_as_template = str

HOSTILE = [
    "#jinja2: variable_start_string: '[[', variable_end_string: ']]'\n[[ 1 + 1 ]]",
    "  #jinja2: variable_start_string: '[['\n[[ 1 + 1 ]]",
    "#JINJA2: variable_start_string: '[['\n[[ 1 + 1 ]]",
    "{{ 1 + 1 }}",
    "{% for x in [1] %}{{ x }}{% endfor %}",
    "{# comment #}",
    "{{{ 1 }}}",
    "{\x00{ 1 + 1 }}",
    "{\u200b{ 1 + 1 }}",
    "red\x1b[2J\x1b[31mPLAY RECAP",
    "bell\x07",
    "return\rcarriage",
    "line\nfeed",
    "next\x85line\u2028separator",
    "rtl\u202egnp.exe",
    "isolate\u2066x\u2069",
    "nul\x00",
    "lone \ud800 surrogate",
    "c1 \x9b31m",
    "tag \U000e0041",
    "brace {",
]
ORDINARY = [
    "",
    "warehouse-eu",
    " leading and trailing ",
    "two words",
    "-leading dash",
    "../../etc/passwd",
    "back\\slash",
    "</script><img src=x onerror=alert(1)>",
    "Zürich ☂ 東京 🎉 👩‍👩‍👧 e\u0301 é",
    "1234",
    "1e5",
    "0x10",
    "true",
    "null",
    "!vault x",
    "{ not a template }",
    "100% {a}",
    "#jinja",
    "a #jinja2: b",
    "x" * LONGEST_TEXT,
]

PIECES = st.sampled_from(
    [
        "{",
        "}",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "#",
        "%",
        "#jinja2:",
        "\n",
        " ",
        "\x00",
        "\ud800",
        "\u200b",
        "1 + 1",
        "variable_start_string: '[['",
        "[[ 1 + 1 ]]",
        "!unsafe",
        "\\",
        "'",
        '"',
        MARK,
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)

TEMPLAR = Templar(loader=DataLoader(), variables={})


def templated(text: str) -> object:
    """What Ansible makes of text that it trusts, such as an extra variable or a host's variable."""
    return TEMPLAR.template(trust_as_template(text))


@pytest.mark.parametrize("text", ["{{ 1 + 1 }}", HOSTILE[0]], ids=["braces", "header"])
def test_the_oracle_runs_templates(text: str) -> None:
    assert str(templated(text)) == "2"


@settings(max_examples=500, deadline=None)
@given(TEXTS)
@example("{{ 1 + 1 }}")
@example("#jinja2: variable_start_string: '[['\n[[ 1 + 1 ]]")
def test_templating_returns_the_text_itself(text: str) -> None:
    safe = sanitize(text)
    assert templated(safe) == safe


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_two_texts_one_after_the_other_are_inert_too(first: str, second: str) -> None:
    both = sanitize(first) + sanitize(second)
    assert templated(both) == both


@settings(max_examples=500, deadline=None)
@given(TEXTS | st.text(max_size=2 * LONGEST_TEXT))
def test_the_text_is_printable_bounded_and_encodable(text: str) -> None:
    safe = sanitize(text)
    assert sanitize(safe) == safe
    assert len(safe) <= LONGEST_TEXT
    assert json.loads(json.dumps(safe)) == safe
    safe.encode()
    assert not [char for char in safe if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    assert sanitize_line(text, 80) == sanitize_line(sanitize_line(text, 80), 80)
    assert len(sanitize_line(text, 80)) <= 80


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_is_changed_and_marked(text: str) -> None:
    safe = sanitize(text)
    assert MARK in safe
    assert not re.search(r"\{[{%#]", safe)
    assert templated(safe) == safe


@pytest.mark.parametrize("text", ORDINARY, ids=ascii)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert sanitize(text) == text


def test_text_that_is_too_long_is_cut_and_marked() -> None:
    assert sanitize("x" * (LONGEST_TEXT + 1)) == "x" * (LONGEST_TEXT - 1) + MARK
    assert sanitize("abcdef", longest=3) == "ab" + MARK


def test_text_for_a_message_is_one_line() -> None:
    assert sanitize_line(" a\n\tb\x1b[0m ") == f"a b{MARK}[0m"
    assert sanitize_line("x" * 301) == "x" * 297 + "..."


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS).map("\n".join))
@example("\n#jinja2: variable_start_string: '[['\n[[ 1 + 1 ]]")
@example("{\n{ 1 + 1 }}")
def test_lines_are_inert_and_their_ends_stay(text: str) -> None:
    safe = sanitize_lines(text, 10_000_000)
    assert sanitize_lines(safe, 10_000_000) == safe
    assert safe.count("\n") == text.count("\n")
    assert templated(safe) == safe
    assert not [char for char in safe if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") and char != "\n"]


def test_the_lines_of_a_diff_stay_as_they_are() -> None:
    diff = '{\n  "soda": {\n    "id": "x"\n  }\n}\n'
    assert sanitize_lines(diff, len(diff)) == diff
    assert sanitize_lines("a\nbcd", 4) == f"a\nb{MARK}"
