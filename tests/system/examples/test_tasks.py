# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EXAMPLES of modules and filters: tasks in sequence, or each in its own situation."""

from __future__ import annotations

import concurrent.futures
import re
import textwrap
import time
import typing as t

import pytest
import yaml

from examples.collect import Example
from examples.promises import EXAMPLES, PRIVATE, keys_issued, of_kind, provision
from examples.sandbox import CONFIGURATION, Sandbox
from tooling.leaks import Credential


def as_play(text: str) -> str:
    head = "- hosts: warehouse-eu\n  gather_facts: false\n  tasks:\n"
    return head + textwrap.indent(text, "    ")


def pieces(name: str) -> dict[str, str]:
    """The tasks of an example by their names."""
    (example,) = [each for each in EXAMPLES if each.name == name]
    parts = [part for part in re.split(r"^(?=- name: )", example.text, flags=re.MULTILINE) if part.startswith("- ")]
    return {t.cast(str, yaml.safe_load(part)[0]["name"]): part for part in parts}


SODA_RUNNER = "plugins/modules/soda_runner.py: - name: Issue a runner key and store it"
SODA_RUNNER_CONFIG = "plugins/modules/soda_runner_config.py: - name: Issue a runner key on the controller"
SODA_RUNNER_INFO = "plugins/modules/soda_runner_info.py: - name: List all runners"
STALE_RUNNERS = "plugins/filter/stale_runners.py: - name: Show which runners are stale"
ESCROW_NAME = "plugins/filter/escrow_name.py: - name: Show where the key of a runner waits"

SITUATIONS: dict[str, tuple[str, ...]] = {
    SODA_RUNNER: (
        "Issue a runner key and store it",
        "Rotate the key",
        "Issue another key for a runner whose disk was lost",
        "Issue a key and return its secret, which the play must store",
        "Adopt the key of a runner that already runs",
        "Delete a runner and its key file",
    ),
    SODA_RUNNER_CONFIG: (
        "Issue a runner key on the controller",
        "Put the key and the Helm values on the host",
        "Adopt the key of a runner that exists",
        "Remove the key and the Helm values from the host",
    ),
    SODA_RUNNER_INFO: (
        "List all runners",
        "Find one runner",
        "Find the self-hosted runners that have been silent for a day",
        "Wait until two runners are online",
        "Show their names",
    ),
}
"""Each of these tasks has its own test below. The tasks of all other examples run in sequence."""


@of_kind("tasks")
def test_tasks_can_be_run_in_a_row(example: Example, sandbox: Sandbox) -> None:
    if example.name in SITUATIONS:
        assert set(pieces(example.name)) == set(SITUATIONS[example.name])
        return
    sandbox.hosts["warehouse-eu"].path(CONFIGURATION).mkdir()
    if example.name == STALE_RUNNERS:
        sandbox.account.seed({"name": "given-up", "isOnline": False, "last_seen_seconds_ago": 1_000_000})
        sandbox.ends_well("ansible-playbook -i inventory community.soda.audit")
    id_of_account = f"soda_runner_cloud_api_key_id={sandbox.account.api_key_id}"
    finished = sandbox.play(as_play(example.text), "-e", id_of_account)
    assert finished.count("failed") == 0
    assert ("given-up" in finished.output) == (example.name == STALE_RUNNERS)


@pytest.fixture
def host_is_prepared(sandbox: Sandbox) -> None:
    sandbox.hosts["warehouse-eu"].path(CONFIGURATION).mkdir()


@pytest.mark.usefixtures("host_is_prepared")
def test_soda_runner_holds_rotates_and_reissues_a_key_and_deletes_the_runner(sandbox: Sandbox) -> None:
    hold, rotate, reissue, _take, _adopt, delete = pieces(SODA_RUNNER).values()
    host, account = sandbox.hosts["warehouse-eu"], sandbox.account
    for task, version in ((hold, 1), (rotate, 2)):
        for expected in (1, 0):
            assert sandbox.play(as_play(task)).count("changed") == expected
        assert host.files() == {"/etc/soda-runner/key.json": PRIVATE}
        assert host.key()["key_version"] == version
        assert keys_issued(account) == version

    account.register("warehouse-eu", host.key()["api_key_id"])
    host.path("/etc/soda-runner/key.json").unlink()
    for expected in (1, 0):
        assert sandbox.play(as_play(reissue)).count("changed") == expected
    assert host.key()["runner_id"] == account.runner("warehouse-eu")["id"]
    assert keys_issued(account) == 3

    for expected in (1, 0):
        assert sandbox.play(as_play(delete)).count("changed") == expected
    assert account.runners() == []
    assert host.files() == {}


def test_soda_runner_without_a_key_file_has_the_key_in_its_result(sandbox: Sandbox) -> None:
    task = pieces(SODA_RUNNER)["Issue a key and return its secret, which the play must store"]
    check = """
- name: Check that it is there
  ansible.builtin.assert:
    that: issued.key.api_key_secret is truthy
"""
    sandbox.play(as_play(task + check))
    assert keys_issued(sandbox.account) == 1


@pytest.mark.usefixtures("host_is_prepared")
def test_soda_runner_adopts_a_key_and_issues_none(sandbox: Sandbox) -> None:
    task = pieces(SODA_RUNNER)["Adopt the key of a runner that already runs"]
    host, account = sandbox.hosts["warehouse-eu"], sandbox.account
    given = account.issue_runner_key()
    runner = account.register("warehouse-eu", given)
    sandbox.secrets.append(Credential(given.api_key_id, given.api_key_secret))
    names = {"warehouse_runner_key_id": given.api_key_id, "warehouse_runner_key_secret": given.api_key_secret}
    sandbox.write("existing.yml", yaml.safe_dump(names))
    for expected in (1, 0):
        assert sandbox.play(as_play(task), "-e", "@existing.yml").count("changed") == expected
    assert (host.key()["api_key_id"], host.key()["runner_id"]) == (given.api_key_id, runner["id"])
    assert keys_issued(account) == 0


def test_soda_runner_config_carries_a_key_to_the_host_and_takes_it_away(sandbox: Sandbox) -> None:
    hold, put, adopt, remove = pieces(SODA_RUNNER_CONFIG).values()
    host = sandbox.hosts["warehouse-eu"]
    host.path(CONFIGURATION).mkdir()
    for expected in (2, 0):
        assert sandbox.play(as_play(hold + put)).count("changed") == expected
    assert host.files() == {"/etc/soda-runner/key.json": PRIVATE, "/etc/soda-runner/values.yml": PRIVATE}
    values = yaml.safe_load(host.path("/etc/soda-runner/values.yml").read_text("utf-8"))
    assert values["soda"]["agent"] == {"name": "warehouse-eu", "loglevel": "INFO"}
    assert keys_issued(sandbox.account) == 1
    key = host.key()
    host.path("/etc/soda-runner/key.json").unlink()
    for expected in (1, 0):
        assert sandbox.play(as_play(adopt)).count("changed") == expected
    assert host.key()["api_key_id"] == key["api_key_id"]
    assert keys_issued(sandbox.account) == 1
    for expected in (1, 0):
        assert sandbox.play(as_play(remove)).count("changed") == expected
    assert host.files() == {}


def test_soda_runner_info_finds_the_silent(sandbox: Sandbox) -> None:
    sandbox.account.seed(
        {"name": "warehouse-eu", "last_seen_seconds_ago": 90_000},
        {"name": "warehouse-us", "last_seen_seconds_ago": 60},
        {"name": "hosted", "type": "SODA_HOSTED", "last_seen_seconds_ago": 90_000},
    )
    tasks = pieces(SODA_RUNNER_INFO)
    wait = tasks.pop("Wait until two runners are online")
    finished = sandbox.play(as_play("".join(tasks.values())))
    assert "['warehouse-eu'] of 3" in finished.output
    for runner in sandbox.account.runners():
        sandbox.account.set_online(runner["id"])
    sandbox.play(as_play(wait))


def test_escrow_name_is_the_name_of_the_file_that_the_role_keeps(sandbox: Sandbox) -> None:
    """A key stays in escrow if its host becomes unreachable after the key was issued."""
    account = f"soda_runner_cloud_api_key_id={sandbox.account.api_key_id}"
    shown = sandbox.play(as_play("".join(pieces(ESCROW_NAME).values())), "-e", account).output
    # The answer arrives after the host became unreachable.
    sandbox.account.fault("delay", "createRunner", seconds=5)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(sandbox.run, provision("warehouses"))
        while not keys_issued(sandbox.account) and not running.done():
            time.sleep(0.1)
        (sandbox.hosts["warehouse-eu"].folder / "python").unlink()
    assert running.result().returncode != 0
    (kept,) = (sandbox.folder / "home/.local/state/community.soda/escrow").glob("*.json")
    assert kept.name in shown


def test_situations_name_existing_examples() -> None:
    assert set(SITUATIONS) <= {example.name for example in EXAMPLES}
