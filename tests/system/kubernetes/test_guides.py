# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Helm commands of the guide to the first runner, run as printed, with a repository that has a stand-in chart."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import threading
import typing as t
from pathlib import Path

from servers.roles import run

from examples.collect import collected

from .conftest import Namespace
from .test_deploy import CHART

REPOSITORY = "https://helm.soda.io/soda-agent/"


@contextlib.contextmanager
def repository_in(folder: Path) -> t.Iterator[str]:
    """The URL of a chart repository on loopback."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def test_the_helm_commands_install_the_values_of_the_first_runner(namespace: Namespace, tmp_path: Path) -> None:
    (block,) = [
        each for each in collected() if each.source == "docs/guides/first-runner.md" and "$ helm repo add" in each.text
    ]
    commands = [line.removeprefix("$ ") for line in block.text.splitlines()]
    assert [command.split()[:2] for command in commands] == [["helm", "repo"], ["helm", "upgrade"]]
    run(namespace, namespace.controller(), tmp_path / "hosts")
    folder = tmp_path / "workstation"
    programs = folder / "programs"
    programs.mkdir(parents=True)
    (programs / "helm").symlink_to(os.environ["HELM"])
    shutil.copy(tmp_path / "hosts" / "warehouse-eu" / "values.yml", folder)
    env = {
        "HOME": str(folder),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "KUBECONFIG": str(namespace.cluster.kubeconfig),
    }
    charts = tmp_path / "charts"
    charts.mkdir()
    helm = functools.partial(subprocess.run, env=env, cwd=folder, check=True, timeout=60)
    helm(["helm", "package", str(CHART), "--destination", str(charts)])
    helm(["helm", "repo", "index", str(charts)])
    with repository_in(charts) as url:
        for command in commands:
            helm(
                command.replace(REPOSITORY, url).replace("--namespace soda ", f"--namespace {namespace.name} "),
                shell=True,
            )
    found = namespace.cluster.get("deployments", namespace.name)
    assert found is not None
    (deployment,) = found["items"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert {"name": "SODA_AGENT_NAME", "value": "warehouse-eu"} in container["env"]
