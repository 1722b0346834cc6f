# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The changes of runners between two listings. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._api.runner import Runner

REGISTERED = "registered"
ONLINE = "online"
OFFLINE = "offline"
REMOVED = "removed"

Snapshot = dict[str, Runner]
"""Runners by id, each with the last known C(is_online)."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A change of one runner."""

    event: str
    runner: Runner
    """The runner in the current listing. A removed runner has the values of its last listing."""


def snapshot(runners: t.Iterable[Runner], before: t.Mapping[str, Runner]) -> Snapshot:
    """
    The runners of a listing. C(before) are those of the previous listing.

    A runner without an id cannot be followed, and is left out.
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
    The changes between two snapshots, removed runners first.

    A new runner is registered, and then it is online or offline. So a rule for either state misses no runner.
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
    """The same runners with an unknown C(is_online), so that each known state is a change from it."""
    return {runner_id: dataclasses.replace(runner, is_online=None) for runner_id, runner in snapshot.items()}


def record(reported: Snapshot, change: Change) -> None:
    """Apply a change that was reported to the snapshot, so that it is not reported again."""
    runner_id = t.cast(str, change.runner.id)
    if change.event == REMOVED:
        del reported[runner_id]
    elif change.event == REGISTERED:
        # Whether it is online is the next change.
        reported[runner_id] = dataclasses.replace(change.runner, is_online=None)
    else:
        reported[runner_id] = change.runner
