#!/usr/bin/python
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
  - Compares what the role P(community.soda.soda_runner#role) observed of the hosts of a play, with C(tasks_from=audit),
    with the runners of their accounts.
  - Shows a table, writes a JSON report and an HTML page, and returns the findings.
  - Sends no request, and changes nothing on a host or in Soda Cloud. It never reports a change.
  - Run it once for all hosts, as the playbook C(community.soda.audit) does. The next observation in the same play
    begins a new audit.
  - Runners of other hosts of the inventory, for example with C(--limit), are counted and not compared. Their name
    is C(soda_runner_name) if the inventory has it, or the name of the host.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
attributes:
  action:
    description: The action has a part on the controller.
    support: full
  async:
    description: Supports C(async).
    support: none
  become:
    description: Supports C(become).
    support: none
  bypass_host_loop:
    description: Runs once for all hosts.
    support: none
  check_mode:
    support: full
    details:
      - In check mode it writes no file.
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
    description: The hosts that the audit covers, usually C(ansible_play_hosts_all).
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
      - The findings that are returned in RV(failing). V(any) selects all of them.
      - V(duplicate_name) means that several runners or hosts of an account have the same name.
      - V(name_taken) means that a host declares the name of a runner that is not self-hosted.
      - V(key_of_another_runner) means that the key store has the key of another runner or endpoint.
      - V(no_key) means that no key is stored for the host, and none waits in escrow.
      - V(not_registered) means that the key was issued more than O(pending_minutes) ago, but the runner is not listed.
      - V(offline) means that the last contact was more than O(offline_hours) ago, or is unknown.
      - V(account_not_listed) means that the runners of the account could not be listed.
      - V(unreachable) means that Ansible could not connect to the host.
      - V(role_fails) means that the role would fail on the host.
      - V(key_not_removed) means that a host with C(soda_runner_state=absent) still stores a key or configuration.
      - V(secret_changed) means that somebody edited the key in the key store.
      - V(release_not_upgraded) means that the Helm release is not installed, or still has the key version from before a
        rotation.
      - V(drift) means that the role would change the key file or the configuration of the host.
      - V(not_in_inventory) means that no host of the inventory declares the self-hosted runner.
      - V(outdated) means that a part of the runner has a lower version than the newest release in the fleet.
    type: list
    elements: str
    default: []
    choices:
      - duplicate_name
      - name_taken
      - key_of_another_runner
      - no_key
      - not_registered
      - offline
      - account_not_listed
      - unreachable
      - role_fails
      - key_not_removed
      - secret_changed
      - release_not_upgraded
      - drift
      - not_in_inventory
      - outdated
      - any
  json_path:
    description:
      - The file on the controller for the JSON report. Its folder must exist.
      - A relative path starts at the current folder. C(~) is the home folder of the user who runs Ansible.
    type: str
  html_path:
    description: The file on the controller for the HTML page. It is used like O(json_path).
    type: str
  mode:
    description: The mode of the two files as an octal number in quotes.
    type: str
    default: '0600'
  stats:
    description:
      - Whether the result goes to the automation platform too, like that of M(ansible.builtin.set_stats). A platform
        gives it to later jobs as variables.
      - C(soda_audit) has RV(totals), RV(findings) and RV(failing). C(soda_decommission_runners) is RV(stale) as
        JSON text. The playbook C(community.soda.decommission) needs it to delete these runners, and no others.
    type: bool
    default: false
seealso:
  - module: community.soda.soda_runner_info
"""

EXAMPLES = r"""
- name: Audit two runners on each host
  hosts: warehouses
  gather_facts: false
  become: true
  tasks:
    - name: Observe both
      ansible.builtin.include_role:
        name: community.soda.soda_runner
        tasks_from: audit
      vars:
        soda_runner_name: "{{ inventory_hostname }}-{{ runner }}"
        soda_runner_dir: /etc/soda-runner/{{ runner }}
      loop: [finance, logistics]
      loop_control:
        loop_var: runner

    - name: Compare them with Soda Cloud
      community.soda.soda_runner_audit:
        hosts: "{{ ansible_play_hosts_all }}"
        offline_hours: 48
        fail_on: [offline, no_key]
        html_path: "{{ playbook_dir }}/audit.html"
      run_once: true
      register: audit

    - name: Fail on selected findings
      ansible.builtin.assert:
        that: not audit.failing
        fail_msg: "{{ audit.failing | to_json }}"
      run_once: true
"""

RETURN = r"""
totals:
  description: The number of rows, runners and hosts.
  returned: success
  type: dict
  contains:
    rows:
      description: All rows. A row is a runner, a host that should have one, or both.
      type: int
      returned: always
    runners:
      description: The listed runners, without those of RV(totals.elsewhere).
      type: int
      returned: always
    hosts:
      description: The hosts that the audit covers.
      type: int
      returned: always
    online:
      description: The runners that are online.
      type: int
      returned: always
    in_order:
      description: The rows without findings.
      type: int
      returned: always
    attention:
      description: The rows with findings.
      type: int
      returned: always
    waiting:
      description: The hosts whose key was just issued and whose runner is not registered yet.
      type: int
      returned: always
    hosted:
      description: The runners that are not self-hosted.
      type: int
      returned: always
    stale:
      description: The runners that can be decommissioned.
      type: int
      returned: always
    elsewhere:
      description: The runners of hosts that the audit does not cover.
      type: int
      returned: always
  sample:
    rows: 42
    runners: 41
    hosts: 40
    online: 38
    in_order: 36
    attention: 6
    waiting: 1
    hosted: 0
    stale: 2
    elsewhere: 0
findings:
  description: The number of rows with each finding. All findings are listed, also those with C(0) rows.
  returned: success
  type: dict
  sample:
    offline: 2
    drift: 1
rows:
  description:
    - The first 1000 rows with findings, most severe first. The JSON report has all rows in the same form.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the runner.
      type: str
      returned: always
    host:
      description: The host that declares the runner, or null.
      type: str
      returned: always
    endpoint:
      description: The URL of Soda Cloud. Null if the declaration of the host is too broken to name an account.
      type: str
      returned: always
    api_key_id:
      description: The id of the Soda Cloud API key of the account, or null like the endpoint.
      type: str
      returned: always
    state:
      description:
        - The most severe finding. Without findings it is V(in_order), V(waiting) for a key that was just issued, or
          V(hosted) for a runner that is not self-hosted.
      type: str
      returned: always
    findings:
      description: The findings, each with C(code) and C(detail).
      type: list
      elements: dict
      returned: always
    key_issued_at:
      description: When the stored key was issued, or null.
      type: str
      returned: always
    runner:
      description: The runner as M(community.soda.soda_runner_info) returns it, or null if none is listed.
      type: dict
      returned: always
    stale:
      description: Whether the runner can be decommissioned.
      type: bool
      returned: always
stale:
  description:
    - The runners that can be decommissioned. A runner is stale if it is self-hosted and not online, and either exceeds
      O(offline_hours) or is in no inventory. A runner whose last contact is unknown is never stale.
    - The filter P(community.soda.stale_runners#filter) and the playbook C(community.soda.decommission) accept this
      list.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the runner.
      type: str
      returned: always
    endpoint:
      description: The URL of Soda Cloud.
      type: str
      returned: always
    api_key_id:
      description: The id of the Soda Cloud API key of the account.
      type: str
      returned: always
    name:
      description: The name of the runner.
      type: str
      returned: always
    host:
      description: The host of the inventory that declares it. Null if there is none, or if several have the name.
      type: str
      returned: always
    listed_by:
      description: A host whose variables have the Soda Cloud API key of the account.
      type: str
      returned: always
    last_seen_timestamp:
      description: The last contact, as Soda Cloud reports it.
      type: str
      returned: always
    reported_at:
      description: The time of the audit in ISO 8601, UTC.
      type: str
      returned: always
newest_versions:
  description: The highest release of each part among the self-hosted runners.
  returned: success
  type: dict
  sample:
    runner: 1.2.3
failing:
  description: The number of rows with each finding of O(fail_on). Empty if there are none.
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
  description: The lines of the table.
  returned: success
  type: list
  elements: str
failure:
  description: The failure, as M(community.soda.soda_runner) returns it.
  returned: failure
  type: dict
  contains:
    code:
      description: One of this collection's codes, such as V(audit_incomplete).
      type: str
      returned: always
      sample: audit_incomplete
    message:
      description: What is wrong, and what to do.
      type: str
      returned: always
    operation:
      description: Always null, because the failure of a request is a finding.
      type: str
      returned: always
    http_status:
      description: Always null, because the failure of a request is a finding.
      type: int
      returned: always
    trace_id:
      description: Always null, because the failure of a request is a finding.
      type: str
      returned: always
    retryable:
      description: Whether the same task may succeed later without any other change.
      type: bool
      returned: always
    api_code:
      description: Always null, because the failure of a request is a finding.
      type: str
      returned: always
    occurred_at:
      description: When it failed, in ISO 8601, UTC.
      type: str
      returned: always
      sample: '2026-01-01T12:00:00Z'
"""
