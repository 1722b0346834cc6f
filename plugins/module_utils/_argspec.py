# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Options that several modules have, and the client that the connection options describe."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback, missing_required_lib

from . import _signals
from ._api import client as _client
from ._api.runners import Runners
from ._errors import MissingLibrary
from ._module import SodaModule

EXISTING_KEY: dict[str, t.Any] = {
    "type": "dict",
    "no_log": False,
    "options": {
        "api_key_id": {"type": "str", "required": True, "no_log": False},
        "api_key_secret": {"type": "str", "required": True, "no_log": True},
    },
}


def connection_spec() -> dict[str, t.Any]:
    """The argument spec of the connection options, as the doc fragment C(soda_cloud) documents them."""
    return {
        "endpoint": {
            "type": "str",
            "default": "https://cloud.soda.io",
            "fallback": (env_fallback, ["SODA_CLOUD_ENDPOINT"]),
        },
        "api_key_id": {"type": "str", "fallback": (env_fallback, ["SODA_CLOUD_API_KEY_ID"])},
        "api_key_secret": {
            "type": "str",
            "no_log": True,
            "fallback": (env_fallback, ["SODA_CLOUD_API_KEY_SECRET"]),
        },
        "validate_certs": {
            "type": "bool",
            "default": True,
            "fallback": (env_fallback, ["SODA_CLOUD_VALIDATE_CERTS"]),
        },
        "ca_path": {"type": "path", "fallback": (env_fallback, ["SODA_CLOUD_CA_PATH"])},
        "timeout": {"type": "float", "default": 30.0, "fallback": (env_fallback, ["SODA_CLOUD_TIMEOUT"])},
        "retry_budget": {
            "type": "float",
            "default": 300.0,
            "fallback": (env_fallback, ["SODA_CLOUD_RETRY_BUDGET"]),
        },
    }


def runners(module: SodaModule) -> Runners:
    """The runners of the account that the module's parameters name. Sends nothing yet."""
    if _client.REQUESTS_IMPORT_ERROR is not None:
        module.error = MissingLibrary
        module.fail_json(missing_required_lib("requests"), exception=str(_client.REQUESTS_IMPORT_ERROR))
    to = _client.connection(**{option: module.params[option] for option in connection_spec()})
    return Runners(_client.Client(to, sleep=_signals.sleep))
