# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which runners an audit found stale."""

from __future__ import annotations

import collections
import json
import typing as t

from ansible.errors import AnsibleFilterError

# What the filter needs of the collection is imported when it is called: with any filter of the collection Ansible loads
# them all, for each task and host anew, and the audit brings the client and requests with it.

DOCUMENTATION = r"""
name: stale_runners
short_description: The stale runners of an audit's report, by the host that they fall to
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Reads the JSON report that M(community.soda.soda_runner_audit) writes.
  - A runner falls to the host of the inventory that it belongs to; one that belongs to none falls to the host whose
    variables have the Soda Cloud API key of its account.
options:
  _input:
    description: The text of the report.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show which runners are stale
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'soda-audit.json') | community.soda.stale_runners }}"
"""

RETURN = r"""
_value:
  description:
    - A list of runners for each host that has one. A runner has C(name), C(id), C(host), which may be null,
      C(asked_by), C(endpoint), C(api_key_id), C(findings) and C(last_seen_timestamp).
  type: dict
"""

Stale = dict[str, list[dict[str, t.Any]]]

FIELDS = {"name": str, "id": str, "asked_by": str, "endpoint": str, "api_key_id": str}


def stale_runners(text: str) -> Stale:
    """The stale runners of a report by the host that they fall to. A text that is no report is a failure."""
    from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import FORMAT, FORMAT_VERSION
    from ansible_collections.community.soda.plugins.plugin_utils._text import never_a_template

    try:
        report = json.loads(text)
    except ValueError as exc:
        raise AnsibleFilterError(
            f"The report is not JSON: {exc}. Name the file that community.soda.audit wrote."
        ) from exc
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise AnsibleFilterError("This is not a report of community.soda.audit. Name the JSON file that it wrote.")
    if report.get("format_version") != FORMAT_VERSION:
        raise AnsibleFilterError("The report is of another version of community.soda. Run community.soda.audit again.")
    by_host = collections.defaultdict(list)
    for runner in report.get("stale", ()):
        for field, kind in FIELDS.items():
            if not isinstance(runner, dict) or not isinstance(runner.get(field), kind) or not runner[field]:
                raise AnsibleFilterError(
                    f"A stale runner of the report has no {field}. Run community.soda.audit again."
                )
        by_host[runner.get("host") or runner["asked_by"]].append(runner)
    # Whoever may name a runner wrote a part of the report.
    return t.cast(Stale, never_a_template(dict(by_host)))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"stale_runners": stale_runners}
