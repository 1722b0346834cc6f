#!/usr/bin/python
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner_observation
short_description: Observe a host and list its account for an audit
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Runs M(community.soda.soda_runner_config) in check mode, and lists the runners of the account. The results are
    stored in private files on the controller until the play ends. M(community.soda.soda_runner_audit) compares them.
  - The controller lists each account once in a play, whatever the number of hosts.
  - A host that cannot be reached, a wrong declaration and an account that cannot be listed do not fail the task. The
    audit reports them as findings.
  - The role P(community.soda.soda_runner#role) runs this module with C(tasks_from=audit).
requirements:
  - requests >= 2.25, in the Python of C(ansible-playbook)
extends_documentation_fragment:
  - community.soda.soda_cloud
  - community.soda.soda_cloud.action_group
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
    support: full
  bypass_host_loop:
    description: Runs once for all hosts.
    support: none
  check_mode:
    support: full
    details:
      - It changes nothing on hosts and in Soda Cloud, so check mode makes no difference.
  connection:
    support: full
  delegation:
    support: none
  diff_mode:
    support: none
  platform:
    platforms: posix
    support: full
options:
  name:
    description: The name of the runner, as text or an integer.
    type: raw
    required: true
  state:
    description: Whether the host declares that it has a runner. With V(absent), a stored key is a finding.
    type: str
    choices: [present, absent]
    default: present
  config:
    description: The options for M(community.soda.soda_runner_config).
    type: dict
    default: {}
seealso:
  - module: community.soda.soda_runner_audit
  - module: community.soda.soda_runner_config
"""

EXAMPLES = r"""
- name: Audit one runner on each host without the role
  hosts: warehouses
  gather_facts: false
  tasks:
    - name: Observe the host
      community.soda.soda_runner_observation:
        name: "{{ inventory_hostname }}"
        config:
          name: "{{ inventory_hostname }}"
          key_path: /etc/soda-runner/key.json

    - name: Compare all hosts with Soda Cloud
      community.soda.soda_runner_audit:
        hosts: "{{ ansible_play_hosts_all }}"
      run_once: true
"""

RETURN = r"""
observation:
  description: What was observed of the host. It has no secret.
  returned: success
  type: dict
  contains:
    host:
      description: The name of the host in the inventory.
      type: str
      returned: always
    name:
      description: The name of the runner.
      type: str
      returned: always
    account:
      description: The C(endpoint) and C(api_key_id) of the account. Null if the declaration is too broken to name one.
      type: dict
      returned: always
    wanted:
      description: Whether the host declares that it has a runner.
      type: bool
      returned: always
    reached:
      description: Whether Ansible could connect to the host.
      type: bool
      returned: always
    failure:
      description: Why the role would fail on the host, or null.
      type: str
      returned: always
    listing_failure:
      description: Why the account could not be listed with the API key of the host, or null.
      type: str
      returned: always
    issued_at:
      description: When the stored key was issued. Null if no key is stored.
      type: str
      returned: always
    differences:
      description: What the role would change.
      type: list
      elements: str
      returned: always
    remaining:
      description: If the host declares that it has no runner, the files that are still there.
      type: list
      elements: str
      returned: always
    problems:
      description: Findings that the key store reports, each with C(code) and C(detail).
      type: list
      elements: dict
      returned: always
failure:
  description: The failure, as M(community.soda.soda_runner) returns it.
  returned: failure
  type: dict
  contains:
    code:
      description: One of this collection's codes, such as V(invalid_arguments).
      type: str
      returned: always
      sample: invalid_arguments
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
