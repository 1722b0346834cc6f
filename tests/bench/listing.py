# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a listing costs: filtered, whole, one look-up, by hand, and in memory."""

from __future__ import annotations

import json
import statistics
import sys
import typing as t
from pathlib import Path

from tooling import tree

from .measure import Broken, Cost, environment, in_turn, run, say
from .pages import Listing, served
from .plays import Task, play
from .rows import Options, Row, Rows

NAMES = 100
"""How many runners are asked for."""

ACCOUNT = 20
"""Runners of a small account."""

ROWS = Rows()

BARE = str(Path(__file__).with_name("bare.py"))

# What soda_runner_info is run by outside of a play: the module alone, without Ansible's own processes.
_ALONE = """
import json, sys
from ansible.module_utils import basic
basic._ANSIBLE_PROFILE = "legacy"
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {"names": sys.argv[1:]}}).encode()
from ansible_collections.community.soda.plugins.modules.soda_runner_info import main
main()
"""


def wanted(count: int) -> list[str]:
    """The names that are asked for, from all over the listing."""
    number = min(NAMES, count)
    return [f"runner-{i * count // number:06d}" for i in range(number)]


def filtered(listing: Listing) -> Cost:
    """Ours, in a play."""
    tasks = [{"community.soda.soda_runner_info": {"names": wanted(listing.count)}, "register": "found"}]
    cost = play(environment(**listing.environment()), [*tasks, _expect(len(wanted(listing.count)))])
    _expect_asked(listing, listing.pages)
    return cost


def bare(listing: Listing) -> Cost:
    """A loop in Python, without Ansible."""
    cost = run([sys.executable, BARE, *wanted(listing.count)], environment(**listing.environment()))
    if len(json.loads(cost.output)) != len(wanted(listing.count)):
        raise Broken("The bare loop found other runners than it was to find.")
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


def whole(listing: Listing) -> Cost:
    """Ours, all returned."""
    task: Task = {"community.soda.soda_runner_info": {}, "register": "found"}
    cost = play(environment(**listing.environment()), [task, _expect(listing.count)])
    _expect_asked(listing, listing.pages)
    return cost


def from_memory(count: int) -> Cost:
    """A module that returns the same dictionaries, and asks nobody."""
    return play(environment(), [{"bench_runners": {"count": count}, "register": "found"}, _expect(count)])


def by_hand(listing: Listing, all_of_them: bool = False) -> Cost:
    """What one would write without this collection: ansible.builtin.uri in a loop, and a filter."""
    names = wanted(listing.count)
    every = "{{ [first.json.content, rest.results | map(attribute='json.content') | flatten(1)] | flatten(1) }}"
    tasks: list[Task] = [
        {"ansible.builtin.uri": _request(0), "register": "first", "no_log": False},
        {
            "ansible.builtin.uri": _request("{{ item }}"),
            "loop": "{{ range(1, first.json.totalPages) | list }}",
            # Else the pages are shown, which takes longer still.
            "loop_control": {"label": "{{ item }}"},
            "register": "rest",
        },
        {
            "ansible.builtin.assert": {"that": f"found | length == {listing.count if all_of_them else len(names)}"},
            "vars": {
                "every": every,
                "found": "{{ every }}" if all_of_them else "{{ every | selectattr('name', 'in', names) }}",
                "names": names,
            },
        },
    ]
    cost = play(environment(**listing.environment()), tasks)
    _expect_asked(listing, listing.pages)
    return cost


def _request(page: t.Any) -> dict[str, t.Any]:
    return {
        "url": f"{{{{ lookup('ansible.builtin.env', 'SODA_CLOUD_ENDPOINT') }}}}/api/v1/runners?page={page}&size=1000",
        "url_username": "{{ lookup('ansible.builtin.env', 'SODA_CLOUD_API_KEY_ID') }}",
        "url_password": "{{ lookup('ansible.builtin.env', 'SODA_CLOUD_API_KEY_SECRET') }}",
        "force_basic_auth": True,
    }


def _expect(count: int | None) -> Task:
    """A task on the controller that looks at what was found, which both sides have alike."""
    that = "found is success" if count is None else f"found.runners | length == {count}"
    return {"ansible.builtin.assert": {"that": that, "quiet": True}}


def _expect_asked(listing: Listing, pages: int) -> None:
    asked = listing.asked()
    if asked != pages:
        raise Broken(f"{asked} pages were asked for, not {pages}.")


@ROWS.add(
    "filtered",
    what="list {runners:,} runners, filtered to {names}",
    against="a bare loop of requests in Python, and an empty play",
    limit=1.15,
    rule="at most 1.15 times their sum, in 101 requests or fewer",
)
def measure_filtered(options: Options) -> Row:
    with served(options.runners) as listing:

        def rival() -> Cost:
            one, other = bare(listing), empty()
            return Cost(one.seconds + other.seconds, one.cpu + other.cpu, max(one.memory, other.memory))

        result = in_turn(options.pairs, lambda: filtered(listing), rival).as_result()
        return {**result, "requests": listing.pages, "runners": options.runners, "names": NAMES}


@ROWS.add(
    "whole",
    what="the same, all returned",
    against="a module that returns the same {runners:,} dictionaries from memory",
    limit=1.25,
    rule="at most 1.25 times",
)
def measure_whole(options: Options) -> Row:
    with served(options.runners) as listing:
        pairs = in_turn(min(3, options.pairs), lambda: whole(listing), lambda: from_memory(options.runners))
        return {**pairs.as_result(), "requests": listing.pages, "runners": options.runners}


def _measure_by_hand(options: Options, all_of_them: bool) -> Row:
    with served(options.runners) as listing:
        ours = whole if all_of_them else filtered
        pairs = in_turn(options.long_pairs, lambda: ours(listing), lambda: by_hand(listing, all_of_them))
        return {**pairs.as_result(), "runners": options.runners}


@ROWS.add(
    "uri",
    what="list {runners:,} runners, filtered",
    against="`ansible.builtin.uri` in a loop, and a filter",
    limit=1 / 25,
    rule="at least 25 times faster",
)
def measure_uri(options: Options) -> Row:
    return _measure_by_hand(options, all_of_them=False)


@ROWS.add(
    "uri_whole",
    what="list {runners:,} runners, all returned",
    against="`ansible.builtin.uri` in a loop",
    limit=1 / 6,
    rule="at least 6 times faster",
)
def measure_uri_whole(options: Options) -> Row:
    return _measure_by_hand(options, all_of_them=True)


@ROWS.add(
    "lookup",
    what="one look-up in an account of {runners} runners, {times} times",
    against="`ansible.builtin.uri`, GET of the same page",
    limit=1.0,
    rule="no slower",
)
def measure_lookup(options: Options) -> Row:
    times = 10
    with served(ACCOUNT) as listing:
        env = environment(**listing.environment())

        def looked_up(task: Task) -> Cost:
            control = {"loop": list(range(times)), "loop_control": {"label": "{{ item }}"}}
            cost = play(env, [{**task, **control}])
            _expect_asked(listing, times)
            return cost

        result = in_turn(
            options.pairs,
            lambda: looked_up({"community.soda.soda_runner_info": {"name": "runner-000007"}}),
            lambda: looked_up({"ansible.builtin.uri": _request(0)}),
        ).as_result()
        return {**result, "runners": ACCOUNT, "times": times}


@ROWS.add(
    "memory",
    what="peak memory of the module that lists {runners:,} runners",
    against="the bare loop",
    limit=1.3,
    rule="at most 1.3 times",
    unit="MiB",
)
def measure_memory(options: Options) -> Row:
    with served(options.runners) as listing:
        pairs = in_turn(min(3, options.pairs), lambda: alone(listing), lambda: bare(listing))
        return {**pairs.as_result("memory"), "runners": options.runners}


@ROWS.growth("runners", "How cost grows with the runners of an account")
def grow(options: Options) -> dict[str, t.Any]:
    """Seconds, by what does it and how many runners there are."""
    runs: dict[str, t.Callable[[Listing], Cost]] = {
        "soda_runner_info, filtered": filtered,
        "soda_runner_info, all returned": whole,
        "a bare loop of requests, without Ansible": bare,
        "uri in a loop": by_hand,
    }
    series: dict[str, dict[int, float]] = {name: {} for name in runs}
    points = [10**power for power in range(1, 6) if 10**power <= options.runners]
    for count in points:
        say(f"  {count:,} runners")
        with served(count) as listing:
            times = 1 if count > 10_000 else options.long_pairs
            for name, once in runs.items():
                series[name][count] = statistics.median(once(listing).seconds for _time in range(times))
    return {"series": series, "x": "runners in the account", "y": "seconds of a play (of a program)"}


def parts(options: Options) -> dict[str, float]:
    """Seconds of processor time that parts of a listing take, for the page."""
    with served(options.runners) as listing:
        nothing = play(environment()).cpu
        return {
            "a play without a task": nothing,
            "an empty task on a host": play(environment(), [{"ansible.builtin.ping": {}}]).cpu - nothing,
            f"the module alone, {options.runners:,} runners read and filtered": alone(listing).cpu,
            f"a bare loop, {options.runners:,} runners read and filtered": bare(listing).cpu,
            f"returning {options.runners:,} dictionaries from memory": from_memory(options.runners).cpu - nothing,
        }
