# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Timestamps mean the same on every supported Python and in every time zone."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.community.soda.plugins.module_utils import _timestamps

UTC = datetime.timezone.utc
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.usefixtures("away_from_utc")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01T12:00:00Z", NOON),
        ("2026-01-01T12:00:00z", NOON),
        ("2026-01-01T12:00:00+00:00", NOON),
        ("2026-01-01T12:00:00+0000", NOON),
        ("2026-01-01T14:00:00+02", NOON),
        ("2026-01-01T14:00:00+02:00", NOON),
        ("2026-01-01T04:30:00-0730", NOON),
        ("2026-01-01T12:00:00.5Z", NOON),
        ("2026-01-01T12:00:00,5Z", NOON),
        ("2026-01-01T12:00:00.123456789Z", NOON),
        ("2026-01-01T12:00:00", NOON),
        ("2026-01-01 12:00:00", NOON),
        (" 2026-01-01T12:00Z ", NOON),
        ("2026-01-01", NOON.replace(hour=0)),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("1760000000", None),
        ("2026-13-01T12:00:00Z", None),
        ("2026-01-01T12:00:00+25:00", None),
        ("2026-01-01T12:00:00Zulu", None),
        ("٢٠٢٦-01-01T12:00:00Z", None),
    ],
)
def test_common_forms_of_iso_8601_are_read(text: str | None, moment: datetime.datetime | None) -> None:
    assert _timestamps.parse(text) == moment


def test_text_is_in_utc_to_the_second_and_can_be_read_again() -> None:
    moment = datetime.datetime(2026, 1, 1, 21, 0, 0, 999, tzinfo=datetime.timezone(datetime.timedelta(hours=9)))
    assert _timestamps.to_text(moment) == "2026-01-01T12:00:00Z"
    assert _timestamps.parse(_timestamps.to_text(moment)) == NOON


@pytest.mark.usefixtures("away_from_utc")
def test_now_is_now() -> None:
    read = _timestamps.parse(_timestamps.now_as_text())
    assert read is not None
    assert abs(read - datetime.datetime.now(UTC)) < datetime.timedelta(minutes=5)
