# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evidence for deleting stale runners. What a report must be is tested with the report."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._audit.report import FORMAT, FORMAT_VERSION
from ansible_collections.community.soda.plugins.plugin_utils._role.evidence import (
    read_list,
    read_max_age,
    read_report,
)
from ansible_collections.community.soda.plugins.plugin_utils._role.removal import Evidence

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
RUNNER = {
    "id": "r1",
    "name": "warehouse",
    "endpoint": "https://cloud.soda.io/",
    "api_key_id": "k1",
    "last_seen_timestamp": "2025-12-01T00:00:00Z",
    "host": None,
    "listed_by": "host",
    "reported_at": "2026-01-01T12:00:00Z",
}
EVIDENCE = Evidence("r1", "warehouse", "https://cloud.soda.io", "k1", "2025-12-01T00:00:00Z")


def test_a_report_is_read(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report = {"format": FORMAT, "format_version": FORMAT_VERSION, "generated_at": RUNNER["reported_at"]}
    path.write_text(json.dumps({**report, "stale": [RUNNER]}), "utf-8")
    path.chmod(0o600)
    assert read_report(str(path), 24, NOW) == [EVIDENCE]
    with pytest.raises(SodaError, match="Nothing was deleted"):
        read_report(str(path), 1, NOW)
    path.chmod(0o666)
    with pytest.raises(SodaError) as raised:
        read_report(str(path), 24, NOW)
    assert raised.value.failure.code == "untrusted_file"


@pytest.mark.parametrize("as_text", [False, True])
def test_the_list_of_a_platform_is_read(as_text: bool) -> None:
    assert read_list(json.dumps([RUNNER]) if as_text else [RUNNER], 24, NOW) == [EVIDENCE]


def test_text_keeps_names_and_times_as_they_are() -> None:
    runner = {**RUNNER, "name": "1234", "id": "5", "reported_at": "2026-01-01T12:00:00Z"}
    assert read_list(json.dumps([runner]), 24, NOW) == [dataclasses.replace(EVIDENCE, name="1234", id="5")]


@pytest.mark.parametrize(
    "runners",
    ["", "r1", "{}", {"id": "r1"}, ["r1"], [{"id": "r1"}], [{**RUNNER, "reported_at": "2025-12-01T00:00:00Z"}]],
)
def test_invalid_or_old_list_deletes_nothing(runners: Any) -> None:
    with pytest.raises(SodaError, match="Nothing was deleted") as raised:
        read_list(runners, 24, NOW)
    assert raised.value.failure.code == "report_unusable"


def test_the_maximum_age_has_a_default() -> None:
    assert [read_max_age(value) for value in (None, "", 1, "0.5")] == [24, 24, 1, 0.5]


@pytest.mark.parametrize("value", [0, -1, "nan", "inf", "a day", []])
def test_the_maximum_age_is_a_number_above_0(value: Any) -> None:
    with pytest.raises(SodaError) as raised:
        read_max_age(value)
    assert raised.value.failure.code == "invalid_arguments"
    assert "soda_decommission_max_age_hours" in raised.value.failure.message
