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
from .._errors import KeyFileOfAnotherRunner, KeyPathBusy
from .._key.rescue import rescue_key
from .._key.stored_key import KeyChanged, StoredKey, new_stored_key
from .._signals import defer_termination
from . import plan as _plan
from .key_store import KeyStore
from .plan import Observed, Plan, Step, Wanted

ROUNDS = 5
"""How often observe and decide begin anew because another run changed the key meanwhile."""


@dataclasses.dataclass(frozen=True)
class Reconciler:
    """What is needed to bring one runner to what is declared."""

    runners: Runners
    wanted: Wanted
    store: KeyStore | None
    check_mode: bool

    def present(self) -> dict[str, t.Any]:
        """The result of C(state=present), without the attributes of the key file."""
        return self._rounds(_plan.present, self._act_present)

    def absent(self) -> dict[str, t.Any]:
        """The result of C(state=absent)."""
        return self._rounds(_plan.absent, self._act_absent)

    def _rounds(
        self,
        decide: t.Callable[[Wanted, Observed], Plan],
        act: t.Callable[[Plan, Observed], tuple[bool, dict[str, t.Any] | None]],
    ) -> dict[str, t.Any]:
        for _round in range(ROUNDS):
            observed, listing = self._observe()
            plan = decide(self.wanted, observed)
            if plan.costs_a_key and plan.runner is None and listing is not None and listing.pages > 1:
                # An absence that costs a key, new or held, counts only when a second listing agrees.
                observed = self._observed(self.runners.list_again(listing), observed.key)
                plan = decide(self.wanted, observed)
            if self.check_mode:
                return self._result(plan, observed, plan.changed, self._foreseen(plan, observed))
            try:
                changed, key = act(plan, observed)
            except KeyChanged:
                continue
            return self._result(plan, observed, changed, key)
        raise KeyPathBusy(
            f"Other runs kept changing {self.wanted.key_path}. Run the task again when they have ended.",
        )

    def _observe(self) -> tuple[Observed, Listing | None]:
        wanted = self.wanted
        key = None if self.store is None else self.store.read()
        if wanted.name is not None:
            listing = self.runners.list()
            return self._observed(listing, key), listing
        runner = self.runners.get(t.cast(str, wanted.id))
        if key is not None and (key.name != runner.name if runner else key.runner_id != wanted.id):
            raise KeyFileOfAnotherRunner(
                f"{wanted.key_path} holds the key of the runner {key.name!r}, which is not known to be the one with the"
                f" id {wanted.id!r}. It was left alone. Give the runner's name as well, or another key_path.",
            )
        return Observed(() if runner is None else (runner,), key), None

    def _observed(self, listing: Listing, key: StoredKey | None) -> Observed:
        named = tuple(listing.named((t.cast(str, self.wanted.name),)))
        name_of_id = None
        if self.wanted.id is not None and all(runner.id != self.wanted.id for runner in named):
            others = listing.matching(lambda runner: runner.id == self.wanted.id)
            name_of_id = (others[0].name or "") if others else None
        return Observed(named, key, name_of_id)

    def _foreseen(self, plan: Plan, observed: Observed) -> dict[str, t.Any] | None:
        """The key of a run that is only checked. Its place fails as it would in the run."""
        if Step.ISSUE not in plan.steps:
            return None if Step.REMOVE_KEY in plan.steps else self._key_result(observed.key)
        if self.store is not None:
            self.store.check_writable()
        path = None if self.store is None else self.store.location
        return {"api_key_id": None, "path": path, "key_version": self.wanted.key_version, "issued_at": None}

    def _act_present(self, plan: Plan, observed: Observed) -> tuple[bool, dict[str, t.Any] | None]:
        key = observed.key
        if Step.RECOVER in plan.steps:
            key = self._store.recover(t.cast(StoredKey, key))
        if Step.ISSUE not in plan.steps:
            if self.store is not None:
                self.store.clean_up()
            return plan.changed, self._key_result(key)
        if self.store is None:
            issued = self._issue(plan)
            # The one place where a result holds a secret: without key_path there is no other way to have it.
            return True, {**issued.as_result(None), "api_key_secret": issued.api_key_secret}
        with self.store.reserve(key) as reservation, defer_termination():
            issued = self._issue(plan)
            try:
                reservation.commit(issued)
            except Exception as exc:  # pylint: disable=broad-except
                # Whatever it was: nobody else has the key.
                raise rescue_key(self.store.location, issued, exc) from exc
        return True, self._key_result(issued)

    def _issue(self, plan: Plan) -> StoredKey:
        key = self.runners.issue_key()
        runner_id = None if plan.runner is None else plan.runner.id
        name = t.cast(str, self.wanted.name)
        return new_stored_key(key, self.runners.endpoint, name, self.wanted.key_version, runner_id)

    def _act_absent(self, plan: Plan, observed: Observed) -> tuple[bool, dict[str, t.Any] | None]:
        changed = False
        if Step.DELETE in plan.steps and plan.runner is not None:
            changed = self.runners.delete(t.cast(str, plan.runner.id))
        if Step.REMOVE_KEY in plan.steps:
            self._store.remove(t.cast(StoredKey, observed.key))
            changed = True
        elif self.store is not None:
            self.store.clean_up()
        return changed, None

    @property
    def _store(self) -> KeyStore:
        # A plan has steps about the key store only if there is one.
        return t.cast(KeyStore, self.store)

    def _key_result(self, key: StoredKey | None) -> dict[str, t.Any] | None:
        return None if key is None else key.as_result(self._store.location)

    def _result(self, plan: Plan, observed: Observed, changed: bool, key: dict[str, t.Any] | None) -> dict[str, t.Any]:
        listed = bool(observed.runners)
        before = {
            "registration": "registered" if listed else "pending" if observed.key else "absent",
            "key": self._key_result(observed.key),
        }
        after = {
            "registration": plan.registration,
            "key": key if key is None else {k: v for k, v in key.items() if k != "api_key_secret"},
        }
        runner = None if plan.runner is None or Step.DELETE in plan.steps else plan.runner.as_result()
        return {
            "changed": changed,
            "runner": runner,
            "registration": plan.registration,
            "key": key,
            "diff": {"before": before, "after": after if changed else dict(before)},
            "warnings": list(plan.warnings),
        }
