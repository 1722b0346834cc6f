# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A runner: what the API gives is validated, and no field is lost on the way to a file and back."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.community.soda.plugins.module_utils._api.runner import FIELDS, Findings, Runner
from ansible_collections.community.soda.plugins.module_utils._api.text import MARK

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
ENTRIES = st.dictionaries(
    st.sampled_from(["id", "name", "label", "type", "isOnline", "lastSeenTimestamp", "versions", "extra"]), JSON
)


def whole_runner() -> Runner:
    """A runner of which each public field has a value, whatever fields there are."""
    samples: dict[str, Any] = {"str | None": "text", "bool | None": True, "dict[str, str]": {"runner": "1.2"}}
    return Runner(
        **{field.name: samples[str(field.type)] for field in dataclasses.fields(Runner) if field.name != "raw_name"}
    )


def test_no_field_is_lost_on_the_way_through_json() -> None:
    """As results, the inventory cache, the audit report and the event source's state have it."""
    runner = whole_runner()
    assert None not in runner.to_dict().values()
    assert set(runner.to_dict()) == set(FIELDS)
    assert Runner.from_dict(json.loads(json.dumps(runner.to_dict()))) == runner


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(ENTRIES)
def test_codec_preserves_any_listed_runner(entry: dict[str, Any]) -> None:
    findings = Findings()
    runner = Runner.from_api(entry, findings)
    assert Runner.from_dict(json.loads(json.dumps(runner.to_dict()))) == runner
    assert "__ansible" not in json.dumps(runner.to_dict())
    assert runner.last_seen is None or runner.last_seen.tzinfo is not None
    for warning in findings.warnings():
        assert warning.isprintable()
        assert len(warning) < 600


def test_warnings_are_one_for_each_kind_and_bounded() -> None:
    findings = Findings()
    for number in range(1000):
        Runner.from_api({"id": str(number), "name": 5, "label": "{{ x }}"}, findings)
    assert findings.warnings() == [
        "Soda Cloud lists runners whose label contain characters that are not printable, a template, or too much text."
        " They were replaced: 0, 1, 2 and 997 more.",
        "Soda Cloud lists runners whose name are of the wrong type and were dropped: 0, 1, 2 and 997 more.",
    ]


@pytest.mark.parametrize(
    ("versions", "valid"),
    [
        ({"runner": "1.2", "library": "4.28.0"}, {"runner": "1.2", "library": "4.28.0"}),
        ({"__ansible_type": "TrustedAsTemplate", "runner": "1"}, {"runner": "1"}),
        ({"__ansible_vault": "x"}, {}),
        ({"__ansible_unsafe": "x"}, {}),
        ({"{{ x }}": "1", "a b": "1", "": "1", "x" * 100: "1"}, {}),
        ({"runner": "{{ 1 + 1 }}"}, {"runner": f"{{{MARK}{{ 1 + 1 }}}}"}),
        ({"runner": 4, "library": None, "other": ["1"]}, {}),
        (["1.2"], {}),
        ("1.2", {}),
        (None, {}),
    ],
    ids=str,
)
def test_versions_are_a_few_plain_names_and_texts(versions: Any, valid: dict[str, str]) -> None:
    assert Runner.from_api({"versions": versions}).versions == valid


def test_there_are_at_most_twenty_versions() -> None:
    assert len(Runner.from_api({"versions": {f"part{n}": "1" for n in range(1000)}}).versions) == 20


def test_an_id_that_had_to_be_altered_is_none() -> None:
    """It selects what is deleted."""
    assert Runner.from_api({"id": "a\x1b"}).id is None
    assert Runner.from_api({"id": f"a{MARK}"}).id is None


@pytest.mark.parametrize("name", ["{{ x }}", "a\nb", "\ud800", "x" * 5000, f"a{MARK}"], ids=ascii)
def test_an_altered_name_is_compared_exactly_or_not_at_all(name: str) -> None:
    runner = Runner.from_api({"id": "1", "name": name})
    assert runner.is_named(name)
    stored = Runner.from_dict(runner.to_dict())
    assert stored == runner
    assert not stored.is_named(name)
    assert not stored.is_named(stored.name)
    assert runner.is_named(runner.name) is (name == runner.name)
    assert name not in (value for value in runner.to_dict().values() if value != runner.name)


def test_two_names_that_differ_never_match_each_other() -> None:
    first, second = Runner.from_api({"name": "{{ x"}), Runner.from_api({"name": "{\x00{ x"})
    assert not first.is_named("{\x00{ x")
    assert not second.is_named("{{ x")
    assert not Runner.from_api({"name": "a"}).is_named(None)
    assert not Runner.from_api({}).is_named(None)


NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("fields", "stale"),
    [
        ({"isOnline": False, "lastSeenTimestamp": "2026-01-01T00:00:00Z"}, True),
        ({"isOnline": None, "lastSeenTimestamp": "2026-01-01T00:00:00Z"}, True),
        ({"isOnline": True, "lastSeenTimestamp": "2026-01-01T00:00:00Z"}, False),
        ({"isOnline": False, "lastSeenTimestamp": "2026-01-03T00:00:00Z"}, False),
        ({"isOnline": False, "lastSeenTimestamp": None}, False),
        ({"isOnline": False, "lastSeenTimestamp": "yesterday"}, False),
        ({"isOnline": False, "lastSeenTimestamp": 0}, False),
        ({"isOnline": False, "lastSeenTimestamp": "1970-01-01T00:00:00Z"}, False),
        ({"isOnline": False}, False),
    ],
    ids=str,
)
def test_a_runner_is_stale_only_on_a_last_contact_that_was_read(fields: dict[str, Any], stale: bool) -> None:
    assert Runner.from_api(fields).is_stale(NOW) is stale
