# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet costs: a run of the role on hosts that have converged, and the first one."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sys
import time
import typing as t
from pathlib import Path

from emulator.client import Account, Emulator
from tooling import tree

from .measure import WORK, Broken, Cost, environment, in_turn, say
from .plays import Task, counts, play
from .rows import Options, Row, Rows

ROWS = Rows()

FLEET = WORK / "fleet"

KEYS_A_WINDOW = 10

_ON_HOST: Task = {"ansible.builtin.ping": {}}
_ON_CONTROLLER: Task = {"ansible.builtin.assert": {"that": True, "quiet": True}}
_SKIPPED: Task = {"ansible.builtin.ping": {}, "when": False}

FORKS = 40
"""Hosts at once in the first run. Most of them wait for Soda Cloud, and waiting costs nothing."""


def names(count: int) -> list[str]:
    """The hosts of a fleet."""
    return [f"host-{i:04d}" for i in range(count)]


@contextlib.contextmanager
def fleet(window: float = 0.0) -> t.Iterator[tuple[Account, dict[str, t.Any]]]:
    """An account, and the variables of hosts whose runners are its. A window of 0 is: no limits."""
    shutil.rmtree(FLEET, ignore_errors=True)
    FLEET.mkdir(parents=True)
    with Emulator(log=WORK / "emulator.log") as emulator:
        account = emulator.account(window_factor=window / 60)
        yield (
            account,
            {
                "soda_runner_dir": f"{FLEET}/{{{{ inventory_hostname }}}}",
                "soda_runner_escrow_dir": str(FLEET / "escrow"),
                "soda_runner_cloud_endpoint": account.endpoint,
                "soda_runner_cloud_api_key_id": account.api_key_id,
                "soda_runner_cloud_api_key_secret": account.api_key_secret,
            },
        )


def converge(hosts: t.Sequence[str], endpoint: str) -> None:
    """Put on hosts what the role would have put there, and takes far longer to."""
    sys.path.insert(0, str(tree.linked_collections()))
    config, stored_key = (
        importlib.import_module(f"ansible_collections.community.soda.plugins.{name}")
        for name in ("plugin_utils._config.formats", "module_utils._key.stored_key")
    )
    for host in hosts:
        key = stored_key.StoredKey(endpoint, host, f"id-of-{host}", "s" * 55, 1, "2026-01-01T12:00:00Z", None)
        settings = config.Settings(name=host, endpoint=endpoint)
        folder = FLEET / host
        folder.mkdir()
        _write(folder / "key.json", key.to_json())
        _write(folder / "values.yml", config.render("helm_values", key, settings).encode())


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def again(hosts: t.Sequence[str], account: Account, variables: dict[str, t.Any]) -> Cost:
    """The role on hosts that have converged. Raises where it changed or asked for something."""
    asked = len(account.operations())
    cost = play(environment(), hosts=hosts, variables=variables, roles=["community.soda.soda_runner"])
    if counts(cost).get("changed") or len(account.operations()) != asked:
        raise Broken("The hosts had not converged, or a request was sent.")
    return cost


def empty(hosts: t.Sequence[str], like: Cost) -> Cost:
    """
    As many tasks on each host as a run on one host had, of the same kinds, that do nothing: one on the host, the others
    on the controller, or skipped.
    """
    one = counts(like)
    ran, skipped = one["ok"], one["skipped"]
    cost = play(environment(), [_ON_HOST] + [_ON_CONTROLLER] * (ran - 1) + [_SKIPPED] * skipped, hosts=hosts)
    if [counts(cost)[name] for name in ("ok", "skipped")] != [ran * len(hosts), skipped * len(hosts)]:
        raise Broken("The empty tasks were not as many.")
    return cost


def _measure_again(count: int, pairs: int) -> Row:
    with fleet() as (account, variables):
        hosts = names(count)
        converge(hosts, account.endpoint)
        first = again(hosts[:1], account, variables)
        result = in_turn(pairs, lambda: again(hosts, account, variables), lambda: empty(hosts, first)).as_result()
        seen = counts(first)
        return {**result, "hosts": count, "ran": seen["ok"], "skipped": seen["skipped"], "requests": 0}


@ROWS.add(
    "converged",
    what="a run of the role on {hosts} hosts that have converged: {ran} tasks, {skipped} more skipped",
    against="as many empty tasks of the same kinds, one of them on the host",
    limit=1.5,
    rule="at most 1.5 times, without a request",
)
def measure_converged(options: Options) -> Row:
    return _measure_again(options.hosts, options.long_pairs)


@ROWS.add(
    "provisioning",
    what="the first run on {hosts} hosts, {window:.0f} s for 10 keys, {deferred} deferrals",
    against="what the limit itself takes, {windows} windows",
    limit=1.05,
    rule="at most 1.05 times, without a failure",
)
def measure_provisioning(options: Options) -> Row:
    hosts = names(options.hosts)
    with fleet(options.window) as (account, variables):
        # An hour for windows of a minute, which is the default, in the same measure.
        variables["soda_runner_cloud_retry_budget"] = 3600 * options.window / 60
        variables["soda_runner_throttle"] = FORKS
        say(f"  {len(hosts)} hosts, {options.window:.0f} s for {KEYS_A_WINDOW} keys")
        # A host goes its whole way before another begins, so Ansible works while others wait.
        cost = play(
            environment(ANSIBLE_FORKS=str(FORKS)),
            hosts=hosts,
            variables=variables,
            roles=["community.soda.soda_runner"],
            strategy="ansible.builtin.host_pinned",
        )
        stats = account.stats()
    issued = stats["requests"]["createRunner"]
    held = sum((FLEET / host / "values.yml").is_file() for host in hosts)
    if counts(cost).get("failed") or held != len(hosts) or issued["200"] != len(hosts):
        raise Broken(f"{held} of {len(hosts)} hosts are configured, and {issued['200']} keys were issued.")
    windows = -(-len(hosts) // KEYS_A_WINDOW)
    floor = windows * options.window
    return {
        "ours": cost.seconds,
        "rival": floor,
        "ratio": cost.seconds / floor,
        "ours_cpu": cost.cpu,
        "pairs": 1,
        "hosts": len(hosts),
        "window": options.window,
        "windows": windows,
        "deferred": issued.get("429", 0),
    }


@ROWS.growth("hosts", "How cost grows with the hosts of a fleet")
def grow(options: Options) -> dict[str, t.Any]:
    """Seconds, by what does it and on how many hosts."""
    series: dict[str, dict[int, float]] = {"the role, converged": {}, "as many empty tasks of the same kinds": {}}
    for count in [10**power for power in range(4) if 10**power <= options.most_hosts]:
        say(f"  {count:,} hosts")
        started = time.monotonic()
        row = _measure_again(count, options.pairs if count <= 10 else 1)
        series["the role, converged"][count] = row["ours"]
        series["as many empty tasks of the same kinds"][count] = row["rival"]
        say(f"  {time.monotonic() - started:.0f} s")
    return {"series": series, "x": "hosts", "y": "seconds of a play"}


def parts(options: Options) -> dict[str, float]:
    """Seconds of processor time that tasks take for a host, for the page."""
    hosts = names(10 if options.quick else 50)
    nothing = play(environment(), hosts=hosts).cpu

    def each(task: Task) -> float:
        return (play(environment(), [task], hosts=hosts).cpu - nothing) / len(hosts)

    with fleet() as (account, variables):
        converge(hosts, account.endpoint)
        role = (again(hosts, account, variables).cpu - nothing) / len(hosts)
    return {
        "an empty task on a host": each(_ON_HOST),
        "an empty task on the controller": each(_ON_CONTROLLER),
        "a task that is skipped": each(_SKIPPED),
        "the role, where it has converged": role,
    }
