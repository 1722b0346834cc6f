# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of a host do not override variables of the collection."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._declared import read_declared
from ansible_collections.community.soda.plugins.plugin_utils._shadowing import (
    refuse_indirect_shadowing,
    refuse_shadowing,
)
from tooling import tree


@pytest.mark.parametrize(
    "fact", ["soda_runner_cloud_endpoint", "soda_decommission_audit", "soda_audit_dir", "__soda_runner_work"]
)
def test_facts_do_not_shadow_variables(fact: str) -> None:
    with pytest.raises(SodaError) as raised:
        refuse_shadowing({"ansible_facts": {"hostname": "edge-1", fact: "x"}})
    assert raised.value.failure.code == "shadowed_variable"
    assert fact in raised.value.failure.message
    refuse_shadowing({"ansible_facts": {"hostname": "edge-1", "soda": "x"}})
    refuse_shadowing({})


@pytest.mark.parametrize("action", sorted(path.stem for path in (tree.ROOT / "plugins" / "action").glob("soda_*.py")))
def test_every_action_refuses_facts_that_shadow_variables(action: str) -> None:
    plugin = importlib.import_module(f"ansible_collections.community.soda.plugins.action.{action}")
    task = SimpleNamespace(
        action=f"community.soda.{action}",
        args={"step": "write"} if action == "soda_runner_role" else {},
        check_mode=False,
        async_val=0,
        delegate_to=None,
        environment=[],
        _parent=SimpleNamespace(_play=SimpleNamespace(_uuid="play")),
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    result = plugin.ActionModule(task, connection, None, None, None, None).run(
        task_vars={"inventory_hostname": "edge-1", "ansible_facts": {"soda_runner_dir": "/tmp"}}
    )
    # For the audit it is a finding about the host.
    assert "facts with the names of variables of this collection: soda_runner_dir" in str(result)


def check(variables: dict[str, Any]) -> None:
    """Check the variables of a host that returns the fact C(services)."""
    given = {"ansible_facts": {"services": "http://attacker"}, "services": "http://attacker", **variables}
    refuse_indirect_shadowing(given, ["soda_runner_cloud_endpoint", "soda_runner_values"])


@pytest.mark.parametrize(
    "template",
    [
        "{{ services }}",
        "https://{{ 'x' }}/{{ services }}/x",
        "{% if services %}x{% endif %}",
        "{{ vars['services'] }}",
        "{{ vars.services }}",
        "{{ lookup('ansible.builtin.vars', 'services', default='/etc') }}",
        "{{ query('vars', *['x', 'services']) }}",
        "{{ ansible_facts.other ~ services }}",
        "{{ '{{ services/2 }}' }}",
        "{% raw %}{{ services }}{% endraw %}",
        "#jinja2: variable_start_string:'[%', variable_end_string:'%]'\n[% services %]",
        "{{ services }} {{ 'unfinished",
        ["{{ x }}", {"y": "{{ services }}"}],
    ],
)
def test_facts_do_not_shadow_what_a_variable_is_made_of(template: Any) -> None:
    for variables in (
        {"soda_runner_values": template},
        {"soda_runner_cloud_endpoint": "{{ region }}", "region": "{{ of_region }}", "of_region": template},
    ):
        with pytest.raises(SodaError) as raised:
            check(variables)
        assert raised.value.failure.code == "shadowed_variable"
        assert f"{next(iter(variables))} depends on services" in raised.value.failure.message
        assert "ansible_facts.services" in raised.value.failure.message


@pytest.mark.parametrize(
    "template",
    [
        "services",
        "/srv/services/{{ inventory_hostname }}",
        '{"services": "{{ inventory_hostname }}"}',
        "{{ '/srv/my-services/' ~ inventory_hostname }}",
        "{{ lookup('ansible.builtin.file', 'files/services') }}",
        "{# services #}{{ inventory_hostname }}",
        "{{ ansible_facts.services }}",
        "{{ ansible_facts['services'] }}",
        "{{ my_services }}",
    ],
)
def test_a_fact_with_the_name_of_other_text_is_not_refused(template: str) -> None:
    check({"soda_runner_cloud_endpoint": template, "soda_runner_values": {"x": [template]}})


def test_a_variable_of_another_name_is_not_refused() -> None:
    # Ansible's own facts do not override a variable.
    check({"soda_runner_values": "{{ services }}", "ansible_services": "x"})
    given = {"ansible_facts": {"services": "x"}, "soda_runner_values": "{{ services }}"}
    refuse_indirect_shadowing(given, ["soda_runner_values"])
    refuse_indirect_shadowing({"soda_runner_values": "{{ services }}"}, ["soda_runner_values"])


def test_the_role_refuses_a_variable_that_is_made_of_a_fact() -> None:
    given = {"soda_runner_dir": "{{ services }}", "services": "/tmp", "ansible_facts": {"services": "/tmp"}}
    with pytest.raises(SodaError, match="soda_runner_dir depends on services"):
        read_declared({"inventory_hostname": "edge-1", **given}, lambda value: value, {})
