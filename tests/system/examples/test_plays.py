# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks succeed, change nothing the second time, and do what their page promises."""

from __future__ import annotations

import shlex
import typing as t

from examples.collect import Example
from examples.promises import EXAMPLES, PRIVATE, keys_issued, of_kind
from examples.sandbox import PLAYBOOK, Finished, Sandbox


class Played(t.NamedTuple):
    """A playbook that was run twice."""

    example: Example
    sandbox: Sandbox
    first: Finished
    second: Finished


def restarts_once(played: Played) -> None:
    host = played.sandbox.hosts["warehouse-eu"]
    assert host.files() == {"/etc/soda-runner/key.json": PRIVATE, "/etc/soda-runner/runner.env": PRIVATE}
    assert "SODA_API_KEY_SECRET" in host.path("/etc/soda-runner/runner.env").read_text("utf-8")
    called = played.sandbox.systemctl_log.read_text("utf-8").splitlines()
    assert [line for line in called if line.startswith("restart")] == ["restart soda-runner"]


def gives_each_runner_its_own(played: Played) -> None:
    host = played.sandbox.hosts["warehouse-eu"]
    assert {name: key["name"] for name, key in host.keys().items()} == {
        "/etc/soda-runner/finance/key.json": "warehouse-eu-finance",
        "/etc/soda-runner/logistics/key.json": "warehouse-eu-logistics",
    }
    assert set(host.files()) - set(host.keys()) == {
        "/etc/soda-runner/finance/values.yml",
        "/etc/soda-runner/logistics/values.yml",
    }
    assert keys_issued(played.sandbox.account) == 2


def asks_again_only_where_it_helps(played: Played) -> None:
    sandbox, account = played.sandbox, played.sandbox.account
    sandbox.env["SODA_CLOUD_RETRY_BUDGET"] = "0"
    account.fault("status", "listRunners", status=503)
    before = len(account.journal())
    sandbox.play(played.example.text)
    assert [entry["status"] for entry in account.journal()[before:]] == [503, 200]

    account.fault("status", "listRunners", status=403)
    before = len(account.journal())
    assert sandbox.run(shlex.join(PLAYBOOK)).returncode != 0
    assert [entry["status"] for entry in account.journal()[before:]] == [403]


PLAYS: dict[str, t.Callable[[Played], None]] = {
    "README.md: - name: Provision Soda runners": restarts_once,
    "docs/guides/many-hosts.md: - name: Provision two runners on each host": gives_each_runner_its_own,
    "roles/soda_runner/README.md: - name: Provision two runners on each host": gives_each_runner_its_own,
    "docs/guides/troubleshooting.md: - name: List the runners": asks_again_only_where_it_helps,
}
"""Further promises. Each play succeeds, and changes nothing the second time."""

TWO_RUNNERS = "docs/guides/many-hosts.md: - name: Provision two runners on each host"

AFTER_PLAY = {
    "plugins/modules/soda_runner_audit.py: - name: Audit two runners on each host": TWO_RUNNERS,
}
"""The play to run before: an audit reports hosts without a key."""

ARGUMENTS = {
    "plugins/lookup/decommission_hosts.py: - name: Decommission Soda runners": ("-e", "soda_runner_hosts=warehouses"),
}
"""The arguments that a play needs."""


@of_kind("play")
def test_play_keeps_its_promise(example: Example, sandbox: Sandbox) -> None:
    if example.name in AFTER_PLAY:
        sandbox.write("play.yml", example.text)
        assert sandbox.run(shlex.join(PLAYBOOK)).returncode == 2, "no key is stored, and the audit did not fail"
        (before,) = [each for each in EXAMPLES if each.name == AFTER_PLAY[example.name]]
        sandbox.play(before.text)
    arguments = ARGUMENTS.get(example.name, ())
    first = sandbox.play(example.text, *arguments)
    issued = keys_issued(sandbox.account)
    second = sandbox.play(example.text, *arguments)
    assert second.count("changed") == 0, second.output
    assert keys_issued(sandbox.account) == issued
    if example.name in PLAYS:
        PLAYS[example.name](Played(example, sandbox, first, second))


def test_promises_name_existing_plays() -> None:
    assert {*PLAYS, *AFTER_PLAY, *AFTER_PLAY.values(), *ARGUMENTS} <= {example.name for example in EXAMPLES}
