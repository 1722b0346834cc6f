# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an empty namespace to a registered runner in one play, with Helm and a stand-in chart."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import yaml
from servers.plays import Controller

from tooling import tree
from tooling.leaks import search

from .conftest import Json, Namespace

CHART = Path(__file__).parent / "chart"


class Deployments:
    """Runs the playbook for one host, and starts a stand-in runner for each deployment, as a cluster does."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.controller: Controller = namespace.controller()
        self.number = 0

    def run(self, *arguments: str, check: bool = True, **variables: t.Any) -> str:
        self.number += 1
        folder = self.controller.folder / "play" / f"deploy-{self.number}"
        folder.mkdir()
        host = {
            "ansible_connection": "local",
            "soda_runner_kubernetes_namespace": self.namespace.name,
            "soda_runner_escrow_dir": str(self.controller.escrow),
            "soda_deploy_chart_repository": "",
            "soda_deploy_chart": str(CHART),
            "soda_deploy_helm": os.environ["HELM"],
            "soda_deploy_dir": str(self.controller.folder / "deploy"),
            "soda_deploy_timeout": 60,
            "soda_runner_kubernetes_options": {"kubeconfig": str(self.namespace.cluster.kubeconfig)},
            **variables,
        }
        inventory = folder / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": {"warehouse-eu": host}}}), "utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-vv", "--diff", "-i", inventory, "community.soda.deploy", *arguments],
            env={**self.controller.env(), "STORES_RESULTS": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        (self.controller.folder / "out" / f"deploy-{self.number}.txt").write_text(done.stdout, "utf-8")
        assert (done.returncode == 0) is check, done.stdout
        return done.stdout

    def deployment(self) -> Json | None:
        found = self.namespace.cluster.get("deployments", self.namespace.name)
        items = found["items"] if found else []
        return t.cast(Json, items[0]) if items else None

    def values(self) -> Json:
        (path,) = (self.controller.folder / "deploy").glob("*/values.yml")
        return t.cast(Json, yaml.safe_load(path.read_text("utf-8")))

    @contextlib.contextmanager
    def runner(self) -> t.Iterator[None]:
        """While the block runs, start the runner of the deployment once there is one."""
        ended = threading.Event()

        def start() -> None:
            while not ended.wait(1.0):
                if self.deployment() is not None:
                    self.register()
                    return

        thread = threading.Thread(target=start, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def register(self) -> None:
        """Read the Secret that the deployment names from the API server, and register."""
        deployment = self.deployment()
        assert deployment is not None
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        variables = {each["name"]: each for each in container["env"]}
        reference = variables["SODA_API_KEY_SECRET"]["valueFrom"]["secretKeyRef"]
        secret = self.namespace.cluster.secrets(self.namespace.name)[reference["name"]]["text"]
        folder = self.controller.folder.with_name("runner")
        folder.mkdir(exist_ok=True)
        config = folder / "runner.env"
        config.write_text("".join(f"{name}={value}\n" for name, value in secret.items()), "utf-8")
        command = [sys.executable, "-m", "emulator.stand_in_runner", "--config", str(config), "--format", "dotenv"]
        command += ["--name", variables["SODA_AGENT_NAME"]["value"]]
        command += ["--endpoint", variables["SODA_CLOUD_ENDPOINT"]["value"]]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(tree.ROOT / "tests")}, timeout=60)


def test_one_play_leads_from_nothing_to_a_registered_runner_and_back(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    deployments.run("--check")
    assert namespace.issued == []
    assert deployments.deployment() is None

    with deployments.runner():
        assert "1 of 1 runners are deployed" in deployments.run()
    assert [runner["name"] for runner in namespace.account.runners()] == ["warehouse-eu"]
    secret = namespace.secrets()["warehouse-eu"]
    values = deployments.values()
    assert values["soda"]["apikey"]["existingSecret"] == secret["metadata"]["name"]
    assert values["existingImagePullSecrets"] == [{"name": secret["metadata"]["name"] + "-pull"}]
    first = deployments.deployment()
    assert first is not None

    again = deployments.run()
    assert "changed=0" in again
    assert deployments.deployment() == first

    deployments.run(soda_runner_key_version=2)
    rotated = deployments.deployment()
    assert rotated is not None
    assert rotated["spec"]["template"] != first["spec"]["template"]
    assert namespace.keys() == {"warehouse-eu": namespace.issued[-1]}
    assert len(namespace.issued) == 2

    namespace.account.set_online(namespace.account.runner("warehouse-eu")["id"], False)
    deployments.run(soda_deploy_state="absent")
    assert deployments.deployment() is None
    assert namespace.secrets() == {}
    assert namespace.account.runners() == []


def test_values_with_a_key_are_refused_before_anything_else(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    for values in (
        {"soda": {"apikey": {"secret": "x"}}},
        {"soda": {"apikey": {"id": "x"}}},
        {"imageCredentials": {"apikey": {"id": "x"}}},
    ):
        assert "Remove" in deployments.run(check=False, soda_runner_values=values).replace("remove", "Remove")
    assert deployments.run(check=False, soda_runner_key_store="file")
    assert namespace.issued == []
    assert namespace.account.journal() == []


def test_a_release_stores_no_key(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    deployments.run(soda_deploy_timeout=0)
    namespace.secrets()
    folder = deployments.controller.folder.with_name("releases")
    folder.mkdir()
    for name, secret in namespace.cluster.secrets(namespace.name).items():
        if secret["type"].startswith("helm.sh/"):
            (folder / name).write_text(secret["text"]["release"], "utf-8")
    deployment = deployments.deployment()
    assert deployment is not None
    release = deployment["metadata"]["name"]
    login = ["--kubeconfig", str(namespace.cluster.kubeconfig), "--namespace", namespace.name]
    values = subprocess.run(
        [os.environ["HELM"], *login, "get", "all", release],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    (folder / "all.yml").write_text(values, "utf-8")
    assert search(namespace.credentials, folder, lambda path: False).found == ()
