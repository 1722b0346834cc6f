# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real API server for all tests of a process, and a namespace, an account and controllers for each."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import cluster as _cluster
from servers import fixtures
from servers.cluster import Cluster
from servers.fixtures import Store, searched
from servers.plays import Controller, Finished
from servers.proxy import Proxies

from ansible_collections.community.soda.plugins.plugin_utils._config.names import unique_name
from ansible_collections.community.soda.plugins.plugin_utils._stores.fingerprint import fingerprint
from emulator.client import Account
from tooling.leaks import Credential

Json = dict[str, t.Any]

syslog, emulator, account = fixtures.syslog, fixtures.emulator, fixtures.account
PREFIX = "community.soda/"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # pytest ends the generators of its fixtures.
    with _cluster.running(tmp_path_factory.mktemp("cluster")) as running:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield running


@pytest.fixture(scope="session")
def without_login(cluster: Cluster) -> Iterator[str]:
    """A URL of the cluster that needs neither TLS nor a login, so that a proxy can count the requests."""
    with cluster.proxy() as url:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield url


class Namespace(Store):
    """One namespace of the cluster."""

    def __init__(
        self, cluster: Cluster, account: Account, folder: Path, proxies: Proxies, environment: dict[str, str]
    ) -> None:
        super().__init__(account, folder, proxies, environment)
        self.cluster = cluster
        self.address = ""
        """Where plays reach the cluster whose requests are counted."""
        self.name = account.name.lower().replace("_", "-")[:60]
        self._seen: dict[str, Credential] = {}
        cluster.run("create", "namespace", self.name)

    def counted_controller(self) -> Controller:
        """A controller whose requests to the cluster are counted, so that it can be killed at one of them."""
        config = self._folder / "counted.yml"
        cluster = {"name": "tests", "cluster": {"server": self.address}}
        context = {"name": "tests", "context": {"cluster": "tests", "user": ""}}
        kinds = {"apiVersion": "v1", "kind": "Config", "current-context": "tests"}
        config.write_text(json.dumps({**kinds, "clusters": [cluster], "contexts": [context], "users": []}), "utf-8")
        return self.controller(K8S_AUTH_KUBECONFIG=str(config))

    def options(self, kubernetes: Json | None = None, **options: t.Any) -> Json:
        return {"store": "kubernetes_secret", "kubernetes": {"namespace": self.name, **(kubernetes or {})}, **options}

    def play(self, controller: Controller, names: str | t.Sequence[str], *arguments: str, **options: t.Any) -> Finished:
        finished = super().play(controller, names, *arguments, **options)
        # A key that the next play replaces is searched for all the same.
        self.secrets()
        return finished

    def secrets(self) -> dict[str, Json]:
        """The Secrets with runner keys, by the name of the runner."""
        found = {}
        for secret in self.cluster.secrets(self.name).values():
            name, text = secret["metadata"].get("annotations", {}).get(PREFIX + "runner-name"), secret["text"]
            if name is not None and secret["type"] == "Opaque":
                found[name] = secret
                if "SODA_API_KEY_SECRET" in text:
                    self._seen[text["SODA_API_KEY_SECRET"]] = Credential(
                        text["SODA_API_KEY_ID"], text["SODA_API_KEY_SECRET"]
                    )
        return found

    def keys(self) -> dict[str, str]:
        return {name: secret["text"]["SODA_API_KEY_ID"] for name, secret in self.secrets().items() if secret["text"]}

    def intents(self) -> set[str]:
        return {name for name, each in self.secrets().items() if PREFIX + "intent" in each["metadata"]["annotations"]}

    def store_key(self, name: str) -> None:
        key = self.account.issue_runner_key()
        annotations = {"endpoint": self.endpoint, "runner-name": name, "api-key-id": key.api_key_id, "key-version": "1"}
        annotations["fingerprint"] = fingerprint(key.api_key_id, key.api_key_secret)
        metadata = {
            "name": unique_name(name, self.endpoint),
            "namespace": self.name,
            "annotations": {PREFIX + field: value for field, value in annotations.items()},
        }
        text = {"SODA_API_KEY_ID": key.api_key_id, "SODA_API_KEY_SECRET": key.api_key_secret}
        self.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": text})

    def stored(self) -> list[Credential]:
        self.secrets()
        return list(self._seen.values())

    def patch(self, secret: str, change: Json) -> None:
        """Edit a Secret, as somebody with kubectl does."""
        self.cluster.run("patch", "secret", secret, "-n", self.name, "--type=merge", "-p", json.dumps(change))


@pytest.fixture
def namespace(
    cluster: Cluster,
    without_login: str,
    account: Account,
    tmp_path: Path,
    syslog: Path,
) -> Iterator[Namespace]:
    proxies = Proxies(counted=("/secrets", "/api/v1/runners"))
    with proxies.before(account.endpoint) as endpoint, proxies.before(without_login) as address:
        environment = {"K8S_AUTH_KUBECONFIG": str(cluster.kubeconfig), "SODA_CLOUD_ENDPOINT": endpoint}
        made = Namespace(cluster, account, tmp_path, proxies, environment)
        made.address = address
        with searched(made, syslog):
            yield made
