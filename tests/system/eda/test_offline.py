# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebook under the real ansible-rulebook: what happens to a runner starts a playbook, and starts it once."""

from __future__ import annotations

import json
import re
import runpy
import subprocess

import pytest
import yaml

from emulator.client import Account

from .conftest import COLLECTIONS, NOTE, PROGRAMS, Site, until

COLLECTION = COLLECTIONS / "ansible_collections" / "community" / "soda"
SOURCE = COLLECTION / "extensions" / "eda" / "plugins" / "event_source" / "soda_runners.py"
LIST = "listRunners"


def seed_online(account: Account, *names: str) -> list[str]:
    return account.seed(*({"name": name, "isOnline": True} for name in names))


def test_a_host_whose_runner_is_stopped_is_provisioned_again_once(site: Site) -> None:
    site.hosts("edge-1", "edge-2")
    site.run(str(PROGRAMS / "ansible-playbook"), "-i", "inventory.yml", "community.soda.provision")
    site.log.unlink()
    runners = {host: site.runner(host) for host in ("edge-1", "edge-2")}
    rulebook = site.rulebook().follows()

    values = site.folder / "edge-1" / "values.yml"
    written = values.read_text("utf-8")
    values.unlink()
    runners["edge-1"].terminate()
    rulebook.has_reported(("offline", "edge-1"))
    until(site.plays, "the playbook runs")
    assert values.read_text("utf-8") == written

    # With what the playbook put there, the runner is the same that it was.
    site.runner("edge-1")
    rulebook.has_reported(("offline", "edge-1"), ("online", "edge-1"))
    rulebook.lists(3)
    assert rulebook.events() == [("offline", "edge-1"), ("online", "edge-1")]
    assert site.plays() == {"edge-1": 1}
    assert site.account.stats()["keys_issued"] == 2


def test_an_outage_repeats_nothing_and_loses_nothing(site: Site) -> None:
    site.hosts("a", "b", "c")
    a, b, c = seed_online(site.account, "a", "b", "c")
    rulebook = site.rulebook(**NOTE).follows()
    site.account.set_online(a, False)
    rulebook.has_reported(("offline", "a"))

    site.account.fault("status", LIST, status=503, times=None)
    site.account.set_online(b, False)
    rulebook.lists(3)
    site.account.clear_faults()
    site.account.fault("reset_before", LIST, times=None)
    site.account.set_online(c, False)
    site.account.set_online(a, True)
    rulebook.lists(3)
    assert rulebook.events() == [("offline", "a")]
    site.account.clear_faults()

    rulebook.lists(4)
    until(lambda: site.plays().total() >= 3, "the playbooks run")
    assert sorted(rulebook.events()) == [("offline", "a"), ("offline", "b"), ("offline", "c"), ("online", "a")]
    assert site.plays() == {"a": 1, "b": 1, "c": 1}
    assert rulebook.said.count("Soda runners cannot be listed") == 1
    assert rulebook.said.count("The outage has ended") == 1


def test_changes_during_a_restart_are_reported_after_it(site: Site) -> None:
    site.hosts("a", "b")
    a, b = seed_online(site.account, "a", "b")
    first = site.rulebook(**NOTE).follows()
    site.account.set_online(a, False)
    first.has_reported(("offline", "a"))
    until(site.plays, "the playbook runs")
    first.kill()

    site.account.set_online(b, False)
    second = site.rulebook("-vv", **NOTE)
    until(lambda: site.plays().total() >= 2, "the playbook runs")
    second.lists(3)
    assert site.plays() == {"a": 1, "b": 1}
    assert second.said.count("Posting data to ruleset") == 1


def test_a_runner_that_comes_and_goes_starts_a_playbook_once(site: Site) -> None:
    site.hosts("flaps", "last")
    flaps, last = seed_online(site.account, "flaps", "last")
    rulebook = site.rulebook(**NOTE).follows()
    reported = []
    for online in (False, True, False, True):
        site.account.set_online(flaps, online)
        reported.append(("online" if online else "offline", "flaps"))
        rulebook.has_reported(*reported)
    # Playbooks run one after the other, so what this one starts is the last.
    site.account.set_online(last, False)
    until(lambda: site.plays()["last"], "the last playbook runs")
    assert site.plays() == {"flaps": 1, "last": 1}


def test_the_name_of_a_runner_is_neither_a_template_nor_a_pattern(site: Site) -> None:
    harm = site.folder / "harm"
    name = f"{{{{ lookup('ansible.builtin.pipe', 'touch {harm}') }}}}"
    hostile, everybody = seed_online(site.account, name, "all")
    site.hosts("innocent", "".join(c if c.isalnum() or c in "_.-" else "_" for c in name))
    rulebook = site.rulebook(**NOTE).follows()
    site.account.set_online(everybody, False)
    rulebook.has_reported(("offline", "all"))
    site.account.set_online(hostile, False)
    until(site.plays, "the playbook runs")
    assert "innocent" not in site.plays()
    assert "lookup(" in site.log.read_text("utf-8")
    assert not harm.exists()


def test_a_key_that_is_refused_ends_it_and_says_what_to_do(site: Site) -> None:
    site.hosts("a")
    site.account.fault("status", LIST, status=401, times=None)
    rulebook = site.rulebook(**NOTE)
    assert rulebook.ends() == 1
    assert "The usual cause is the wrong region" in rulebook.said
    assert site.account.operations() == [LIST]


VALIDATE = """
import json, sys
from ansible_rulebook import rules_parser, validators
rulesets = json.load(sys.stdin)
validators.Validate.rulebook(rulesets)
rules_parser.parse_rule_sets(rulesets)
"""
RULEBOOKS = {path.name: path.read_text("utf-8") for path in (COLLECTION / "extensions" / "eda" / "rulebooks").iterdir()}
RULEBOOKS["EXAMPLES"] = runpy.run_path(str(SOURCE))["EXAMPLES"]
GUIDE = (COLLECTION / "docs" / "guides" / "events.md").read_text("utf-8")
(RULEBOOKS["guide"],) = re.findall(r"^```yaml\n(- .*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", RULEBOOKS.values(), ids=RULEBOOKS)
def test_a_rulebook_is_one_to_ansible_rulebook(text: str) -> None:
    command = [str(PROGRAMS / "python"), "-c", VALIDATE]
    done = subprocess.run(command, input=json.dumps(yaml.safe_load(text)), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_guide_names_the_variables_that_the_rulebook_has() -> None:
    assert set(re.findall(r"soda_runners_\w+", GUIDE)) == set(re.findall(r"soda_runners_\w+", RULEBOOKS["offline.yml"]))
