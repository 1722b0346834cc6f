# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real OpenBao for all tests of a process, and a mount, an account and controllers for each."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import fixtures
from servers.fixtures import Store, searched
from servers.openbao import OpenBao
from servers.proxy import Proxies

from ansible_collections.community.soda.plugins.plugin_utils._config.names import vault_path
from ansible_collections.community.soda.plugins.plugin_utils._stores.fingerprint import fingerprint
from emulator.client import Account
from tooling.leaks import Credential

Json = dict[str, t.Any]

syslog, emulator, account = fixtures.syslog, fixtures.emulator, fixtures.account


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(Path(os.environ["OPENBAO"]), tmp_path_factory.mktemp("openbao") / "log").running() as server:
        yield server


class Vault(Store):
    """One mount of the server."""

    def __init__(
        self, bao: OpenBao, account: Account, folder: Path, proxies: Proxies, environment: dict[str, str]
    ) -> None:
        super().__init__(account, folder, proxies, {**bao.environment(), **environment})
        self.bao = bao
        self.mount = f"kv-{account.name}"
        bao.call("POST", f"sys/mounts/{self.mount}", {"type": "kv", "options": {"version": "2"}})

    def options(self, vault_mount: str = "", vault_path: str = "", **options: t.Any) -> Json:
        where = {"mount": vault_mount or self.mount, **({"path": vault_path} if vault_path else {})}
        return {"store": "vault_kv2", "vault": where, **options}

    def secrets(self) -> dict[str, Json]:
        """The current fields of all secrets, by the name of the runner."""
        found = (self.bao.secret(path, self.mount) for path in self.bao.paths(mount=self.mount))
        return {each["name"]: each for each in found if each}

    def keys(self) -> dict[str, str]:
        return {name: fields["api_key_id"] for name, fields in self.secrets().items() if "api_key_id" in fields}

    def intents(self) -> set[str]:
        return {name for name, fields in self.secrets().items() if "intent" in fields}

    def store_key(self, name: str) -> None:
        key = self.account.issue_runner_key()
        fields = {"endpoint": self.endpoint, "name": name, "account": "", "key_version": "1", "runner_id": ""}
        fields.update(api_key_id=key.api_key_id, api_key_secret=key.api_key_secret, issued_at="2026-01-01T00:00:00Z")
        fields["fingerprint"] = fingerprint(key.api_key_id, key.api_key_secret)
        self.bao.call("POST", f"{self.mount}/data/{vault_path(name, self.endpoint)}", {"data": fields})

    def stored(self) -> list[Credential]:
        versions = [
            each for path in self.bao.paths(mount=self.mount) for each in self.bao.every_version(path, self.mount)
        ]
        return [Credential(each["api_key_id"], each["api_key_secret"]) for each in versions if "api_key_id" in each]


@pytest.fixture
def vault(bao: OpenBao, account: Account, tmp_path: Path, syslog: Path) -> Iterator[Vault]:
    proxies = Proxies()
    with proxies.before(bao.url) as address, proxies.before(account.endpoint) as endpoint:
        made = Vault(bao, account, tmp_path, proxies, {"VAULT_ADDR": address, "SODA_CLOUD_ENDPOINT": endpoint})
        with searched(made, syslog):
            yield made
