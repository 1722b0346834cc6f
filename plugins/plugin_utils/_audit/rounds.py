# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
One round of an audit: the observations and listings that the hosts of a play publish, and one audit that collects them.

After the audit has collected them, the next observation in the same play begins a new round, so each audit is fresh.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ...module_utils._account import Account
from ...module_utils._api.runner import Runner
from .._run_files import RunFiles
from .model import AccountListing, Observation

_EXACT_NAME = "exact_name"

OBSERVATIONS, LISTINGS, STATE = "audit_observations", "audit_listings", "audit"


class Round:
    """What the hosts of a play have published for its next audit."""

    def __init__(self, files: RunFiles) -> None:
        self._files = files

    def listing(self, account: Account, fingerprint: str, read: t.Callable[[], AccountListing]) -> AccountListing:
        """The listing of an account, read once for all hosts with the same connection options. Without its runners."""
        self._begin()
        key = f"{account} {fingerprint}"
        with self._files.once(LISTINGS, key) as entry:
            if not entry.is_published:
                entry.publish(_to_json(read()))
            return AccountListing(account, entry.data["listed_by"], None, entry.data["failure"])

    def publish(self, one: Observation) -> None:
        self._begin()
        self._files.publish(OBSERVATIONS, "\n".join((one.host, str(one.account), one.name)), one.to_dict())

    def collect(self) -> tuple[list[Observation], list[AccountListing]]:
        """All that was published in this round. Each account is there once, with its runners if any host listed it."""
        observations = [Observation.from_dict(one) for one in self._files.collect(OBSERVATIONS).values()]
        listings: dict[Account, AccountListing] = {}
        for data in self._files.collect(LISTINGS).values():
            account = Account(**data["account"])
            if account not in listings or listings[account].runners is None:
                listings[account] = _from_json(account, data)
        with self._files.once(STATE, STATE) as entry:
            entry.publish({"collected": True})
        return observations, list(listings.values())

    def _begin(self) -> None:
        with self._files.once(STATE, STATE) as entry:
            if entry.is_published and entry.data["collected"]:
                self._files.clear(OBSERVATIONS)
                self._files.clear(LISTINGS)
                entry.publish({"collected": False})


def _to_json(one: AccountListing) -> dict[str, t.Any]:
    return {
        "account": {"endpoint": one.account.endpoint, "api_key_id": one.account.api_key_id},
        "listed_by": one.listed_by,
        "runners": None if one.runners is None else [_runner_to_json(runner) for runner in one.runners],
        "failure": one.failure,
    }


def _from_json(account: Account, data: t.Mapping[str, t.Any]) -> AccountListing:
    runners = data["runners"]
    return AccountListing(
        account=account,
        listed_by=data["listed_by"],
        runners=None if runners is None else tuple(_runner_from_json(runner) for runner in runners),
        failure=data["failure"],
    )


def _runner_to_json(runner: Runner) -> dict[str, t.Any]:
    # Declared names are compared with the exact name, which C(to_dict()) does not have.
    data = runner.to_dict()
    return data if runner.exact_name == runner.name else {**data, _EXACT_NAME: runner.exact_name}


def _runner_from_json(data: t.Mapping[str, t.Any]) -> Runner:
    runner = Runner.from_dict(data)
    return dataclasses.replace(runner, raw_name=data[_EXACT_NAME]) if _EXACT_NAME in data else runner
