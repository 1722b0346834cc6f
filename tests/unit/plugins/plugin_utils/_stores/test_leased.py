# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Two controllers and one store, with kills at every step, lost answers and lost leases, in any order.

The controllers run the code of the collection. A scheduler decides which one takes its next step, and whether it dies
there. Steps are what others can see: requests to Soda Cloud, reads and writes of the store, and waiting. The escrow
files are real files.
"""

from __future__ import annotations

import dataclasses
import datetime
import tempfile
import threading
import typing as t
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.community.soda.plugins.module_utils._api.runners import Listing
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError, StoreUnreachable
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import IssuedKey, StoredKey
from ansible_collections.community.soda.plugins.module_utils._runner.plan import Wanted
from ansible_collections.community.soda.plugins.module_utils._runner.reconcile import Reconciler
from ansible_collections.community.soda.plugins.plugin_utils._stores.document import (
    Conflict,
    Found,
    Identity,
    Record,
    State,
)
from ansible_collections.community.soda.plugins.plugin_utils._stores.escrow import EscrowFolder
from ansible_collections.community.soda.plugins.plugin_utils._stores.leased import Clock, LeasedStore

IDENTITY = Identity("https://cloud.soda.io", "warehouse-eu")
LEASE = 120
MOST_STEPS = 400


class Killed(BaseException):
    """The process of a controller was killed."""


class Service:
    """The service that keeps the secrets: a document with compare-and-set, for all controllers."""

    def __init__(self) -> None:
        self.found = Found(State.ABSENT, 0)


class Cloud:
    """Soda Cloud: issues keys, and lists no runner, because none has registered yet."""

    def __init__(self) -> None:
        self.issued: list[str] = []


@dataclasses.dataclass
class World:
    """Everything that the controllers share, and time."""

    service: Service = dataclasses.field(default_factory=Service)
    cloud: Cloud = dataclasses.field(default_factory=Cloud)
    seconds: float = 0.0
    warnings: list[str] = dataclasses.field(default_factory=list)
    stalls: int = 0
    """How often a run stood still for longer than a lease. To the others this run looks dead."""

    def now(self) -> datetime.datetime:
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=self.seconds)


class Controller:
    """One run of the collection, in a thread that takes a step only when the scheduler lets it."""

    endpoint = IDENTITY.endpoint
    location = "the store"

    def __init__(self, world: World, folder: Path, key_version: int = 1) -> None:
        self.world = world
        self.key_version = key_version
        self.error: BaseException | None = None
        self.dead = False
        self.lost: str | None = None
        """The key that was issued to this run and not stored before it was killed."""
        self._fate = "run"
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self.finished = False
        self._last_step = world.seconds
        escrow = EscrowFolder(str(folder))
        escrow.create()
        self.store = LeasedStore(
            document=self,
            identity=IDENTITY,
            escrow=KeyFile(escrow.file("runner"), IDENTITY.endpoint, IDENTITY.name),
            escrow_id=escrow.instance(),
            clock=Clock(self.sleep, world.now, lambda: world.seconds),
            lock_timeout=10 * LEASE,
            lease_seconds=LEASE,
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._paused.acquire()

    def step(self, fate: str = "run") -> None:
        """Let the run take one step: C(run), C(kill before), C(kill after) or C(lose answer)."""
        if self.world.seconds - self._last_step > LEASE:
            self.world.stalls += 1
        self._fate = fate
        self._go.release()
        self._paused.acquire()
        self._last_step = self.world.seconds

    def _run(self) -> None:
        try:
            self._pause()
            wanted = Wanted(name=IDENTITY.name, location=self.location, key_version=self.key_version)
            Reconciler(t.cast(t.Any, self), wanted, self.store, check_mode=False).present()
        except BaseException as exc:  # also Killed, which ends a thread here and no process
            self.error = exc
        finally:
            self.world.warnings += self.store.warnings
            self.finished = True
            self._paused.release()

    def _pause(self) -> None:
        self._paused.release()
        self._go.acquire()

    def _seam(self, effect: t.Callable[[], t.Any], can_lose_answer: bool = False) -> t.Any:
        if self.dead:
            raise Killed
        self._pause()
        fate = self._fate
        if fate == "kill before":
            self.dead = True
            raise Killed
        result = effect()
        if fate == "kill after":
            self.dead = True
            raise Killed
        if fate == "lose answer" and can_lose_answer:
            raise StoreUnreachable("The answer was lost.")
        return result

    # What Soda Cloud does

    def list(self) -> Listing:
        return t.cast(Listing, self._seam(lambda: Listing([], 1)))

    def issue_key(self) -> IssuedKey:
        def issue() -> IssuedKey:
            self.world.cloud.issued.append(f"key-{len(self.world.cloud.issued) + 1}")
            self.lost = self.world.cloud.issued[-1]
            return IssuedKey(self.lost, "secret-of-" + self.lost)

        key = t.cast(IssuedKey, self._seam(issue))
        self.lost = None
        return key

    # What the service does

    def read(self) -> Found:
        return t.cast(Found, self._seam(lambda: self.world.service.found, can_lose_answer=True))

    def check_writable(self, found: Found, sample: StoredKey) -> None:
        self._seam(lambda: None)

    def write(self, record: Record, found: Found) -> Found:
        def write() -> Found:
            if self.world.service.found.revision != found.revision:
                raise Conflict
            self.world.service.found = Found(State.PRESENT, found.revision + 1, record)
            return self.world.service.found

        return t.cast(Found, self._seam(write, can_lose_answer=True))

    def destroy(self, found: Found) -> None:
        def destroy() -> None:
            if self.world.service.found.revision != found.revision:
                raise Conflict
            self.world.service.found = Found(State.ABSENT, found.revision + 1)

        self._seam(destroy, can_lose_answer=True)

    def sleep(self, seconds: float) -> None:
        def wait() -> None:
            self.world.seconds += seconds

        self._seam(wait)

    # What is left of it

    def in_escrow(self) -> list[str]:
        folder = Path(self.store._escrow.path).parent
        found = [path.read_bytes().rstrip(b"\0") for path in folder.iterdir() if path.name != "instance"]
        return [StoredKey.from_json(content, "escrow").api_key_id for content in found if content]


def run_to_its_end(controller: Controller) -> None:
    run_in_turns([controller])


def run_in_turns(controllers: t.Sequence[Controller]) -> None:
    for _step in range(MOST_STEPS):
        unfinished = [controller for controller in controllers if not controller.finished]
        if not unfinished:
            return
        for controller in unfinished:
            controller.step()
    raise AssertionError("the run does not end")


@pytest.fixture
def folder() -> t.Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


FATES = ["run"] * 8 + ["kill before", "kill after", "lose answer"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_key_is_lost_unseen_and_none_is_issued_twice(folder: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as made:
        check_one_history(Path(made), data)


def check_one_history(folder: Path, data: st.DataObject) -> None:
    world = World()
    folders = [folder / "a", folder / "b"]
    running = [Controller(world, each) for each in folders]
    ended: list[Controller] = []
    for _step in range(data.draw(st.integers(0, 60), label="steps")):
        index = data.draw(st.integers(0, len(running) - 1), label="controller")
        if data.draw(st.integers(0, 30), label="time jump") == 30:
            # Longer than a lease: all runs in progress look dead to the others.
            world.seconds += LEASE + 1
        if running[index].finished:
            ended.append(running[index])
            running[index] = Controller(world, folders[index])
        running[index].step(data.draw(st.sampled_from(FATES), label="fate"))
    run_in_turns(running)
    ended += running

    # The next runs, when all is well again.
    world.seconds += LEASE + 1
    for each in folders:
        last = Controller(world, each)
        run_to_its_end(last)
        assert last.error is None
        ended.append(last)

    stored = world.service.found.record.key
    assert stored is not None
    assert world.service.found.record.intent is None
    kept = {stored.api_key_id, *(key for each in ended[-2:] for key in each.in_escrow())}
    lost = {each.lost for each in ended if each.lost is not None}
    assert set(world.cloud.issued) == kept | lost, "a key is neither stored, nor in escrow, nor lost by a kill"
    if lost:
        assert any("is lost" in warning for warning in world.warnings), "no run warned about a lost key"
    ended_early = sum(each.error is not None for each in ended)
    assert len(world.cloud.issued) <= 1 + ended_early + world.stalls, "a key was issued although all runs went on"


def test_two_controllers_at_once_issue_one_key(folder: Path) -> None:
    world = World()
    runs = [Controller(world, folder / name) for name in ("a", "b")]
    run_in_turns(runs)
    assert [run.error for run in runs] == [None, None]
    assert len(world.cloud.issued) == 1


def test_a_key_whose_commit_fails_waits_in_escrow_and_the_next_run_stores_it(folder: Path) -> None:
    world = World()
    run = Controller(world, folder)
    while not world.cloud.issued:
        run.step()
    world.service.found = dataclasses.replace(world.service.found, revision=99)
    run_to_its_end(run)
    assert isinstance(run.error, SodaError)
    assert run.error.failure.code == "key_in_escrow"
    assert str(folder) in run.error.failure.message
    assert run.in_escrow() == world.cloud.issued
    run_to_its_end(Controller(world, folder))
    stored = world.service.found.record.key
    assert stored is not None
    assert [stored.api_key_id] == world.cloud.issued


def test_a_run_that_waits_for_a_rate_limit_keeps_its_lease(folder: Path) -> None:
    world = World()
    first = Controller(world, folder / "a")
    while world.service.found.record.intent is None:
        first.step()
    first.issue_key = lambda: _issue_after_waiting(first)  # type: ignore[method-assign]
    second = Controller(world, folder / "b")
    run_in_turns((first, second))
    assert [run.error for run in (first, second)] == [None, None]
    assert len(world.cloud.issued) == 1
    assert world.warnings == []


def _issue_after_waiting(controller: Controller) -> IssuedKey:
    controller.store.sleep(5 * LEASE)
    return Controller.issue_key(controller)


def test_a_rotation_never_leaves_the_document_without_a_key(folder: Path) -> None:
    world = World()
    run_to_its_end(Controller(world, folder))
    rotation = Controller(world, folder, key_version=2)
    while not rotation.finished:
        rotation.step()
        assert world.service.found.record.key is not None
    assert rotation.error is None
    assert world.service.found.record.key.key_version == 2
