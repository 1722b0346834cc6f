# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Replaces placeholders in a configuration file with the values that only the host knows. No I/O and no Ansible."""

from __future__ import annotations

import base64
import json
import re
import typing as t

from .._errors import ConfigNotExpressible
from .._key.stored_key import ISSUED_AT_RUN_TIME
from .request import Placeholders

Values = t.Mapping[str, "str | None"]


def fill_in(text: str, placeholders: Placeholders, values: Values) -> str:
    """C(text) with each placeholder replaced. A line with a placeholder that has no value is left out."""
    lines = []
    for line in text.split("\n"):
        fields = {token: rule for token, rule in placeholders.items() if token in line}
        if any(values[rule[0]] is None for rule in fields.values()):
            continue
        for token, (field, *encodings) in fields.items():
            value = t.cast(str, values[field])
            for encoding in encodings:
                value = _ENCODINGS[encoding](value, field)
            line = line.replace(token, value)
        lines.append(line)
    return "\n".join(lines)


def key_values(
    api_key_id: str, api_key_secret: str | None, key_version: int, runner_id: str | None
) -> dict[str, str | None]:
    """The fields that a placeholder may name."""
    login = None if api_key_secret is None else base64.b64encode(f"{api_key_id}:{api_key_secret}".encode()).decode()
    return {
        "api_key_id": api_key_id,
        "api_key_secret": api_key_secret,
        "registry_login": login,
        "key_version": str(key_version),
        "runner_id": runner_id,
    }


def _yaml(value: str, _field: str) -> str:
    """As the inside of double quotes in YAML."""
    return "".join(char if " " <= char <= "~" and char not in '"\\' else _escape(ord(char)) for char in value)


def _escape(code: int) -> str:
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json(value: str, _field: str) -> str:
    """As the inside of double quotes in JSON."""
    return json.dumps(value)[1:-1]


def _dotenv(value: str, field: str) -> str:
    # Readers of such files disagree on quotes and escapes, so there are none. The keys of Soda Cloud need none.
    if value != ISSUED_AT_RUN_TIME and not re.fullmatch(r"[A-Za-z0-9_.:@/+=-]*", value):
        raise ConfigNotExpressible(
            f"The {field} of the runner key has characters that not every reader of a dotenv file accepts. Use another"
            " format.",
        )
    return value


_ENCODINGS: t.Mapping[str, t.Callable[[str, str], str]] = {"yaml": _yaml, "json": _json, "dotenv": _dotenv}
