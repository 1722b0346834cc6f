# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What happened to the runners between two listings. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._api.runners import Runner

REGISTERED = "registered"
ONLINE = "online"
OFFLINE = "offline"
REMOVED = "removed"

Snapshot = dict[str, Runner]
"""Runners by their ids, each with the last that Soda Cloud said of whether it is online."""


@dataclasses.dataclass(frozen=True)
class Change:
    """Something that happened to a runner."""

    event: str
    runner: Runner
    """As it is listed now, or, where it was removed, as it was listed last."""


def snapshot(runners: t.Iterable[Runner], before: t.Mapping[str, Runner]) -> Snapshot:
    """
    The runners of a listing, where C(before) are those of the one before it.

    A runner that Soda Cloud gives no id cannot be followed, and is left out.
    """
    after: Snapshot = {}
    for runner in runners:
        if runner.id:
            known = before.get(runner.id)
            after[runner.id] = (
                dataclasses.replace(runner, is_online=known.is_online) if known and runner.is_online is None else runner
            )
    return after


def changes(before: t.Mapping[str, Runner], after: t.Mapping[str, Runner]) -> list[Change]:
    """
    What happened between two snapshots, those first that are gone.

    A runner that is new is registered, and then it is online or offline, so a rule for either state misses no runner.
    """
    found = [Change(REMOVED, runner) for runner_id, runner in before.items() if runner_id not in after]
    for runner_id, runner in after.items():
        known = before.get(runner_id)
        if known is None:
            found.append(Change(REGISTERED, runner))
        if runner.is_online is not None and (known is None or known.is_online is not runner.is_online):
            found.append(Change(ONLINE if runner.is_online else OFFLINE, runner))
    return found


def without_states(snapshot: t.Mapping[str, Runner]) -> Snapshot:
    """The same runners, of none of which it is known whether it is online: the changes from it are all states."""
    return {runner_id: dataclasses.replace(runner, is_online=None) for runner_id, runner in snapshot.items()}


def note(told: Snapshot, change: Change) -> None:
    """Write into a snapshot a change that was told, so that it is not told again."""
    runner_id = t.cast(str, change.runner.id)
    if change.event == REMOVED:
        del told[runner_id]
    elif change.event == REGISTERED:
        # Whether it is online is still to be told.
        told[runner_id] = dataclasses.replace(change.runner, is_online=None)
    else:
        told[runner_id] = change.runner
