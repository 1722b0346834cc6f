# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost of a listing: filtered, in memory, as an inventory, and as an audit."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import typing as t
from pathlib import Path

from tooling import tree

from .measure import WORK, Broken, Cost, Measure, Options, Row, environment, in_turn, run
from .pages import Listing, served
from .plays import LOCAL, Task, play

NAMES = 100
"""How many runners are requested."""

FOLDER = WORK / "listing"

BARE = str(Path(__file__).with_name("bare.py"))

# Runs soda_runner_info without a play and without the processes of Ansible.
_ALONE = """
import json, sys
from ansible.module_utils import basic
basic._ANSIBLE_PROFILE = "legacy"
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {"names": sys.argv[1:]}}).encode()
from ansible_collections.community.soda.plugins.modules.soda_runner_info import main
main()
"""


def wanted(count: int) -> list[str]:
    """The requested names, from all parts of the listing."""
    number = min(NAMES, count)
    return [f"runner-{i * count // number:06d}" for i in range(number)]


def filtered(listing: Listing) -> Cost:
    """Our module in a play."""
    tasks = [{"community.soda.soda_runner_info": {"names": wanted(listing.count)}, "register": "found"}]
    cost = play(environment(**listing.environment()), [*tasks, _expect(len(wanted(listing.count)))])
    _expect_asked(listing, listing.pages)
    return cost


def bare(listing: Listing) -> Cost:
    """A loop in Python, without Ansible."""
    cost = run([sys.executable, BARE, *wanted(listing.count)], environment(**listing.environment()))
    if len(json.loads(cost.output)) != len(wanted(listing.count)):
        raise Broken("The bare loop did not find the expected runners.")
    _expect_asked(listing, listing.pages)
    return cost


def empty() -> Cost:
    """A play whose tasks do nothing, the one on the host and the one on the controller."""
    return play(environment(), [{"ansible.builtin.ping": {}, "register": "found"}, _expect(None)])


def alone(listing: Listing) -> Cost:
    """Our module, without a play."""
    env = environment(**listing.environment()) | {"PYTHONPATH": str(tree.linked_collections())}
    cost = run([sys.executable, "-c", _ALONE, *wanted(listing.count)], env)
    _expect_asked(listing, listing.pages)
    return cost


def _expect(count: int | None) -> Task:
    """A task on the controller that uses the result, which both sides have."""
    that = "found is success" if count is None else f"found.runners | length == {count}"
    return {"ansible.builtin.assert": {"that": that, "quiet": True}}


def _expect_asked(listing: Listing, pages: int) -> None:
    requested = listing.requested()
    if requested != pages:
        raise Broken(f"{requested} pages were requested, not {pages}.")


def inventory_from_cache(options: Options) -> Row:
    """List so many runners once from Soda Cloud, then from the cache and from a static inventory in turn."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with served(options.account) as listing:
        env = environment(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="1", **listing.environment())
        source, static = FOLDER / "soda_runners.yml", FOLDER / "static.json"
        settings = {
            "plugin": "community.soda.soda_runners",
            "cache": True,
            "cache_plugin": "ansible.builtin.jsonfile",
            "cache_connection": str(FOLDER / "cache"),
        }
        source.write_text(json.dumps(settings), "utf-8")  # JSON is YAML
        cold = run(["ansible-inventory", "-i", str(source), "--list"], env)
        _expect_asked(listing, listing.pages)
        host = _write_static(json.loads(cold.output), static)

        def shown(path: Path) -> Cost:
            # Show one host only, so that the output takes no time on either side.
            return run(["ansible-inventory", "-i", str(path), "--host", host], env)

        result = in_turn(options.pairs, lambda: shown(source), lambda: shown(static)).as_result()
        _expect_asked(listing, 0)
    return {**result, "runners": options.account}


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


def audit(options: Options) -> Row:
    """The audit of a large account by one host, and a listing of the same account that returns nothing."""
    report = FOLDER / "soda-audit.json"
    with served(options.account) as listing:
        env = environment(**listing.environment())

        def audited() -> Cost:
            shutil.rmtree(FOLDER, ignore_errors=True)
            FOLDER.mkdir(parents=True)
            inventory = {"all": {"hosts": {"one": {**LOCAL, "soda_runner_dir": str(FOLDER / "one")}}}}
            (FOLDER / "inventory.json").write_text(json.dumps(inventory), "utf-8")
            extra = json.dumps({"soda_audit_dir": str(FOLDER)})
            command = ["ansible-playbook", "-i", "inventory.json", "community.soda.audit", "-e", extra]
            return run(command, env, cwd=FOLDER)

        def listed() -> Cost:
            tasks = [{"community.soda.soda_runner_info": {"names": ["nobody"]}, "register": "found"}, _expect(0)]
            return play(env, tasks)

        pairs = in_turn(options.pairs, audited, listed)
        rows = len(json.loads(report.read_text("utf-8"))["rows"])
    ours = statistics.median(cost.cpu for cost in pairs.ours)
    rival = 2 * statistics.median(cost.cpu for cost in pairs.rival) + 0.0003 * rows
    return {"ours": ours, "rival": rival, "ratio": ours / rival, "runners": options.account, "rows": rows}


def measure_filtered(options: Options) -> Row:
    with served(options.runners) as listing:

        def rival() -> Cost:
            one, other = bare(listing), empty()
            return Cost(one.seconds + other.seconds, one.cpu + other.cpu, max(one.memory, other.memory))

        result = in_turn(options.pairs, lambda: filtered(listing), rival).as_result()
    return {**result, "runners": options.runners, "names": NAMES}


def measure_memory(options: Options) -> Row:
    with served(options.runners) as listing:
        pairs = in_turn(min(3, options.pairs), lambda: alone(listing), lambda: bare(listing))
    return {**pairs.as_result("memory"), "runners": options.runners}


ROWS = (
    Measure(
        "filtered",
        "list {runners:,} runners, filtered to {names}",
        "a bare loop of requests in Python, and an empty play",
        1.15,
        measure_filtered,
    ),
    Measure(
        "memory",
        "peak memory of the module that lists {runners:,} runners",
        "the bare loop",
        1.3,
        measure_memory,
        unit="MiB",
    ),
    Measure(
        "inventory",
        "an inventory of {runners:,} runners, from the cache",
        "a static inventory of the same size and content",
        1.2,
        inventory_from_cache,
    ),
    Measure(
        "audit",
        "processor time of the audit of an account of {runners:,} runners, {rows:,} rows",
        "twice soda_runner_info that returns nothing, and 0.3 ms a row",
        1.0,
        audit,
    ),
)
