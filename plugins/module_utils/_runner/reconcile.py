# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Observe, decide, act: one runner as it is declared. The three never mix, and check mode ends after the second."""

from __future__ import annotations

import dataclasses
import typing as t

from .._api.runners import Listing, Runners
from .._errors import KeyAtRisk, KeyFileOfAnotherRunner, KeyPathBusy, KeyPathUnusable
from .._key.rescue import rescue_key
from .._key.stored_key import ISSUED_AT_RUN_TIME, IssuedKey, KeyChanged, StoredKey, new_stored_key
from .._signals import defer_termination
from . import plan as _plan
from .key_store import KeyStore
from .plan import Observed, Plan, Step, Wanted

ROUNDS = 5
"""How often to observe and decide again because another run changed the key meanwhile."""


@dataclasses.dataclass(frozen=True)
class Reconciler:
    """Brings one runner to the declared state."""

    runners: Runners
    wanted: Wanted
    store: KeyStore | None
    check_mode: bool

    def present(self) -> dict[str, t.Any]:
        """The result of C(state=present), without the attributes of the key file."""
        return self._rounds(self._observe, _plan.present, self._act_present)

    def absent(self) -> dict[str, t.Any]:
        """The result of C(state=absent)."""
        observe = self._observe if self.wanted.id is None else self._observe_by_id
        return self._rounds(observe, _plan.absent, self._act_absent)

    def _rounds(
        self,
        observe: t.Callable[[], tuple[Observed, Listing | None]],
        decide: t.Callable[[Wanted, Observed], Plan],
        act: t.Callable[[Plan, Observed], tuple[bool, StoredKey | None]],
    ) -> dict[str, t.Any]:
        for _round in range(ROUNDS):
            observed, listing = observe()
            plan = decide(self.wanted, observed)
            if plan.costs_a_key and plan.runner is None and listing is not None and listing.pages > 1:
                # Confirm an absence with a second listing before issuing or removing a key.
                observed = self._observed(self.runners.list_again(listing), observed.key)
                plan = decide(self.wanted, observed)
            if self.check_mode:
                return self._result(plan, observed, plan.changed, self._predict_key(plan, observed))
            try:
                changed, key = act(plan, observed)
            except KeyChanged:
                continue
            return self._result(plan, observed, changed, key)
        raise KeyPathBusy(
            f"Other runs kept changing {self.wanted.location}. Run the task again when they have ended.",
        )

    def _observe(self) -> tuple[Observed, Listing | None]:
        if self.wanted.name is None:
            return self._observe_by_id()
        return self._observe_by_name(self._read())

    def _observe_by_name(self, key: StoredKey | None) -> tuple[Observed, Listing | None]:
        listing = self.runners.list()
        return self._observed(listing, key), listing

    def _observe_by_id(self) -> tuple[Observed, Listing | None]:
        """One request for one runner, however many there are."""
        wanted, key = self.wanted, self._read()
        runner = self.runners.get(t.cast(str, wanted.id))
        if wanted.name is not None:
            if runner is None and key is not None:
                # Whether the stored key is still needed depends on the name, which another runner may have by now.
                return self._observe_by_name(key)
            if runner is not None and runner.name != wanted.name:
                return Observed((), key, runner.name or ""), None
        elif key is not None and (key.name != runner.name if runner else key.runner_id != wanted.id):
            raise KeyFileOfAnotherRunner(
                f"{wanted.location} stores the key of the runner {key.name!r}, and it is not known whether the id"
                f" {wanted.id!r} is of that runner. Nothing was changed. Set name as well, or another key_path.",
            )
        return Observed(() if runner is None else (runner,), key), None

    def _observed(self, listing: Listing, key: StoredKey | None) -> Observed:
        named = tuple(listing.named((t.cast(str, self.wanted.name),)))
        name_of_id = None
        if self.wanted.id is not None and all(runner.id != self.wanted.id for runner in named):
            others = listing.matching(lambda runner: runner.id == self.wanted.id)
            name_of_id = (others[0].name or "") if others else None
        return Observed(named, key, name_of_id)

    def _read(self) -> StoredKey | None:
        return None if self.store is None else self.store.read()

    def _predict_key(self, plan: Plan, observed: Observed) -> StoredKey | None:
        """The key that a run without check mode would store. Fails if that run could not write it."""
        if Step.REMOVE_KEY in plan.steps:
            return None
        if Step.ISSUE in plan.steps:
            key = self._new_key(plan, IssuedKey(ISSUED_AT_RUN_TIME, ""))
        elif Step.ADOPT in plan.steps:
            key = self._new_key(plan, t.cast(IssuedKey, self.wanted.existing_key))
        else:
            return observed.key
        if self.store is not None:
            self.store.check_writable()
        return dataclasses.replace(key, issued_at=ISSUED_AT_RUN_TIME)

    def _act_present(self, plan: Plan, observed: Observed) -> tuple[bool, StoredKey | None]:
        key = observed.key
        if Step.RECOVER in plan.steps:
            key = self._store.recover(t.cast(StoredKey, key))
        if Step.ISSUE in plan.steps:
            key = self._issue(plan, key)
        elif Step.ADOPT in plan.steps:
            key = self._adopt(plan)
        elif self.store is not None:
            self.store.clean_up()
        return plan.changed, key

    def _issue(self, plan: Plan, observed: StoredKey | None) -> StoredKey:
        if self.store is None:
            return self._new_key(plan, self.runners.issue_key())
        with self.store.reserve(observed) as reservation, defer_termination():
            key = self._new_key(plan, self.runners.issue_key())
            try:
                reservation.commit(key)
            except KeyAtRisk:
                # The store has written the key elsewhere, and the failure names the place.
                raise
            except Exception as exc:  # pylint: disable=broad-except
                # For any error, because nobody else has the key.
                raise rescue_key(self.store.location, key, exc) from exc
        return key

    def _adopt(self, plan: Plan) -> StoredKey:
        key = self._new_key(plan, t.cast(IssuedKey, self.wanted.existing_key))
        with self._store.reserve(None) as reservation:
            try:
                reservation.commit(key)
            except OSError as exc:
                raise KeyPathUnusable(
                    f"The existing key {key.api_key_id} could not be written to {self._store.location}:"
                    f" {exc.strerror}. Fix this and run the task again."
                ) from exc
        return key

    def _new_key(self, plan: Plan, key: IssuedKey) -> StoredKey:
        runner_id = None if plan.runner is None else plan.runner.id
        name = t.cast(str, self.wanted.name)
        return new_stored_key(key, self.runners.endpoint, name, self.wanted.key_version, runner_id)

    def _act_absent(self, plan: Plan, observed: Observed) -> tuple[bool, StoredKey | None]:
        changed = False
        if Step.DELETE in plan.steps and plan.runner is not None:
            changed = self.runners.delete(t.cast(str, plan.runner.id))
        if Step.REMOVE_KEY in plan.steps:
            self._store.remove(t.cast(StoredKey, observed.key))
            return True, None
        if self.store is not None:
            self.store.clean_up()
        return changed, observed.key

    @property
    def _store(self) -> KeyStore:
        # A plan has steps about the key store only if there is one.
        return t.cast(KeyStore, self.store)

    def _result(self, plan: Plan, observed: Observed, changed: bool, key: StoredKey | None) -> dict[str, t.Any]:
        listed = bool(observed.runners)
        before = {
            "registration": "registered" if listed else "pending" if observed.key else "absent",
            "key": self._in_diff(observed.key),
        }
        after = {"registration": plan.registration, "key": self._in_diff(key)}
        runner = None if plan.runner is None or Step.DELETE in plan.steps else plan.runner.to_dict()
        return {
            "changed": changed,
            "runner": runner,
            "registration": plan.registration,
            "key": self._in_result(key),
            "diff": {"before": before, "after": after if changed else dict(before)},
            "warnings": list(plan.warnings),
        }

    def _in_diff(self, key: StoredKey | None) -> dict[str, t.Any] | None:
        return None if key is None else {**key.as_result(self._location), "runner_id": key.runner_id}

    def _in_result(self, key: StoredKey | None) -> dict[str, t.Any] | None:
        if key is None:
            return None
        known = {
            field: None if value == ISSUED_AT_RUN_TIME else value
            for field, value in key.as_result(self._location).items()
        }
        if self.store is None and not self.check_mode:
            # The one place where a result has a secret: without key_path there is no other way to get it.
            known["api_key_secret"] = key.api_key_secret
        return known

    @property
    def _location(self) -> str | None:
        return None if self.store is None else self.store.location
