# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
What ``test_awx.py`` puts in the place of awx.awx's ``controller_api.py``: each of its modules ends once it was called.

The module's own argument spec is checked by Ansible before that; what was given is written down. No server is asked.
"""

# mypy: ignore-errors

import json
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.awx.awx.plugins.module_utils.real_controller_api import ControllerModule

CALLS = os.environ["AWX_CALLS"]
SHOWN = ["/etc/pki/ca-trust:/etc/pki/ca-trust:O"]


class ControllerAPIModule(AnsibleModule):
    """In the place of the one that talks to a server."""

    short_params = ControllerModule.short_params

    def __init__(self, argument_spec, direct_params=None, error_callback=None, warn_callback=None, **kwargs):
        if direct_params is not None:
            return  # the lookup plugin, which asks for the settings
        spec = {**ControllerModule.AUTH_ARGSPEC, **argument_spec}
        super().__init__(argument_spec=spec, supports_check_mode=True, **kwargs)
        given = {name: value for name, value in self.params.items() if value is not None}
        with open(CALLS, "a", encoding="utf-8") as calls:
            calls.write(json.dumps([self._name, given]) + "\n")
        self.exit_json(changed=True)

    def get_endpoint(self, _endpoint, **_kwargs):
        return {"status_code": 200, "json": {"AWX_ISOLATION_SHOW_PATHS": SHOWN}}
