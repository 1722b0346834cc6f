# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runner keys in a real Kubernetes API server, through ``kubernetes.core``, and their deployment with Helm."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from . import programs, stores
from .result import Result


def main(arguments: t.Sequence[str], log: Path, **more: str) -> Result:
    """
    Run the tests in ``tests/system/kubernetes``, in the cluster of KUBECONFIG if that is set.

    *arguments* go to pytest, *more* into the environment.
    """
    settings = {"KUBECTL": str(programs.kubectl()), "HELM": str(programs.helm()), **more}
    given = os.environ.get("KUBECONFIG")
    if given:
        settings["KUBECONFIG_OF_TESTS"] = given
    else:
        settings.update(ETCD=str(programs.etcd()), KUBE_APISERVER=str(programs.kube_apiserver()))
    return stores.run_tests("kubernetes", arguments, log, **settings)
