# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server in place of Soda Cloud that returns hostile answers."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import threading
import typing as t


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answers of the server."""

    status: int = 200
    body: bytes = b""
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def as_json(content: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode())


def page(runners: t.Sequence[object], number: int = 0, last: bool = True, total: int | None = None) -> Answer:
    """A page of a listing that follows the contract, except for the runners."""
    size = max(len(runners), 1)
    whole = len(runners) if total is None else total
    return as_json(
        {
            "content": list(runners),
            "first": number == 0,
            "last": last,
            "number": number,
            "size": size,
            "totalElements": whole,
            "totalPages": max(-(-whole // size), 1),
        }
    )


@dataclasses.dataclass(frozen=True)
class Request:
    """A received request."""

    method: str
    path: str
    headers: t.Mapping[str, str]


class HostileApi:
    """Calls a function for each request, and records the requests."""

    def __init__(self, answer: t.Callable[[Request], Answer]) -> None:
        self.received: list[Request] = []
        self.url = ""
        self._answer = answer

    @contextlib.contextmanager
    def running(self) -> t.Iterator[HostileApi]:
        received, answer_of = self.received, self._answer

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                request = Request(self.command, self.path, dict(self.headers))
                received.append(request)
                answer = answer_of(request)
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(answer.body)

            do_GET = do_POST = do_DELETE = do_CONNECT = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
