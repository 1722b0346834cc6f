# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The comparison: from what hosts declare and store, and what Soda Cloud lists, to findings. No I/O and no Ansible.

The only join between the two is the name, within one account. The same name in another account is another runner.
"""

from __future__ import annotations

import collections
import datetime
import functools
import typing as t

from ...module_utils import _timestamps
from ...module_utils._account import Account
from ...module_utils._api.runner import SELF_HOSTED, Runner
from .findings import CODES, HOSTED, IN_ORDER, STATES, WAITING
from .model import AccountListing, Finding, Limits, Observation, Report, Row
from .versions import is_behind, newest_releases


def audit(
    observations: t.Sequence[Observation],
    listings: t.Sequence[AccountListing],
    names_elsewhere: t.Collection[str],
    limits: Limits,
    moment: datetime.datetime,
) -> Report:
    """
    Compare what hosts declare and store with what Soda Cloud lists at this moment.

    C(names_elsewhere) are the names that further hosts of the inventory declare, which this audit did not observe.
    Runners of these names are counted and not judged, and so are those of hosts whose account is unknown.
    """
    undecided = {*names_elsewhere, *(one.name for one in observations if one.account is None)}
    listed = {one.account: one.runners for one in listings if one.runners is not None}
    every = (runner for runners in listed.values() for runner in runners if _is_self_hosted(runner))
    comparison = _Comparison(limits, moment, newest_releases(every))
    rows: list[Row] = []
    elsewhere = 0
    of_account: dict[Account | None, list[Observation]] = {account: [] for account in listed}
    for one in observations:
        of_account.setdefault(one.account, []).append(one)
    for account, observed in of_account.items():
        names = {one.name for one in observed}
        runners = None
        if account in listed:
            runners = [
                runner
                for runner in listed[account]
                if runner.exact_name is None or runner.exact_name in names or runner.exact_name not in undecided
            ]
            elsewhere += len(listed[account]) - len(runners)
        rows += comparison.rows(account, observed, runners)
    order = {state: number for number, state in enumerate(STATES)}
    rows.sort(key=lambda row: (order[row.state], row.name or "", row.host or "", (row.runner and row.runner.id) or ""))
    hosts = len({one.host for one in observations})
    return Report(moment, limits, tuple(listings), tuple(rows), comparison.newest, hosts, elsewhere)


class _Comparison:
    """Compares one account after the other."""

    def __init__(self, limits: Limits, moment: datetime.datetime, newest: dict[str, str]) -> None:
        self._limits = limits
        self._moment = moment
        self.newest = newest
        self._is_behind = functools.cache(is_behind)

    def rows(
        self, account: Account | None, observed: list[Observation], runners: list[Runner] | None
    ) -> t.Iterator[Row]:
        """The rows of an account. Without a listing, the stored keys and files of the hosts are still compared."""
        listed: dict[str | None, list[Runner]] = collections.defaultdict(list)
        for runner in runners or ():
            listed[runner.exact_name].append(runner)
        declared: dict[str, list[Observation]] = collections.defaultdict(list)
        for one in observed:
            declared[one.name].append(one)
        for name, named in listed.items():
            if name not in declared:
                for runner in named:
                    yield self._row(account, None, runner, named, [])
        for name, hosts in declared.items():
            yield from self._declared(account, hosts, listed.get(name, []), is_listed=runners is not None)

    def _declared(
        self, account: Account | None, hosts: list[Observation], named: list[Runner], is_listed: bool
    ) -> t.Iterator[Row]:
        """The rows of one name that hosts declare: each runner of the name, and each host, at least once."""
        ours = [runner for runner in named if _is_self_hosted(runner)]
        for number in range(max(len(hosts), len(ours))):
            one = hosts[min(number, len(hosts) - 1)]
            runner = ours[number] if number < len(ours) else None
            # The findings of a host are listed once, also if several runners have its name.
            of_host = list(self._of_host(one, runner, named, is_listed)) if number < len(hosts) else []
            if runner is not None or one.wanted or of_host:
                yield self._row(account, one, runner, named, hosts, of_host, is_listed)
        for runner in named:
            if not _is_self_hosted(runner):
                yield self._row(account, None, runner, [runner], [])

    def _row(
        self,
        account: Account | None,
        one: Observation | None,
        runner: Runner | None,
        named: list[Runner],
        hosts: list[Observation],
        of_host: t.Iterable[Finding] = (),
        is_listed: bool = True,
    ) -> Row:
        alone = len(named) <= 1 and len(hosts) <= 1
        findings: list[Finding] = []
        if not alone and (runner is None or (runner.exact_name is not None and _is_self_hosted(runner))):
            findings += _duplicate(named, hosts)
        findings += of_host
        if runner is not None and _is_self_hosted(runner):
            findings += self._of_runner(runner)
            if one is None or not one.wanted:
                why = "" if one is None else f"the host {one.host} declares soda_runner_state: absent"
                findings.append(Finding("not_in_inventory", why))
        findings.sort(key=lambda finding: CODES.index(finding.code))
        return Row(
            name=hosts[0].name if runner is None else runner.name,
            account=account,
            runner=runner,
            host=None if one is None else one.host,
            issued_at=None if one is None else one.issued_at,
            findings=tuple(findings),
            state=_state(findings, runner),
            contact=self._contact(runner, is_listed),
            stale=runner is not None and self._is_stale(runner, in_inventory=one is not None and one.wanted),
            alone=alone,
        )

    def _of_host(
        self, one: Observation, runner: Runner | None, named: list[Runner], is_listed: bool
    ) -> t.Iterator[Finding]:
        if one.listing_failure is not None:
            yield Finding("account_not_listed", one.listing_failure)
        if not one.wanted:
            # The host may be gone, so it need not be reachable.
            if one.reached and one.failure is not None:
                yield Finding("role_fails", one.failure)
            if one.remaining:
                yield Finding("key_not_removed", ", ".join(one.remaining))
            return
        if runner is None and any(not _is_self_hosted(other) for other in named):
            types = ", ".join(sorted({other.type or "?" for other in named}))
            yield Finding("name_taken", f"a runner of type {types} has the name")
        yield from one.problems
        if not one.reached:
            yield Finding("unreachable", one.failure or f"{one.host} could not be reached")
            return
        if one.failure is not None:
            yield Finding("role_fails", one.failure)
            return
        if one.issued_at is None:
            if runner is not None:
                yield Finding("no_key", "the runner is registered, but its key is not stored")
            elif is_listed:
                yield Finding("no_key", "no key was issued yet")
            else:
                yield Finding("no_key", "no key is stored")
        elif runner is None and is_listed:
            issued = _timestamps.parse(one.issued_at)
            if issued is None:
                # A problem of the key store is the reason that the time is unknown.
                if not one.problems:
                    yield Finding("not_registered", "the key was issued at an unknown time")
            elif self._moment - issued > self._limits.pending:
                yield Finding("not_registered", f"the key was issued {_age(self._moment - issued)} ago")
        if one.differences:
            yield Finding("drift", ", ".join(one.differences))

    def _of_runner(self, runner: Runner) -> t.Iterator[Finding]:
        if runner.is_online is not True:
            silence = self._silence(runner)
            if silence is not None and silence > self._limits.offline:
                yield Finding("offline", f"last contact {_age(silence)} ago")
            elif silence is None and runner.is_online is False:
                yield Finding("offline", "last contact unknown")
        behind = [
            f"{part} {version}, the newest is {self.newest[part]}"
            for part, version in sorted(runner.versions.items())
            if part in self.newest and self._is_behind(version, self.newest[part])
        ]
        if behind:
            yield Finding("outdated", "; ".join(behind))

    def _is_stale(self, runner: Runner, in_inventory: bool) -> bool:
        """Unknown is not stale: only a last contact that was read counts, and only a runner that can be identified."""
        if runner.type != SELF_HOSTED or not runner.id or not runner.name or runner.is_online is True:
            return False
        silence = self._silence(runner)
        return silence is not None and (not in_inventory or silence > self._limits.offline)

    def _silence(self, runner: Runner) -> datetime.timedelta | None:
        """How long ago the last contact was. None if it is unknown."""
        moment = runner.last_seen
        return None if moment is None else max(self._moment - moment, datetime.timedelta())

    def _contact(self, runner: Runner | None, is_listed: bool) -> str:
        if runner is None:
            return "none" if is_listed else "unknown"
        if runner.is_online is True:
            return "online"
        silence = self._silence(runner)
        if silence is None:
            return "unknown"
        hours = silence.total_seconds() / 3600
        for contact, longest in (("hour", 1), ("day", 24), ("week", 24 * 7), ("month", 24 * 30)):
            if hours <= longest:
                return contact
        return "longer"


def _is_self_hosted(runner: Runner) -> bool:
    # The vendor promises no field. A runner without a type is judged like a self-hosted one, but it is never stale.
    return runner.type in (SELF_HOSTED, None)


def _state(findings: list[Finding], runner: Runner | None) -> str:
    if findings:
        return findings[0].code
    if runner is None:
        return WAITING
    return IN_ORDER if _is_self_hosted(runner) else HOSTED


def _duplicate(named: list[Runner], hosts: list[Observation]) -> t.Iterator[Finding]:
    ours = [runner for runner in named if _is_self_hosted(runner)]
    parts = []
    if len(ours) > 1:
        parts.append(f"the runners {_list(runner.id or 'without an id' for runner in ours)}")
    if len(hosts) > 1:
        parts.append(f"declared by {_list(one.host for one in hosts)}")
    if parts:
        yield Finding("duplicate_name", "; ".join(parts))


def _list(words: t.Iterable[str], most: int = 5) -> str:
    every = list(words)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def _age(age: datetime.timedelta) -> str:
    """A duration in the largest unit that has at least two of it."""
    minutes = age // datetime.timedelta(minutes=1)
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} d"
