# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of runners, as ansible-inventory shows it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.text import sanitize
from ansible_collections.community.soda.tests.unit.plugins.harness import ODD_NAMES, Json
from emulator.client import Account, Emulator

LIST = "listRunners"


class Inventory:
    """An inventory file, and what Ansible makes of it."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account = account
        self.folder = folder
        self.path = folder / "soda_runners.yml"
        self.said = ""

    def run(
        self,
        *arguments: str,
        fails: bool = False,
        env: Mapping[str, str] | None = None,
        seed: str = "0",
        program: str = "inventory",
        **options: Any,
    ) -> str:
        """Run ansible-inventory. No secret is in what it prints or leaves behind."""
        self.path.write_text(json.dumps({"plugin": "community.soda.soda_runners", **options}), encoding="utf-8")
        account = {
            "SODA_CLOUD_ENDPOINT": self.account.endpoint,
            "SODA_CLOUD_API_KEY_ID": self.account.api_key_id,
            "SODA_CLOUD_API_KEY_SECRET": self.account.api_key_secret,
            "SODA_CLOUD_RETRY_BUDGET": "0",
        }
        done = subprocess.run(
            [sys.executable, "-m", "ansible", program, "-i", str(self.path), *arguments],
            env={
                **os.environ,
                "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
                "ANSIBLE_INVENTORY_ENABLED": "auto",
                "PYTHONHASHSEED": seed,
                **(account if env is None else env),
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        # Before ansible-core 2.19, warnings are folded.
        self.said = " ".join(done.stderr.split())
        assert bool(done.returncode) == fails, done.stderr
        assert self.account.api_key_secret not in done.stdout + done.stderr
        for path in self.folder.rglob("*"):
            if path.is_file() and path != self.path:
                assert self.account.api_key_secret not in path.read_text(encoding="utf-8")
        return done.stdout

    def list(self, *arguments: str, **options: Any) -> Json:
        found: Json = json.loads(self.run("--list", *arguments, **options))
        return found

    def evaluate(self, variable: str) -> list[str]:
        """What a play makes of a variable of each host."""
        output = self.run(
            *("soda_runners", "-c", "local", "-m", "ansible.builtin.debug", "-a", f"msg={{{{ {variable} }}}}", "-o"),
            program="adhoc",
        )
        return [json.loads(part)["msg"] for part in re.findall(r"^\S+ \| SUCCESS => (\{.*\})$", output, re.M)]

    def cached(self, **options: Any) -> Json:
        return {
            "cache": True,
            "cache_plugin": "ansible.builtin.jsonfile",
            "cache_connection": str(self.folder / "cache"),
            **options,
        }


@pytest.fixture
def inventory(account: Account, tmp_path: Path) -> Inventory:
    return Inventory(account, tmp_path)


def members(listed: Json, group: str) -> list[str]:
    hosts: list[str] = listed.get(group, {}).get("hosts", [])
    return sorted(hosts)


# Groups and variables


def test_runners_are_in_groups_by_state_and_type(inventory: Inventory) -> None:
    inventory.account.seed(
        {"name": "up", "isOnline": True},
        {"name": "down", "isOnline": False},
        {"name": "unknown", "omit": ["isOnline", "type"]},
        {"name": "hosted", "isOnline": True, "type": "SODA_HOSTED"},
    )
    listed = inventory.list()
    assert members(listed, "soda_runners") == ["down", "hosted", "unknown", "up"]
    assert members(listed, "soda_online") == ["hosted", "up"]
    assert members(listed, "soda_offline") == ["down"]
    assert members(listed, "soda_type_self_hosted") == ["down", "up"]
    assert members(listed, "soda_type_soda_hosted") == ["hosted"]


def test_an_empty_account_has_the_groups_of_every_other(inventory: Inventory) -> None:
    graph = inventory.run("--graph")
    for group in ("soda_runners", "soda_online", "soda_offline"):
        assert f"@{group}:" in graph


def test_a_host_has_every_field_of_its_runner(inventory: Inventory) -> None:
    (runner_id,) = inventory.account.seed(
        {
            "name": "one",
            "label": "One",
            "isOnline": True,
            "lastSeenTimestamp": "2026-01-01T12:00:00Z",
            "versions": {"runner": "1.2.3"},
        }
    )
    (variables,) = inventory.list()["_meta"]["hostvars"].values()
    # Plain text on every ansible-core: automation platforms store what is shown here.
    assert variables == {
        "soda_id": runner_id,
        "soda_name": "one",
        "soda_label": "One",
        "soda_type": "SELF_HOSTED",
        "soda_is_online": True,
        "soda_last_seen_timestamp": "2026-01-01T12:00:00.000Z",
        "soda_versions": {"runner": "1.2.3"},
    }


def test_a_name_of_any_kind_is_a_host_that_knows_it(inventory: Inventory) -> None:
    inventory.account.seed(*ODD_NAMES)
    known = inventory.list()["_meta"]["hostvars"].values()
    assert {variables["soda_name"] for variables in known} == {sanitize(name) for name in ODD_NAMES}
    assert "cannot be host names" in inventory.said


def test_a_runner_named_like_a_group_gives_the_group_no_variables(inventory: Inventory) -> None:
    inventory.account.seed({"name": "all", "id": "1"}, {"name": "soda_online", "id": "2"}, "other")
    listed = inventory.list("--export")
    assert members(listed, "soda_runners") == ["all-1", "other", "soda_online-2"]
    assert "vars" not in listed["all"]
    assert "The id is added to names of groups or of this machine: all, soda_online" in inventory.said


def test_no_text_from_soda_cloud_is_a_template(inventory: Inventory) -> None:
    """The text is not marked in any way, so this is all that keeps Ansible from evaluating it."""
    header = "#jinja2: variable_start_string: '[[', variable_end_string: ']]'\n[[ 6 * 7 ]]"
    texts = ["{{ 6 * 7 }}", "{% if true %}x{% endif %}", "{# x #}", header]
    inventory.account.seed(
        *({"name": text, "label": text, "versions": {"runner": text}, "id": str(n)} for n, text in enumerate(texts))
    )
    inventory.run("--list")
    for variable in ("soda_name", "soda_label", "soda_versions.runner"):
        shown = inventory.evaluate(variable)
        assert len(shown) == len(texts)
        assert not [text for text in shown if "42" in text or text == "x" or not text]
        assert set(shown) == {sanitize(text) for text in texts}


def test_a_name_that_two_accounts_have_is_reported_and_not_merged(
    inventory: Inventory, emulator: Emulator, tmp_path: Path
) -> None:
    other = emulator.account(window_factor=0)
    inventory.account.seed({"name": "same", "id": "1"}, {"name": "one", "id": "2"})
    other.seed({"name": "same", "id": "3"}, {"name": "two", "id": "4"})
    second = tmp_path / "second.soda_runners.yml"
    second.write_text(
        json.dumps(
            {
                "plugin": "community.soda.soda_runners",
                "api_key_id": other.api_key_id,
                "api_key_secret": "{{ lookup('ansible.builtin.file', '"
                + str(tmp_path.parent / "other-secret")
                + "') }}",
            }
        ),
        "utf-8",
    )
    (tmp_path.parent / "other-secret").write_text(other.api_key_secret, "utf-8")
    listed = inventory.list("-i", str(second))
    ids = {name: variables["soda_id"] for name, variables in listed["_meta"]["hostvars"].items()}
    assert ids == {"same": "1", "one": "2", "same-3": "3", "two": "4"}
    assert "The id is added to names that a runner of another account has too: same." in inventory.said
    other.remove()


def test_two_files_of_one_account_are_merged(inventory: Inventory, tmp_path: Path) -> None:
    inventory.account.seed({"name": "same", "id": "1"})
    second = tmp_path / "second.soda_runners.yml"
    second.write_text(json.dumps({"plugin": "community.soda.soda_runners"}), "utf-8")
    assert list(inventory.list("-i", str(second))["_meta"]["hostvars"]) == ["same"]
    assert "another account" not in inventory.said


def test_the_order_of_groups_is_the_same_in_every_run(inventory: Inventory) -> None:
    inventory.account.seed(*({"name": f"r{n}", "type": f"TYPE_{n}"} for n in range(8)))
    orders = set()
    for seed in ("1", "2", "3"):
        graph = inventory.run("--list", seed=seed)
        orders.add(tuple(json.loads(graph)["all"]["children"]))
    assert len(orders) == 1


# Filters


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"name": "down"}, ["down"]),
        ({"id": "1"}, ["up"]),
        ({"type": "SODA_HOSTED"}, ["hosted"]),
        ({"is_online": False, "not_seen_for": 60}, ["down"]),
    ],
    ids=str,
)
def test_filters_are_those_of_the_module(inventory: Inventory, filters: Json, found: list[str]) -> None:
    inventory.account.seed(
        {"name": "up", "id": "1", "isOnline": True},
        {"name": "down", "isOnline": False, "last_seen_seconds_ago": 3600},
        {"name": "hosted", "isOnline": True, "type": "SODA_HOSTED"},
    )
    assert members(inventory.list(**filters), "soda_runners") == found


def test_an_option_that_is_misspelt_fails_before_anything_is_sent(inventory: Inventory) -> None:
    inventory.run("--list", fails=True, is_onlin=False)
    assert "is_onlin" in inventory.said
    assert inventory.account.operations() == []


# Templates


def test_hosts_are_named_by_a_template(inventory: Inventory) -> None:
    inventory.account.seed({"name": "one", "label": "The One", "id": "1"})
    assert members(inventory.list(hostname="{{ soda_label | lower }}.{{ soda_id }}"), "soda_runners") == ["the_one.1"]


def test_a_template_that_gives_no_name_fails_and_says_of_which_runner(inventory: Inventory) -> None:
    inventory.account.seed({"name": "one", "id": "the-id"})
    inventory.run("--list", fails=True, hostname="{{ soda_colour }}")
    assert "The hostname template returned no name for the runner the-id" in inventory.said


def test_variables_and_groups_are_constructed(inventory: Inventory) -> None:
    inventory.account.seed({"name": "edge-1", "versions": {"runner": "1.2"}}, {"name": "other"})
    listed = inventory.list(
        compose={"ansible_host": "soda_name ~ '.example.com'"},
        groups={"edges": "soda_name is match('edge-')"},
        keyed_groups=[{"prefix": "version", "key": "soda_versions.runner"}],
    )
    assert listed["_meta"]["hostvars"]["edge-1"]["ansible_host"] == "edge-1.example.com"
    assert members(listed, "edges") == ["edge-1"]
    assert members(listed, "version_1_2") == ["edge-1"]


@pytest.mark.parametrize("strict", [False, True])
def test_invalid_expression_fails_if_strict(inventory: Inventory, strict: bool) -> None:
    inventory.account.seed("one")
    inventory.run("--list", fails=strict, compose={"x": "soda_colour"}, strict=strict)


def test_options_are_templated_with_extra_variables(inventory: Inventory) -> None:
    inventory.account.seed({"name": "up", "isOnline": True}, {"name": "down", "isOnline": False})
    given = {"url": inventory.account.endpoint, "key": inventory.account.api_key_id, "online": False}
    secret = inventory.folder.parent / f"{inventory.folder.name}-secret"
    secret.write_text(inventory.account.api_key_secret, encoding="utf-8")
    graph = inventory.run(
        "--graph",
        "-e",
        json.dumps(given),
        env={},
        endpoint="{{ url }}",
        api_key_id="{{ key }}",
        api_key_secret=f"{{{{ lookup('ansible.builtin.file', '{secret}') }}}}",
        is_online="{{ online }}",
    )
    assert "|--down" in graph
    assert "|--up" not in graph


def test_the_connection_may_come_from_extra_variables_alone(inventory: Inventory) -> None:
    inventory.account.seed("one")
    given = inventory.folder.parent / f"{inventory.folder.name}.json"
    given.write_text(
        json.dumps(
            {
                "soda_cloud_endpoint": inventory.account.endpoint,
                "soda_cloud_api_key_id": inventory.account.api_key_id,
                "soda_cloud_api_key_secret": inventory.account.api_key_secret,
            }
        ),
        encoding="utf-8",
    )
    # With --list, Ansible shows the extra variables.
    assert "|--one" in inventory.run("--graph", "-e", f"@{given}", env={})


# Cache


def test_a_listing_in_the_cache_opens_no_connection(inventory: Inventory) -> None:
    inventory.account.seed("up", {"name": "down", "isOnline": False})
    first = inventory.list(**inventory.cached())
    inventory.account.fault("reset_before", LIST, times=None)
    assert inventory.list(**inventory.cached()) == first
    # Other filters and other constructed groups need no other listing.
    assert members(inventory.list(**inventory.cached(is_online=False)), "soda_runners") == ["down"]
    assert inventory.account.operations() == [LIST]


def test_another_key_has_another_listing(inventory: Inventory) -> None:
    inventory.list(**inventory.cached())
    key = inventory.account.add_key()
    inventory.list(**inventory.cached(api_key_id=key.api_key_id, api_key_secret=key.api_key_secret))
    assert inventory.account.operations() == [LIST, LIST]


def test_the_cache_is_left_alone_when_it_is_to_be_flushed(inventory: Inventory) -> None:
    inventory.list(**inventory.cached())
    inventory.account.seed("new")
    assert members(inventory.list("--flush-cache", **inventory.cached()), "soda_runners") == ["new"]
    assert members(inventory.list(**inventory.cached()), "soda_runners") == ["new"]


def test_a_listing_of_another_form_is_not_taken_for_ours(inventory: Inventory) -> None:
    inventory.list(**inventory.cached())
    (entry,) = (inventory.folder / "cache").iterdir()
    entry.write_text(json.dumps({"fields": ["name"], "rows": [["old"]]}), encoding="utf-8")
    assert members(inventory.list(**inventory.cached()), "soda_runners") == []


def test_an_old_listing_is_not_taken_for_a_new_one_when_soda_cloud_is_down(inventory: Inventory) -> None:
    inventory.list(**inventory.cached())
    (entry,) = (inventory.folder / "cache").iterdir()
    os.utime(entry, (0, 0))
    inventory.account.fault("status", LIST, status=503, times=None)
    inventory.run("--list", fails=True, **inventory.cached(cache_timeout=600))
    assert "answered 503" in inventory.said
    assert "The cache has no listing that is younger than cache_timeout, 600 s" in inventory.said
    inventory.run("--list", "--flush-cache", fails=True, **inventory.cached())
    assert "The cache was not used" in inventory.said


def test_ten_thousand_runners_cost_ten_requests_once(inventory: Inventory) -> None:
    inventory.account.seed(count=10_000)
    for _time in range(2):
        assert len(inventory.list(**inventory.cached())["soda_runners"]["hosts"]) == 10_000
    assert inventory.account.operations() == [LIST] * 10


# Failures


@pytest.mark.parametrize(
    ("env", "options", "said"),
    [
        ({}, {}, "api_key_id is not set"),
        (None, {"endpoint": "http://soda.example.com"}, "clear text"),
        (None, {"api_key_secret": "wrong"}, "wrong region"),
        (None, {"not_seen_for": -1}, "not_seen_for is -1.0. Set it to a number of seconds, 0 or higher."),
    ],
    ids=["no key", "no encryption", "unauthorized", "nonsense"],
)
def test_a_failure_says_what_the_modules_say(
    inventory: Inventory, env: Mapping[str, str] | None, options: Json, said: str
) -> None:
    inventory.run("--list", fails=True, env=env, **options)
    assert said in inventory.said
    assert "Traceback" not in inventory.said


def test_a_file_of_another_name_is_not_ours(inventory: Inventory) -> None:
    inventory.path = inventory.folder / "other.yml"
    inventory.run("--list", fails=True)
    assert inventory.account.operations() == []
