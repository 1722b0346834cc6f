# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converts results to HTTP answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from .cloud import Refused

JSON = "application/json"
WEB_APPLICATION = """<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8"><title>Soda Cloud</title></head>
  <body><div id="root">You need to enable JavaScript to run this app.</div></body>
</html>
"""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def on_the_wire(self) -> web.Response:
        return web.Response(
            status=self.status, body=self.body, headers={**self.headers, "Content-Type": self.content_type}
        )


def json_answer(status: int, payload: object, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(payload, separators=(",", ":")).encode(), headers=headers or {})


def refusal(refused: Refused) -> Answer:
    headers = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
    return json_answer(refused.status, {"code": refused.code, "message": refused.message}, headers)


def web_application(status: int = 200) -> Answer:
    """The page that Soda Cloud returns for an unknown path."""
    return Answer(status, WEB_APPLICATION.encode(), "text/html; charset=utf-8")
