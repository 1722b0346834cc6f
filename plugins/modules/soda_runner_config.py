# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner_config
short_description: Put a runner key and the configuration of a Soda runner on a host
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Puts the key of a Soda runner on a host, and the configuration files that hold it. It sends nothing to Soda Cloud.
  - The key is the one that the host holds at O(key_path). Where it holds none, or one of a lower version, it is taken
    from O(key_from) or O(escrow_dir) on the controller and carried to the host.
  - The files are rendered on the controller and written through the connection, each in one step. Nothing secret is in
    the result or in a diff, or in a file on the way.
  - Whether the places can be written to is checked whether or not there is a key yet.
requirements:
  - python >= 3.9
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
    support: full
  bypass_host_loop:
    description: It runs once for all hosts.
    support: none
  check_mode:
    support: full
  connection:
    support: full
  delegation:
    support: full
  diff_mode:
    support: full
    details:
      - Secrets are masked field by field. So is what O(values) sets in an environment or under the name of a secret.
  platform:
    platforms: posix
    support: full
options:
  name:
    description: The name of the runner. Any text but the empty one.
    type: str
    required: true
  endpoint:
    description:
      - The URL of Soda Cloud that the key is for.
      - If not set, the environment variable E(SODA_CLOUD_ENDPOINT) of the controller is used.
    type: str
    default: https://cloud.soda.io
  key_path:
    description:
      - The file on the host in which the key is kept, mode 0600. Its folder must exist.
      - A file that is not a key file, or that is for another name or endpoint, is left alone and is a failure.
    type: str
    required: true
  key_from:
    description:
      - The file on the controller in which M(community.soda.soda_runner) keeps a key that the host has not got yet.
    type: path
  escrow_dir:
    description:
      - Instead of O(key_from), the folder on the controller in which the file is, under the name that the filter
        P(community.soda.escrow_name#filter) gives it. It takes O(cloud_api_key_id).
    type: path
  cloud_api_key_id:
    description: The id of the Soda Cloud API key that the runner key is issued with, which O(escrow_dir) needs.
    type: str
  empty_escrow:
    description:
      - Whether the file of O(key_from) or O(escrow_dir) is removed once the host holds its key, or a newer one, and
        with it whatever a run left beside it that was killed.
      - A key that another run puts there meanwhile stays.
    type: bool
    default: false
  key_version:
    description:
      - The version of key that is wanted. With a key of a lower version the files are left as they are, and that key is
        returned. A key of a higher version is a failure.
      - Without it, any version is taken.
    type: int
  key_required:
    description:
      - Fail where no key is held, or none of the O(key_version) that is wanted.
      - In check mode it is assumed instead that an earlier task would have issued the key.
    type: bool
    default: false
  folders_required:
    description:
      - Whether it is a failure where the folder of the key or of a configuration file does not exist.
      - With V(false) nothing is changed where one is missing, and RV(missing_folders) says which to make before the
        module is used again. So folders cost a task only on hosts that lack them.
      - In check mode it is never a failure, as an earlier task might have made the folder.
    type: bool
    default: true
  config_files:
    description: The configuration files to write, each with the folder that it is in existing already.
    type: list
    elements: dict
    default: []
    suboptions:
      format:
        description:
          - V(helm_values) is the values of the vendor's Helm chart, with endpoint, name and key.
          - V(kubernetes_secret) is a manifest of a Secret with the key, called as O(existing_secret), else as the
            chart calls its own.
          - V(dotenv) is an environment file with the key.
          - V(soda_core) is the C(soda_cloud) configuration of soda-core.
        type: str
        required: true
        choices: [helm_values, kubernetes_secret, dotenv, soda_core]
      path:
        description: Where the file is on the host.
        type: str
        required: true
      owner:
        description: The owner of the file.
        type: str
      group:
        description: The group of the file.
        type: str
      mode:
        description: The mode of the file.
        type: raw
        default: '0600'
  values:
    description: Values to merge over the Helm values.
    type: dict
    default: {}
  values_section:
    description: The section of the Helm values that holds the runner's name and id.
    type: str
    default: agent
  existing_secret:
    description:
      - The name of a Kubernetes Secret that holds the key. The Helm values refer to it then, and hold no secret.
    type: str
  owner:
    description: The owner of the key file.
    type: str
  group:
    description: The group of the key file.
    type: str
  state:
    description:
      - V(absent) removes the key file and the files of O(config_files) from the host. The runner in Soda Cloud is left
        alone.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: community.soda.soda_runner
"""

EXAMPLES = r"""
- name: Make sure that a runner key is held on the controller
  community.soda.soda_runner:
    name: warehouse-eu
    key_path: "{{ playbook_dir }}/warehouse-eu.json"
  delegate_to: localhost

- name: Put the key and the Helm values on the host
  community.soda.soda_runner_config:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    key_from: "{{ playbook_dir }}/warehouse-eu.json"
    key_required: true
    config_files:
      - format: helm_values
        path: /etc/soda-runner/values.yml
    values:
      soda:
        agent:
          loglevel: INFO

- name: Remove the key and the Helm values from the host
  community.soda.soda_runner_config:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    config_files:
      - format: helm_values
        path: /etc/soda-runner/values.yml
    state: absent
"""

RETURN = r"""
key:
  description:
    - The runner key that is configured, or null where none is held anywhere. Never its secret.
  returned: success
  type: dict
  contains:
    api_key_id:
      description: The id of the runner key.
      type: str
      returned: always
      sample: 0d9c2b8e-5f0d-4f7e-9a37-3c3f6d1c2a55
    path:
      description: The file on the host that holds the key.
      type: str
      returned: always
      sample: /etc/soda-runner/key.json
    key_version:
      description: The version that the key was issued for.
      type: int
      returned: always
      sample: 1
    issued_at:
      description: When it was issued, in ISO 8601, UTC.
      type: str
      returned: always
      sample: '2026-01-01T12:00:00Z'
key_needed:
  description: Whether no key is held, or one of a lower version than O(key_version), so that one is to be issued.
  returned: success and O(state=present)
  type: bool
  sample: false
key_changed:
  description: Whether the key file was put in place or its attributes were changed.
  returned: success and O(state=present)
  type: bool
  sample: false
escrow_emptied:
  description: Whether a key was removed that waited on the controller.
  returned: success and O(state=present)
  type: bool
  sample: false
files:
  description: The configuration files.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where the file is on the host.
      type: str
      returned: always
      sample: /etc/soda-runner/values.yml
    format:
      description: Its format.
      type: str
      returned: always
      sample: helm_values
    changed:
      description: Whether its content or its attributes were changed.
      type: bool
      returned: always
missing_folders:
  description:
    - The folders of the key and of the configuration files that do not exist on the host. Where it is not empty,
      O(folders_required=false) or check mode let that pass.
  returned: success and O(state=present)
  type: list
  elements: str
  sample: []
removed:
  description: The files that were removed.
  returned: success and O(state=absent)
  type: list
  elements: str
  sample: [/etc/soda-runner/key.json, /etc/soda-runner/values.yml]
failure:
  description: What failed, as M(community.soda.soda_runner) returns it.
  returned: failure
  type: dict
  contains:
    code:
      description: One of this collection's codes, such as V(key_path_unusable) or V(config_format_unknown).
      type: str
      returned: always
      sample: key_path_unusable
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
