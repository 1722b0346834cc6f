# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The input and the result of an audit. No I/O."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ...module_utils._account import Account
from ...module_utils._api.runner import Runner
from .findings import CODES, HOSTED, WAITING


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something about a runner or a host that is not in order."""

    code: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Observation:
    """What a host declares for one runner, and what is stored for it."""

    host: str
    name: str
    account: Account | None
    """None if the declaration is too broken to name an account; then there is a failure."""
    wanted: bool = True
    """False if the host declares that it has no runner."""
    reached: bool = True
    failure: str | None = None
    """Why the role would fail on the host."""
    listing_failure: str | None = None
    """Why the account could not be listed with the API key of this host."""
    issued_at: str | None = None
    """When the key was issued that is stored, or that waits in escrow. None if there is no key."""
    differences: tuple[str, ...] = ()
    """What the role would change, each in a few words."""
    remaining: tuple[str, ...] = ()
    """If the host wants no runner: the files of a runner that are still there."""
    problems: tuple[Finding, ...] = ()
    """What the key store reports, with codes of C(FROM_STORES)."""

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Observation:
        account = data["account"]
        return cls(
            **{
                **data,
                "account": None if account is None else Account(**account),
                "differences": tuple(data["differences"]),
                "remaining": tuple(data["remaining"]),
                "problems": tuple(Finding(**problem) for problem in data["problems"]),
            }
        )


@dataclasses.dataclass(frozen=True)
class AccountListing:
    """The runners of an account."""

    account: Account
    listed_by: str
    """The host whose variables have the Soda Cloud API key of the account."""
    runners: tuple[Runner, ...] | None
    """None if the account could not be listed."""
    failure: str | None = None


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long a runner may take to register, and may be offline."""

    pending: datetime.timedelta
    offline: datetime.timedelta


@dataclasses.dataclass(frozen=True)
class Row:
    """A runner, or a host that should have one."""

    name: str | None
    account: Account | None
    runner: Runner | None
    host: str | None
    """The host of the inventory that declares it."""
    issued_at: str | None
    findings: tuple[Finding, ...]
    """Most severe first."""
    state: str
    contact: str
    """One of C(CONTACTS)."""
    stale: bool
    alone: bool
    """Whether no other runner and no other host of the account has the name."""


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of an audit."""

    moment: datetime.datetime
    limits: Limits
    accounts: tuple[AccountListing, ...]
    rows: tuple[Row, ...]
    """Most severe first, then by name."""
    newest: dict[str, str]
    """The highest release of each part that a runner of the fleet has."""
    hosts: int
    elsewhere: int
    """How many runners were left out because hosts outside of this audit declare them."""

    def found(self) -> dict[str, int]:
        """How many rows have each finding, most severe first."""
        found = dict.fromkeys(CODES, 0)
        for row in self.rows:
            for code in {finding.code for finding in row.findings}:
                found[code] += 1
        return found

    def totals(self) -> dict[str, int]:
        return {
            "rows": len(self.rows),
            "runners": sum(row.runner is not None for row in self.rows),
            "hosts": self.hosts,
            "online": sum(row.contact == "online" for row in self.rows),
            "in_order": sum(not row.findings for row in self.rows),
            "attention": sum(bool(row.findings) for row in self.rows),
            "waiting": sum(row.state == WAITING for row in self.rows),
            "hosted": sum(row.state == HOSTED for row in self.rows),
            "stale": sum(row.stale for row in self.rows),
            "elsewhere": self.elsewhere,
        }
