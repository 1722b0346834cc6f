# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner_audit
short_description: Compare the hosts of a play with the runners that Soda Cloud lists
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Compares what the role P(community.soda.soda_runner#role) has noted, with C(tasks_from=audit), for the hosts of a
    play and their accounts. It shows a table, writes a report for programs and a page for people, and returns what was
    found.
  - It sends nothing, and changes nothing on a host or in Soda Cloud. So it is never changed.
  - Run it once for all hosts. The playbook C(community.soda.audit) does.
  - Runners of hosts that are in the inventory and not among O(hosts), as with C(--limit), are counted and not judged.
    Their name is C(soda_runner_name) where the inventory has it, else that of the host.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
attributes:
  action:
    description: It has a part on the controller.
    support: full
  async:
    description: It can be run with C(async).
    support: none
  become:
    description: It can be used with C(become).
    support: none
  bypass_host_loop:
    description: It runs once for all hosts.
    support: none
  check_mode:
    support: full
    details:
      - In check mode no file is written.
  connection:
    support: none
  delegation:
    support: none
  diff_mode:
    support: none
  platform:
    platforms: posix
    support: full
options:
  hosts:
    description: The hosts that were looked at, usually C(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
  pending_minutes:
    description: How many minutes a runner may take to register after its key was issued.
    type: float
    default: 30.0
  offline_hours:
    description: For how many hours a runner may be offline.
    type: float
    default: 24.0
  fail_on:
    description:
      - The findings that are returned in RV(failing). V(any) is every one of them.
      - V(duplicate_name) is several runners or hosts of one name in an account.
      - V(name_taken) is a host whose name is that of a runner which is not self-hosted.
      - V(no_key) is a host that holds no key, and for which none waits.
      - V(not_registered) is a key that was issued more than O(pending_minutes) ago, whose runner is not listed.
      - V(offline) is a runner that was not seen for more than O(offline_hours).
      - V(unreachable) is a host that could not be reached.
      - V(role_fails) is a host on which the role would fail.
      - V(drift) is a host whose key file or configuration is not what the role would write.
      - V(not_in_inventory) is a self-hosted runner that no host of the inventory declares.
      - V(outdated) is a runner with a version lower than the newest release in the fleet.
    type: list
    elements: str
    default: []
    choices:
      - duplicate_name
      - name_taken
      - no_key
      - not_registered
      - offline
      - unreachable
      - role_fails
      - drift
      - not_in_inventory
      - outdated
      - any
  json_path:
    description: The file on the controller for the report in JSON. Its folder must exist.
    type: path
  html_path:
    description: The file on the controller for the page. Its folder must exist.
    type: path
  mode:
    description: The mode of the two files, octal and quoted.
    type: str
    default: '0600'
seealso:
  - module: community.soda.soda_runner_info
  - module: community.soda.soda_runner_config
"""

EXAMPLES = r"""
- name: Audit two runners on each host
  hosts: warehouses
  gather_facts: false
  tasks:
    - name: Look at both
      ansible.builtin.include_role:
        name: community.soda.soda_runner
        tasks_from: audit
      vars:
        soda_runner_name: "{{ inventory_hostname }}-{{ item }}"
        soda_runner_dir: /etc/soda-runner/{{ item }}
      loop: [finance, logistics]

    - name: Compare them with Soda Cloud
      community.soda.soda_runner_audit:
        hosts: "{{ ansible_play_hosts_all }}"
        offline_hours: 48
        fail_on: [offline, no_key]
        html_path: "{{ playbook_dir }}/audit.html"
      run_once: true
      register: audit

    - name: Fail where something was found
      ansible.builtin.assert:
        that: not audit.failing
        fail_msg: "{{ audit.failing | to_json }}"
      run_once: true
"""

RETURN = r"""
totals:
  description: How many there are.
  returned: success
  type: dict
  contains:
    rows:
      description: Runners and hosts that were compared, each once.
      type: int
      returned: always
    runners:
      description: Runners that are listed, without those of V(elsewhere).
      type: int
      returned: always
    hosts:
      description: Hosts that were looked at.
      type: int
      returned: always
    online:
      description: Runners that are online.
      type: int
      returned: always
    in_order:
      description: Rows of which nothing was found.
      type: int
      returned: always
    attention:
      description: Rows of which something was found.
      type: int
      returned: always
    stale:
      description: Runners that can be decommissioned.
      type: int
      returned: always
    elsewhere:
      description: Runners of hosts in the inventory that were not looked at.
      type: int
      returned: always
  sample:
    rows: 42
    runners: 41
    hosts: 40
    online: 38
    in_order: 36
    attention: 6
    stale: 2
    elsewhere: 0
findings:
  description: How many rows have each finding. All of them are named, those of none with C(0).
  returned: success
  type: dict
  sample:
    offline: 2
    drift: 1
rows:
  description:
    - The rows of which something was found, the gravest first. The JSON report has all rows, in the same form.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the runner.
      type: str
      returned: always
    host:
      description: The host that declares it, or null.
      type: str
      returned: always
    endpoint:
      description: The URL of Soda Cloud.
      type: str
      returned: always
    api_key_id:
      description: The id of the Soda Cloud API key with which the account was listed.
      type: str
      returned: always
    state:
      description:
        - The gravest finding, or V(in_order), V(waiting) for a key that was just issued, or V(hosted) for a runner that
          is not self-hosted.
      type: str
      returned: always
    findings:
      description: What was found, each with C(code) and C(detail).
      type: list
      elements: dict
      returned: always
    key_issued_at:
      description: When the key was issued that the host holds, or null.
      type: str
      returned: always
    runner:
      description: The runner as M(community.soda.soda_runner_info) returns it, or null where none is listed.
      type: dict
      returned: always
    stale:
      description: Whether it can be decommissioned.
      type: bool
      returned: always
stale:
  description:
    - The runners that can be decommissioned. They are self-hosted and not online, and were offline for longer than is
      allowed or belong to no host.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the runner.
      type: str
      returned: always
    id:
      description: The id of the runner.
      type: str
      returned: always
    host:
      description: The host of the inventory that it belongs to, or null where there is none, or several of that name.
      type: str
      returned: always
    asked_by:
      description: The host whose variables have the Soda Cloud API key of the account.
      type: str
      returned: always
    endpoint:
      description: The URL of Soda Cloud.
      type: str
      returned: always
    api_key_id:
      description: The id of the Soda Cloud API key with which the account was listed.
      type: str
      returned: always
    findings:
      description: What was found.
      type: list
      elements: str
      returned: always
    last_seen_timestamp:
      description: When it was last seen, in ISO 8601, or null.
      type: str
      returned: always
newest_versions:
  description: The highest release of each part that a self-hosted runner has.
  returned: success
  type: dict
  sample:
    runner: 1.2.3
failing:
  description: How many rows have each finding of O(fail_on). Empty where none has.
  returned: success
  type: dict
  sample:
    offline: 2
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
table:
  description: The lines of the table that was shown.
  returned: success
  type: list
  elements: str
failure:
  description: What failed, as M(community.soda.soda_runner) returns it.
  returned: failure
  type: dict
  contains:
    code:
      description: One of this collection's codes, such as V(audit_incomplete).
      type: str
      returned: always
      sample: audit_incomplete
    message:
      description: What was wrong, and what to do next.
      type: str
      returned: always
    operation:
      description: Null, as nothing is sent to Soda Cloud.
      type: str
      returned: always
    http_status:
      description: Null, as nothing is sent to Soda Cloud.
      type: int
      returned: always
    trace_id:
      description: Null, as nothing is sent to Soda Cloud.
      type: str
      returned: always
    retryable:
      description: Whether the same task may succeed later without any other change.
      type: bool
      returned: always
    api_code:
      description: The C(code) in the answer of Soda Cloud, or null.
      type: str
      returned: always
    occurred_at:
      description: When it failed, in ISO 8601, UTC.
      type: str
      returned: always
      sample: '2026-01-01T12:00:00Z'
"""
