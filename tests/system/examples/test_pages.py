# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of each page, one after the other in one folder, as a reader runs them."""

from __future__ import annotations

import typing as t

import pytest

from emulator.client import Account
from examples.collect import Example, Json
from examples.conftest import Enter
from examples.elsewhere import ELSEWHERE
from examples.promises import EXAMPLES, PRIVATE, keys_issued, provision
from examples.sandbox import Finished, Sandbox
from tooling import tree
from tooling.leaks import Credential


def commands_run_here(example: Example) -> list[tuple[str, str]]:
    found = example.commands if example.kind == "console" else []
    return [(command, shown) for command, shown in found if f"{example.source}: $ {command}" not in ELSEWHERE]


PAGES = sorted({example.source for example in EXAMPLES if commands_run_here(example)})


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_do_what_it_says_one_after_the_other(page: str, enter: Enter, account: Account) -> None:
    """The files that a page shows are written to the paths in its commands."""
    walk = Walk(page, enter(account))
    if page in BEFORE:
        BEFORE[page](walk.sandbox)
    for example in EXAMPLES:
        if example.source == page:
            walk.take(example)
    assert walk.ran
    if page in AFTER:
        AFTER[page](walk.sandbox)


def lists_the_warehouses(sandbox: Sandbox) -> None:
    sandbox.account.seed({"name": "warehouse-eu", "isOnline": True}, {"name": "warehouse-us", "isOnline": False})


def has_a_fleet_and_one_runner_too_many(sandbox: Sandbox) -> None:
    sandbox.ends_well(provision("all"))
    for host in sandbox.hosts.values():
        key = host.key()
        sandbox.account.register(key["name"], key["api_key_id"])
    sandbox.account.seed({"name": "given-up", "isOnline": False, "last_seen_seconds_ago": 1_000_000})


def has_lost_the_one_too_many(sandbox: Sandbox) -> None:
    assert sorted(runner["name"] for runner in sandbox.account.runners()) == sorted(sandbox.hosts)


def has_a_runner_to_delete(sandbox: Sandbox) -> None:
    sandbox.ends_well(provision("warehouse-eu"))
    sandbox.account.seed({"name": "warehouse-eu", "isOnline": False})


def has_nothing_left(sandbox: Sandbox) -> None:
    assert sandbox.account.runners() == []
    assert sandbox.hosts["warehouse-eu"].files() == {}


def has_a_runner_to_adopt(sandbox: Sandbox) -> None:
    """A runner that is registered, with Helm values that a person wrote and no key file."""
    sandbox.ends_well(provision("warehouses"))
    host = sandbox.hosts["warehouse-eu"]
    key = host.key()
    sandbox.account.register(key["name"], key["api_key_id"])
    sandbox.secrets.append(Credential(key["api_key_id"], key["api_key_secret"]))
    for path in host.path("/etc/soda-runner").iterdir():
        if path.name != "values.yml":
            path.unlink()
    values = host.path("/etc/soda-runner/values.yml")
    values.write_text(f"# The values of our runner.\n{values.read_text('utf-8')}", "utf-8")


def has_adopted_the_runner(sandbox: Sandbox) -> None:
    host = sandbox.hosts["warehouse-eu"]
    (runner,) = sandbox.account.runners()
    assert host.key()["api_key_id"] == runner["runner_key_id"]
    assert host.path("/etc/soda-runner/values.yml").read_text("utf-8").startswith("# The values of our runner.\n")


def has_a_key_in_escrow(sandbox: Sandbox) -> None:
    sandbox.ends_well(provision("warehouse-eu"))
    escrow = sandbox.folder / "home/.local/state/community.soda/escrow"
    sandbox.ends_well(f"ansible localhost -m community.soda.soda_runner -a 'name=late key_path={escrow}/late.json'")


BEFORE: dict[str, t.Callable[[Sandbox], None]] = {
    "docs/guides/adoption.md": has_a_runner_to_adopt,
    "docs/guides/inventory.md": lists_the_warehouses,
    "docs/guides/audit.md": has_a_fleet_and_one_runner_too_many,
    "docs/guides/decommissioning.md": has_a_runner_to_delete,
    "docs/guides/rotation-and-recovery.md": has_a_key_in_escrow,
}
"""The state before a page. The default is an empty account."""

AFTER: dict[str, t.Callable[[Sandbox], None]] = {
    "docs/guides/adoption.md": has_adopted_the_runner,
    "docs/guides/audit.md": has_lost_the_one_too_many,
    "docs/guides/decommissioning.md": has_nothing_left,
}
"""The state after a page."""


def test_scenes_name_existing_pages() -> None:
    assert {*BEFORE, *AFTER} <= set(PAGES)


class Walk:
    """A reader who follows a page from its first command to its last."""

    def __init__(self, page: str, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ran: list[str] = []
        self.adopts = BEFORE.get(page) is has_a_runner_to_adopt
        text = (tree.ROOT / page).read_text("utf-8")
        if "export SODA_CLOUD" not in text:
            sandbox.with_account()

    def take(self, example: Example) -> None:
        if example.kind == "hosts":
            self.sandbox.write("inventory", example.text)
        # The commands below the first of these files name it.
        if example.kind == "inventory" and not (self.sandbox.project / "soda_runners.yml").exists():
            self.sandbox.write("soda_runners.yml", example.text)
        for command, shown in commands_run_here(example):
            self.run(command, shown)

    def run(self, command: str, shown: str) -> None:
        account, before = self.sandbox.account, self.files()
        sent = len(account.operations())
        # Make runs in a checkout.
        folder = tree.ROOT if command.startswith("make ") else self.sandbox.project
        if "soda_audit_fail_on" in command:
            # The state before the page has the finding that fails the run, and the report is written anyway.
            finished = self.sandbox.run(command, folder)
            assert finished.returncode == 2, finished.output
            assert (self.sandbox.project / "reports" / "soda-audit.json").exists()
        else:
            finished = self.sandbox.ends_well(command, folder)
        if shown:
            assert finished.output == shown
        operations = account.operations()[sent:]
        if "--check" in command:
            assert set(operations) <= {"listRunners", "getRunner"}
            assert self.files() == before
            if "community.soda.provision" in command:
                gets = "keep an existing" if self.adopts else "get a new"
                assert f"1 host would {gets} runner key" in finished.output
                assert ("would need a new runner key" in finished.output) is not self.adopts
        elif "community.soda.provision" in command:
            self.provisioned(command, finished)
        elif "-m community.soda." in command or "ansible-inventory" in command:
            assert operations
        self.ran.append(command)

    def provisioned(self, command: str, finished: Finished) -> None:
        """If the page repeats the command, the repetition changes nothing. Otherwise, the test repeats it."""
        host, account = self.sandbox.hosts["warehouse-eu"], self.sandbox.account
        if command not in self.ran:
            assert host.files() == {"/etc/soda-runner/key.json": PRIVATE, "/etc/soda-runner/values.yml": PRIVATE}
            assert keys_issued(account) == 1
            before = len(account.journal())
            finished = self.sandbox.ends_well(command)
            assert len(account.journal()) == before
        assert finished.count("changed") == 0
        assert keys_issued(account) == 1

    def files(self) -> dict[str, Json]:
        return {name: host.files() for name, host in self.sandbox.hosts.items()}
