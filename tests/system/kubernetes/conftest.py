# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real API server and an emulated Soda Cloud for all tests of a process, and a namespace for each."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import cluster as _cluster
from servers.cluster import Cluster
from servers.plays import Controller, Finished, system_log

from emulator.client import Account, Emulator
from tooling.leaks import Credential

Json = dict[str, t.Any]


@pytest.fixture(scope="session")
def syslog() -> Iterator[Path]:
    with system_log() as path:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield path


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # pytest ends the generators of its fixtures.
    with _cluster.running(tmp_path_factory.mktemp("cluster")) as running:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield running


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    made = emulator.account(window_factor=0)
    yield made
    made.remove()


class Namespace:
    """One namespace of the cluster, and the controllers that store keys in it."""

    def __init__(self, cluster: Cluster, account: Account, name: str, folder: Path) -> None:
        self.cluster = cluster
        self.account = account
        self.name = name
        self._folder = folder
        self.controllers: list[Controller] = []
        self.credentials = [Credential(account.api_key_id, account.api_key_secret)]
        cluster.run("create", "namespace", name)

    def controller(self, **environment: str) -> Controller:
        folder = self._folder / f"controller-{len(self.controllers) + 1}"
        login = {"K8S_AUTH_KUBECONFIG": str(self.cluster.kubeconfig)}
        self.controllers.append(Controller(folder, self.account, {**login, **environment}))
        return self.controllers[-1]

    def options(self, kubernetes: Json | None = None, **options: t.Any) -> Json:
        return {"store": "kubernetes_secret", "kubernetes": {"namespace": self.name, **(kubernetes or {})}, **options}

    def play(self, controller: Controller, names: str | t.Sequence[str], *arguments: str, **options: t.Any) -> Finished:
        finished = controller.play(names, *arguments, **self.options(**options))
        self.secrets()
        return finished

    def secrets(self) -> dict[str, Json]:
        """The Secrets with runner keys, by the name of the runner. Their keys are noted for the search at the end."""
        found = {}
        for secret in self.cluster.secrets(self.name).values():
            name = secret["metadata"].get("annotations", {}).get("community.soda/runner-name")
            if name is not None and secret["type"] == "Opaque":
                found[name] = secret
                if "SODA_API_KEY_SECRET" in secret["text"]:
                    text = secret["text"]
                    self.credentials.append(Credential(text["SODA_API_KEY_ID"], text["SODA_API_KEY_SECRET"]))
        return found

    def keys(self) -> dict[str, str]:
        """The id of the stored key of each runner."""
        return {name: secret["text"]["SODA_API_KEY_ID"] for name, secret in self.secrets().items() if secret["text"]}

    @property
    def issued(self) -> list[str]:
        return t.cast(list[str], self.account.stats()["runner_key_ids"])


@pytest.fixture
def namespace(cluster: Cluster, account: Account, tmp_path: Path, syslog: Path) -> Iterator[Namespace]:
    """At the end nothing that the controllers printed or wrote contains a secret."""
    made = Namespace(cluster, account, account.name.lower().replace("_", "-")[:60], tmp_path)
    yield made
    made.secrets()
    for controller in made.controllers:
        assert controller.search(made.credentials).found == ()
    log = syslog.read_bytes()
    assert not [each.api_key_id for each in made.credentials if each.api_key_secret.encode() in log]
