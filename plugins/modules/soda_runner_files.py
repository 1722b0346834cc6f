#!/usr/bin/python
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner_files
short_description: The part of community.soda.soda_runner_config that runs on the host (internal)
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - B(Internal.) Do not use it in your own plays. Its options can change in any release. Use
    M(community.soda.soda_runner_config).
  - Compares, writes and removes a key file and configuration files on the host.
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
  request:
    description:
      - What to do, as JSON. It is one option, and no part of it is logged, because it can contain a runner key.
    type: str
    required: true
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
removed:
  description: The files that were removed.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.community.soda.plugins.module_utils import _module
from ansible_collections.community.soda.plugins.module_utils._host import host


def main() -> None:
    module = _module.SodaModule(
        argument_spec={"request": {"type": "str", "required": True, "no_log": True}},
        supports_check_mode=True,
    )
    _module.run(module, lambda: host.run_request(module))


if __name__ == "__main__":
    main()
