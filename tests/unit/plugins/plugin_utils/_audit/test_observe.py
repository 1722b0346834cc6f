# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is observed of a host, from the result of the action that would write there."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.plugin_utils._audit import observe
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import Finding, Observation
from ansible_collections.community.soda.tests.unit.plugins.harness import Json

ACCOUNT = Account("https://cloud.soda.io", "key-1")
KEY = {"api_key_id": "a", "path": "/k", "key_version": 1, "issued_at": "2026-01-01T12:00:00Z"}
RESULT: Json = {
    "changed": False,
    "key": KEY,
    "key_needed": False,
    "key_changed": False,
    "escrow_emptied": False,
    "files": [{"path": "/v", "format": "dotenv", "changed": False}],
    "missing_folders": [],
}


def observed(wanted: bool = True, **changed: Any) -> Observation:
    return observe.observation("host", "one", ACCOUNT, wanted, {**RESULT, **changed})


def test_a_host_without_differences() -> None:
    assert observed() == Observation("host", "one", ACCOUNT, issued_at="2026-01-01T12:00:00Z")


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"key_needed": True}, "the stored key has a lower key_version than the declaration"),
        ({"key_changed": True}, "the key file"),
        ({"escrow_emptied": True}, "a key waits in escrow"),
        ({"restart_owed": True}, "a restart of the runner is owed"),
        ({"files": [{"path": "/a", "changed": True}, {"path": "/b", "changed": False}]}, "/a"),
    ],
)
def test_pending_change_is_a_difference(changed: Json, difference: str) -> None:
    assert observed(**changed).differences == (difference,)


def test_without_a_key_there_is_no_time_and_no_difference() -> None:
    assert observed(key=None, key_needed=True) == Observation("host", "one", ACCOUNT)


def test_a_failure_is_observed_with_its_message() -> None:
    assert observed(failed=True, msg="It is not\n ours.", key=None).failure == "It is not ours."
    assert observed(failed=True, key=None).failure


def test_remaining_files_are_observed_if_no_runner_is_wanted() -> None:
    assert observed(False, removed=["/k", "/v"], key=None).remaining == ("/k", "/v")
    assert observed(False, removed=[], key=None).remaining == ()


def test_the_problems_of_a_key_store_are_findings() -> None:
    problems = [{"code": "secret_changed", "detail": "x"}, {"code": "offline", "detail": "forged"}, "odd"]
    assert observed(problems=problems).problems == (Finding("secret_changed", "x"),)


@pytest.mark.parametrize("odd", [None, 1, True, "text", [], {}, [None], [{"path": 1, "changed": True}], {"a": 1}])
@pytest.mark.parametrize("field", ["key", "files", "problems", "removed", "msg", "key_needed", "restart_owed"])
def test_a_host_that_returns_odd_shapes_is_observed_all_the_same(field: str, odd: Any) -> None:
    for wanted in (True, False):
        for failed in (True, False):
            found = observed(wanted, failed=failed, **{field: odd})
            assert Observation.from_dict(found.to_dict()) == found


def test_text_from_a_host_is_inert_and_bounded() -> None:
    found = observed(failed=True, msg="{{ lookup('pipe', 'id') }}\x1b[2J" + "x" * 10_000)
    assert found.failure is not None
    assert "{{" not in found.failure
    assert found.failure.isprintable()
    assert len(found.failure) <= 2 * observe.LONGEST


def test_a_host_that_is_not_reached_and_one_whose_declaration_is_broken() -> None:
    assert observe.unreached("host", "one", ACCOUNT, True, "No route.") == Observation(
        "host", "one", ACCOUNT, reached=False, failure="No route."
    )
    assert observe.failed("host", "one", "Bad endpoint.") == Observation("host", "one", None, failure="Bad endpoint.")
