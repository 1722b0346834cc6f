#!/usr/bin/python
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner_role
short_description: Run a step of the role soda_runner (internal)
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - B(Internal.) The role P(community.soda.soda_runner#role) and the playbooks of this collection use this action. Do
    not use it in your own plays. Its options can change in any release.
  - It reads the variables of the role, contacts the host through M(community.soda.soda_runner_config), and sends
    requests to Soda Cloud from the controller through M(community.soda.soda_runner) and
    M(community.soda.soda_runner_info).
requirements:
  - python >= 3.9
  - requests >= 2.25 on the controller
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
attributes:
  action:
    description: It runs on the controller.
    support: full
  async:
    description: It can be run with C(async).
    support: none
  become:
    description: It can be used with C(become). Requests from the controller do not use it.
    support: full
  bypass_host_loop:
    description: It runs once for all hosts.
    support: none
  check_mode:
    support: full
  connection:
    support: full
  delegation:
    support: none
    details:
      - The step selects the machine by itself.
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
options:
  step:
    description: The step to run.
    type: str
    required: true
    choices:
      - write
      - announce
      - issue
      - schedule_acknowledgement
      - report_changes
      - acknowledge
      - wait
      - deploy
      - remove
      - choose_stale
      - remove_stale
      - check_target
      - summarize_provision
      - summarize_deployment
      - summarize_decommission
      - observe
  runner:
    description: The stale runner that the step V(remove_stale) deletes.
    type: dict
seealso:
  - module: community.soda.soda_runner
  - module: community.soda.soda_runner_config
"""

EXAMPLES = r"""
- name: Give a host its runner key through the role, which uses this action
  ansible.builtin.import_role:
    name: community.soda.soda_runner
"""

RETURN = r"""
failure:
  description: What failed, as M(community.soda.soda_runner) returns it.
  returned: failure
  type: dict
  contains:
    code:
      description: One of the documented codes.
      type: str
      returned: always
      sample: invalid_target
    message:
      description: What is wrong, and what to do next.
      type: str
      returned: always
    operation:
      description: The request that failed, or null.
      type: str
      returned: always
    http_status:
      description: The HTTP status of the answer, or null.
      type: int
      returned: always
    trace_id:
      description: The trace id of the answer, or null.
      type: str
      returned: always
    retryable:
      description: Whether the same task may succeed later without any other change.
      type: bool
      returned: always
"""
