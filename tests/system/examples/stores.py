# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
A vault and a cluster that keep what they are given: as much of the two APIs as the examples ask for.

Who asks are the modules of ``community.hashi_vault`` and ``kubernetes.core`` with their libraries.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import re
import threading
import typing as t
from http import HTTPStatus

from examples.collect import Json

TOKEN = "token-of-the-stores"
Answer = tuple[HTTPStatus, Json]


class Stores:
    """Both, at one address. What is held is there to be looked at, and ``sealed`` refuses everything."""

    def __init__(self) -> None:
        self.vault: dict[str, Json] = {}
        self.secrets: dict[str, Json] = {}
        self.sealed = False
        self.asked: list[str] = []
        self.url = ""

    @property
    def environment(self) -> dict[str, str]:
        """How the modules find them."""
        return {
            "VAULT_ADDR": self.url,
            "VAULT_TOKEN": TOKEN,
            "K8S_AUTH_HOST": self.url,
            "K8S_AUTH_API_KEY": TOKEN,
        }

    @contextlib.contextmanager
    def running(self) -> t.Iterator[Stores]:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, method: str, path: str, body: Json) -> Answer:
        self.asked.append(f"{method} {path}")
        if self.sealed:
            return HTTPStatus.FORBIDDEN, {"errors": ["permission denied"]}
        if path.startswith("/v1/"):
            return self._vault(method, path.removeprefix("/v1/"), body)
        return self._cluster(method, path, body)

    def _vault(self, method: str, path: str, body: Json) -> Answer:
        if path == "auth/token/lookup-self":
            return HTTPStatus.OK, {"data": {"id": "accessor"}}
        if method in ("POST", "PUT") and path.startswith("secret/data/"):
            self.vault[path.removeprefix("secret/data/")] = body["data"]
            return HTTPStatus.OK, {"data": {"version": 1}}
        held = self.vault.get(path.removeprefix("secret/data/"))
        if held is None:
            return HTTPStatus.NOT_FOUND, {"errors": []}
        return HTTPStatus.OK, {"data": {"data": held, "metadata": {"version": 1}}}

    def _cluster(self, method: str, path: str, body: Json) -> Answer:
        fixed: dict[str, Json] = {
            "/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "groups": []},
            "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [_SECRETS]},
        }
        if path in fixed:
            return HTTPStatus.OK, fixed[path]
        match = re.fullmatch(r"/api/v1/namespaces/([\w-]+)/secrets(?:/([\w-]+))?", path)
        if match is None:
            return HTTPStatus.NOT_FOUND, _status(path)
        if method == "POST":
            name = f"{match[1]}/{body['metadata']['name']}"
            # As the API server does: what is written as text is kept, and shown, as base64.
            data = {field: base64.b64encode(text.encode()).decode() for field, text in body.pop("stringData").items()}
            self.secrets[name] = {**body, "data": data}
            return HTTPStatus.CREATED, self.secrets[name]
        held = self.secrets.get(f"{match[1]}/{match[2]}")
        return (HTTPStatus.OK, held) if held else (HTTPStatus.NOT_FOUND, _status(path))


_SECRETS = {
    "name": "secrets",
    "singularName": "secret",
    "kind": "Secret",
    "namespaced": True,
    "verbs": ["create", "get", "list"],
}


def _status(path: str) -> Json:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": "NotFound",
        "message": path,
        "code": 404,
    }


def _handler(stores: Stores) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, answer = stores.answer(self.command, self.path.partition("?")[0], json.loads(body or b"{}"))
            said = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET
        do_PUT = do_GET

        def log_message(self, format: str, *args: t.Any) -> None:
            """Nothing: what was asked is kept."""

    return Handler
