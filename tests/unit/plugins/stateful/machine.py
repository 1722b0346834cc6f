# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any interleaving of what a play, a runner, other people, a bad network and a sudden death may do to a few names.

What must hold after each step is the collection's promise: every issued key is stored, or was stored and then
replaced or removed, or is lost, and the run that lost it has reported this; nothing is reported as changed that did
not; a check foretells the run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ansible_collections.community.soda.plugins.module_utils._api.client import Client, connection
from ansible_collections.community.soda.plugins.module_utils._api.runners import Runners
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import StoredKey
from ansible_collections.community.soda.plugins.module_utils._runner.plan import Wanted
from ansible_collections.community.soda.plugins.module_utils._runner.reconcile import Reconciler
from emulator.client import Account, Emulator, EmulatorFailed

Json = dict[str, Any]

NAMES = ("warehouse", "Straße/β 2", "-dash")

# As the emulator describes them. What Soda Cloud, or something before it, may do to one request.
FAULTS: tuple[Json, ...] = (
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "soon"}},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "-1"}},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "body": "<html>", "content_type": "text/html"},
    {"kind": "status_after", "status": 500},
    {"kind": "status_after", "status": 504, "body": "<html>", "content_type": "text/html"},
    {"kind": "status", "status": 403},
    {"kind": "status_after", "status": 200, "body": {}},
    {"kind": "status_after", "status": 204, "body": ""},
    {"kind": "html"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "truncated"},
    {"kind": "truncated", "declare": "short"},
    {"kind": "drop_runner"},
    {"kind": "repeat_runner"},
    # On the page where the names stand.
    {"kind": "drop_runner", "page": 1},
    {"kind": "repeat_runner", "page": 1},
)
OPERATIONS = ("listRunners", "createRunner", "getRunner", "deleteRunner")

PAGE = 10
"""The smallest that Soda Cloud gives, so that a few runners make a listing of several pages."""

names = st.sampled_from(NAMES)
faults = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(FAULTS), st.integers(min_value=1, max_value=6)), max_size=2
)


@dataclass(frozen=True)
class Facts:
    """What can be seen from outside of one name, and of the account."""

    stored: StoredKey | None
    runners: frozenset[tuple[str, str]]
    """The ids and names of the runners that have one of the names."""
    issued: frozenset[str]
    """The ids of all runner keys."""
    others: frozenset[str] = field(compare=False)
    """The ids of all other runners, which come and go."""

    def listed(self, name: str) -> list[str]:
        return [runner_id for runner_id, runner_name in self.runners if runner_name == name]


@dataclass(frozen=True)
class Outcome:
    """What a run gave: a result, or a failure."""

    result: Json | None
    failure: Json | None

    @property
    def says_lost(self) -> bool:
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
        """Keys that were stored and then replaced or removed."""
        self.lost: set[str] = set()
        """Keys that no one ever stored: their run said so, or died."""
        self.others = 0
        # They fill the first page, so the names stand on the second, and move to the first when one of these goes.
        self._seed_others(PAGE)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)
        self.account.remove()

    # What a play does

    @rule(name=names, rotate=st.booleans(), reissue=st.booleans(), moving=st.booleans(), faults=faults)
    def present(self, name: str, rotate: bool, reissue: bool, moving: bool, faults: list[Any]) -> None:
        if rotate:
            self.version[name] += 1
        if moving:
            self._bring_to_an_edge(name)
        before = self._facts(name)
        may_issue = (
            before.stored.key_version < self.version[name]
            if before.stored is not None
            else reissue or not before.listed(name)
        )
        outcome, after = self._run(name, "present", reissue, moving, faults)
        issued = after.issued - before.issued
        assert len(issued) <= 1, "a name got two keys at once"
        assert may_issue or not issued, "a key was issued without need"
        if outcome.failure is None:
            assert after.stored is not None or (before.listed(name) and not reissue)

    @rule(name=names, moving=st.booleans(), faults=faults)
    def absent(self, name: str, moving: bool, faults: list[Any]) -> None:
        before = self._facts(name)
        outcome, after = self._run(name, "absent", False, moving, faults)
        assert after.issued == before.issued
        if outcome.failure is None:
            # One reading of several pages may miss a runner that moves: only an absence that leads to a key is
            # confirmed. The next run finds it.
            assert after.stored is None
            assert moving or not after.listed(name)
        else:
            assert after.stored == before.stored or not after.listed(name), "the key went before the runner"

    @rule(
        name=names,
        begin=st.sampled_from(("", "before POST")),
        point=st.integers(min_value=0, max_value=25),
        rotate=st.booleans(),
        state=st.sampled_from(("present", "present", "absent")),
    )
    def killed(self, name: str, begin: str, point: int, rotate: bool, state: str) -> None:
        """A run that dies at some point, of all or of those after it requested a key, with no chance to clean up."""
        if rotate:
            self.version[name] += 1
        before = self._facts(name)
        passed = self._killed_at(begin, point, lambda: self._execute(name, state, False, False))
        after = self._facts(name)
        lost = after.issued - before.issued - ({after.stored.api_key_id} if after.stored else set())
        if "before POST" in passed:
            check_the_order(passed)
        if lost:
            # From the moment that the key is on disk, it is found again.
            assert "after os.fsync" not in passed[passed.index("before POST") :], passed
        self._account_for(before, after, lost)

    # What everybody else does

    @rule(name=names)
    def starts(self, name: str) -> None:
        """The runner registers with the key that it was given."""
        stored = self._facts(name).stored
        if stored is not None and stored.in_place:
            # The name may be another's, or the runner of that id gone.
            with contextlib.suppress(EmulatorFailed):
                self.account.register(name, stored.api_key_id, stored.runner_id)

    @rule(name=names)
    def deleted_by_others(self, name: str) -> None:
        for runner_id in self._facts(name).listed(name):
            self.account.remove_runner(runner_id)

    @rule(name=names)
    def registered_by_others(self, name: str) -> None:
        if not self._facts(name).listed(name):
            self.account.seed(name)

    @rule()
    @precondition(lambda self: self.others < 3 * PAGE)
    def others_of_other_names(self) -> None:
        self._seed_others(1)

    # What always holds

    @invariant()
    def every_key_is_accounted_for(self) -> None:
        stored = {key.api_key_id for key in map(self._stored, NAMES) if key is not None}
        assert set(self.account.stats()["runner_key_ids"]) == stored | self.parted | self.lost

    @invariant()
    def count_the_step(self) -> None:
        type(self).steps += 1

    @invariant()
    def requests_and_answers_are_true_to_the_contract(self) -> None:
        assert self.account.violations() == []
        self.account.clear_journal()

    # How it is done

    def _run(self, name: str, state: str, reissue: bool, moving: bool, faults: list[Any]) -> tuple[Outcome, Facts]:
        """One declaration: checked, run, and where nothing went wrong, run again."""
        before = self._facts(name)
        foretold = self._execute(name, state, reissue, check=True)
        assert self._facts(name) == before, "the check changed something"
        assert "createRunner" not in self.account.operations(), "check mode requested a key"
        self.account.clear_journal()

        leaving = self._others_move() if moving else frozenset()
        for operation, fault, times in faults:
            self.account.fault(operation=operation, times=times, **fault)
        outcome = self._execute(name, state, reissue, check=False)
        struck = sum(fault["struck"] for fault in self.account.faults())
        self.account.clear_faults()
        after = self._facts(name)
        creates = [entry for entry in self.account.journal(operation="createRunner") if entry["status"] != 429]
        assert len(creates) <= 1, "a key was requested again that may have been issued"
        assert before.others - after.others <= leaving, "a runner of another name was deleted"

        lost = after.issued - before.issued - ({after.stored.api_key_id} if after.stored else set())
        assert outcome.says_lost or not lost, "a key was lost without a word"
        self._account_for(before, after, lost)
        if outcome.result is not None:
            assert outcome.result["changed"] is (after != before)
        if not struck:
            assert (foretold.failure or {}).get("code") == (outcome.failure or {}).get("code")
            if foretold.result is not None and outcome.result is not None:
                for said in ("changed", "registration", "runner"):
                    assert foretold.result[said] == outcome.result[said], f"the check foretold another {said}"
        if outcome.result is not None and not (moving and state == "absent"):
            again = self._execute(name, state, reissue, check=False)
            assert again.result is not None
            assert again.result["changed"] is False
            assert self._facts(name) == after
            assert not list(self.folder.glob(f".{self._path(name).name}*")), "something stayed beside the key file"
        return outcome, after

    def _bring_to_an_edge(self, name: str) -> None:
        """Have others go until the runner of this name stands first on its page, if it can."""
        runners = self.account.runners()
        position = next((i for i, runner in enumerate(runners) if runner["name"] == name), 0)
        superfluous = [runner["id"] for runner in runners[:position] if runner["name"] not in NAMES]
        if position >= PAGE and len(superfluous) > position % PAGE:
            for runner_id in superfluous[: position % PAGE]:
                self.account.remove_runner(runner_id)

    def _others_move(self) -> frozenset[str]:
        """
        Between two pages of the next listing one of the others goes and another comes, and once more later: totals
        agree, and the first runner of the second page is on neither. Returns who goes.
        """
        first_two = [r["id"] for r in self.account.runners() if r["name"] not in NAMES][:2]
        for after, runner_id in enumerate(first_two):
            self.others += 1
            self.account.fault(
                "move", "listRunners", page=1, after=after, remove=runner_id, add={"name": f"other-{self.others}"}
            )
        return frozenset(first_two)

    def _seed_others(self, count: int) -> None:
        self.account.seed(*(f"other-{self.others + 1 + i}" for i in range(count)))
        self.others += count

    def _account_for(self, before: Facts, after: Facts, lost: set[str] | frozenset[str]) -> None:
        self.lost |= lost
        if before.stored is not None and (after.stored is None or after.stored.api_key_id != before.stored.api_key_id):
            self.parted.add(before.stored.api_key_id)

    def _execute(self, name: str, state: str, reissue: bool, check: bool) -> Outcome:
        """Reconcile, in this process and without the modules."""
        account = self.account
        to = connection(account.endpoint, account.api_key_id, account.api_key_secret, timeout=20, retry_budget=30)
        reconciler = Reconciler(
            runners=Runners(Client(to, sleep=lambda seconds: None)),
            wanted=Wanted(name=name, location=str(self._path(name)), key_version=self.version[name], reissue=reissue),
            store=KeyFile(str(self._path(name)), self.account.endpoint, name),
            check_mode=check,
        )
        try:
            return Outcome(getattr(reconciler, state)(), None)
        except SodaError as exc:
            return Outcome(None, exc.failure.as_result())

    def _facts(self, name: str) -> Facts:
        runners = [(runner["id"], runner["name"]) for runner in self.account.runners()]
        return Facts(
            stored=self._stored(name),
            runners=frozenset((runner_id, its_name) for runner_id, its_name in runners if its_name in NAMES),
            issued=frozenset(self.account.stats()["runner_key_ids"]),
            others=frozenset(runner_id for runner_id, its_name in runners if its_name not in NAMES),
        )

    def _stored(self, name: str) -> StoredKey | None:
        return KeyFile(str(self._path(name)), self.account.endpoint, name).read()

    def _path(self, name: str) -> Path:
        return self.folder / f"{NAMES.index(name)}.json"

    @staticmethod
    def _killed_at(begin: str, point: int, run: Callable[[], object]) -> list[str]:
        """Run in a separate process that dies at a point. Returns the points that it passed."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            status = 1
            try:
                _die_at(begin, point, writer)
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


def check_the_order(passed: list[str]) -> None:
    """Reserved on disk before the key is requested; then written, synced, put in place, and the folder synced."""
    request = passed.index("before POST")
    assert "after os.fsync" in passed[:request], passed
    since_post = [point.partition(" ")[2] for point in passed[request:] if point.startswith("before")][1:]
    order = ["os.write", "os.ftruncate", "os.fsync", "os.replace", "os.fsync", "os.unlink"]
    assert since_post == order[: len(since_post)] or "os.replace" not in since_post, passed


def _die_at(begin: str, point: int, report: int) -> None:
    """Have this process die before or after one of its dealings with the disk or with Soda Cloud, counted from one."""
    left = point
    begun = not begin
    real_write, real_exit = os.write, os._exit

    def pass_by(what: str) -> None:
        nonlocal left, begun
        real_write(report, f"{what}\n".encode("ascii"))
        begun = begun or what == begin
        left -= begun
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
