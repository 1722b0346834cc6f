# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit as JSON: what is written, and what is accepted when it is read again."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._audit import report as _report
from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import audit
from ansible_collections.community.soda.plugins.plugin_utils._audit.findings import CODES
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import (
    AccountListing,
    Limits,
    Observation,
    Report,
)
from ansible_collections.community.soda.tests.unit.plugins.harness import Json

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
LIMITS = Limits(pending=datetime.timedelta(minutes=30), offline=datetime.timedelta(hours=24))
EUROPE = Account("https://cloud.soda.io", "europe")
AMERICA = Account("https://cloud.us.soda.io", "america")
ONLINE = Runner("id-1", "one", "One", "SELF_HOSTED", True, "2026-01-31T11:59:50Z", {"runner": "1.2.0"})
OFFLINE = replace(ONLINE, is_online=False, last_seen_timestamp="2026-01-30T11:00:00Z")
GONE = replace(OFFLINE, id="id-3", name="gone")
HOSTED = replace(ONLINE, type="SODA_HOSTED", is_online=False)
HELD = Observation(host="host", name="one", account=EUROPE, issued_at="2026-01-28T12:00:00Z")
BROKEN = Observation(host="broken", name="broken", account=None, failure="The endpoint is not a URL.")


def report(*runners: Runner) -> Report:
    return audit([HELD], [AccountListing(EUROPE, "host", runners)], (), LIMITS, NOW)


def stale() -> Json:
    """An entry of the list of stale runners."""
    (entry,) = _report.to_json(report(GONE))["stale"]
    found: Json = entry
    return found


def write(path: Path, **changed: Any) -> str:
    path.write_text(json.dumps({**_report.to_json(report(GONE)), **changed}), "utf-8")
    path.chmod(0o600)
    return str(path)


def refused(source: Any, now: datetime.datetime = NOW, code: str = "report_unusable") -> str:
    with pytest.raises(SodaError) as raised:
        _report.stale_runners(source, 24, now)
    assert raised.value.failure.code == code
    return raised.value.failure.message


# Write


@pytest.mark.usefixtures("away_from_utc")
def test_the_report_has_everything() -> None:
    there = replace(HELD, host="there", name="two", account=AMERICA)
    listings = [
        AccountListing(EUROPE, "host", (ONLINE, HOSTED)),
        AccountListing(AMERICA, "there", (GONE,)),
        AccountListing(Account("https://cloud.soda.io", "wrong"), "x", None, "The API key is wrong."),
    ]
    moment = NOW.replace(microsecond=500_000).astimezone(datetime.timezone(datetime.timedelta(hours=2)))
    europe = {"endpoint": "https://cloud.soda.io", "api_key_id": "europe"}
    america = {"endpoint": "https://cloud.us.soda.io", "api_key_id": "america"}
    wrong = {"endpoint": "https://cloud.soda.io", "api_key_id": "wrong"}

    def row(**fields: Any) -> Json:
        common = {"host": None, "findings": [], "key_issued_at": None, "runner": None, "stale": False}
        return {**common, **fields}

    made = _report.to_json(audit([HELD, there, BROKEN], listings, (), LIMITS, moment))
    assert made == {
        "format": "community.soda.audit",
        "format_version": 1,
        "generated_at": "2026-01-31T12:00:00Z",
        "limits": {"pending_minutes": 30, "offline_hours": 24},
        "accounts": [
            {**europe, "listed_by": "host", "runners": 2, "failure": None},
            {**america, "listed_by": "there", "runners": 1, "failure": None},
            {**wrong, "listed_by": "x", "runners": None, "failure": "The API key is wrong."},
        ],
        "totals": {
            "rows": 5,
            "runners": 3,
            "hosts": 3,
            "online": 1,
            "in_order": 2,
            "attention": 3,
            "waiting": 0,
            "hosted": 1,
            "stale": 1,
            "elsewhere": 0,
        },
        "findings": {
            **dict.fromkeys(CODES, 0),
            "not_registered": 1,
            "offline": 1,
            "role_fails": 1,
            "not_in_inventory": 1,
        },
        "newest_versions": {"runner": "1.2.0"},
        "rows": [
            row(
                name="two",
                host="there",
                **america,
                state="not_registered",
                findings=[{"code": "not_registered", "detail": "the key was issued 3 d ago"}],
                key_issued_at=HELD.issued_at,
            ),
            row(
                name="gone",
                **america,
                state="offline",
                findings=[
                    {"code": "offline", "detail": "last contact 25 h ago"},
                    {"code": "not_in_inventory", "detail": ""},
                ],
                runner=GONE.to_dict(),
                stale=True,
            ),
            row(
                name="broken",
                host="broken",
                endpoint=None,
                api_key_id=None,
                state="role_fails",
                findings=[{"code": "role_fails", "detail": "The endpoint is not a URL."}],
            ),
            row(name="one", **europe, state="hosted", runner=HOSTED.to_dict()),
            row(
                name="one",
                host="host",
                **europe,
                state="in_order",
                key_issued_at=HELD.issued_at,
                runner=ONLINE.to_dict(),
            ),
        ],
        "stale": [
            {
                "id": "id-3",
                **america,
                "name": "gone",
                "host": None,
                "listed_by": "there",
                "last_seen_timestamp": "2026-01-30T11:00:00Z",
                "reported_at": "2026-01-31T12:00:00Z",
            },
        ],
    }
    json.dumps(made)


def test_a_stale_runner_names_its_host_unless_several_runners_have_the_name() -> None:
    assert [one["host"] for one in _report.to_json(report(OFFLINE))["stale"]] == ["host"]
    twins = report(ONLINE, replace(OFFLINE, id="id-2"))
    assert [(one["id"], one["host"]) for one in _report.to_json(twins)["stale"]] == [("id-2", None)]


# Read


def test_a_report_and_the_list_in_it_give_the_same_runners(tmp_path: Path) -> None:
    path = write(tmp_path / "report.json")
    expected = [_report.StaleRunner(**stale())]
    assert _report.stale_runners(path, 24, NOW) == expected
    assert _report.stale_runners([stale()], 24, NOW) == expected
    assert [dataclasses.asdict(one) for one in expected] == [stale()]


@pytest.mark.parametrize("hours", [24, 24.01, -0.08])
def test_the_age_of_a_report_is_bounded(hours: float, tmp_path: Path) -> None:
    """A report with no stale runner too: it is evidence that nothing is stale."""
    path, empty = write(tmp_path / "report.json"), write(tmp_path / "empty.json", stale=[])
    now = NOW + datetime.timedelta(hours=hours)
    if hours > 24:
        for source in (path, empty, [stale()]):
            assert "Run community.soda.audit again." in refused(source, now)
        assert _report.stale_runners(path, 25, now)
    else:
        assert _report.stale_runners(path, 24, now)


def test_a_report_from_the_future_is_refused(tmp_path: Path) -> None:
    now = NOW - datetime.timedelta(hours=1)
    for source in (write(tmp_path / "report.json"), [stale()]):
        assert "from the future" in refused(source, now)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": "other"}, "is not a report of community.soda.audit"),
        ({"format_version": 2}, "Another version of community.soda"),
        ({"stale": None}, "not NoneType"),
        ({"generated_at": "yesterday"}, "is unreadable"),
        ({"generated_at": None}, "is unreadable"),
        ({"stale": ["id-1"]}, "is not a mapping"),
    ],
)
def test_a_report_of_another_form_is_refused(changed: Json, message: str, tmp_path: Path) -> None:
    assert message in refused(write(tmp_path / "report.json", **changed))


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"[" * 100_000, b"null"])
def test_a_file_that_is_no_report_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    path.chmod(0o600)
    refused(str(path))


def test_a_report_that_another_user_could_have_written_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "report.json")
    os.chmod(path, 0o622)
    refused(path, code="untrusted_file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_report_of_another_user_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "report.json")
    os.chown(path, 12345, -1)
    refused(path, code="untrusted_file")


def test_a_missing_report_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refused(str(tmp_path / "report.json"))


@pytest.mark.parametrize("field", _report.FIELDS)
@pytest.mark.parametrize("value", [None, "", 1, ["x"], {}])
def test_a_runner_without_a_value_is_refused(field: str, value: Any) -> None:
    entry = {**stale(), field: value}
    if field == "host" and value is None:
        assert _report.stale_runners([entry], 24, NOW)
    else:
        assert f"has no {field}" in refused([entry])


def test_text_of_a_report_is_inert() -> None:
    (one,) = _report.stale_runners([{**stale(), "name": "{{ lookup('pipe', 'id') }}"}], 24, NOW)
    assert "{{" not in one.name
