# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host returns is inert, whatever it is."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.text import MARK
from ansible_collections.community.soda.plugins.plugin_utils._config.reply import Reply, failed_result, warnings_of

HOSTILE = [
    "{{ 7 * 7 }}",
    "{% raw %}",
    "{",
    "\x1b[2J",
    "\u202e",
    "\ud800",
    " #jinja2: variable_start_string: '['",
    "x" * 99999,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_text_of_a_host_is_inert(text: str) -> None:
    key = {"api_key_id": text, "path": text, "issued_at": text, "key_version": 1}
    diff = [{"path": text, "before": "", "after": text}]
    reply = Reply({"removed": [text], "key": key, "diff": diff, "text": text})
    failed = failed_result({"msg": text, "module_stdout": text})
    (entry,) = reply.diff()
    shown: list[Any] = [*reply.texts("removed"), reply.text("text"), *(reply.key() or {}).values()]
    shown += [entry["after_header"], failed["msg"], *warnings_of({"warnings": [text]})]
    for one in shown:
        assert one == 1 or (MARK in one and len(one) <= 4096), one
        assert "{{" not in str(one)
    assert all(MARK in one or one == text[:99999] for one in (entry["after"], failed["module_stdout"]))


def test_a_diff_of_a_host_keeps_its_lines() -> None:
    text = '{\n  "soda": {\n  }\n}\n'
    (entry,) = Reply({"diff": [{"path": "/x", "before": text, "after": text + "{{ 7 * 7 }}"}]}).diff()
    assert entry["before"] == text
    assert entry["after"] == f"{text}{{{MARK}{{ 7 * 7 }}}}"


@pytest.mark.parametrize(
    "exception",
    [
        "Traceback: KeyError: 'x'",
        SimpleNamespace(event=SimpleNamespace(msg="KeyError: 'x'", formatted_traceback="Traceback: KeyError: 'x'")),
    ],
    ids=["text", "object"],
)
def test_a_traceback_of_a_module_is_text(exception: Any) -> None:
    """ansible-core 2.19 and newer return an object, and no msg."""
    failed = failed_result({"failed": True, "exception": exception})
    assert failed["exception"] == "Traceback: KeyError: 'x'"
    assert failed["msg"] in ("KeyError: 'x'", "The module failed on the host.")
    assert failed["failure"]["code"] == "module_failed"


@dataclasses.dataclass(frozen=True)
class Event:
    """The fields that matter of the event in a warning of ansible-core 2.19 and later."""

    msg: str
    help_text: str | None = None
    chain: object = None


@dataclasses.dataclass(frozen=True)
class Summary:
    event: Event


def test_a_warning_that_ansible_has_already_is_returned_as_the_same_object() -> None:
    warning = Summary(Event("Host 'a' is using the discovered Python interpreter.", "Read the documentation.\n"))
    assert warnings_of({"warnings": [warning]})[0] is warning


@pytest.mark.parametrize(
    "event", [Event("\x1b[2J"), Event("text", "\x1b[2J"), Event("text", chain=Event("\x1b[2J"))], ids=repr
)
def test_a_warning_with_hostile_text_becomes_inert_text(event: Event) -> None:
    (warning,) = warnings_of({"warnings": [Summary(event)]})
    assert isinstance(warning, str)
    assert "\x1b" not in warning


def test_the_warnings_are_those_of_the_moment() -> None:
    of_task = [Summary(Event("one"))]
    found = warnings_of({"warnings": of_task})
    of_task.append(Summary(Event("two")))
    assert len(found) == 1
