# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each playbook in ``examples`` does what its comment promises."""

from __future__ import annotations

import typing as t

import pytest

from examples.promises import keys_issued
from examples.sandbox import Finished, Sandbox
from tooling import tree

FOLDER = tree.ROOT / "examples"
PLAYBOOKS = sorted(path.name for path in FOLDER.glob("*.yml") if path.name != "inventory.yml")


def play(sandbox: Sandbox, name: str, *arguments: str) -> Finished:
    return sandbox.play((FOLDER / name).read_text("utf-8"), *arguments)


def writes_helm_values(sandbox: Sandbox) -> None:
    play(sandbox, "first_runner.yml")
    assert set(sandbox.hosts["warehouse-eu"].files()) == {"/etc/soda-runner/key.json", "/etc/soda-runner/values.yml"}
    assert play(sandbox, "first_runner.yml").count("changed") == 0
    assert keys_issued(sandbox.account) == 1


def restarts_a_changed_runner(sandbox: Sandbox) -> None:
    play(sandbox, "many_hosts.yml", "--forks", "30")
    assert "/etc/soda-runner/runner.env" in sandbox.hosts["warehouse-eu"].files()
    assert play(sandbox, "many_hosts.yml", "--forks", "30").count("changed") == 0
    assert calls_of_systemctl(sandbox, "restart") == 1
    assert keys_issued(sandbox.account) == 1


def stores_the_key_of_a_runner_that_runs(sandbox: Sandbox) -> None:
    play(sandbox, "first_runner.yml")
    host = sandbox.hosts["warehouse-eu"]
    key = host.key()
    sandbox.account.register(key["name"], key["api_key_id"])
    values = host.path("/etc/soda-runner/values.yml").read_text("utf-8")
    for path in host.path("/etc/soda-runner").iterdir():
        if path.name != "values.yml":
            path.unlink()
    assert play(sandbox, "adopt.yml", "--check").count("changed") > 0
    assert set(host.files()) == {"/etc/soda-runner/values.yml"}
    play(sandbox, "adopt.yml")
    assert host.key()["api_key_id"] == key["api_key_id"]
    assert host.path("/etc/soda-runner/values.yml").read_text("utf-8") == values
    assert play(sandbox, "adopt.yml").count("changed") == 0
    assert keys_issued(sandbox.account) == 1


def removes_runner_key_and_configuration(sandbox: Sandbox) -> None:
    play(sandbox, "first_runner.yml")
    key = sandbox.hosts["warehouse-eu"].key()
    sandbox.account.seed({"name": key["name"], "isOnline": False})
    play(sandbox, "decommission.yml", "-e", "runner_hosts=warehouse-eu")
    assert calls_of_systemctl(sandbox, "stop") == 1
    assert sandbox.account.runners() == []
    assert sandbox.hosts["warehouse-eu"].files() == {}


def calls_of_systemctl(sandbox: Sandbox, verb: str) -> int:
    return sum(line.startswith(verb) for line in sandbox.systemctl_log.read_text("utf-8").splitlines())


PROMISES: dict[str, t.Callable[[Sandbox], None]] = {
    "adopt.yml": stores_the_key_of_a_runner_that_runs,
    "decommission.yml": removes_runner_key_and_configuration,
    "first_runner.yml": writes_helm_values,
    "many_hosts.yml": restarts_a_changed_runner,
}


# Those that need a real server.
ELSEWHERE = {
    "kubernetes.yml": "tests/system/kubernetes/test_deploy.py",
    "vault.yml": "tests/system/vault/test_role.py",
}


def test_every_example_playbook_has_a_test_and_is_listed() -> None:
    assert sorted([*PROMISES, *ELSEWHERE]) == PLAYBOOKS
    for name, test in ELSEWHERE.items():
        assert f"examples/{name}" in (tree.ROOT / test).read_text("utf-8")
    text = (FOLDER / "README.md").read_text("utf-8")
    assert [name for name in PLAYBOOKS if f"({name})" not in text] == []


def test_decommission_without_hosts_fails(sandbox: Sandbox) -> None:
    sandbox.write("play.yml", (FOLDER / "decommission.yml").read_text("utf-8"))
    assert sandbox.run("ansible-playbook -i inventory play.yml").returncode != 0
    assert sandbox.account.journal() == []


@pytest.mark.parametrize("name", sorted(PROMISES))
def test_example_playbook_keeps_its_promise(name: str, sandbox: Sandbox) -> None:
    PROMISES[name](sandbox)
