# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
Decide: from what was observed and what is wanted to a plan. No I/O and no Ansible.

These two functions are the two tables of the module's documentation. Check mode stops after them and diff mode prints
what they return, so neither can differ from a real run.
"""

from __future__ import annotations

import dataclasses
import enum
import typing as t

from .._api.runners import SELF_HOSTED, Runner
from .._errors import (
    DuplicateName,
    KeyVersionTooLow,
    NameAndIdDiffer,
    NameTaken,
    NotDeletable,
    RunnerNotFound,
    SodaError,
)
from .._key.stored_key import StoredKey

CANNOT_BE_HAD_AGAIN = (
    "The runner {name!r} is registered, but its key is not held at {path}. A key is shown once and cannot be had again."
    " With reissue=true a new one is issued."
)
STAYS_VALID = (
    "The runner {name!r} was not listed. Its key {api_key_id} was removed from {path}, but stays valid in Soda Cloud:"
    " the API cannot revoke it."
)
ISSUED_AGAIN = (
    "Without key_path nothing on disk tells that a key was issued: until the runner {name!r} has registered, every"
    " further run issues another."
)

ONLINE_AGAIN = "The runner {name!r} ({id}) is online, so it was left alone. Stop it first if it is to be deleted."


class Step(enum.Enum):
    """What a plan may consist of."""

    ISSUE = "issue a runner key"
    RECOVER = "store the key that a killed run left"
    DELETE = "delete the runner"
    REMOVE_KEY = "remove the key file"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the task declares."""

    name: str | None
    id: str | None = None
    key_path: str | None = None
    key_version: int = 1
    reissue: bool = False
    unless_online: bool = False


@dataclasses.dataclass(frozen=True)
class Observed:
    """What there is."""

    runners: tuple[Runner, ...]
    """The runners that have the wanted name; where only an id is wanted, the one of that id."""
    key: StoredKey | None = None
    """The key held at C(key_path)."""
    name_of_id: str | None = None
    """The name that the wanted id goes by, where it is not the wanted one."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be done, and what is true afterwards."""

    steps: tuple[Step, ...]
    registration: str
    """V(registered), V(pending) or V(absent), once the plan is carried out."""
    runner: Runner | None = None
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.steps)

    @property
    def costs_a_key(self) -> bool:
        """Whether a key is issued or removed."""
        return Step.ISSUE in self.steps or Step.REMOVE_KEY in self.steps


def present(wanted: Wanted, observed: Observed) -> Plan:
    """The first table: a runner that is wanted."""
    runner = _the_one(wanted, observed)
    if len(observed.runners) > 1:
        raise _several(wanted, observed)
    if wanted.id is not None and runner is None:
        raise RunnerNotFound(
            f"There is no runner with the id {wanted.id!r}{_called(wanted)}, or it is not visible to this Soda Cloud"
            " API key. Soda Cloud gives a runner its id when it registers, so it cannot be created with one.",
        )
    if wanted.name is None:
        return Plan((), "registered", runner)
    if runner is not None and runner.type not in (SELF_HOSTED, None):
        if wanted.key_path is not None:
            raise NameTaken(
                f"The name {wanted.name!r} is taken by a runner of the type {runner.type} ({runner.id}), which takes"
                " no key. Choose another name.",
            )
        return Plan((), "registered", runner)

    registration = "pending" if runner is None else "registered"
    key = observed.key
    if key is not None:
        if key.key_version > wanted.key_version:
            raise KeyVersionTooLow(
                f"The key held at {wanted.key_path} has the key_version {key.key_version}, and {wanted.key_version} is"
                f" declared: the declaration is older than the key. Declare {key.key_version} or higher.",
            )
        rotate = (Step.ISSUE,) if key.key_version < wanted.key_version else ()
        recover = () if key.in_place else (Step.RECOVER,)
        return Plan((*recover, *rotate), registration, runner)
    if runner is None:
        warning = () if wanted.key_path else (ISSUED_AGAIN.format(name=wanted.name),)
        return Plan((Step.ISSUE,), registration, runner, warning)
    if wanted.reissue:
        return Plan((Step.ISSUE,), registration, runner)
    lost = (CANNOT_BE_HAD_AGAIN.format(name=wanted.name, path=wanted.key_path),) if wanted.key_path else ()
    return Plan((), registration, runner, lost)


def absent(wanted: Wanted, observed: Observed) -> Plan:
    """The second table: a runner that is not wanted."""
    if (
        observed.runners
        and observed.name_of_id is None
        and all(wanted.id not in (None, r.id) for r in observed.runners)
    ):
        # The runner that is meant is gone, and the name, and so the key, is another's.
        return Plan((), "absent")
    runner = _the_one(wanted, observed)
    if runner is None and len(observed.runners) > 1:
        raise _several(wanted, observed)
    key_step = () if observed.key is None else (Step.REMOVE_KEY,)
    if runner is None:
        valid: tuple[str, ...] = ()
        if observed.key is not None:
            key = observed.key
            valid = (STAYS_VALID.format(name=key.name, api_key_id=key.api_key_id, path=wanted.key_path),)
        return Plan(key_step, "absent", warnings=valid)
    if runner.type != SELF_HOSTED or runner.id is None:
        raise NotDeletable(
            f"The runner {runner.name!r} ({runner.id}) is of the type {runner.type}, and only {SELF_HOSTED} runners"
            " that have an id can be deleted. Nothing was changed.",
        )
    if wanted.unless_online and runner.is_online:
        return Plan((), "registered", runner, (ONLINE_AGAIN.format(name=runner.name, id=runner.id),))
    return Plan((Step.DELETE, *key_step), "absent", runner)


def _the_one(wanted: Wanted, observed: Observed) -> Runner | None:
    """The runner that is meant, if it can be told: name and id must both match."""
    candidates = [r for r in observed.runners if wanted.id in (None, r.id)]
    if not candidates and (observed.runners or observed.name_of_id is not None):
        ids = ", ".join(str(r.id) for r in observed.runners) or "no id"
        other = "no runner" if observed.name_of_id is None else f"the runner {observed.name_of_id!r}"
        raise NameAndIdDiffer(
            f"name and id must be the same runner's: {wanted.name!r} has {ids}, and {wanted.id!r} belongs to {other}."
            " Give one of them only, or mend the other.",
        )
    return candidates[0] if len(candidates) == 1 else None


def _several(wanted: Wanted, observed: Observed) -> SodaError:
    ids: t.Iterable[str] = sorted(str(runner.id) for runner in observed.runners)
    return DuplicateName(
        f"{len(observed.runners)} runners have the name {wanted.name!r}: {', '.join(ids)}. Delete the superfluous ones"
        " with state=absent, name and id.",
    )


def _called(wanted: Wanted) -> str:
    return "" if wanted.name is None else f" and the name {wanted.name!r}"
