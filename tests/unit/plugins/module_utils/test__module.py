# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module ends: with what its work returns, or with a failure that always has the same form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.community.soda.plugins.module_utils._errors import Forbidden
from ansible_collections.community.soda.plugins.module_utils._module import SodaModule, run
from ansible_collections.community.soda.tests.unit.plugins.harness import Json, Ran, run_main


def forbidden() -> Forbidden:
    return Forbidden("A message.", operation="get", http_status=403, trace_id="a-trace", api_code="no_way")


def run_module(work: Callable[[SodaModule], Json], **arguments: Any) -> Ran:
    """The result of a module with this work, which takes a path."""

    def main() -> None:
        module = SodaModule(argument_spec={"path": {"type": "path"}})
        run(module, lambda: work(module))

    result, output = run_main(main, arguments)
    return Ran(result, output, [])


def test_a_module_ends_with_what_its_work_returns() -> None:
    module = run_module(lambda module: {"changed": True, "path": module.params["path"]}, path="/a")
    assert module.succeeded
    assert (module["changed"], module["path"]) == (True, "/a")
    assert module.warnings == []


def test_warnings_that_its_work_returns_are_given_as_such() -> None:
    module = run_module(lambda module: {"changed": False, "warnings": ["One.", "Two."]})
    assert module.warnings == ["One.", "Two."]
    # ansible-core takes them from the result as well, and calls that deprecated.
    assert "deprecations" not in module.result


def test_a_failure_is_reported_completely() -> None:
    def work(module: SodaModule) -> Json:
        raise forbidden()

    failure = run_module(work).failure
    assert failure.pop("occurred_at")
    assert failure == {
        "code": "forbidden",
        "message": "A message.",
        "operation": "get",
        "http_status": 403,
        "trace_id": "a-trace",
        "retryable": False,
        "api_code": "no_way",
    }


def test_a_failure_may_come_with_more() -> None:
    module = run_module(lambda module: module.fail(forbidden(), changed=True, key={"path": "/a"}))
    assert module.failure["code"] == "forbidden"
    assert (module["changed"], module["key"]) == (True, {"path": "/a"})


def complaint(code: str, message: str) -> Json:
    return {
        "code": code,
        "message": message,
        "operation": None,
        "http_status": None,
        "trace_id": None,
        "retryable": False,
        "api_code": None,
    }


def without_time(failure: Json) -> Json:
    return {field: value for field, value in failure.items() if field != "occurred_at"}


def test_a_complaint_about_arguments_has_the_form_of_every_failure() -> None:
    module = run_module(lambda module: {}, nobody="knows this")
    assert without_time(module.failure) == complaint("invalid_arguments", module["msg"])
    assert "nobody" in module["msg"]


def test_ansible_failure_during_the_work_is_about_file_attributes() -> None:
    module = run_module(lambda module: module.fail_json("chown failed", path="/a"))
    assert without_time(module.failure) == complaint("file_attributes_not_set", "chown failed")
    assert module["path"] == "/a"


def test_a_message_that_is_no_text_becomes_one() -> None:
    module = run_module(lambda module: module.fail_json(OSError("no such place")))  # type: ignore[arg-type]
    assert module.failure["message"] == "no such place"


def test_a_module_that_goes_on_after_its_end_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would say two things."""

    def work(module: SodaModule) -> Json:
        for method, end in (("fail_json", lambda: module.fail_json("no")), ("exit_json", lambda: run(module, dict))):
            before = getattr(AnsibleModule, method)
            monkeypatch.setattr(AnsibleModule, method, lambda *_arguments, **_named: None)
            with pytest.raises(AssertionError, match=f"^{method} returned$"):
                end()
            monkeypatch.setattr(AnsibleModule, method, before)
        return {"changed": False}

    assert run_module(work).succeeded
