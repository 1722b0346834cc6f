# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies for HTTP between a controller and its servers, which kill the controller at a chosen request."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import threading
import typing as t
from urllib.parse import urlsplit

from tooling.leaks import Credential

BEFORE, AFTER = "before", "after"
"""The request is not passed on, or it is passed on and the answer is lost."""

_NOT_PASSED_ON = ("connection", "transfer-encoding", "content-length", "host", "keep-alive")


class Steps:
    """Counts requests, and calls *kill* at one of them."""

    def __init__(self, at: int = 0, when: str = BEFORE, kill: t.Callable[[], None] = lambda: None) -> None:
        self.requests: list[str] = []
        self.killed_at: str | None = None
        self._at, self._when, self._kill = at, when, kill
        self._lock = threading.Lock()

    def next(self, request: str) -> t.Callable[[str], bool]:
        """Count a request. What is returned tells at BEFORE and AFTER whether its answer is lost."""
        with self._lock:
            self.requests.append(request)
            chosen = len(self.requests) == self._at

        def is_lost(when: str) -> bool:
            if chosen and when == self._when:
                self._kill()
                self.killed_at = request
                return True
            return False

        return is_lost


class Proxies:
    """Proxies whose requests are counted together, those whose path contains one of *counted*."""

    def __init__(self, counted: tuple[str, ...] = ("",)) -> None:
        self.steps = Steps()
        self.issued: list[Credential] = []
        """Every runner key that Soda Cloud has sent, also in an answer that was lost."""
        self._counted = counted

    def _next(self, request: str) -> t.Callable[[str], bool]:
        if any(part in request for part in self._counted):
            return self.steps.next(request)
        return lambda when: False

    def _note_key(self, request: str, content: bytes) -> None:
        if request == "POST /api/v1/runners":
            with contextlib.suppress(ValueError, KeyError, TypeError):
                key = json.loads(content)
                self.issued.append(Credential(key["apiKeyId"], key["apiKeySecret"]))

    @contextlib.contextmanager
    def before(self, target: str) -> t.Iterator[str]:
        """The URL of a proxy for the server at *target*."""
        address = urlsplit(target).netloc
        proxies = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                request = f"{self.command} {self.path.partition('?')[0]}"
                is_lost = proxies._next(request)
                if is_lost(BEFORE):
                    self.close_connection = True
                    return
                server = http.client.HTTPConnection(address, timeout=60)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
                server.request(self.command, self.path, body, headers)
                answer = server.getresponse()
                content = answer.read()
                server.close()
                proxies._note_key(request, content)
                if is_lost(AFTER):
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _NOT_PASSED_ON:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_request

            def log_message(self, format: str, *args: t.Any) -> None:
                """Nothing: the requests are counted."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
