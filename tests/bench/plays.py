# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs plays and measures them."""

from __future__ import annotations

import json
import re
import typing as t

from .measure import WORK, Broken, Cost, run

Task = dict[str, t.Any]

LOCAL = {"ansible_connection": "local"}


def play(
    env: t.Mapping[str, str],
    tasks: t.Sequence[Task] = (),
    hosts: t.Sequence[str] = ("localhost",),
    variables: t.Mapping[str, t.Any] | None = None,
    **keywords: t.Any,
) -> Cost:
    """Run one play without facts on hosts that are this machine."""
    WORK.mkdir(parents=True, exist_ok=True)
    inventory = {"fleet": {"hosts": {host: {} for host in hosts}, "vars": {**LOCAL, **(variables or {})}}}
    content = [{"hosts": "fleet", "gather_facts": False, "tasks": list(tasks), **keywords}]
    # JSON is YAML.
    (WORK / "inventory.json").write_text(json.dumps(inventory), "utf-8")
    (WORK / "play.yml").write_text(json.dumps(content), "utf-8")
    return run(["ansible-playbook", "-i", "inventory.json", "play.yml"], env)


def counts(cost: Cost) -> dict[str, int]:
    """What the recap counts, over all hosts: ``ok``, ``changed``, ``failed``, ``skipped`` and so on."""
    totals: dict[str, int] = {}
    recap = cost.output.rpartition("PLAY RECAP")[2]
    for name, count in re.findall(r"(\w+)=(\d+)", recap):
        totals[name] = totals.get(name, 0) + int(count)
    if not totals:
        raise Broken(f"The play ended without a recap:\n{cost.output[-2000:]}")
    return totals
