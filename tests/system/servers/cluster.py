# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real kube-apiserver with etcd, or the cluster that KUBECONFIG names. No pod runs in the former."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import subprocess
import time
import typing as t
from pathlib import Path

import yaml

from servers.openbao import free_port

Json = dict[str, t.Any]
TOKEN = "token-of-the-tests"
START_TIMEOUT = 300.0


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A cluster, and an administrator's way into it."""

    kubeconfig: Path
    kubectl: str

    def run(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        done = subprocess.run(
            [self.kubectl, "--kubeconfig", str(self.kubeconfig), *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout if done.returncode == 0 else ""

    def apply(self, *manifests: Json) -> None:
        for manifest in manifests:
            self.run("create", "-f", "-", text=json.dumps(manifest))

    def get(self, kind: str, namespace: str, name: str = "") -> Json | None:
        found = self.run("get", kind, "-n", namespace, *([name] if name else []), "-o", "json", check=False)
        return t.cast(Json, json.loads(found)) if found else None

    @contextlib.contextmanager
    def proxy(self) -> t.Iterator[str]:
        """The URL of a proxy that logs in for its clients."""
        port = free_port()
        command = [self.kubectl, "--kubeconfig", str(self.kubeconfig), "proxy", f"--port={port}"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert "Starting to serve" in process.stdout.readline()
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()

    def secrets(self, namespace: str) -> dict[str, Json]:
        """All Secrets of a namespace, by name, with their data as text."""
        found = self.get("secrets", namespace)
        items = found["items"] if found else []
        for item in items:
            item["text"] = {k: base64.b64decode(v).decode() for k, v in (item.get("data") or {}).items()}
        return {item["metadata"]["name"]: item for item in items}


@contextlib.contextmanager
def running(folder: Path) -> t.Iterator[Cluster]:
    """The cluster that KUBECONFIG_OF_TESTS names, or servers that end with the block."""
    kubectl = os.environ["KUBECTL"]
    given = os.environ.get("KUBECONFIG_OF_TESTS")
    if given:
        yield Cluster(Path(given), kubectl)
        return
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n', "utf-8")
    key = folder / "service-account.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    etcd, peer, port = free_port(), free_port(), free_port()
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            _process(
                folder / "etcd.log",
                os.environ["ETCD"],
                f"--data-dir={folder / 'etcd'}",
                f"--listen-client-urls=http://127.0.0.1:{etcd}",
                f"--advertise-client-urls=http://127.0.0.1:{etcd}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=default=http://127.0.0.1:{peer}",
                "--unsafe-no-fsync",
            )
        )
        server = stack.enter_context(
            _process(
                folder / "kube-apiserver.log",
                os.environ["KUBE_APISERVER"],
                f"--etcd-servers=http://127.0.0.1:{etcd}",
                "--bind-address=127.0.0.1",
                f"--secure-port={port}",
                "--insecure-port=0",
                f"--cert-dir={folder / 'certificates'}",
                f"--token-auth-file={folder / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-account-issuer=https://localhost",
                "--disable-admission-plugins=ServiceAccount",
                "--service-cluster-ip-range=10.0.0.0/24",
            )
        )
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "tests",
            "clusters": [
                {"name": "tests", "cluster": {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}}
            ],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config), "utf-8")
        cluster = Cluster(path, kubectl)
        deadline = time.monotonic() + START_TIMEOUT
        while "ok" not in cluster.run("get", "--raw", "/readyz", check=False):
            if server.poll() is not None or time.monotonic() > deadline:
                log = (folder / "kube-apiserver.log").read_text("utf-8", "replace")
                raise RuntimeError(f"kube-apiserver did not start:\n{log[-4000:]}")
            time.sleep(0.5)
        yield cluster


@contextlib.contextmanager
def _process(log: Path, *command: str) -> t.Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, cwd=log.parent
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
