# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any interleaving of what a play, a runner, other people, a bad network and a sudden death may do to a few names.

What must hold after each step is the collection's promise: no key is issued that is not held, replaced, removed or
reported; nothing is said to have changed that did not; a check foretells the run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ansible_collections.community.soda.plugins.module_utils._client import Client, connection
from ansible_collections.community.soda.plugins.module_utils._failure import SodaError
from ansible_collections.community.soda.plugins.module_utils._key_file import HeldKey, KeyFile
from ansible_collections.community.soda.plugins.module_utils._plan import Wanted
from ansible_collections.community.soda.plugins.module_utils._reconcile import Reconciler
from ansible_collections.community.soda.plugins.module_utils._runners import Runners
from emulator.client import Account, Emulator, EmulatorFailed

Json = dict[str, Any]

NAMES = ("warehouse", "Straße/β 2", "-dash")

# As the emulator describes them. What Soda Cloud, or something before it, may do to one request.
FAULTS: tuple[Json, ...] = (
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "soon"}},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "body": "<html>", "content_type": "text/html"},
    {"kind": "status_after", "status": 500},
    {"kind": "status_after", "status": 504, "body": "<html>", "content_type": "text/html"},
    {"kind": "status", "status": 403},
    {"kind": "html"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "truncated"},
    {"kind": "truncated", "declare": "short"},
    {"kind": "drop_runner"},
    {"kind": "repeat_runner"},
)
OPERATIONS = ("listRunners", "createRunner", "getRunner", "deleteRunner")

names = st.sampled_from(NAMES)
faults = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(FAULTS), st.integers(min_value=1, max_value=6)), max_size=2
)


@dataclass(frozen=True)
class Facts:
    """What can be seen from outside of one name, and of the account."""

    held: HeldKey | None
    runners: tuple[tuple[str, str], ...]
    """The ids and names of all runners."""
    issued: frozenset[str]
    """The ids of all runner keys."""

    def listed(self, name: str) -> list[str]:
        return [runner_id for runner_id, runner_name in self.runners if runner_name == name]


@dataclass(frozen=True)
class Outcome:
    """What a run gave: a result, or a failure."""

    result: Json | None
    failure: Json | None

    @property
    def lost_a_key(self) -> bool:
        """Whether the failure says that a key may have been issued which nobody holds."""
        return self.failure is not None and "may have issued a runner key" in self.failure["message"]


class Fleet(RuleBasedStateMachine):
    """Some runners of one account, and one key file for each."""

    emulator: Emulator
    steps = 0
    """How many steps all machines of the class have made."""

    def __init__(self) -> None:
        super().__init__()
        self.account: Account = self.emulator.account(window_factor=0)
        self.folder = Path(tempfile.mkdtemp(prefix="fleet-"))
        self.version = dict.fromkeys(NAMES, 1)
        self.parted: set[str] = set()
        """Keys that were held and then replaced or removed."""
        self.others = 0
        self.unknown = 0
        """Keys that a failure reported as perhaps issued, or that died with their run."""

    def teardown(self) -> None:
        shutil.rmtree(self.folder)
        self.account.remove()

    # What a play does

    @rule(name=names, rotate=st.booleans(), reissue=st.booleans(), faults=faults)
    def present(self, name: str, rotate: bool, reissue: bool, faults: list[Any]) -> None:
        if rotate:
            self.version[name] += 1
        before = self._facts(name)
        may_issue = (
            before.held.key_version < self.version[name]
            if before.held is not None
            else reissue or not before.listed(name)
        )
        outcome, after = self._run(name, "present", reissue, faults)
        issued = after.issued - before.issued
        assert len(issued) <= 1
        assert may_issue or not issued, "a key was issued that nothing asked for"
        if outcome.failure is None:
            assert after.held is not None or (before.listed(name) and not reissue)

    @rule(name=names, faults=faults)
    def absent(self, name: str, faults: list[Any]) -> None:
        before = self._facts(name)
        outcome, after = self._run(name, "absent", False, faults)
        assert after.issued == before.issued
        if outcome.failure is None:
            assert (after.held, after.listed(name)) == (None, [])
        else:
            assert after.held == before.held or not after.listed(name), "the key went before the runner"

    @rule(name=names, point=st.integers(min_value=0, max_value=60), rotate=st.booleans(), state=st.booleans())
    def killed(self, name: str, point: int, rotate: bool, state: bool) -> None:
        """A run that dies at some point, without a chance to clean up."""
        if rotate:
            self.version[name] += 1
        before = self._facts(name)
        passed = self._killed_at(point, lambda: self._execute(name, "present" if state else "absent", False, False))
        after = self._facts(name)
        lost = after.issued - before.issued - ({after.held.api_key_id} if after.held else set())
        if lost:
            since_post = passed[passed.index("before POST") :]
            # From the moment that the key is on disk, it is found again.
            assert "after os.fsync" not in since_post, passed
        self._account_for(before, after, lost=len(lost))

    # What everybody else does

    @rule(name=names)
    def starts(self, name: str) -> None:
        """The runner registers with the key that it was given."""
        held = self._facts(name).held
        if held is not None and held.in_place:
            # The name may be another's, or the runner of that id gone.
            with contextlib.suppress(EmulatorFailed):
                self.account.register(name, held.api_key_id, held.runner_id)

    @rule(name=names)
    def deleted_by_others(self, name: str) -> None:
        for runner_id in self._facts(name).listed(name):
            self.account.remove_runner(runner_id)

    @rule(name=names)
    @precondition(lambda self: len(self.account.runners()) < 8)
    def registered_by_others(self, name: str) -> None:
        if not self._facts(name).listed(name):
            self.account.seed(name)

    @rule()
    @precondition(lambda self: len(self.account.runners()) < 8)
    def others_of_other_names(self) -> None:
        self.others += 1
        self.account.seed(f"other-{self.others}")

    # What always holds

    @invariant()
    def every_key_is_accounted_for(self) -> None:
        held = {facts.held.api_key_id for facts in map(self._facts, NAMES) if facts.held is not None}
        issued = self._facts(NAMES[0]).issued
        known = held | self.parted
        assert known <= issued
        assert len(issued) <= len(known) + self.unknown

    @invariant()
    def count_the_step(self) -> None:
        type(self).steps += 1

    @invariant()
    def requests_and_answers_are_true_to_the_contract(self) -> None:
        assert self.account.violations() == []
        self.account.clear_journal()

    # How it is done

    def _run(self, name: str, state: str, reissue: bool, faults: list[Any]) -> tuple[Outcome, Facts]:
        """One declaration: checked, run, and where nothing went wrong, run again."""
        before = self._facts(name)
        foretold = self._execute(name, state, reissue, check=True)
        assert self._facts(name) == before, "the check changed something"

        for operation, fault, times in faults:
            self.account.fault(operation=operation, times=times, **fault)
        outcome = self._execute(name, state, reissue, check=False)
        struck = sum(fault["struck"] for fault in self.account.faults())
        self.account.clear_faults()
        after = self._facts(name)

        self._account_for(before, after, lost=int(outcome.lost_a_key))
        if outcome.result is not None:
            assert outcome.result["changed"] is (after != before)
        if not struck:
            assert (foretold.failure or {}).get("code") == (outcome.failure or {}).get("code")
            if foretold.result is not None and outcome.result is not None:
                for said in ("changed", "registration", "runner"):
                    assert foretold.result[said] == outcome.result[said], f"the check foretold another {said}"
        if outcome.result is not None:
            again = self._execute(name, state, reissue, check=False)
            assert again.result is not None
            assert again.result["changed"] is False
            assert self._facts(name) == after
            assert not list(self.folder.glob(f".{self._path(name).name}*")), "something stayed beside the key file"
        return outcome, after

    def _account_for(self, before: Facts, after: Facts, lost: int) -> None:
        self.unknown += lost
        if (before.held is not None and before.held != after.held and after.held is None) or (
            before.held is not None and after.held is not None and before.held.api_key_id != after.held.api_key_id
        ):
            self.parted.add(before.held.api_key_id)

    def _execute(self, name: str, state: str, reissue: bool, check: bool) -> Outcome:
        """Reconcile, in this process and without the modules."""
        account = self.account
        to = connection(account.endpoint, account.api_key_id, account.api_key_secret, timeout=20, retry_budget=30)
        reconciler = Reconciler(
            runners=Runners(Client(to, sleep=lambda seconds: None)),
            wanted=Wanted(name=name, key_path=str(self._path(name)), key_version=self.version[name], reissue=reissue),
            key_file=KeyFile(str(self._path(name))),
            check_mode=check,
            prepare=lambda path: None,
            patience=0,
        )
        try:
            return Outcome(getattr(reconciler, state)(), None)
        except SodaError as exc:
            return Outcome(None, exc.failure.as_result())

    def _facts(self, name: str) -> Facts:
        held = KeyFile(str(self._path(name))).read(self.account.endpoint, name)
        return Facts(
            held=held,
            runners=tuple((runner["id"], runner["name"]) for runner in self.account.runners()),
            issued=frozenset(self.account.stats()["runner_key_ids"]),
        )

    def _path(self, name: str) -> Path:
        return self.folder / f"{NAMES.index(name)}.json"

    @staticmethod
    def _killed_at(point: int, run: Callable[[], object]) -> list[str]:
        """Run in a process of its own that dies at a point; the points that it passed."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            status = 1
            try:
                _die_at(point, writer)
                run()
                status = 0
            finally:
                os._exit(status)
        os.close(writer)
        with open(reader, encoding="ascii") as pipe:
            passed = pipe.read().splitlines()
        _unused, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) in (0, 9), passed
        return passed


def _die_at(point: int, report: int) -> None:
    """Have this process die before or after one of its dealings with the disk or with Soda Cloud."""
    left = point
    real_write, real_exit = os.write, os._exit

    def pass_by(what: str) -> None:
        nonlocal left
        real_write(report, f"{what}\n".encode("ascii"))
        left -= 1
        if left < 0:
            real_exit(9)

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            pass_by(f"before {name}")
            done = function(*arguments, **keywords)
            pass_by(f"after {name}")
            return done

        return call

    for function in ("open", "write", "fsync", "ftruncate", "replace", "unlink"):
        setattr(os, function, watched(f"os.{function}", getattr(os, function)))
    real_request = requests.Session.request

    def request(session: requests.Session, method: str, *arguments: Any, **keywords: Any) -> requests.Response:
        call: Callable[..., requests.Response] = watched(method, real_request)
        return call(session, method, *arguments, **keywords)

    requests.Session.request = request  # type: ignore[method-assign, assignment]
