# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the guides and of the module, run as they stand against the real Vault."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from servers.kills import key_file

from examples.collect import Example, collected
from tooling.leaks import Credential

from .conftest import Vault

Json = dict[str, t.Any]


def examples_of(source: str, language: str = "yaml") -> list[Example]:
    """The examples of a file of the collection, without those of variables."""
    return [
        each
        for each in collected()
        if each.source == source
        and each.language == language
        and (language != "yaml" or isinstance(each.documents[0], list))
    ]


def minimal_policy(mount: str) -> str:
    """The policy that the guide shows, for another mount."""
    (policy,) = examples_of("docs/guides/vault.md", "text")
    return policy.text.replace('"secret/', f'"{mount}/')


class Sandbox:
    """A folder that stands for /etc/soda-runner of a host, and the mount of the test in the place of the usual one."""

    def __init__(self, vault: Vault, folder: Path) -> None:
        self.vault = vault
        self.controller = vault.controller()
        self.etc = folder / "etc"
        self.etc.mkdir()

    def play(self, plays: list[Json]) -> str:
        folder = self.controller.folder / "play" / f"guide-{len(list((self.controller.folder / 'play').iterdir()))}"
        folder.mkdir()
        text = yaml.safe_dump(plays).replace("/etc/soda-runner", str(self.etc))
        text = text.replace("store: vault_kv2", "store: vault_kv2\n      vault:\n        mount: " + self.vault.mount)
        (folder / "play.yml").write_text(text, "utf-8")
        host = {"ansible_connection": "local", "ansible_become": False}
        inventory = {"warehouses": {"hosts": {"warehouse-eu": host}}}
        (folder / "inventory.yml").write_text(yaml.safe_dump(inventory), "utf-8")
        done = self.controller.playbook(folder, "-v", str(folder / "play.yml"))
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.mark.parametrize("guide", ["vault.md", "external-secrets.md"])
def test_the_play_of_a_guide_stores_a_key_once(vault: Vault, tmp_path: Path, guide: str) -> None:
    sandbox = Sandbox(vault, tmp_path)
    (example,) = examples_of(f"docs/guides/{guide}")
    sandbox.play(example.documents[0])
    assert list(vault.keys()) == ["warehouse-eu"]
    assert "changed=0" in sandbox.play(example.documents[0])
    assert len(vault.issued) == 1
    if guide == "external-secrets.md":
        (secret,) = vault.secrets().values()
        for name in ("external-secret.yml", "values.yml"):
            text = (sandbox.etc / name).read_text("utf-8")
            assert secret["api_key_secret"] not in text
        values = yaml.safe_load((sandbox.etc / "values.yml").read_text("utf-8"))
        manifests = list(yaml.safe_load_all((sandbox.etc / "external-secret.yml").read_text("utf-8")))
        targets = [each["spec"]["target"]["name"] for each in manifests]
        assert targets[0] == values["soda"]["apikey"]["existingSecret"]
        assert [{"name": name} for name in targets[1:]] == values["existingImagePullSecrets"]


def test_the_play_of_the_guide_moves_a_key(vault: Vault, tmp_path: Path) -> None:
    sandbox = Sandbox(vault, tmp_path)
    path, key = key_file(vault, tmp_path, "warehouse-eu")
    path.replace(sandbox.etc / "key.json")
    (example,) = examples_of("docs/guides/moving-to-a-store.md")
    sandbox.play(example.documents[0])
    assert vault.keys() == {"warehouse-eu": key.api_key_id}
    assert not (sandbox.etc / "key.json").exists()
    assert "changed=0" in sandbox.play(example.documents[0])
    assert sandbox.controller.search([Credential(key.api_key_id, key.api_key_secret)]).found == ()


def test_the_tasks_of_the_module_for_vault_run_in_a_row(vault: Vault, tmp_path: Path) -> None:
    (example,) = examples_of("plugins/modules/soda_runner_store.py")
    elsewhere = ("vault_options", "kubernetes", "move_from")
    tasks = [task for task in example.documents[0] if not any(option in str(task) for option in elsewhere)]
    assert len(tasks) == 2
    play = {"hosts": "warehouses", "gather_facts": False, "tasks": tasks}
    text = yaml.safe_dump([play])
    sandbox = Sandbox(vault, tmp_path)
    sandbox.play(yaml.safe_load(re.sub(r"\n +vault:\n +mount: secret\n +path: \S+", "", text)))
    assert vault.keys() == {}
    assert len(vault.issued) == 1
