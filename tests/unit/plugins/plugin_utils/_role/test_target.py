# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which target a decommissioning has."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._role.target import (
    Kind,
    Target,
    choose_target,
    refuse_extra_variables,
)

RUNNERS = [{"id": "r1"}]


@pytest.mark.parametrize(
    ("variables", "target"),
    [
        ({"soda_runner_hosts": "edge-*"}, Target(Kind.HOSTS, "edge-*")),
        ({"soda_decommission_audit": "report.json"}, Target(Kind.STALE, "all")),
        ({"soda_decommission_runners": RUNNERS}, Target(Kind.STALE, "all")),
        ({"soda_decommission_runners": RUNNERS, "soda_runner_hosts": "eu"}, Target(Kind.STALE, "eu")),
        ({"soda_decommission_audit": "report.json", "soda_decommission_max_age_hours": 1}, Target(Kind.STALE, "all")),
    ],
)
def test_a_target_is_chosen(variables: dict[str, Any], target: Target) -> None:
    assert choose_target(variables) == target


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "No target is set"),
        ({"soda_decommission_max_age_hours": 1}, "No target is set"),
        ({"soda_runner_hosts": ""}, "soda_runner_hosts is empty"),
        ({"soda_runner_hosts": " "}, "soda_runner_hosts is empty"),
        ({"soda_runner_hosts": []}, "soda_runner_hosts is empty"),
        ({"soda_decommission_audit": ""}, "soda_decommission_audit is empty"),
        ({"soda_decommission_audit": None}, "soda_decommission_audit is empty"),
        ({"soda_runner_hosts": "all", "soda_decommission_audit": ""}, "soda_decommission_audit is empty"),
        ({"soda_decommission_runners": []}, "soda_decommission_runners is empty"),
        ({"soda_decommission_runners": "[]"}, "soda_decommission_runners is empty"),
        ({"soda_runner_hosts": "all", "soda_decommission_adit": "x"}, "Unknown variables: soda_decommission_adit."),
        ({"soda_decommission_audit": "x", "soda_decommission_runners": RUNNERS}, "are both set"),
    ],
)
def test_everything_else_is_refused(variables: dict[str, Any], expected: str) -> None:
    with pytest.raises(SodaError) as raised:
        choose_target(variables)
    assert raised.value.failure.code == "invalid_target"
    assert expected in raised.value.failure.message


@pytest.mark.parametrize("name", ["soda_runner_name", "soda_runner_state"])
def test_extra_variables_cannot_hide_what_hosts_declare(name: str) -> None:
    with pytest.raises(SodaError) as raised:
        refuse_extra_variables({name, "soda_decommission_audit"})
    assert raised.value.failure.code == "invalid_target"
    assert raised.value.failure.message.startswith(f"{name} is an extra variable")
    refuse_extra_variables({"soda_decommission_audit", "soda_runner_hosts"})
