# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Correct configurations of a runner, and changes that make them wrong."""

from __future__ import annotations

import json
from typing import Any

from emulator.client import Key


def helm_values(endpoint: str, key: Key, **changes: Any) -> str:
    values: dict[str, Any] = {
        "soda": {
            "cloud": {"endpoint": endpoint},
            "apikey": {"id": key.api_key_id, "secret": key.api_key_secret},
            "agent": {"name": "edge-1", "loglevel": "INFO", "logFormat": "raw"},
        }
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = values
        for parent in parents:
            node = node.setdefault(parent, {})
        if value is None:
            del node[last]
        else:
            node[last] = value
    return json.dumps(values)


def kubernetes_secret(key: Key, name: str = "soda-agent-apikey", **changes: Any) -> str:
    data = {"SODA_API_KEY_ID": key.api_key_id, "SODA_API_KEY_SECRET": key.api_key_secret}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "Opaque", "stringData": data}
    return json.dumps({**secret, **changes})


def dotenv(key: Key) -> str:
    return f"SODA_API_KEY_ID='{key.api_key_id}'\nSODA_API_KEY_SECRET='{key.api_key_secret}'\n"


def soda_core(endpoint: str, key: Key, **changes: Any) -> str:
    scheme, _unused, host = endpoint.partition("://")
    address, _unused, port = host.rpartition(":")
    cloud = {"host": address, "port": port, "scheme": scheme, "api_key_id": key.api_key_id,
             "api_key_secret": key.api_key_secret, **changes}  # fmt: skip
    return json.dumps({"soda_cloud": {name: value for name, value in cloud.items() if value is not None}})
