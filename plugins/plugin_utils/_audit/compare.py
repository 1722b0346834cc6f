# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The audit: from what hosts hold and what Soda Cloud lists to findings. No I/O and no Ansible.

The only join between the two is the name, within one account: what is listed in another account is another runner.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import re
import typing as t

from ...module_utils import _timestamps
from ...module_utils._account import Account
from ...module_utils._api.runners import SELF_HOSTED, Runner
from ...module_utils._filters import last_seen

FORMAT = "community.soda.audit"
FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a host declares for one runner, and what it holds."""

    host: str
    name: str
    account: Account
    wanted: bool = True
    """False where the host declares that it is to have no runner."""
    reached: bool = True
    failure: str | None = None
    """Why the role would fail on the host."""
    issued_at: str | None = None
    """When the key was issued that the host holds, or that waits for it; nothing where there is none."""
    differs: tuple[str, ...] = ()
    """What the role would change, each a few words."""


@dataclasses.dataclass(frozen=True)
class Listed:
    """The runners of an account."""

    account: Account
    asked_by: str
    """The host whose variables have the Soda Cloud API key of the account."""
    runners: tuple[Runner, ...]


@dataclasses.dataclass(frozen=True)
class Limits:
    """What is too long."""

    pending: datetime.timedelta
    offline: datetime.timedelta


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of finding."""

    code: str
    title: str
    meaning: str
    remedy: str
    urgent: bool
    """Whether the runner does not work, or would not after the next run of the role."""


KINDS: tuple[Kind, ...] = (
    Kind(
        "duplicate_name",
        "Several of one name",
        "Several runners of the account have this name, or several hosts declare it: which key is whose is in doubt.",
        "Delete what is too much, by name and id, or give each host a soda_runner_name of its own.",
        True,
    ),
    Kind(
        "name_taken",
        "Name taken",
        "The name that the host declares is that of a runner which is not self-hosted and takes no key.",
        "Give the host another soda_runner_name.",
        True,
    ),
    Kind(
        "no_key",
        "No key",
        "The host is in the inventory and holds no runner key, and none waits for it.",
        "Run community.soda.provision; with soda_runner_reissue where the runner is registered and its key is lost.",
        True,
    ),
    Kind(
        "not_registered",
        "Not registered",
        "A key was issued, and no runner of this name has registered for longer than is allowed.",
        "Look at the runner's own log on the host, and start it. No other key is needed.",
        True,
    ),
    Kind(
        "offline",
        "Offline",
        "The runner is registered, and was not connected for longer than is allowed.",
        "Start it again; if it is gone for good, decommission it.",
        True,
    ),
    Kind(
        "unreachable",
        "Host not reached",
        "Ansible could not reach the host, so what it holds is not known.",
        "Look at the run's output for the reason; take the host out of the inventory if it is gone.",
        True,
    ),
    Kind(
        "role_fails",
        "Role would fail",
        "The host could be reached, and the role would fail on it.",
        "Do what the message says, then run community.soda.provision.",
        True,
    ),
    Kind(
        "drift",
        "Drift",
        "The key file or the configuration on the host is not what the role would write.",
        "Look with community.soda.provision --check --diff, then run it without.",
        False,
    ),
    Kind(
        "not_in_inventory",
        "In no inventory",
        "The runner is registered, and no host of the inventory declares it.",
        "Add its host to the inventory, or decommission the runner.",
        False,
    ),
    Kind(
        "outdated",
        "Versions behind",
        "A part of the runner has a lower version than the newest release in the fleet.",
        "Upgrade the runner.",
        False,
    ),
)
"""The kinds of finding, the gravest first: the first that a runner has is its state."""

CODES = tuple(kind.code for kind in KINDS)

IN_ORDER, WAITING, HOSTED = "in_order", "waiting", "hosted"
STATES: dict[str, str] = {
    **{kind.code: kind.title for kind in KINDS},
    WAITING: "Waiting to register",
    HOSTED: "Hosted by Soda",
    IN_ORDER: "In order",
}
"""Every state that a row can have, and what it is called."""

CONTACTS: dict[str, str] = {
    "online": "Online now",
    "hour": "Within an hour",
    "day": "Within a day",
    "week": "Within a week",
    "month": "Within 30 days",
    "longer": "Longer ago",
    "unknown": "Not known",
    "none": "Not registered",
}
"""Classes of last contact, and what they are called."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something about a runner that is not in order."""

    code: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Row:
    """A runner, or a host that should have one."""

    name: str | None
    account: Account
    runner: Runner | None
    host: str | None
    """The host of the inventory that declares it."""
    issued_at: str | None
    findings: tuple[Finding, ...]
    """The gravest first."""
    state: str
    contact: str
    """One of C(CONTACTS)."""
    stale: bool
    """Whether it is to be cleaned up: it is not connected, and was not for long, or belongs to no host."""
    alone: bool
    """Whether no other runner and no other host of the account has the name."""


@dataclasses.dataclass(frozen=True)
class Report:
    """What came of an audit."""

    moment: datetime.datetime
    limits: Limits
    accounts: tuple[Listed, ...]
    rows: tuple[Row, ...]
    """The gravest first, then by name."""
    newest: dict[str, str]
    """The highest version of each part that a runner of the fleet has."""
    hosts: int
    elsewhere: int
    """How many runners were left out because they are declared by hosts that this audit did not look at."""

    def count(self, code: str) -> int:
        """How many rows have this finding."""
        return sum(any(finding.code == code for finding in row.findings) for row in self.rows)

    def found(self) -> dict[str, int]:
        """How many rows have each finding, the gravest first."""
        return {code: self.count(code) for code in CODES}

    def totals(self) -> dict[str, int]:
        return {
            "rows": len(self.rows),
            "runners": sum(row.runner is not None for row in self.rows),
            "hosts": self.hosts,
            "online": sum(row.contact == "online" for row in self.rows),
            "in_order": sum(not row.findings for row in self.rows),
            "attention": sum(bool(row.findings) for row in self.rows),
            "stale": sum(row.stale for row in self.rows),
            "elsewhere": self.elsewhere,
        }


def audit(
    seen: t.Sequence[Seen],
    listings: t.Sequence[Listed],
    names_elsewhere: t.Collection[str],
    limits: Limits,
    moment: datetime.datetime,
) -> Report:
    """
    Compare what hosts hold with what Soda Cloud lists at this moment.

    C(names_elsewhere) are the names that further hosts of the inventory declare, which were not looked at.
    """
    runners = [runner for listing in listings for runner in listing.runners]
    newest = _newest(runners)
    comparison = _Comparison(limits, moment, newest)
    rows: list[Row] = []
    elsewhere = 0
    for listing in listings:
        of_account = [one for one in seen if one.account == listing.account]
        names = {one.name for one in of_account}
        others = [runner for runner in listing.runners if runner.name not in names and runner.name in names_elsewhere]
        elsewhere += len(others)
        skipped = {id(runner) for runner in others}
        rows += comparison.rows(
            listing.account, of_account, [runner for runner in listing.runners if id(runner) not in skipped]
        )
    order = {state: number for number, state in enumerate(STATES)}
    rows.sort(key=lambda row: (order[row.state], row.name or "", row.host or "", (row.runner and row.runner.id) or ""))
    hosts = len({one.host for one in seen})
    return Report(moment, limits, tuple(listings), tuple(rows), newest, hosts, elsewhere)


class _Comparison:
    """One account after the other."""

    def __init__(self, limits: Limits, moment: datetime.datetime, newest: dict[str, str]) -> None:
        self._limits = limits
        self._moment = moment
        self._newest = newest

    def rows(self, account: Account, seen: list[Seen], runners: list[Runner]) -> t.Iterator[Row]:
        listed: dict[str | None, list[Runner]] = collections.defaultdict(list)
        for runner in runners:
            listed[runner.name].append(runner)
        declared: dict[str, list[Seen]] = collections.defaultdict(list)
        for one in seen:
            declared[one.name].append(one)
        for name, named in listed.items():
            if name not in declared:
                for runner in named:
                    yield self._row(account, None, runner, named, [])
        for name, hosts in declared.items():
            yield from self._declared(account, hosts, listed.get(name, []))

    def _declared(self, account: Account, hosts: list[Seen], named: list[Runner]) -> t.Iterator[Row]:
        """The rows of one name that hosts declare: each runner of the name, and each host, once at least."""
        ours = [runner for runner in named if _is_self_hosted(runner)]
        for number in range(max(len(hosts), len(ours))):
            one = hosts[min(number, len(hosts) - 1)]
            runner = ours[number] if number < len(ours) else None
            if runner is not None or one.wanted:
                # What is to be said of a host is said once.
                of_host = self._of_host(one, runner, named) if one.wanted and number < len(hosts) else ()
                yield self._row(account, one, runner, named, hosts, of_host)
        for runner in named:
            if not _is_self_hosted(runner):
                yield self._row(account, None, runner, [runner], [])

    def _row(
        self,
        account: Account,
        one: Seen | None,
        runner: Runner | None,
        named: list[Runner],
        hosts: list[Seen],
        of_host: t.Iterable[Finding] = (),
    ) -> Row:
        alone = len(named) <= 1 and len(hosts) <= 1
        findings: list[Finding] = []
        if not alone and (runner is None or (runner.name is not None and _is_self_hosted(runner))):
            findings += _duplicate(named, hosts)
        findings += of_host
        if runner is not None and _is_self_hosted(runner):
            findings += self._of_runner(runner)
            if one is None or not one.wanted:
                why = "" if one is None else f"the host {one.host} declares that it is to have none"
                findings.append(Finding("not_in_inventory", why))
        findings.sort(key=lambda finding: CODES.index(finding.code))
        codes = {finding.code for finding in findings}
        return Row(
            # Whichever it is of: they are together because they have one name.
            name=(hosts or named)[0].name,
            account=account,
            runner=runner,
            host=None if one is None else one.host,
            issued_at=None if one is None else one.issued_at,
            findings=tuple(findings),
            state=_state(findings, runner),
            contact=self._contact(runner),
            stale=(
                runner is not None
                and runner.type == SELF_HOSTED
                and bool(runner.id and runner.name)
                and runner.is_online is not True
                and bool(codes & {"offline", "not_in_inventory"})
            ),
            alone=alone,
        )

    def _of_host(self, one: Seen, runner: Runner | None, named: list[Runner]) -> t.Iterator[Finding]:
        if runner is None and any(not _is_self_hosted(other) for other in named):
            types = ", ".join(sorted({other.type or "?" for other in named}))
            yield Finding("name_taken", f"by a runner of the type {types}")
        if not one.reached:
            yield Finding("unreachable", f"{one.host} could not be reached")
            return
        if one.failure is not None:
            yield Finding("role_fails", one.failure)
            return
        if one.issued_at is None:
            lost = "the runner is registered, so its key was lost"
            yield Finding("no_key", "none was issued yet" if runner is None else lost)
        elif runner is None:
            issued = _timestamps.parse(one.issued_at)
            if issued is None or self._moment - issued > self._limits.pending:
                age = "" if issued is None else f" {_age(self._moment - issued)} ago"
                yield Finding("not_registered", f"its key was issued{age or ', it is not known when'}")
        if one.differs:
            yield Finding("drift", ", ".join(one.differs))

    def _of_runner(self, runner: Runner) -> t.Iterator[Finding]:
        if runner.is_online is not True:
            silent = self._silent_for(runner)
            if silent is not None and silent > self._limits.offline:
                yield Finding("offline", f"last seen {_age(silent)} ago")
            elif silent is None and runner.is_online is False:
                yield Finding("offline", "it is not known since when")
        behind = [
            f"{part} {version}, the newest is {self._newest[part]}"
            for part, version in sorted(runner.versions.items())
            if part in self._newest and _order(version) is not None and _is_behind(version, self._newest[part])
        ]
        if behind:
            yield Finding("outdated", "; ".join(behind))

    def _silent_for(self, runner: Runner) -> datetime.timedelta | None:
        moment = last_seen(runner)
        return None if moment is None else max(self._moment - moment, datetime.timedelta())

    def _contact(self, runner: Runner | None) -> str:
        if runner is None:
            return "none"
        if runner.is_online is True:
            return "online"
        silent = self._silent_for(runner)
        if silent is None:
            return "unknown"
        hours = silent.total_seconds() / 3600
        for contact, longest in (("hour", 1), ("day", 24), ("week", 24 * 7), ("month", 24 * 30)):
            if hours <= longest:
                return contact
        return "longer"


def _is_self_hosted(runner: Runner) -> bool:
    # The vendor promises no field. One of no type is looked at like one of ours, but never deleted.
    return runner.type in (SELF_HOSTED, None)


def _state(findings: list[Finding], runner: Runner | None) -> str:
    if findings:
        return findings[0].code
    if runner is None:
        return WAITING
    return IN_ORDER if _is_self_hosted(runner) else HOSTED


def _duplicate(named: list[Runner], hosts: list[Seen]) -> t.Iterator[Finding]:
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
    """How long, in the largest unit that says something."""
    minutes = age // datetime.timedelta(minutes=1)
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} d"


# Versions. What is compared are releases: a single runner that tries a pre-release makes no other outdated.

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)(.*)", re.DOTALL)
_FINAL = re.compile(r"(?:\+.*|[.-]?(?:post|final|release)[.-]?\d*)?", re.IGNORECASE | re.DOTALL)


def _order(version: str) -> tuple[tuple[int, ...], bool] | None:
    """What versions are ordered by: their numbers, then whether they are a release. Nothing where it is no version."""
    match = _RELEASE.fullmatch(version.strip())
    if match is None or len(match[1]) > 100:
        return None
    numbers = [int(number) for number in match[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), _FINAL.fullmatch(match[2]) is not None


def _is_behind(version: str, newest: str) -> bool:
    one, other = _order(version), _order(newest)
    return one is not None and other is not None and one < other


def _newest(runners: t.Iterable[Runner]) -> dict[str, str]:
    newest: dict[str, str] = {}
    orders: dict[str, tuple[tuple[int, ...], bool]] = {}
    for runner in runners:
        if not _is_self_hosted(runner):
            continue
        for part, version in runner.versions.items():
            order = _order(version)
            if order is not None and order[1] and order > orders.get(part, ((), False)):
                newest[part], orders[part] = version, order
    return newest


# The report as data


def as_json(report: Report) -> dict[str, t.Any]:
    """The report as the JSON file has it."""
    askers = {listing.account: listing.asked_by for listing in report.accounts}
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "generated_at": _written(report.moment),
        "limits": {
            "pending_minutes": report.limits.pending.total_seconds() / 60,
            "offline_hours": report.limits.offline.total_seconds() / 3600,
        },
        "accounts": [
            {**dataclasses.asdict(listing.account), "asked_by": listing.asked_by, "runners": len(listing.runners)}
            for listing in report.accounts
        ],
        "totals": report.totals(),
        "findings": report.found(),
        "newest_versions": report.newest,
        "rows": [_row_as_json(row) for row in report.rows],
        "stale": [
            _stale_as_json(row, row.runner, askers[row.account]) for row in report.rows if row.stale and row.runner
        ],
    }


def _row_as_json(row: Row) -> dict[str, t.Any]:
    return {
        "name": row.name,
        "host": row.host,
        **dataclasses.asdict(row.account),
        "state": row.state,
        "findings": [dataclasses.asdict(finding) for finding in row.findings],
        "key_issued_at": row.issued_at,
        "runner": None if row.runner is None else row.runner.to_dict(),
        "stale": row.stale,
    }


def _stale_as_json(row: Row, runner: Runner, asked_by: str) -> dict[str, t.Any]:
    return {
        "name": runner.name,
        "id": runner.id,
        # Of several of one name, which one the files on the host belong to cannot be told.
        "host": row.host if row.alone else None,
        "asked_by": asked_by,
        **dataclasses.asdict(row.account),
        "findings": [finding.code for finding in row.findings],
        "last_seen_timestamp": runner.last_seen_timestamp,
    }


def _written(moment: datetime.datetime) -> str:
    return _timestamps.to_text(moment)
