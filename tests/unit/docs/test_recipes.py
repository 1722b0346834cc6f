# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plays of the guides are the ones that C(make test-hosts) tries, and their names are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TRIED = ROOT / "extensions" / "molecule" / "hosts"
PLAYS = {"rotation-and-recovery.md": "converge.yml", "decommissioning.md": "decommission.yml"}


def guide(name: str) -> str:
    return (ROOT / "docs" / "guides" / name).read_text("utf-8")


@pytest.mark.parametrize("name", PLAYS)
def test_the_play_is_the_one_that_is_tried(name: str) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", guide(name), re.MULTILINE | re.DOTALL)
    assert yaml.safe_load((TRIED / PLAYS[name]).read_text("utf-8")) in [yaml.safe_load(block) for block in blocks]


@pytest.mark.parametrize("name", PLAYS)
def test_links_lead_somewhere_and_variables_and_codes_are_known(name: str) -> None:
    text = guide(name)
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (ROOT / "docs" / "guides" / target).exists(), target
    specs = yaml.safe_load((ROOT / "roles/soda_runner/meta/argument_specs.yml").read_text("utf-8"))
    # The playbooks take the first one, and the other is a module.
    variables = set(re.findall(r"\bsoda_runner_\w+", text)) - {"soda_runner_hosts", "soda_runner_store"}
    assert variables <= set(specs["argument_specs"]["main"]["options"])
    codes = set(re.findall(r"`((?:key|create)_\w+)`", text))
    known = set(re.findall(r"^\| `(\w+)` \|", guide("troubleshooting.md"), re.MULTILINE))
    assert codes <= known
