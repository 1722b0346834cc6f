#!/usr/bin/python
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner_files
short_description: The part of community.soda.soda_runner_config that runs on the host
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Reads, writes and removes a key file and configuration files for M(community.soda.soda_runner_config).
    Use that module. This one is internal, and its options can change at any time.
requirements:
  - python >= 3.9
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details:
      - It writes nothing in check mode.
  diff_mode:
    support: none
    details:
      - M(community.soda.soda_runner_config) makes the diff.
  platform:
    platforms: posix
    support: full
options:
  state:
    description: Whether to look, to write what is given, or to remove.
    type: str
    choices: [observed, present, absent]
    required: true
  key_path:
    description: Where the key file is.
    type: path
    required: true
  endpoint:
    description: The normalised endpoint that the key is for.
    type: str
    required: true
  name:
    description: The name that the key is for.
    type: str
    required: true
  key:
    description: The key file to write, as JSON. Without it, the one that is there stays.
    type: str
  owner:
    description: The owner of the key file.
    type: str
  group:
    description: The group of the key file.
    type: str
  files:
    description: The configuration files.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the file is.
        type: path
        required: true
      content:
        description: What to write. Without it, the content that is there stays.
        type: str
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
  folders_required:
    description: Whether a folder of one of the files that does not exist is a failure.
    type: bool
    default: true
  seal:
    description: What to seal the contents with that are returned.
    type: str
"""

EXAMPLES = r"""
- name: Use the module that this one is a part of
  community.soda.soda_runner_config:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    config_files:
      - format: helm_values
        path: /etc/soda-runner/values.yml
"""

RETURN = r"""
observed:
  description: Contents and attributes of the files, and which of their folders are missing. The contents are sealed.
  returned: when O(state=observed)
  type: dict
"""

import typing as t

from ansible_collections.community.soda.plugins.module_utils import _host_files as _host
from ansible_collections.community.soda.plugins.module_utils import _module


def main() -> None:
    module = _module.SodaModule(
        argument_spec={
            "state": {"type": "str", "choices": ["observed", "present", "absent"], "required": True},
            "key_path": {"type": "path", "required": True, "no_log": False},
            "endpoint": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "key": {"type": "str", "no_log": True},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str", "no_log": True},
                    "owner": {"type": "str"},
                    "group": {"type": "str"},
                    "mode": {"type": "raw", "default": "0600"},
                },
            },
            "folders_required": {"type": "bool", "default": True},
            "seal": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    host = _host.Host(module)
    work: dict[str, t.Callable[[], dict[str, t.Any]]] = {
        "observed": host.observe,
        "present": host.write,
        "absent": host.remove,
    }
    _module.run(module, work[module.params["state"]])


if __name__ == "__main__":
    main()
