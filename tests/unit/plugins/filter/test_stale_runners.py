# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""stale_runners: the runners of a report by host. What a report must be is tested with the report."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.community.soda.plugins.filter.stale_runners import DOCUMENTATION, FilterModule, stale_runners
from ansible_collections.community.soda.plugins.module_utils import _timestamps
from ansible_collections.community.soda.tests.unit.plugins.harness import Json


def entry(**fields: Any) -> Json:
    return {
        "id": "id-1",
        "endpoint": "https://cloud.soda.io",
        "api_key_id": "key-1",
        "name": "one",
        "host": "host-1",
        "listed_by": "host-0",
        "last_seen_timestamp": "2026-01-01T00:00:00Z",
        "reported_at": _timestamps.now_as_text(),
        **fields,
    }


def evaluate(template: str, **variables: Any) -> Any:
    """What Ansible makes of a template."""
    with contextlib.suppress(ImportError):
        # From ansible-core 2.19 on, only marked text is a template.
        from ansible.template import trust_as_template

        template = trust_as_template(template)
    return Templar(loader=DataLoader(), variables=variables).template(template)


def test_a_runner_belongs_to_its_host_or_to_a_host_of_its_account() -> None:
    one, gone = entry(), entry(id="id-2", name="gone", host=None)
    assert stale_runners([one, gone]) == {"host-1": [one], "host-0": [gone]}
    assert stale_runners([]) == {}


def test_a_path_is_a_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report = {"format": "community.soda.audit", "format_version": 1, "generated_at": _timestamps.now_as_text()}
    path.write_text(json.dumps({**report, "stale": [entry()]}), "utf-8")
    path.chmod(0o600)
    assert list(stale_runners(str(path))) == ["host-1"]


def test_invalid_report_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="does not exist"):
        stale_runners("/nonexistent/report.json")


@pytest.mark.parametrize("hours", [0, -1, "x", None, float("nan"), float("inf")])
def test_the_highest_age_is_a_number_of_hours(hours: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="max_age_hours"):
        stale_runners([], max_age_hours=hours)


def test_the_highest_age_is_a_day_unless_it_is_set() -> None:
    old = entry(reported_at="2026-01-01T00:00:00Z")
    with pytest.raises(AnsibleFilterError, match="The limit is 24 hours"):
        stale_runners([old])
    assert stale_runners([old], max_age_hours="1000000")


@pytest.mark.parametrize(
    "name", ["{{ 6 * 7 }}", "{% raw %}", "{# x #}", "#jinja2: variable_start_string: '[['\n[[ 6 * 7 ]]"]
)
def test_a_name_that_looks_like_a_template_is_inert(name: str) -> None:
    found = stale_runners([entry(name=name)])
    assert evaluate("{{ stale }}", stale=found) == found
    (runner,) = found["host-1"]
    assert evaluate(runner["name"]) == runner["name"]


def test_the_name_of_the_filter_is_documented() -> None:
    assert FilterModule().filters() == {yaml.safe_load(DOCUMENTATION)["name"]: stale_runners}
