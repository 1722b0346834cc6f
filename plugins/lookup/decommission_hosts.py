# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the playbook community.soda.decommission."""

from __future__ import annotations

DOCUMENTATION = r"""
name: decommission_hosts
author:
  - community.soda contributors (@community-soda)
version_added: 1.0.0
short_description: The hosts of the playbook community.soda.decommission (internal)
description:
  - B(Internal.) The playbook C(community.soda.decommission) uses this lookup. Do not use it in your own plays.
  - It returns the pattern of the hosts on which the play runs. It fails if the variables name no target, if one of them
    is empty or unknown, and if the pattern matches no host, so that a run without hosts does not look successful.
options:
  _terms:
    description: None are accepted.
"""

EXAMPLES = r"""
- name: Decommission Soda runners
  hosts: "{{ lookup('community.soda.decommission_hosts') }}"
  tasks: []
"""

RETURN = r"""
_raw:
  description: The pattern.
  type: list
  elements: str
"""

import typing as t

from ansible import context
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._parameters import to_plain
from ansible_collections.community.soda.plugins.plugin_utils._role.target import PREFIX, TARGETS, choose_target


class LookupModule(LookupBase):  # type: ignore[misc]
    """A play on localhost is skipped with C(--limit), so the check is in the hosts of the play itself."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        if context.CLIARGS.get("syntax"):
            return ["all"]
        names = [name for name in variables if name.startswith(PREFIX) or name in TARGETS]
        try:
            target = choose_target({str(name): to_plain(self._templar.template(variables[name])) for name in names})
        except SodaError as exc:
            raise AnsibleLookupError(str(exc)) from exc
        limit = context.CLIARGS.get("subset")
        pattern = target.pattern if isinstance(target.pattern, str) else ",".join(map(str, target.pattern))
        if not self._matches(pattern, limit, variables["groups"]):
            limited = f" with the limit {limit!r}" if limit else ""
            raise AnsibleLookupError(f"The pattern {pattern!r}{limited} matches no host. Nothing was deleted.")
        return [pattern]

    def _matches(self, pattern: str, limit: str | None, groups: t.Mapping[str, t.Sequence[str]]) -> bool:
        manager = InventoryManager(self._loader, parse=False)
        for group, hosts in groups.items():
            manager.add_group(group)
            for host in hosts:
                manager.add_host(host, group=group)
        try:
            if limit:
                manager.subset(limit)
            return bool(manager.get_hosts(pattern=pattern))
        except AnsibleError:
            return False
