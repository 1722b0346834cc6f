# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time of a run of the role on up-to-date hosts, and of the first run."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
import typing as t

from emulator.client import Account, Emulator

from .measure import WORK, Broken, Cost, Measure, Options, Row, environment, in_turn
from .plays import Task, counts, play

FLEET = WORK / "fleet"

A_WINDOW = 10

_ON_HOST: Task = {"ansible.builtin.ping": {}}
_ON_CONTROLLER: Task = {"ansible.builtin.assert": {"that": True, "quiet": True}}
_SKIPPED: Task = {"ansible.builtin.ping": {}, "when": False}

LISTINGS_BEFORE = 3
"""Listings that a waiting fleet sees before its runners register."""

FORKS = 40
"""Hosts at once in the first run. Most of them wait for Soda Cloud, and waiting costs nothing."""


def names(count: int) -> list[str]:
    """The hosts of a fleet."""
    return [f"host-{i:04d}" for i in range(count)]


@contextlib.contextmanager
def fleet(window: float = 0.0) -> t.Iterator[tuple[Account, dict[str, t.Any]]]:
    """An account, and the variables of its hosts. A window of 0 means no limits."""
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


def converge(hosts: t.Sequence[str], account: Account, variables: dict[str, t.Any], ids: t.Sequence[str] = ()) -> None:
    """Copy the files of the role from the first host to each host. The role would take far longer."""
    first = hosts[0]
    play(environment(), hosts=[first], variables=variables, roles=["community.soda.soda_runner"])
    account.advance(3600)
    for number, host in enumerate(hosts):
        if host != first:
            shutil.copytree(FLEET / first, FLEET / host)
        for path in (each for each in (FLEET / host).iterdir() if each.is_file()):
            text = path.read_text("utf-8").replace(first, host)
            if ids and path.name == "key.json":
                text = json.dumps({**json.loads(text), "runner_id": ids[number]}, indent=1)
            path.write_text(text, "utf-8")


def again(hosts: t.Sequence[str], account: Account, variables: dict[str, t.Any]) -> Cost:
    """The role on hosts that are up to date. Raises if it changed or requested something."""
    before = len(account.operations())
    cost = play(environment(), hosts=hosts, variables=variables, roles=["community.soda.soda_runner"])
    if counts(cost).get("changed") or len(account.operations()) != before:
        raise Broken("The hosts were not up to date, or a request was sent.")
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


def measure_converged(options: Options) -> Row:
    """The role on hosts that are up to date, against empty tasks."""
    with fleet() as (account, variables):
        hosts = names(options.hosts)
        converge(hosts, account, variables)
        first = again(hosts[:1], account, variables)
        pairs = in_turn(options.long_pairs, lambda: again(hosts, account, variables), lambda: empty(hosts, first))
        seen = counts(first)
    return {**pairs.as_result(), "hosts": len(hosts), "ran": seen["ok"], "skipped": seen["skipped"]}


def measure_provisioning(options: Options, **settings: t.Any) -> Row:
    """The first run on a fleet at the limits of Soda Cloud, in shorter windows."""
    hosts = names(options.hosts)
    with fleet(options.window) as (account, variables):
        # The default is an hour for windows of a minute.
        variables["soda_runner_cloud_retry_budget"] = 3600 * options.window / 60
        variables.update(settings.get("variables", {}))
        cost = play(
            environment(**settings.get("environment", {})),
            hosts=hosts,
            variables=variables,
            roles=["community.soda.soda_runner"],
            **settings.get("play", {}),
        )
        issued = account.stats()["requests"]["createRunner"]
    configured = sum((FLEET / host / "values.yml").is_file() for host in hosts)
    if counts(cost).get("failed") or configured != len(hosts) or issued["200"] != len(hosts):
        raise Broken(f"{configured} of {len(hosts)} hosts are configured, and {issued['200']} keys were issued.")
    return _against_floor(cost, options)


def measure_tuned(options: Options) -> Row:
    """Ansible finishes some hosts while others wait."""
    return measure_provisioning(
        options,
        variables={"soda_runner_throttle": FORKS},
        environment={"ANSIBLE_FORKS": str(FORKS)},
        play={"strategy": "ansible.builtin.host_pinned"},
    )


def measure_decommission(options: Options) -> Row:
    """Decommission a fleet whose runners are few of a large account's."""
    hosts = names(options.hosts)
    with fleet(options.window) as (account, variables):
        ids = account.seed(*({"name": host, "isOnline": False} for host in hosts))
        account.seed(count=max(0, options.account - len(hosts)))
        variables["soda_runner_cloud_retry_budget"] = 3600 * options.window / 60
        converge(hosts, account, {**variables, "soda_runner_reissue": True}, ids)
        cost = play(
            environment(ANSIBLE_FORKS=str(FORKS)),
            hosts=hosts,
            variables={**variables, "soda_runner_state": "absent", "soda_runner_throttle": FORKS},
            roles=["community.soda.soda_runner"],
            strategy="ansible.builtin.host_pinned",
        )
        deleted = account.stats()["requests"]["deleteRunner"]["200"]
    if deleted != len(hosts):
        raise Broken(f"{deleted} of {len(hosts)} runners were deleted.")
    return {**_against_floor(cost, options), "account": options.account}


def measure_waiting(options: Options) -> Row:
    """Wait for the runners of a fleet, which register together after some listings."""
    hosts = names(options.hosts)
    with fleet() as (account, variables):
        converge(hosts, account, variables)
        account.clear_journal()
        registered = threading.Thread(target=_register_after, args=(account, hosts), daemon=True)
        registered.start()
        play(
            environment(),
            hosts=hosts,
            variables={**variables, "soda_runner_wait": True},
            roles=["community.soda.soda_runner"],
        )
        registered.join()
        sent = account.operations()
    if set(sent) != {"listRunners"}:
        raise Broken(f"The hosts had not converged: {', '.join(sorted(set(sent)))}.")
    return {
        "ours": len(sent),
        "rival": LISTINGS_BEFORE + 1,
        "ratio": len(sent) / (LISTINGS_BEFORE + 1),
        "hosts": len(hosts),
        "before": LISTINGS_BEFORE,
    }


def _register_after(account: Account, hosts: t.Sequence[str]) -> None:
    deadline = time.monotonic() + 3600
    while len(account.operations()) < LISTINGS_BEFORE and time.monotonic() < deadline:
        time.sleep(0.2)
    account.seed(*hosts)


def _against_floor(cost: Cost, options: Options) -> Row:
    windows = -(-options.hosts // A_WINDOW)
    floor = windows * options.window
    return {
        "ours": cost.seconds,
        "rival": floor,
        "ratio": cost.seconds / floor,
        "hosts": options.hosts,
        "window": options.window,
        "windows": windows,
    }


_FLOOR = "what the limit itself takes, {windows} windows of {window:.0f} s"

ROWS = (
    Measure(
        "converged",
        "a run of the role on {hosts} hosts that are up to date: {ran} tasks, {skipped} more skipped",
        "as many empty tasks of the same kinds, one of them on the host",
        1.2,
        measure_converged,
    ),
    Measure("provisioning", "the first run on {hosts} hosts, 40 forks, host_pinned", _FLOOR, 1.03, measure_tuned),
    Measure("defaults", "the first run on {hosts} hosts with Ansible's defaults", _FLOOR, 1.25, measure_provisioning),
    Measure(
        "decommission",
        "the decommissioning of {hosts} hosts in an account of {account:,} runners",
        _FLOOR,
        1.05,
        measure_decommission,
    ),
    Measure(
        "waiting",
        "listings while {hosts} hosts wait for their runners, with Ansible's defaults",
        "one an interval: {before} before the runners register, and one after",
        1.0,
        measure_waiting,
        unit="listings",
    ),
)
