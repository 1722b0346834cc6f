# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failure says, and what is not said of it."""

from __future__ import annotations

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import Failure, SodaError, error


def test_a_failure_has_the_same_fields_whether_they_say_something_or_not() -> None:
    assert Failure(code="a_code", message="A message.").as_result() == {
        "code": "a_code",
        "message": "A message.",
        "operation": None,
        "http_status": None,
        "trace_id": None,
        "retryable": False,
    }


def test_an_error_is_its_message_and_in_no_doubt_unless_told() -> None:
    failure = Failure(code="a_code", message="A message.")
    said = SodaError(failure)
    assert str(said) == "A message."
    assert said.failure is failure
    assert (said.in_doubt, said.not_found) == (False, False)


@pytest.mark.parametrize(("in_doubt", "not_found"), [(True, False), (False, True)])
def test_doubt_and_absence_are_two_things(in_doubt: bool, not_found: bool) -> None:
    said = SodaError(Failure(code="a_code", message="A message."), in_doubt=in_doubt, not_found=not_found)
    assert (said.in_doubt, said.not_found) == (in_doubt, not_found)


def test_an_error_that_no_request_has_caused_names_none() -> None:
    assert error("a_code", "A message.").failure == Failure(code="a_code", message="A message.")
    assert error("a_code", "A message.", retryable=True).failure.retryable is True
