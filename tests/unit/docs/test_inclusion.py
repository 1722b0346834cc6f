# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the community asks of a collection and no tool checks; and its page names existing commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tooling.__main__ import PARTS
from tooling.plans import PLANS

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "inclusion.md"
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))

# https://docs.ansible.com/ansible/latest/community/collection_contributors/collection_requirements.html
PLUGIN_TYPES = {
    "action", "become", "cache", "callback", "cliconf", "connection", "doc_fragments", "filter", "httpapi",
    "inventory", "lookup", "module_utils", "modules", "netconf", "plugin_utils", "shell", "strategy", "terminal",
    "test", "vars",
}  # fmt: skip


def documentation(module: Path) -> Any:
    found = re.search(r'^DOCUMENTATION = r?"""\n(.*?)^"""', module.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    return yaml.safe_load(found[1])


def workflows() -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text("utf-8")) for path in ROOT.glob(".github/workflows/*.yml")}


def test_each_row_is_ticked_or_names_the_missing_step() -> None:
    rows = re.findall(r"^\| (.) \| (.+?) \| (.+?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    ticked = [row for row in rows if row[0] == "☑"]
    assert len(ticked) > 20
    assert [row for row in rows if row[0] == "☐" and "release" not in row[2] and "to come" not in row[2]] == []
    assert {row[0] for row in rows} == {"☑", "☐"}


def test_the_commands_are_there() -> None:
    text = PAGE.read_text("utf-8")
    named = set(re.findall(r"`make ([\w-]+)", text))
    assert named
    assert named <= {"dist", *PARTS, *PLANS, *(f"test-{part}" for part in PARTS)}
    assert [path for path in re.findall(r"(tests/[\w/]+\.py)", text) if not (ROOT / path).exists()] == []
    assert [name for name in re.findall(r"workflow `([\w.]+)`", text) if name not in workflows()] == []


def test_the_action_group_has_the_modules_whose_documentation_says_so() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text("utf-8"))
    documented = [
        each.stem
        for each in MODULES
        if "community.soda.soda_cloud.action_group" in documentation(each).get("extends_documentation_fragment", [])
    ]
    assert sorted(runtime["action_groups"]["soda_cloud"]) == documented


# What an action plugin runs on the host is a module by its form alone: nobody calls it.
@pytest.mark.parametrize(
    "module", [each for each in MODULES if each.stem != "soda_runner_files"], ids=lambda path: path.stem
)
def test_the_states_of_a_module_are_present_and_absent(module: Path) -> None:
    states = documentation(module).get("options", {}).get("state", {}).get("choices", ["absent", "present"])
    assert sorted(states) == ["absent", "present"]


@pytest.mark.parametrize(
    "module", [each for each in MODULES if each.stem.endswith("_info")], ids=lambda path: path.stem
)
def test_a_module_that_only_asks_supports_check_mode_and_changes_nothing(module: Path) -> None:
    attributes = documentation(module)["attributes"]
    assert attributes["check_mode"]["support"] == "full"


def test_there_are_none_but_allowed_types_of_plugins() -> None:
    types = {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert types - PLUGIN_TYPES == set()


def test_no_collection_is_depended_on() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["dependencies"] == {}


@pytest.mark.parametrize("name", ["ci.yml", "matrix.yml"])
def test_ci_runs_on_each_pull_request_and_every_week(name: str) -> None:
    triggers = workflows()[name]["on"]
    assert "pull_request" in triggers
    (schedule,) = triggers["schedule"]
    _minute, _hour, day, month, weekday = schedule["cron"].split()
    assert (day, month) == ("*", "*")
    assert weekday != ""


def test_each_action_of_others_is_pinned_by_its_digest() -> None:
    jobs = [job for workflow in workflows().values() for job in workflow["jobs"].values()]
    used = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
