# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What absent and stale may remove."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._role.removal import (
    Deletion,
    Evidence,
    Verdict,
    explain,
    ids_by_name,
    judge_stale,
    refuse_online,
)

SEEN = "2026-01-01T12:00:00Z"
EVIDENCE = Evidence("r1", "warehouse", "https://cloud.soda.io", "k1", SEEN)


def runner(**changes: Any) -> dict[str, Any]:
    return {"id": "r1", "name": "warehouse", "is_online": False, "last_seen_timestamp": SEEN, **changes}


def deletion(before: str, after: str, changed: bool) -> Deletion:
    return Deletion.of_result({"registration": after, "changed": changed, "diff": {"before": {"registration": before}}})


@pytest.mark.parametrize(
    ("before", "after", "changed", "deleted"),
    [
        ("registered", "absent", True, True),
        # Only the key in escrow was removed.
        ("pending", "absent", True, False),
        ("absent", "absent", False, False),
        ("registered", "registered", False, False),
    ],
)
def test_a_runner_is_deleted_if_it_was_registered_and_is_not_any_more(
    before: str, after: str, changed: bool, deleted: bool
) -> None:
    assert deletion(before, after, changed).deleted is deleted


def test_runners_are_found_by_a_name_that_identifies_them() -> None:
    listed = [
        {"id": "r1", "name": "one"},
        {"id": "r2", "name": "two"},
        {"id": "r3", "name": "two"},
        {"id": None, "name": "three"},
        {"id": "r4", "name": None},
        {"id": "r5", "name": "fo\N{REPLACEMENT CHARACTER}r"},
    ]
    assert ids_by_name(listed) == {"one": ["r1"], "two": ["r2", "r3"]}


def test_an_online_runner_that_was_left_alone_keeps_its_files() -> None:
    with pytest.raises(SodaError) as raised:
        refuse_online(deletion("registered", "registered", False), "warehouse")
    assert raised.value.failure.code == "runner_online"
    assert "'warehouse'" in raised.value.failure.message
    refuse_online(deletion("registered", "absent", True), "warehouse")


@pytest.mark.parametrize(
    ("now", "declared_by", "verdict"),
    [
        (runner(), None, Verdict.DELETE),
        (runner(last_seen_timestamp="2026-01-01T13:00:00+01:00"), None, Verdict.DELETE),
        (None, None, Verdict.GONE),
        (runner(), "edge-1", Verdict.DECLARED),
        (None, "edge-1", Verdict.DECLARED),
        (runner(is_online=True), None, Verdict.ONLINE),
        (runner(is_online=None), None, Verdict.ONLINE),
        (runner(last_seen_timestamp="2026-01-01T12:00:01Z"), None, Verdict.CHANGED),
        (runner(name="another"), None, Verdict.CHANGED),
        (runner(last_seen_timestamp=None), None, Verdict.UNKNOWN),
        (runner(last_seen_timestamp="yesterday"), None, Verdict.UNKNOWN),
        (runner(last_seen_timestamp="1970-01-01T00:00:00Z"), None, Verdict.UNKNOWN),
    ],
)
def test_a_stale_runner_is_deleted_only_if_the_report_still_describes_it(
    now: dict[str, Any] | None, declared_by: str | None, verdict: Verdict
) -> None:
    assert judge_stale(EVIDENCE, now, declared_by) is verdict


@pytest.mark.parametrize("seen", [None, "", "never", "1970-01-01T00:00:00Z"])
def test_a_report_without_a_last_contact_is_no_evidence(seen: str | None) -> None:
    evidence = dataclasses.replace(EVIDENCE, last_seen_timestamp=seen)
    assert judge_stale(evidence, runner(last_seen_timestamp=seen), None) is Verdict.UNKNOWN


@pytest.mark.parametrize("verdict", Verdict)
def test_a_runner_that_is_left_alone_is_explained(verdict: Verdict) -> None:
    reason = explain(verdict, EVIDENCE, "edge-1")
    if verdict in (Verdict.DELETE, Verdict.GONE):
        assert reason is None
    else:
        assert reason is not None
        assert reason.startswith("The runner 'warehouse' (r1) was not deleted: ")
        assert ("soda_runner_hosts=edge-1" in reason) is (verdict is Verdict.DECLARED)
