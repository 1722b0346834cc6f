# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Put at the end of awx.awx's ``controller_api.py`` by ``test_awx.py``: each module of awx.awx ends once it was called.

The module's own argument spec is checked by Ansible before that; what was given is written down. No server is asked.
"""

import os as _os

_CALLS = _os.environ["AWX_CALLS"]
_SHOWN = ["/etc/pki/ca-trust:/etc/pki/ca-trust:O"]


class ControllerAPIModule(AnsibleModule):  # type: ignore[name-defined,misc] # noqa: F821
    """In the place of the one that talks to a server."""

    short_params = ControllerModule.short_params  # type: ignore[name-defined] # noqa: F821

    def __init__(self, argument_spec, direct_params=None, error_callback=None, warn_callback=None, **kwargs):  # type: ignore[no-untyped-def]
        if direct_params is not None:
            return  # the lookup plugin, which asks for the settings
        spec = {**ControllerModule.AUTH_ARGSPEC, **argument_spec}  # type: ignore[name-defined] # noqa: F821
        super().__init__(argument_spec=spec, supports_check_mode=True, **kwargs)
        given = {name: value for name, value in self.params.items() if value is not None}
        with open(_CALLS, "a", encoding="utf-8") as calls:
            calls.write(dumps([self._name, given]) + "\n")  # type: ignore[name-defined] # noqa: F821
        self.exit_json(changed=True)

    def get_endpoint(self, _endpoint, **_kwargs):  # type: ignore[no-untyped-def]
        return {"status_code": 200, "json": {"AWX_ISOLATION_SHOW_PATHS": _SHOWN}}
