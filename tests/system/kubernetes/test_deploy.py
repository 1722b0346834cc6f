# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an empty namespace to a registered runner in one play, with Helm and a stand-in chart."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest
import yaml
from servers.plays import Controller
from servers.roles import HOSTS, run

from ansible_collections.community.soda.plugins.plugin_utils._config import formats
from tooling import tree
from tooling.leaks import search

from .conftest import Json, Namespace
from .test_secrets import grant, role_of_the_guide

CHART = Path(__file__).parent / "chart"


class Deployments:
    """Runs the playbook for one host, and starts a stand-in runner for each deployment, as a cluster does."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.controller: Controller = namespace.controller()
        self.number = 0

    def run(self, *arguments: str, playbook: str = "deploy", check: bool = True, **variables: t.Any) -> str:
        """Run a playbook of the collection for the host."""
        self.number += 1
        folder = self.controller.folder / "play" / f"deploy-{self.number}"
        folder.mkdir()
        host = {
            "ansible_connection": "local",
            "soda_runner_deploy": True,
            "soda_runner_kubernetes_namespace": self.namespace.name,
            "soda_runner_escrow_dir": str(self.controller.escrow),
            "soda_runner_helm_chart": str(CHART),
            "soda_runner_helm_program": os.environ["HELM"],
            "soda_runner_wait_timeout": 60,
            "soda_runner_wait_delay": 1,
            "soda_runner_kubernetes_options": {"kubeconfig": str(self.namespace.cluster.kubeconfig)},
            **variables,
        }
        inventory = folder / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": {"warehouse-eu": host}}}), "utf-8")
        target = ["-e", "soda_runner_hosts=all", "-e", "soda_audit_html="]
        done = self.controller.playbook(folder, "-vv", "--diff", f"community.soda.{playbook}", *target, *arguments)
        self.namespace.secrets()
        assert (done.returncode == 0) is check, done.stdout
        return done.stdout

    def audit(self, **variables: t.Any) -> dict[str, str]:
        """The findings for the runner, each with its details."""
        self.run(playbook="audit", **variables)
        report = self.controller.folder / "play" / f"deploy-{self.number}" / "soda-audit.json"
        (row,) = json.loads(report.read_text("utf-8"))["rows"]
        return {finding["code"]: finding["detail"] for finding in row["findings"]}

    def deployment(self) -> Json | None:
        found = self.namespace.cluster.get("deployments", self.namespace.name)
        items = found["items"] if found else []
        return t.cast(Json, items[0]) if items else None

    def values(self) -> Json:
        """The values of the release, which has the name of the Secret."""
        (secret,) = self.namespace.secrets().values()
        return t.cast(Json, json.loads(self.helm("get", "values", secret["metadata"]["name"], "-o", "json")))

    def helm(self, *arguments: str) -> str:
        login = ["--kubeconfig", str(self.namespace.cluster.kubeconfig), "--namespace", self.namespace.name]
        done = subprocess.run(
            [os.environ["HELM"], *login, *arguments], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

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
    assert "1 of 1 runner would be deployed, 1 changed." in deployments.run("--check")
    assert namespace.issued == []
    assert deployments.deployment() is None

    with deployments.runner():
        assert "1 of 1 runner is deployed, 1 changed." in deployments.run(soda_runner_wait_for="online")
    assert [runner["name"] for runner in namespace.account.runners()] == ["warehouse-eu"]
    secret = namespace.secrets()["warehouse-eu"]
    values = deployments.values()
    assert values["soda"]["apikey"]["existingSecret"] == secret["metadata"]["name"]
    assert values["existingImagePullSecrets"] == [{"name": secret["metadata"]["name"] + "-pull"}]
    first = deployments.deployment()
    assert first is not None

    assert "changed=0" in deployments.run()
    assert "changed=0" in deployments.run("--check")
    assert deployments.deployment() == first
    assert deployments.audit() == {}

    # The rotation is known to the key store, but not to the release.
    namespace.play(deployments.controller, "warehouse-eu", key_version=2).ok()
    found = deployments.audit(soda_runner_key_version=2)
    assert list(found) == ["release_not_upgraded"]
    assert "has the key version 1, the key store 2" in found["release_not_upgraded"]
    deployments.run(soda_runner_key_version=2)
    rotated = deployments.deployment()
    assert rotated is not None
    assert rotated["spec"]["template"] != first["spec"]["template"]
    assert namespace.keys() == {"warehouse-eu": namespace.issued[-1]}
    assert len(namespace.issued) == 2
    assert deployments.audit(soda_runner_key_version=2) == {}
    changed = {"soda": {"agent": {"loglevel": "DEBUG"}}}
    assert list(deployments.audit(soda_runner_key_version=2, soda_runner_values=changed)) == ["drift"]


def test_a_decommissioning_uninstalls_first_and_stops_if_the_runner_stays_online(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    with deployments.runner():
        deployments.run()
    runner_id = namespace.account.runner("warehouse-eu")["id"]
    namespace.account.set_online(runner_id, True)
    assert "1 runner of 1 host would be deleted" in deployments.run("--check", playbook="decommission")
    assert deployments.deployment() is not None

    failed = deployments.run(playbook="decommission", check=False, soda_runner_wait_timeout=3)
    assert "'warehouse-eu'" in failed
    assert "not offline" in failed
    assert deployments.deployment() is None
    assert list(namespace.keys()) == ["warehouse-eu"]
    assert [runner["id"] for runner in namespace.account.runners()] == [runner_id]

    stop = threading.Timer(6, namespace.account.set_online, (runner_id, False))
    stop.start()
    try:
        assert "1 runner of 1 host was deleted" in deployments.run(playbook="decommission")
    finally:
        stop.join()
    assert namespace.secrets() == {}
    assert namespace.account.runners() == []
    assert "changed=0" in deployments.run(playbook="decommission")


def test_a_refused_account_does_not_stop_a_runner(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    deployments.run(soda_runner_wait_timeout=0)
    deployments.run(playbook="decommission", check=False, soda_runner_cloud_api_key_secret="wrong")
    assert deployments.deployment() is not None
    assert list(namespace.keys()) == ["warehouse-eu"]


def as_user(namespace: Namespace, folder: Path, user: str) -> Json:
    """The options of a login by which the administrator acts as another user."""
    config = yaml.safe_load(namespace.cluster.kubeconfig.read_text("utf-8"))
    for each in config["users"]:
        each["user"]["as"] = user
    path = folder / f"kubeconfig-{user}"
    path.write_text(yaml.safe_dump(config), "utf-8")
    return {"kubeconfig": str(path)}


def test_the_rights_that_the_guide_lists_are_enough(namespace: Namespace, tmp_path: Path) -> None:
    of_chart = {
        "apiGroups": ["apps"],
        "resources": ["deployments"],
        "verbs": ["create", "delete", "get", "list", "patch"],
    }
    user = grant(namespace, *role_of_the_guide(), "list", "update", others=[of_chart])
    deployments = Deployments(namespace)
    login = as_user(namespace, tmp_path, user)
    deployments.run(soda_runner_wait_timeout=0, soda_runner_kubernetes_options=login)
    assert "changed=0" in deployments.run(soda_runner_wait_timeout=0, soda_runner_kubernetes_options=login)
    deployments.run(playbook="decommission", soda_runner_wait_timeout=0, soda_runner_kubernetes_options=login)
    assert deployments.deployment() is None
    assert namespace.secrets() == {}


def test_rights_that_helm_lacks_cost_no_key(namespace: Namespace, tmp_path: Path) -> None:
    login = as_user(namespace, tmp_path, grant(namespace, *role_of_the_guide()))
    failed = Deployments(namespace).run(check=False, soda_runner_kubernetes_options=login)
    assert "secrets is forbidden" in failed
    assert namespace.issued == []


def test_a_host_without_helm_costs_no_key(namespace: Namespace) -> None:
    failed = Deployments(namespace).run(check=False, soda_runner_helm_program="/no/such/helm")
    assert '"code": "release_failed"' in failed
    assert namespace.issued == []


def test_a_declaration_without_a_namespace_does_not_stop_a_runner(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    deployments.run(soda_runner_wait_timeout=0)
    failed = deployments.run(playbook="decommission", check=False, soda_runner_kubernetes_namespace="")
    assert "soda_runner_kubernetes_namespace is not set" in failed
    assert deployments.deployment() is not None
    assert list(namespace.keys()) == ["warehouse-eu"]


def test_a_release_that_is_not_installed_is_found(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    deployments.run(soda_runner_wait_timeout=0)
    (secret,) = namespace.secrets().values()
    deployments.helm("uninstall", secret["metadata"]["name"])
    assert "is not installed" in deployments.audit()["release_not_upgraded"]


def test_other_hosts_are_skipped_in_both_directions(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    assert "1 host was skipped, because soda_runner_deploy is not true" in deployments.run(soda_runner_deploy=False)
    assert "community.soda.deploy deploys these runners" in deployments.run(playbook="provision")
    assert namespace.issued == []
    assert namespace.account.journal() == []


@pytest.mark.parametrize(
    ("sentence", "variables"),
    [
        ("soda_runner_values has soda.apikey.id", {"soda_runner_values": {"soda": {"apikey": {"id": "x"}}}}),
        ("soda_runner_values has soda.apikey.secret", {"soda_runner_values": {"soda": {"apikey": {"secret": "x"}}}}),
        ("soda_runner_values has imageCredentials", {"soda_runner_values": {"imageCredentials": {}}}),
        ("soda_runner_key_store is file", {"soda_runner_key_store": "file"}),
        ("soda_runner_kubernetes_namespace is not set", {"soda_runner_kubernetes_namespace": ""}),
        ("soda_runner_kubernetes_options has username", {"soda_runner_kubernetes_options": {"username": "x"}}),
    ],
)
def test_what_cannot_be_deployed_is_refused_before_anything_else(
    namespace: Namespace, sentence: str, variables: Json
) -> None:
    assert sentence in Deployments(namespace).run(check=False, **variables)
    assert namespace.issued == []
    assert namespace.account.journal() == []


def test_a_failure_of_helm_is_one_sentence_and_costs_no_other_key(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    failed = deployments.run(check=False, soda_runner_helm_chart="/no/such/chart")
    assert "Helm failed for the release" in failed
    assert '"code": "release_failed"' in failed
    deployments.run(soda_runner_wait_timeout=0)
    assert len(namespace.issued) == 1


def test_a_release_stores_no_key(namespace: Namespace) -> None:
    deployments = Deployments(namespace)
    deployments.run(soda_runner_wait_timeout=0)
    folder = deployments.controller.folder.with_name("releases")
    folder.mkdir()
    for name, secret in namespace.cluster.secrets(namespace.name).items():
        if secret["type"].startswith("helm.sh/"):
            (folder / name).write_text(secret["text"]["release"], "utf-8")
    (stored,) = namespace.secrets().values()
    (folder / "all.yml").write_text(deployments.helm("get", "all", stored["metadata"]["name"]), "utf-8")
    assert search(namespace.stored(), folder, lambda path: False).found == ()


def test_the_example_deploys_each_host(namespace: Namespace, tmp_path: Path) -> None:
    deployments = Deployments(namespace)
    example = str(tree.ROOT / "examples/kubernetes.yml")
    variables = {
        "soda_runner_helm_chart": str(CHART),
        "soda_runner_helm_program": os.environ["HELM"],
        "soda_runner_wait_timeout": 0,
    }
    here = ["-e", f"soda_runner_kubernetes_namespace={namespace.name}"]

    def play(*arguments: str) -> str:
        return run(namespace, deployments.controller, tmp_path / "hosts", example, *here, *arguments, **variables)

    play("--check", "--diff")
    assert namespace.issued == []
    play()
    assert sorted(namespace.keys()) == sorted(HOSTS)
    assert play().count("changed=0") == 3
    assert not list(tmp_path.glob("hosts/**/*"))


def test_the_way_that_the_vendor_documents_renders(namespace: Namespace, tmp_path: Path) -> None:
    """The key in Vault, a manifest for the External Secrets Operator, and the chart with the Secret that it makes."""
    settings = formats.Settings(
        name="warehouse-eu", endpoint=namespace.endpoint, key_store="vault_kv2", external_store_name="vault"
    )
    placeholders = formats.Placeholders()
    texts = {each: formats.render(each, settings, placeholders) for each in ("helm_values", "external_secret")}
    for name, text in texts.items():
        for token in placeholders.rules:
            text = text.replace(token, "1")
        (tmp_path / f"{name}.yml").write_text(text, "utf-8")
    chart = Deployments(namespace).helm("template", "runner", str(CHART), "-f", str(tmp_path / "helm_values.yml"))
    (pod,) = [each["spec"]["template"]["spec"] for each in yaml.safe_load_all(chart) if each]
    key, pull = yaml.safe_load_all((tmp_path / "external_secret.yml").read_text("utf-8"))
    references = [each["valueFrom"]["secretKeyRef"] for each in pod["containers"][0]["env"] if "valueFrom" in each]
    made = [{"name": key["spec"]["target"]["name"], "key": each["secretKey"]} for each in key["spec"]["data"]]
    assert references == made
    assert pod["imagePullSecrets"] == [{"name": pull["spec"]["target"]["name"]}]
