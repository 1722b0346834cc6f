# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stale runners that an audit reported."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError

# The filter imports what it needs when it is called. With any filter of the collection, Ansible loads all of them, in
# the process of each task, and the audit needs the client and the library requests.

DOCUMENTATION = r"""
name: stale_runners
short_description: Read the stale runners that an audit reported
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Reads the JSON report that M(community.soda.soda_runner_audit) wrote, or the list
    RV(community.soda.soda_runner_audit#module:stale) that the playbook C(community.soda.audit) gives to automation
    platforms.
  - Groups the runners by host. A runner belongs to the host of the inventory that declares it. If there is none, it
    belongs to a host whose variables have the Soda Cloud API key of its account.
  - Fails if the report is older than O(max_age_hours), is from the future, or has another format or version. It also
    fails if a runner lacks a value, or if another user owns the file or can write to it.
options:
  _input:
    description:
      - The path of the report on the controller, or the list of runners. A relative path starts at the current folder.
      - An entry of the list is a dictionary as documented in RV(_value).
    type: raw
    required: true
  max_age_hours:
    description: The highest age of the report in hours.
    type: float
    default: 24
"""

EXAMPLES = r"""
- name: Show which runners are stale
  ansible.builtin.debug:
    msg: "{{ 'soda-audit.json' | community.soda.stale_runners }}"

- name: Use a report of the last week
  ansible.builtin.debug:
    msg: "{{ 'soda-audit.json' | community.soda.stale_runners(max_age_hours=168) }}"
"""

RETURN = r"""
_value:
  description:
    - A list of runners for each host that has one.
    - C(id), C(endpoint), C(api_key_id) and C(name) identify a runner.
    - C(host) is the host of the inventory that declares it. It is null if there is none, or if several runners have the
      name.
    - C(listed_by) is a host whose variables have the Soda Cloud API key of the account.
    - C(last_seen_timestamp) is the last contact, as Soda Cloud wrote it, and C(reported_at) is the time of the report.
      Delete the runner only if its last contact is still the same.
  type: dict
  sample:
    warehouse-1:
      - id: 7f9d1c1e-9a54-4f2b-8f0e-0d8f3f6a2f11
        endpoint: https://cloud.soda.io
        api_key_id: 5d0a1b52-6f3e-4a39-9f5e-1c6a8f1b7c11
        name: warehouse-1
        host: warehouse-1
        listed_by: warehouse-1
        last_seen_timestamp: '2026-01-01T12:00:00Z'
        reported_at: '2026-01-08T12:00:00Z'
"""


def stale_runners(report: t.Any, max_age_hours: t.Any = 24) -> dict[str, list[dict[str, t.Any]]]:
    """The stale runners of a report by host."""
    from ansible_collections.community.soda.plugins.module_utils import _timestamps
    from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
    from ansible_collections.community.soda.plugins.module_utils._numbers import check_duration
    from ansible_collections.community.soda.plugins.plugin_utils._audit import report as _report
    from ansible_collections.community.soda.plugins.plugin_utils._parameters import to_plain

    by_host = collections.defaultdict(list)
    try:
        hours = check_duration("max_age_hours", to_plain(max_age_hours), "hours")
        runners = _report.stale_runners(to_plain(report), hours, _timestamps.now())
    except SodaError as exc:
        raise AnsibleFilterError(exc.failure.message) from exc
    for runner in runners:
        by_host[runner.host or runner.listed_by].append(dataclasses.asdict(runner))
    return dict(by_host)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"stale_runners": stale_runners}
