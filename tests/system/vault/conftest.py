# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real OpenBao and an emulated Soda Cloud for all tests of a process, and an account and a controller for each."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.openbao import OpenBao
from servers.plays import Controller, Finished, system_log
from servers.proxy import Proxies

from ansible_collections.community.soda.plugins.plugin_utils._config.names import vault_path
from emulator.client import Account, Emulator
from tooling.leaks import Credential

Json = dict[str, t.Any]


@pytest.fixture(scope="session")
def syslog() -> Iterator[Path]:
    with system_log() as path:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield path


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(Path(os.environ["OPENBAO"]), tmp_path_factory.mktemp("openbao") / "log").running() as server:
        yield server


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    made = emulator.account(window_factor=0)
    yield made
    made.remove()


class Vault:
    """One mount of the server, and the controllers that store keys in it."""

    def __init__(self, bao: OpenBao, account: Account, mount: str, folder: Path, proxies: Proxies) -> None:
        self.bao = bao
        self.proxies = proxies
        self.addresses: dict[str, str] = {}
        self.account = account
        self.mount = mount
        self._folder = folder
        self.controllers: list[Controller] = []
        bao.call("POST", f"sys/mounts/{mount}", {"type": "kv", "options": {"version": "2"}})

    def controller(self, **environment: str) -> Controller:
        folder = self._folder / f"controller-{len(self.controllers) + 1}"
        self.controllers.append(
            Controller(folder, self.account, {**self.bao.environment(), **self.addresses, **environment})
        )
        return self.controllers[-1]

    def options(self, vault_mount: str = "", vault_path: str = "", **options: t.Any) -> Json:
        where = {"mount": vault_mount or self.mount, **({"path": vault_path} if vault_path else {})}
        return {"store": "vault_kv2", "vault": where, **options}

    def play(self, controller: Controller, names: str | t.Sequence[str], *arguments: str, **options: t.Any) -> Finished:
        return controller.play(names, *arguments, **self.options(**options))

    def secrets(self) -> dict[str, Json]:
        """The current fields of all secrets, by the name of the runner."""
        found = (self.bao.secret(path, self.mount) for path in self.bao.paths(mount=self.mount))
        return {each["name"]: each for each in found if each}

    def keys(self) -> dict[str, str]:
        """The id of the stored key of each runner."""
        return {name: fields["api_key_id"] for name, fields in self.secrets().items() if "api_key_id" in fields}

    def store_key(self, name: str) -> None:
        """Store a key of version 1, as a run of the action does."""
        endpoint = self.addresses["SODA_CLOUD_ENDPOINT"]
        key = self.account.issue_runner_key()
        fields = {"endpoint": endpoint, "name": name, "account": "", "key_version": "1", "runner_id": ""}
        fields.update(api_key_id=key.api_key_id, api_key_secret=key.api_key_secret, issued_at="2026-01-01T00:00:00Z")
        self.bao.call("POST", f"{self.mount}/data/{vault_path(name, endpoint)}", {"data": fields})

    def credentials(self) -> list[Credential]:
        """All keys that any version of any secret has, and that of the account."""
        versions = [
            each for path in self.bao.paths(mount=self.mount) for each in self.bao.every_version(path, self.mount)
        ]
        keys = [Credential(each["api_key_id"], each["api_key_secret"]) for each in versions if "api_key_id" in each]
        return [Credential(self.account.api_key_id, self.account.api_key_secret), *keys]

    @property
    def issued(self) -> list[str]:
        return t.cast(list[str], self.account.stats()["runner_key_ids"])


@pytest.fixture
def vault(bao: OpenBao, account: Account, tmp_path: Path, syslog: Path) -> Iterator[Vault]:
    """At the end nothing that the controllers printed or wrote contains a secret."""
    proxies = Proxies()
    made = Vault(bao, account, f"kv-{account.name}", tmp_path, proxies)
    with proxies.before(bao.url) as address, proxies.before(account.endpoint) as endpoint:
        made.addresses = {"VAULT_ADDR": address, "SODA_CLOUD_ENDPOINT": endpoint}
        yield made
    credentials = made.credentials()
    for controller in made.controllers:
        assert controller.search(credentials).found == ()
    log = syslog.read_bytes()
    assert not [each.api_key_id for each in credentials if each.api_key_secret.encode() in log]
