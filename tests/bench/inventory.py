# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the runners cost as an inventory: from the cache, against a static inventory of the same content."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

from .measure import WORK, Broken, Cost, environment, in_turn, run
from .pages import served
from .rows import Options, Row, Rows

ROWS = Rows()

FOLDER = WORK / "inventory"


@ROWS.add(
    "inventory",
    what="an inventory of {runners:,} runners, from the cache",
    against="a static inventory of the same size and content",
    limit=1.2,
    rule="at most 1.2 times, without a request",
)
def measure_inventory(options: Options) -> Row:
    """List so many runners once from Soda Cloud, then from the cache and from a static inventory in turn."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with served(options.inventory) as listing:
        env = environment(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="1", **listing.environment())
        source, static = FOLDER / "soda_runners.yml", FOLDER / "static.json"
        # JSON is YAML.
        source.write_text(
            json.dumps(
                {
                    "plugin": "community.soda.soda_runners",
                    "cache": True,
                    "cache_plugin": "ansible.builtin.jsonfile",
                    "cache_connection": str(FOLDER / "cache"),
                }
            )
        )
        cold = run(["ansible-inventory", "-i", str(source), "--list"], env)
        if listing.asked() != listing.pages:
            raise Broken("The inventory asked for other pages than those that there are.")
        host = _write_static(json.loads(cold.output), static)

        def shown(path: Path) -> Cost:
            # One host is shown, so that showing costs neither side anything.
            return run(["ansible-inventory", "-i", str(path), "--host", host], env)

        result = in_turn(options.pairs, lambda: shown(source), lambda: shown(static)).as_result()
        if listing.asked():
            raise Broken("There is a request in spite of the cache.")
    return {**result, "runners": options.inventory, "cold": cold.seconds, "requests": 0}


def _write_static(listing: dict[str, t.Any], path: Path) -> str:
    """Write the listing as a static inventory: in JSON, which Ansible reads faster than YAML. Returns a host of it."""
    variables = listing["_meta"]["hostvars"]
    variables = {host: {name: _plain(value) for name, value in own.items()} for host, own in variables.items()}
    groups = {name: dict.fromkeys(group["hosts"]) for name, group in listing.items() if "hosts" in group}
    groups["soda_runners"] = variables
    path.write_text(json.dumps({"all": {"children": {name: {"hosts": hosts} for name, hosts in groups.items()}}}))
    return str(next(iter(variables)))


def _plain(value: t.Any) -> t.Any:
    """The value without the mark that ansible-core before 2.19 puts on text that is no template."""
    if isinstance(value, dict):
        return value["__ansible_unsafe"] if "__ansible_unsafe" in value else {k: _plain(v) for k, v in value.items()}
    return value
