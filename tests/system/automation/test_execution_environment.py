# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment: what ansible-builder makes of the definition, and of the installed collection."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tooling import tree


def run(*command: str, cwd: Path) -> str:
    finished = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """The build context, and nothing of this checkout but the definition."""
    definition = tree.ROOT / "execution-environment.yml"
    # Its name would follow from which of podman and docker is there.
    named = ("--output-filename", "Containerfile")
    paths = ("--file", str(definition), "--context", str(tmp_path / "context"))
    run("ansible-builder", "create", *paths, *named, cwd=tmp_path)
    return tmp_path / "context"


def test_build_context_installs_this_version_of_the_collection(context: Path) -> None:
    collections = yaml.safe_load((context / "_build" / "requirements.yml").read_text("utf-8"))["collections"]
    collection, *optional = collections
    assert [each["name"] for each in optional] == ["community.hashi_vault", "kubernetes.core"]
    version = yaml.safe_load((tree.ROOT / "galaxy.yml").read_text("utf-8"))["version"]
    assert collection["name"] == "community.soda"
    assert version in SpecifierSet(collection["version"])
    steps = (context / "Containerfile").read_text("utf-8")
    assert re.search(r"^RUN .*ansible-galaxy collection install .*-r requirements\.yml", steps, re.MULTILINE)
    assert 'ANSIBLE_INSTALL_REFS="ansible-core>=2.16 ansible-runner"' in steps


def test_build_context_brings_no_key_and_no_variable_of_an_account(context: Path) -> None:
    files = [path for path in context.rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if re.search(rb"SODA_|api_key", path.read_bytes())] == []


def test_installed_collection_asks_for_requests_and_for_no_system_package(tmp_path: Path) -> None:
    run("ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), cwd=tree.copied_collection("ee"))
    (archive,) = tmp_path.glob("community-soda-*.tar.gz")
    # Without force it would be content with this checkout, which is on the collections path.
    install = ("ansible-galaxy", "collection", "install", "--offline", "--force")
    run(*install, "--collections-path", str(tmp_path), str(archive), cwd=tmp_path)
    wanted = tmp_path / "python.txt"
    system = tmp_path / "system.txt"
    written = ("--write-pip", str(wanted), "--write-bindep", str(system))
    run("ansible-builder", "introspect", str(tmp_path), *written, cwd=tmp_path)
    lines = [line.partition("#") for line in wanted.read_text("utf-8").splitlines() if line.strip()]
    assert [(str(Requirement(line)), source) for line, _hash, source in lines] == [
        ("requests>=2.25", " from collection community.soda")
    ]
    assert not system.exists() or not system.read_text("utf-8").strip()
