# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides on platforms and scale: their examples are valid, and their figures follow from the contract's limits."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import yaml

from automation.controller import Json
from emulator.contract import Contract
from emulator.limits import RateLimit
from tooling import tree

GUIDES = tree.ROOT / "docs" / "guides"
AWX = GUIDES / "awx.md"
SCALE = GUIDES / "beyond-one-controller.md"
PAGE_SIZE = 1000


def test_examples_of_variables_say_what_the_playbook_needs_and_takes(objects: Json) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", AWX.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    said = yaml.safe_load(text)
    without_default = {"soda_awx_image", "soda_awx_hosts_inventory", "soda_awx_escrow"}
    assert without_default <= set(said)
    assert set(said) - without_default <= set(objects)
    assert said["soda_awx_escrow"] in objects["soda_awx_variables"]


def test_commands_name_existing_files_and_playbooks() -> None:
    commands = re.findall(r"^\$ (.*)$", AWX.read_text("utf-8"), re.MULTILINE)
    playbooks = [match[1] for line in commands for match in re.finditer(r"community\.soda\.(\w+)", line)]
    files = [match[1] for line in commands for match in re.finditer(r"-f (\S+)", line)]
    assert playbooks == ["awx"]
    assert all((tree.ROOT / "playbooks" / f"{name}.yml").exists() for name in playbooks)
    assert files == ["execution-environment.yml"]
    assert all((tree.ROOT / name).exists() for name in files)


@pytest.mark.parametrize("guide", [AWX, SCALE], ids=lambda path: path.name)
def test_links_lead_somewhere(guide: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", guide.read_text("utf-8")):
        assert (guide.parent / target).exists(), target


def test_every_variable_that_a_guide_names_is_one(objects: Json) -> None:
    specs = yaml.safe_load((tree.ROOT / "roles/soda_runner/meta/argument_specs.yml").read_text("utf-8"))
    known = {*specs["argument_specs"]["main"]["options"], *objects}
    known |= {"soda_awx_image", "soda_awx_hosts_inventory", "soda_awx_escrow"}
    named = {name for guide in (AWX, SCALE) for name in re.findall(r"`(soda_\w+)", guide.read_text("utf-8"))}
    # soda_runner_cloud_… is the family of names.
    assert named - {"soda_runner_cloud_"} <= known


def test_figures_follow_from_the_limits_of_the_contract() -> None:
    limits = {name: operation.limit for name, operation in Contract.load().operations.items()}
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in SCALE.read_text("utf-8").splitlines()
        if re.match(r"\| [\d,]+ \|", line)
    ]
    by_hosts = [row for row in rows if len(row) == 5]
    by_listed = [row for row in rows if len(row) == 4]
    assert len(by_hosts) == 3
    assert len(by_listed) == 4
    for hosts, keys, deletions, pages, _converged in by_hosts:
        count = number(hosts)
        assert keys == duration(least_seconds(count, limits["createRunner"]))
        assert deletions == duration(least_seconds(count, limits["deleteRunner"]))
        assert number(pages) == math.ceil(count / PAGE_SIZE)
    for listed, lists, rate, total in by_listed:
        pages_read = math.ceil(number(listed) / PAGE_SIZE)
        listings = pages_read if pages_read == 1 else 2 * pages_read
        lists_a_minute = limits["listRunners"].requests * 60 / limits["listRunners"].seconds
        keys_a_minute = limits["createRunner"].requests * 60 / limits["createRunner"].seconds
        assert number(lists) == listings
        assert float(rate) == min(keys_a_minute, lists_a_minute / listings)
        slowest = max(
            least_seconds(10_000, limits["createRunner"]), least_seconds(10_000 * listings, limits["listRunners"])
        )
        assert total == duration(slowest)


def test_times_of_ansible_follow_from_the_benchmarks() -> None:
    """In words for planning, so within a quarter of what was measured last."""
    benchmarks = (GUIDES.parent / "benchmarks.md").read_text("utf-8")
    (seconds,) = re.findall(
        r"^\| [^|]*\ba run of the role on 500 hosts [^|]*\|[^|]*\| ([\d.,]+) s \|", benchmarks, re.MULTILINE
    )
    a_host = float(seconds.replace(",", "")) / 500
    rows = re.findall(r"^\| ([\d,]+) \| (\d+) min \| (\d+) min \|$", SCALE.read_text("utf-8"), re.MULTILINE)
    assert [number(hosts) for hosts, _one, _four in rows] == [500, 10_000, 100_000]
    for hosts, one, four in rows:
        minutes = number(hosts) * a_host / 60
        assert float(one) == pytest.approx(minutes, rel=0.25, abs=0.5)
        assert float(four) == pytest.approx(minutes / 4, rel=0.25, abs=0.5)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def least_seconds(count: int, limit: RateLimit) -> float:
    """When the last of so many requests can have been admitted, the first at once."""
    return float((count - 1) // limit.requests * limit.seconds)


def duration(seconds: float) -> str:
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
