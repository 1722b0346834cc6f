# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures: a closed set of codes, one class for each, one shape."""

from __future__ import annotations

import datetime

from ansible_collections.community.soda.plugins.module_utils import _errors, _timestamps
from ansible_collections.community.soda.plugins.module_utils._errors import FAILURE_CODES, Failure


def test_a_failure_has_every_field_even_if_most_are_empty() -> None:
    result = Failure(code="refused", message="A message.").as_result()
    occurred_at = _timestamps.parse(result.pop("occurred_at"))
    assert occurred_at is not None
    assert abs(occurred_at - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=5)
    assert result == {
        "code": "refused",
        "message": "A message.",
        "operation": None,
        "http_status": None,
        "trace_id": None,
        "retryable": False,
        "api_code": None,
    }


def test_an_error_has_its_message_and_the_code_of_its_class() -> None:
    raised = _errors.Forbidden("A message.", operation="get", http_status=403, trace_id="a-trace", api_code="no_way")
    assert str(raised) == "A message."
    assert raised.failure == Failure("forbidden", "A message.", "get", 403, "a-trace", False, "no_way")
    assert raised.in_doubt is False


def test_each_code_belongs_to_one_class() -> None:
    codes = [cls.__dict__["code"] for cls in _errors._classes(_errors.SodaError) if "code" in cls.__dict__]
    assert sorted(codes) == sorted(FAILURE_CODES)


def test_a_subclass_without_a_code_has_that_of_its_base() -> None:
    class Special(_errors.WaitTimeout):
        pass

    assert (Special("A message.").failure.code, Special("A message.").failure.retryable) == ("wait_timeout", True)


def test_the_class_decides_whether_a_failure_is_retryable_unless_an_error_overrides_it() -> None:
    assert _errors.KeyPathBusy("A message.").failure.retryable is True
    assert _errors.KeyPathBusy("A message.", retryable=False).failure.retryable is False
    assert _errors.InvalidName("A message.").failure.retryable is False
    assert _errors.InvalidName("A message.", retryable=True).failure.retryable is True


def test_a_create_with_an_unknown_outcome_is_always_in_doubt_and_never_retryable() -> None:
    raised = _errors.CreateOutcomeUnknown("A message.", in_doubt=False)
    assert raised.in_doubt is True
    assert raised.failure.retryable is False
