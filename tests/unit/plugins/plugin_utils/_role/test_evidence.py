# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evidence for deleting stale runners."""

from __future__ import annotations

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
}
EVIDENCE = Evidence("r1", "warehouse", "https://cloud.soda.io", "k1", "2025-12-01T00:00:00Z")
REPORT = {
    "format": FORMAT,
    "format_version": FORMAT_VERSION,
    "generated_at": "2026-01-01T12:00:00Z",
    "stale": [RUNNER],
}


def written(folder: Path, content: Any, mode: int = 0o600) -> str:
    path = folder / "report.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    path.chmod(mode)
    return str(path)


def refused(code: str, path: str, **options: Any) -> str:
    with pytest.raises(SodaError) as raised:
        read_report(path, options.get("max_age_hours", 24), NOW)
    assert raised.value.failure.code == code
    return raised.value.failure.message


def test_a_report_is_read(tmp_path: Path) -> None:
    assert read_report(written(tmp_path, REPORT), 24, NOW) == [EVIDENCE]


def test_a_relative_path_is_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, REPORT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", "/")
    assert read_report("report.json", 24, NOW) == [EVIDENCE]


@pytest.mark.parametrize(
    ("generated_at", "hours", "is_fresh"),
    [
        ("2026-01-01T00:00:00Z", 24, True),
        ("2025-12-31T23:59:59Z", 24, False),
        ("2025-12-31T23:59:59Z", 25, True),
        ("2026-01-02T00:05:00Z", 24, True),
        ("2026-01-02T00:05:01Z", 24, False),
        ("today", 24, False),
        (None, 24, False),
        (1767225600, 24, False),
    ],
)
def test_a_report_has_a_maximum_age(tmp_path: Path, generated_at: Any, hours: float, is_fresh: bool) -> None:
    path = written(tmp_path, {**REPORT, "generated_at": generated_at})
    if is_fresh:
        assert read_report(path, hours, NOW) == [EVIDENCE]
    else:
        assert "Run community.soda.audit again" in refused("report_unusable", path, max_age_hours=hours)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"stale": []}',
        {**REPORT, "format": "another"},
        {**REPORT, "format_version": FORMAT_VERSION + 1},
        {**REPORT, "stale": [{**RUNNER, "id": None}]},
        {**REPORT, "stale": [{**RUNNER, "id": ""}]},
        {**REPORT, "stale": [{**RUNNER, "api_key_id": 1}]},
        {**REPORT, "stale": ["r1"]},
    ],
)
def test_what_is_not_a_report_deletes_nothing(tmp_path: Path, content: Any) -> None:
    assert "Nothing was deleted" in refused("report_unusable", written(tmp_path, content))


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "missing.json")
    assert path in refused("report_unusable", path)


def test_a_report_that_others_can_write_is_not_trusted(tmp_path: Path) -> None:
    refused("untrusted_file", written(tmp_path, REPORT, mode=0o666))


def test_a_last_contact_of_another_type_is_unknown() -> None:
    runner = {**RUNNER, "last_seen_timestamp": 1760000000, "reported_at": "2026-01-01T12:00:00Z"}
    assert read_list([runner], 24, NOW)[0].last_seen_timestamp is None


@pytest.mark.parametrize("as_text", [False, True])
def test_the_list_of_a_platform_is_read(as_text: bool) -> None:
    runners: Any = [{**RUNNER, "reported_at": "2026-01-01T12:00:00Z"}]
    assert read_list(json.dumps(runners) if as_text else runners, 24, NOW) == [EVIDENCE]


@pytest.mark.parametrize(
    "runners",
    ["", "r1", "{}", {"id": "r1"}, ["r1"], [RUNNER], [{**RUNNER, "reported_at": "2025-12-01T00:00:00Z"}]],
)
def test_what_is_not_a_fresh_list_deletes_nothing(runners: Any) -> None:
    with pytest.raises(SodaError) as raised:
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
