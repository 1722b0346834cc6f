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
    "decommission.yml": removes_runner_key_and_configuration,
    "first_runner.yml": writes_helm_values,
    "many_hosts.yml": restarts_a_changed_runner,
}


def test_every_example_playbook_has_a_test_and_is_listed() -> None:
    assert sorted(PROMISES) == PLAYBOOKS
    text = (FOLDER / "README.md").read_text("utf-8")
    assert [name for name in PLAYBOOKS if f"({name})" not in text] == []


def test_decommission_without_hosts_fails(sandbox: Sandbox) -> None:
    sandbox.write("play.yml", (FOLDER / "decommission.yml").read_text("utf-8"))
    assert sandbox.run("ansible-playbook -i inventory play.yml").returncode != 0
    assert sandbox.account.journal() == []


@pytest.mark.parametrize("name", sorted(PROMISES))
def test_example_playbook_keeps_its_promise(name: str, sandbox: Sandbox) -> None:
    PROMISES[name](sandbox)
