# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks end well, change nothing the second time, and do what their page promises."""

from __future__ import annotations

import base64
import shlex
import typing as t
from collections.abc import Iterator

import pytest

from examples.collect import Example
from examples.promises import EXAMPLES, PRIVATE, keys_issued, of_kind
from examples.sandbox import PLAYBOOK, Finished, Sandbox
from examples.stores import Stores
from tooling.leaks import Credential


@pytest.fixture
def stores() -> Iterator[Stores]:
    with Stores().running() as running:
        yield running


class Played(t.NamedTuple):
    """A playbook that was run twice."""

    example: Example
    sandbox: Sandbox
    stores: Stores
    first: Finished
    second: Finished


def restarts_once(played: Played) -> None:
    host = played.sandbox.hosts["warehouse-eu"]
    assert host.files() == {"/etc/soda-runner/key.json": PRIVATE, "/etc/soda-runner/runner.env": PRIVATE}
    assert "SODA_API_KEY_SECRET" in host.path("/etc/soda-runner/runner.env").read_text("utf-8")
    told = played.sandbox.systemctl_log.read_text("utf-8").splitlines()
    assert [line for line in told if line.startswith("restart")] == ["restart soda-runner"]


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
    asked = len(account.journal())
    sandbox.play(played.example.text)
    assert [entry["status"] for entry in account.journal()[asked:]] == [503, 200]

    account.fault("status", "listRunners", status=403)
    asked = len(account.journal())
    assert sandbox.run(shlex.join(PLAYBOOK)).returncode != 0
    assert [entry["status"] for entry in account.journal()[asked:]] == [403]


def keeps_the_key_in_the_vault(played: Played) -> None:
    sandbox, stores = played.sandbox, played.stores
    assert list(stores.vault) == ["soda/warehouse-eu"]
    held = stores.vault["soda/warehouse-eu"]
    assert [held["api_key_id"]] == sandbox.account.stats()["runner_key_ids"]
    sandbox.secrets.append(Credential(held["api_key_id"], held["api_key_secret"]))

    # A vault that does not say whether it has the key is no reason to issue another.
    stores.vault.clear()
    stores.sealed = True
    assert sandbox.run(shlex.join(PLAYBOOK)).returncode != 0
    assert keys_issued(sandbox.account) == 1


def keeps_the_key_in_the_cluster(played: Played) -> None:
    sandbox, stores = played.sandbox, played.stores
    (made,) = stores.secrets.values()
    assert list(stores.secrets) == ["soda/soda-runner-key"]
    assert [decoded(made["data"]["SODA_API_KEY_ID"])] == sandbox.account.stats()["runner_key_ids"]
    sandbox.secrets.append(Credential("", decoded(made["data"]["SODA_API_KEY_SECRET"])))


def issues_a_key_each_time(played: Played) -> None:
    assert keys_issued(played.sandbox.account) == 2
    assert "another" in played.second.output


PLAYS: dict[str, t.Callable[[Played], None]] = {
    "README.md: - name: Provision Soda runners": restarts_once,
    "docs/guides/many-hosts.md: - name: Provision two runners on each host": gives_each_runner_its_own,
    "roles/soda_runner/README.md: - name: Provision two runners on each host": gives_each_runner_its_own,
    "docs/guides/troubleshooting.md: - name: Ask again only where it helps": asks_again_only_where_it_helps,
    "docs/guides/vault.md: - name: Issue runner keys into HashiCorp Vault": keeps_the_key_in_the_vault,
    "docs/guides/vault.md: - name: Issue a runner key into a Kubernetes Secret": keeps_the_key_in_the_cluster,
    "docs/guides/vault.md: - name: Issue a runner key and hand it on": issues_a_key_each_time,
}
"""What is promised beside: each play ends well, and changes nothing the second time."""

CHANGES_EACH_TIME = {"docs/guides/vault.md: - name: Issue a runner key and hand it on"}
"""As the page says: without a key file nobody knows that a key was issued."""


TWO_RUNNERS = "docs/guides/many-hosts.md: - name: Provision two runners on each host"

AFTER_PLAY = {
    "plugins/modules/soda_runner_audit.py: - name: Audit two runners on each host": TWO_RUNNERS,
}
"""What has to have been played before: an audit finds fault with hosts that hold no key."""


@of_kind("play")
def test_play_keeps_its_promise(example: Example, sandbox: Sandbox, stores: Stores) -> None:
    sandbox.env.update(stores.environment)
    if example.name in AFTER_PLAY:
        sandbox.write("play.yml", example.text)
        assert sandbox.run(shlex.join(PLAYBOOK)).returncode == 2, "no key is held, and the audit did not fail"
        (before,) = [each for each in EXAMPLES if each.name == AFTER_PLAY[example.name]]
        sandbox.play(before.text)
    first = sandbox.play(example.text)
    issued = keys_issued(sandbox.account)
    second = sandbox.play(example.text)
    if example.name not in CHANGES_EACH_TIME:
        assert second.count("changed") == 0, second.output
        assert keys_issued(sandbox.account) == issued
    if example.name in PLAYS:
        PLAYS[example.name](Played(example, sandbox, stores, first, second))


def decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def test_promises_are_of_plays_that_there_are() -> None:
    assert {*PLAYS, *CHANGES_EACH_TIME, *AFTER_PLAY, *AFTER_PLAY.values()} <= {example.name for example in EXAMPLES}
