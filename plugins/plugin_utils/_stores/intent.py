# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The intent of a run to issue a key, and who may issue next. No I/O and no Ansible.

A run writes its intent to the store before it requests a key. So of two controllers only one issues a key, and after a
kill the next run knows that a key may be lost.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import typing as t

LOST_KEY = (
    "A run that started at {started} on {where} requested a key for the runner {name!r} and did not store it in"
    " {location}. If Soda Cloud issued that key, it is lost: it stays valid and cannot be retrieved again."
)


@dataclasses.dataclass(frozen=True)
class Intent:
    """What a run writes to the store before it requests a key."""

    run_id: str
    escrow_id: str
    """The id of the escrow folder of the controller. Two controllers that share the folder share the local lock too."""
    started_at: datetime.datetime
    renewed_at: datetime.datetime
    lease_seconds: int

    def renewed(self, now: datetime.datetime) -> Intent:
        return dataclasses.replace(self, renewed_at=now)

    def to_json(self) -> str:
        times = {"started_at": self.started_at.isoformat(), "renewed_at": self.renewed_at.isoformat()}
        return json.dumps({**dataclasses.asdict(self), **times}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> Intent | None:
        """The intent, or None if the text is not one: it can then block nobody."""
        try:
            data = json.loads(t.cast(str, text))
            return cls(
                run_id=str(data["run_id"]),
                escrow_id=str(data["escrow_id"]),
                started_at=_time(data["started_at"]),
                renewed_at=_time(data["renewed_at"]),
                lease_seconds=max(0, min(int(data["lease_seconds"]), LONGEST_LEASE)),
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None


LONGEST_LEASE = 3600
"""Seconds. A stored intent cannot block other runs for longer."""


class Turn(enum.Enum):
    """What a run does that wants to issue a key and finds this intent in the store."""

    ISSUE = "no other run is in progress"
    TAKE_OVER = "the other run has ended without storing a key"
    WAIT = "the other run may still be in progress"


def whose_turn(intent: Intent | None, escrow_id: str, now: datetime.datetime, unchanged_for: float) -> Turn:
    """
    Decide for a run that has the local lock of the runner in the escrow folder C(escrow_id).

    The local lock proves that no run with the same escrow folder is in progress. A run with another escrow folder has
    ended if it did not renew its intent within the lease. C(unchanged_for) is for how many seconds this run has seen
    the same intent: it limits the wait for a controller whose clock is ahead.
    """
    if intent is None:
        return Turn.ISSUE
    if intent.escrow_id == escrow_id:
        return Turn.TAKE_OVER
    age = (now - intent.renewed_at).total_seconds()
    if age >= intent.lease_seconds or unchanged_for >= intent.lease_seconds:
        return Turn.TAKE_OVER
    return Turn.WAIT


def _time(text: str) -> datetime.datetime:
    time = datetime.datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("without a time zone")
    return time
