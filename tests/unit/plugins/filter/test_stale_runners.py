# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""stale_runners: what of a report may be deleted, and that nothing else is taken for a report."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.community.soda.plugins.filter.stale_runners import DOCUMENTATION, FilterModule, stale_runners

RUNNER = {
    "name": "one",
    "id": "id-1",
    "host": "host-1",
    "asked_by": "host-0",
    "endpoint": "https://cloud.soda.io",
    "api_key_id": "key-1",
}
GONE = {**RUNNER, "name": "gone", "id": "id-2", "host": None}


def report(*stale: Any, **fields: Any) -> str:
    return json.dumps({"format": "community.soda.audit", "format_version": 1, "stale": stale, **fields})


def test_a_runner_falls_to_its_host_or_to_one_of_its_account() -> None:
    assert stale_runners(report(RUNNER, GONE)) == {"host-1": [RUNNER], "host-0": [GONE]}


def test_a_report_may_have_none() -> None:
    assert stale_runners(report()) == {}


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("", "not JSON"),
        ("[]", "not a report"),
        ('{"stale": []}', "not a report"),
        (report(RUNNER, format_version=2), "another version"),
        (report("one"), "has no name"),
        *[(report({**RUNNER, field: value}), f"has no {field}") for field in ("name", "id") for value in ("", None, 1)],
        (report({**GONE, "asked_by": ""}), "has no asked_by"),
    ],
)
def test_what_is_no_report_deletes_nothing(text: str, mentions: str) -> None:
    with pytest.raises(AnsibleFilterError, match=mentions):
        stale_runners(text)


def test_a_name_that_looks_like_a_template_stays_text() -> None:
    runner = {**RUNNER, "name": "{{ 6 * 7 }}"}
    text = "{{ stale }}"
    with contextlib.suppress(ImportError):
        # From ansible-core 2.19 on, text is a template only where it is marked as one.
        from ansible.template import trust_as_template

        text = trust_as_template(text)
    templar = Templar(loader=DataLoader(), variables={"stale": stale_runners(report(runner))})
    assert templar.template(text) == {"host-1": [runner]}


def test_it_is_called_what_its_documentation_calls_it() -> None:
    assert FilterModule().filters() == {yaml.safe_load(DOCUMENTATION)["name"]: stale_runners}
