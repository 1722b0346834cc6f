# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real OpenBao, which has the API of HashiCorp Vault, and what the tests look up in it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import requests

Json = dict[str, t.Any]
ROOT_TOKEN = "root-token-of-the-tests"
START_TIMEOUT = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OpenBao:
    """A development server: in memory, unsealed, with KV version 2 mounted at ``secret``."""

    def __init__(self, program: Path, log: Path) -> None:
        self._program = program
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._unseal_key = ""
        self.url = ""
        self._session = requests.Session()
        self._session.trust_env = False

    @contextlib.contextmanager
    def running(self) -> t.Iterator[OpenBao]:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [str(self._program), "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT_TOKEN}"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, f"-dev-listen-address=127.0.0.1:{port}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"HOME": str(self._log.parent), "PATH": "/usr/bin:/bin"},
            )
        try:
            self._wait()
            yield self
        finally:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            with contextlib.suppress(requests.RequestException):
                if self.call("GET", "secret/config", check=False) is not None:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"OpenBao did not start:\n{self._log.read_text('utf-8', 'replace')[-4000:]}")
            time.sleep(0.1)

    def call(self, method: str, path: str, body: Json | None = None, *, check: bool = True) -> Json | None:
        """Call the API as root. None if the server refuses and *check* is false."""
        response = self._session.request(
            method, f"{self.url}/v1/{path}", json=body, headers={"X-Vault-Token": ROOT_TOKEN}, timeout=30
        )
        if not response.ok:
            if check:
                raise RuntimeError(f"{method} {path}: {response.status_code} {response.text}")
            return None
        return t.cast(Json, response.json()) if response.content else {}

    def environment(self, token: str = ROOT_TOKEN) -> dict[str, str]:
        """How ``community.hashi_vault`` finds the server."""
        return {"VAULT_ADDR": self.url, "VAULT_TOKEN": token}

    def secret(self, path: str, mount: str = "secret") -> Json | None:
        """The fields of the current version of a secret; None without one."""
        found = self.call("GET", f"{mount}/data/{path}", check=False)
        return None if found is None else t.cast(Json, found["data"]["data"])

    def paths(self, folder: str = "", mount: str = "secret") -> list[str]:
        """All paths below a folder, without those of folders."""
        listed = self.call("GET", f"{mount}/metadata/{folder}?list=true", check=False)
        found: list[str] = []
        for name in listed["data"]["keys"] if listed else ():
            found += self.paths(folder + name, mount) if name.endswith("/") else [folder + name]
        return found

    def every_version(self, path: str, mount: str = "secret") -> list[Json]:
        """The fields of each version that can be read."""
        metadata = self.call("GET", f"{mount}/metadata/{path}", check=False)
        numbers = sorted(map(int, metadata["data"]["versions"])) if metadata else []
        found = (self.call("GET", f"{mount}/data/{path}?version={number}", check=False) for number in numbers)
        return [each["data"]["data"] for each in found if each is not None]

    def token(self, policy: str) -> str:
        """A token that may do what the text of a policy allows, and nothing else."""
        name = f"policy-{time.monotonic_ns()}"
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": policy})
        made = self.call("POST", "auth/token/create", {"policies": [name], "no_default_policy": True})
        assert made is not None
        return str(made["auth"]["client_token"])
