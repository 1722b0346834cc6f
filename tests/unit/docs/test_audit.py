# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documents list all findings and all settings of the audit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.community.soda.plugins.action.soda_runner_audit import ANY, ARGUMENT_SPEC
from ansible_collections.community.soda.plugins.modules import soda_runner_audit
from ansible_collections.community.soda.plugins.plugin_utils._audit.findings import CODES

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "docs/guides/audit.md").read_text("utf-8")
PLAYBOOK = (ROOT / "playbooks/audit.yml").read_text("utf-8")
OPTIONS = yaml.safe_load(soda_runner_audit.DOCUMENTATION)["options"]


def test_the_guide_tells_of_each_finding_in_their_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", GUIDE.partition("## What is compared")[2].partition("## Settings")[0], re.M)
    assert rows == list(CODES)


def test_the_module_documents_its_options_and_each_finding() -> None:
    documented: dict[str, Any] = {
        name: {key: option[key] for key in ("type", "elements", "required", "default", "choices") if key in option}
        for name, option in OPTIONS.items()
    }
    assert documented == ARGUMENT_SPEC
    documented = re.findall(r"\bV\((\w+)\)", "\n".join(OPTIONS["fail_on"]["description"]))
    assert sorted(documented) == sorted(OPTIONS["fail_on"]["choices"])


def test_the_survey_offers_each_finding() -> None:
    templates = yaml.safe_load((ROOT / "playbooks/vars/awx/job_templates.yml").read_text("utf-8"))
    (audit,) = [each for each in templates["soda_awx_job_templates"] if each["playbook"] == "playbooks/audit.yml"]
    (question,) = [each for each in audit["survey_spec"]["spec"] if each["variable"] == "soda_audit_fail_on"]
    assert question["choices"] == [*CODES, ANY]


def test_the_guide_and_the_playbook_tell_of_the_same_variables_and_defaults() -> None:
    settings = GUIDE.partition("## Settings")[2].partition("\n## ")[0]
    in_guide = set(re.findall(r"`(soda_\w+)`", settings))
    assert in_guide == set(re.findall(r"^# (soda_\w+)  ", PLAYBOOK, re.M))
    assert in_guide == set(re.findall(r"\b(soda_(?:audit|runner)_\w+) \| default", PLAYBOOK))
    for option, variable in (("pending_minutes", "30"), ("offline_hours", "24"), ("mode", "'0600'")):
        default = re.search(rf"soda_audit_{option} \| default\((.*?)\) \}}\}}", PLAYBOOK)
        assert default
        assert default[1] == variable
        assert f"`soda_audit_{option}` | `{variable}` |" in settings
        assert yaml.safe_load(variable) == OPTIONS[option]["default"]
