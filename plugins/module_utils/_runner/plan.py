# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
Decide: compares what was observed with what is wanted, and returns a plan. No I/O and no Ansible.

These two functions are the two tables of the module's documentation. Check mode stops after them and diff mode prints
what they return, so neither can differ from a real run.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import typing as t

from .. import _timestamps
from .._api.runners import SELF_HOSTED, Runner
from .._errors import (
    DuplicateName,
    NameAndIdDiffer,
    NameTaken,
    NotDeletable,
    RunnerNotFound,
    SodaError,
)
from .._key.stored_key import IssuedKey, StoredKey, check_version

KEY_NOT_STORED = (
    "The runner {name!r} is registered, but its key is not stored at {location}. Soda Cloud shows a key once, so it"
    " cannot be retrieved again. Set reissue to true to issue another key, or existing_key to store the key that the"
    " runner uses."
)
STAYS_VALID = (
    "The runner {name!r} was not listed. The removal of its {key} from {location} does not revoke it: the API cannot"
    " revoke a key, so it stays valid in Soda Cloud."
)
ISSUED_AGAIN = (
    "Without key_path nothing records that a key was issued: until the runner {name!r} has registered, every further"
    " run issues another."
)
ONLINE_AGAIN = "The runner {name!r} ({id}) is online, so it was not changed. Stop it first if you want to delete it."
SEEN_SINCE = (
    "The last contact of the runner {name!r} ({id}) is {last_seen}, and not {limit} or earlier, so it was not changed."
)
OTHER_KEY_STORED = (
    "{location} stores the key {stored} of the runner {name!r}, so existing_key ({given}) was not stored. Remove"
    " existing_key from the task, or remove the stored key first."
)
OTHER_SECRET_STORED = (
    "{location} stores the key {stored} of the runner {name!r} with another secret than existing_key, so existing_key"
    " was not stored. Correct existing_key, or remove it from the task."
)


class Step(enum.Enum):
    """The steps of a plan."""

    ISSUE = "issue a runner key"
    ADOPT = "store the existing key"
    RECOVER = "store the key that a killed run left"
    DELETE = "delete the runner"
    REMOVE_KEY = "remove the stored key"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the task declares."""

    name: str | None
    id: str | None = None
    location: str | None = None
    """Where the key is stored, for messages. None if no key is stored."""
    key_version: int = 1
    reissue: bool = False
    existing_key: IssuedKey | None = None
    """Stored instead of a new key, if no key is stored."""
    unless_online: bool = False
    unless_seen_since: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class Observed:
    """What Soda Cloud lists, and what is stored."""

    runners: tuple[Runner, ...]
    """The runners that have the wanted name. If only an id is wanted, the runner with that id."""
    key: StoredKey | None = None
    """The stored key."""
    name_of_id: str | None = None
    """The name of the runner with the wanted id, if it is not the wanted name."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The steps of a run, and the state after it."""

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
    """The first table: C(state=present)."""
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
        if wanted.location is not None:
            raise NameTaken(
                f"The name {wanted.name!r} is taken by a runner of the type {runner.type} ({runner.id}), which takes"
                " no key. Choose another name.",
            )
        return Plan((), "registered", runner)

    registration = "pending" if runner is None else "registered"
    key = observed.key
    if key is not None:
        check_version(key, wanted.key_version, str(wanted.location))
        rotate = (Step.ISSUE,) if key.key_version < wanted.key_version else ()
        recover = () if key.in_place else (Step.RECOVER,)
        return Plan((*recover, *rotate), registration, runner, _differs_from_existing(wanted, key))
    if wanted.existing_key is not None:
        return Plan((Step.ADOPT,), registration, runner)
    if runner is None:
        warning = () if wanted.location else (ISSUED_AGAIN.format(name=wanted.name),)
        return Plan((Step.ISSUE,), registration, runner, warning)
    if wanted.reissue:
        return Plan((Step.ISSUE,), registration, runner)
    lost = (KEY_NOT_STORED.format(name=wanted.name, location=wanted.location),) if wanted.location else ()
    return Plan((), registration, runner, lost)


def absent(wanted: Wanted, observed: Observed) -> Plan:
    """The second table: C(state=absent)."""
    if (
        observed.runners
        and observed.name_of_id is None
        and all(wanted.id not in (None, r.id) for r in observed.runners)
    ):
        # The runner is gone. Another runner has its name, and so its key.
        return Plan((), "absent")
    runner = _the_one(wanted, observed)
    if runner is None and len(observed.runners) > 1:
        raise _several(wanted, observed)
    key_step = () if observed.key is None else (Step.REMOVE_KEY,)
    if runner is None:
        valid: tuple[str, ...] = ()
        if observed.key is not None:
            key = observed.key
            valid = (STAYS_VALID.format(name=key.name, key=f"key {key.api_key_id}", location=wanted.location),)
        return Plan(key_step, "absent", warnings=valid)
    if runner.type != SELF_HOSTED or runner.id is None:
        raise NotDeletable(
            f"The runner {runner.name!r} ({runner.id}) is of the type {runner.type}, and only {SELF_HOSTED} runners"
            " that have an id can be deleted. Nothing was changed.",
        )
    if wanted.unless_online and runner.is_online:
        return Plan((), "registered", runner, (ONLINE_AGAIN.format(name=runner.name, id=runner.id),))
    if wanted.unless_seen_since is not None:
        last_seen = _timestamps.parse(runner.last_seen_timestamp)
        if last_seen is None or last_seen > wanted.unless_seen_since:
            limit = _timestamps.to_text(wanted.unless_seen_since)
            shown = runner.last_seen_timestamp or "unknown"
            seen = SEEN_SINCE.format(name=runner.name, id=runner.id, last_seen=shown, limit=limit)
            return Plan((), "registered", runner, (seen,))
    return Plan((Step.DELETE, *key_step), "absent", runner)


def _differs_from_existing(wanted: Wanted, key: StoredKey) -> tuple[str, ...]:
    given = wanted.existing_key
    if given is None or (given.api_key_id, given.api_key_secret) == (key.api_key_id, key.api_key_secret):
        return ()
    text = OTHER_SECRET_STORED if given.api_key_id == key.api_key_id else OTHER_KEY_STORED
    return (text.format(location=wanted.location, name=key.name, stored=key.api_key_id, given=given.api_key_id),)


def _the_one(wanted: Wanted, observed: Observed) -> Runner | None:
    """The runner that name and id identify. Both must match."""
    candidates = [r for r in observed.runners if wanted.id in (None, r.id)]
    if not candidates and (observed.runners or observed.name_of_id is not None):
        ids = ", ".join(str(r.id) for r in observed.runners)
        has = f" {wanted.name!r} has {ids}." if ids else ""
        other = "no runner" if observed.name_of_id is None else f"the runner {observed.name_of_id!r}"
        raise NameAndIdDiffer(
            f"name and id must be of the same runner, but {wanted.id!r} belongs to {other} and not to"
            f" {wanted.name!r}.{has} Correct one of them, or set only one."
        )
    return candidates[0] if len(candidates) == 1 else None


def _several(wanted: Wanted, observed: Observed) -> SodaError:
    ids: t.Iterable[str] = sorted(str(runner.id) for runner in observed.runners)
    return DuplicateName(
        f"{len(observed.runners)} runners have the name {wanted.name!r}: {', '.join(ids)}. Delete the duplicates"
        " with state=absent, name and id.",
    )


def _called(wanted: Wanted) -> str:
    return "" if wanted.name is None else f" and the name {wanted.name!r}"
