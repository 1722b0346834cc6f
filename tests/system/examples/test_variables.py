# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables give hosts their keys and files as their page promises, and a second run changes nothing."""

from __future__ import annotations

import contextlib
import threading
import typing as t

import yaml

from examples.collect import Example
from examples.promises import EXAMPLES, PRIVATE, fill_the_vault, keys_issued, of_kind, provision
from examples.sandbox import INVENTORY, Sandbox
from tooling import tree

KEY_PATH = "/etc/soda-runner/key.json"


def names_the_runner_by_host_and_datacenter(sandbox: Sandbox) -> None:
    assert sandbox.hosts["warehouse-eu"].key()["name"] == "warehouse-eu-dc1"


def uses_the_account_of_the_group(sandbox: Sandbox) -> None:
    assert sandbox.hosts["warehouse-eu"].key()["endpoint"] == "https://cloud.us.soda.io"


def uses_the_account_of_each_group(sandbox: Sandbox) -> None:
    # The third host is in neither group.
    endpoints = {name: host.key()["endpoint"] for name, host in sandbox.hosts.items() if host.files()}
    assert endpoints == {"warehouse-eu": "https://cloud.soda.io", "warehouse-us": "https://cloud.us.soda.io"}


def waits_until_the_runner_is_listed(sandbox: Sandbox) -> None:
    assert [runner["name"] for runner in sandbox.account.runners()] == ["warehouse-eu"]


def keeps_the_secret_in_the_manifest(sandbox: Sandbox) -> None:
    host = sandbox.hosts["warehouse-eu"]
    secret = host.key()["api_key_secret"]
    manifest = yaml.safe_load(host.path("/etc/soda-runner/secret.yml").read_text("utf-8"))
    assert manifest["kind"] == "Secret"
    assert manifest["metadata"]["name"] == "soda-runner-key"
    assert secret in manifest["stringData"].values()
    values = host.path("/etc/soda-runner/values.yml").read_text("utf-8")
    assert secret not in values
    assert yaml.safe_load(values)["soda"]["apikey"]["existingSecret"] == "soda-runner-key"


def keeps_the_secret_in_the_manifest_and_sets_the_level(sandbox: Sandbox) -> None:
    keeps_the_secret_in_the_manifest(sandbox)
    values = yaml.safe_load(sandbox.hosts["warehouse-eu"].path("/etc/soda-runner/values.yml").read_text("utf-8"))
    assert values["soda"]["agent"]["loglevel"] == "INFO"


def adopts_the_key_of_the_vault(sandbox: Sandbox) -> None:
    (given,) = sandbox.of_vault
    assert sandbox.hosts["warehouse-eu"].key()["api_key_id"] == given.api_key_id
    assert keys_issued(sandbox.account) == 0


VARIABLES: dict[str, t.Callable[[Sandbox], None]] = {
    'docs/guides/many-hosts.md: soda_runner_name: "{{ inventory_hostname_short }}-{{ datacenter }}"': (
        names_the_runner_by_host_and_datacenter
    ),
    "docs/guides/many-hosts.md: soda_runner_cloud_endpoint: https://cloud.us.soda.io": uses_the_account_of_the_group,
    'docs/guides/adoption.md: soda_runner_existing_api_key_id: "{{ vault_soda_runner_id }}"': (
        adopts_the_key_of_the_vault
    ),
    "docs/guides/many-hosts.md: soda_runner_wait: true": waits_until_the_runner_is_listed,
    "docs/guides/kubernetes.md: soda_runner_existing_secret: soda-runner-key": keeps_the_secret_in_the_manifest,
    "roles/soda_runner/README.md: # group_vars/europe.yml": uses_the_account_of_each_group,
    "roles/soda_runner/README.md: soda_runner_existing_secret: soda-runner-key": (
        keeps_the_secret_in_the_manifest_and_sets_the_level
    ),
}
"""Further promises. The hosts get their keys and files, and a second run changes nothing and sends no request."""


@of_kind("variables")
def test_variables_do_what_they_are_for(example: Example, sandbox: Sandbox) -> None:
    """They are those of a group, of the one that is named above them where one is."""
    options = role_options()
    files = {name or "group_vars/warehouses.yml": text for name, text in example.files.items()}
    for name, text in files.items():
        assert set(yaml.safe_load(text)) <= options
        sandbox.write(name, text)
    arguments = fill_the_vault(example, sandbox)
    groups = [name.removeprefix("group_vars/").removesuffix(".yml") for name in files]
    hosts = [host for group in groups for host in hosts_of(group)]
    command = " ".join([provision(":".join(groups)), *arguments])
    waits = "soda_runner_wait" in yaml.safe_load(example.text)
    with runners_that_start(sandbox, hosts if waits else []):
        first = sandbox.ends_well(command)
    assert first.count("changed") > 0
    for host in hosts:
        said = yaml.safe_load(files.get(f"group_vars/{group_of(host, groups)}.yml", ""))
        written = [
            file["path"] for file in said.get("soda_runner_config_files", [{"path": "/etc/soda-runner/values.yml"}])
        ]
        assert sandbox.hosts[host].files() == dict.fromkeys([KEY_PATH, *written], PRIVATE)

    before = len(sandbox.account.emulator.journal())
    second = sandbox.ends_well(command)
    assert second.count("changed") == 0, second.output
    # A waiting task reads the listing.
    requests = [entry["operation"] for entry in sandbox.account.emulator.journal()[before:]]
    assert set(requests) <= ({"listRunners"} if waits else set())
    if example.name in VARIABLES:
        VARIABLES[example.name](sandbox)


def role_options() -> set[str]:
    specs = yaml.safe_load((tree.ROOT / "roles/soda_runner/meta/argument_specs.yml").read_text("utf-8"))
    return set(specs["argument_specs"]["main"]["options"])


def hosts_of(group: str) -> list[str]:
    return list(INVENTORY[group]["hosts"])


def group_of(host: str, groups: list[str]) -> str:
    (found,) = [group for group in groups if host in hosts_of(group)]
    return found


@contextlib.contextmanager
def runners_that_start(sandbox: Sandbox, hosts: list[str]) -> t.Iterator[None]:
    """During the block, the runner of each host starts as soon as the host has a key."""
    ended = threading.Event()

    def register() -> None:
        waiting = set(hosts)
        while waiting and not ended.wait(0.2):
            for host in [host for host in sorted(waiting) if sandbox.hosts[host].path(KEY_PATH).exists()]:
                key = sandbox.hosts[host].key()
                sandbox.account.register(key["name"], key["api_key_id"])
                waiting.discard(host)

    thread = threading.Thread(target=register)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_promises_name_existing_variables() -> None:
    assert set(VARIABLES) <= {example.name for example in EXAMPLES}
