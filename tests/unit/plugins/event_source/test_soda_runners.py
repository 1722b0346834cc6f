# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source, run by its path as ansible-rulebook runs it, one listing after the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import runpy
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.community.soda.plugins.doc_fragments import filters, soda_cloud
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    COLLECTIONS,
    ODD_NAMES,
    Json,
    plain_id,
)
from emulator.client import Account, Emulator

LIST = "listRunners"
COLLECTION = COLLECTIONS / "ansible_collections" / "community" / "soda"
PATH = Path("extensions", "eda", "plugins", "event_source", "soda_runners.py")
SOURCE = runpy.run_path(str(COLLECTION / PATH))
PATIENCE = 30.0
"""Seconds in which whatever is awaited must have happened."""


class Watch:
    """Stands in for ansible-rulebook. The event source sleeps between two listings until the test continues it."""

    def __init__(self, account: Account, room: int = 0, **options: Any) -> None:
        self.queue: asyncio.Queue[Json] = asyncio.Queue(room)
        self.slept: list[float] = []
        self._go_on = asyncio.Event()
        self._sleeps = asyncio.Event()
        connection = {
            "endpoint": account.endpoint,
            "api_key_id": account.api_key_id,
            "api_key_secret": account.api_key_secret,
            "retry_budget": 0,
        }
        self.task = asyncio.ensure_future(SOURCE["follow"](self.queue, {**connection, **options}, self._sleep))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._sleeps.set()
        await self._go_on.wait()
        self._go_on.clear()

    async def listed(self) -> list[Json]:
        """The events of one more listing. Raises what the event source ends with."""
        if self._sleeps.is_set():
            self._sleeps.clear()
            self._go_on.set()
        sleeps = asyncio.ensure_future(self._sleeps.wait())
        await asyncio.wait([self.task, sleeps], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            sleeps.cancel()
            self.task.result()
        assert self._sleeps.is_set(), "it did not come to its sleep"
        return self.take()

    async def reported(self) -> list[tuple[str, str]]:
        return [(each["event"], each["runner"]["name"]) for each in await self.listed()]

    def take(self) -> list[Json]:
        found = []
        while not self.queue.empty():
            event = self.queue.get_nowait()
            assert set(event) == {"soda_runners"}
            found.append(event["soda_runners"])
        return found

    async def next(self) -> list[tuple[str, str]]:
        """The next event alone."""
        event = (await asyncio.wait_for(self.queue.get(), PATIENCE))["soda_runners"]
        return [(event["event"], event["runner"]["name"])]

    async def stop(self) -> None:
        """Cancel it, as ansible-rulebook does in the end."""
        self.task.cancel()
        done, _pending = await asyncio.wait([self.task], timeout=PATIENCE)
        assert done, "it did not end"
        assert self.task.cancelled() or self.task.exception() is not None


def evaluate(text: str) -> Any:
    """What Ansible makes of a text if it is a template."""
    with contextlib.suppress(ImportError):
        # From ansible-core 2.19 on, only marked text is a template.
        from ansible.template import trust_as_template

        text = trust_as_template(text)
    return Templar(loader=DataLoader(), variables={}).template(text)


def seed_online(account: Account, *names: str) -> list[str]:
    return account.seed(*({"name": name, "isOnline": True} for name in names))


Story = Callable[[Callable[..., Watch]], Awaitable[None]]


def run(account: Account, story: Story) -> None:
    """Carry out what a test tells, with a function that starts the event source. What was started is stopped."""

    async def whole() -> None:
        watches: list[Watch] = []

        def start(**options: Any) -> Watch:
            watches.append(Watch(account, **options))
            return watches[-1]

        try:
            await story(start)
        finally:
            for watch in watches:
                await watch.stop()

    asyncio.run(whole())


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def ended_with(account: Account, **options: Any) -> str:
    """What the event source ends with before it tells anything."""
    said = []

    async def story(start: Callable[..., Watch]) -> None:
        with pytest.raises(SOURCE["_errors"].SodaError) as raised:
            await start(**options).listed()
        said.append(str(raised.value))

    run(account, story)
    assert account.api_key_secret not in said[0]
    return said[0]


# Events


def test_the_first_listing_tells_nothing_and_later_ones_what_has_changed(account: Account) -> None:
    _stays, goes, leaves = seed_online(account, "stays", "goes", "leaves")

    async def story(start: Callable[..., Watch]) -> None:
        watch = start()
        assert await watch.reported() == []
        assert await watch.reported() == []
        account.set_online(goes, False)
        assert await watch.reported() == [("offline", "goes")]
        assert await watch.reported() == []
        account.set_online(goes, True)
        account.remove_runner(leaves)
        account.seed({"name": "comes", "isOnline": True}, {"name": "comes ill", "isOnline": False})
        assert await watch.reported() == [
            ("removed", "leaves"),
            ("online", "goes"),
            ("registered", "comes"),
            ("online", "comes"),
            ("registered", "comes ill"),
            ("offline", "comes ill"),
        ]

    run(account, story)


def test_an_event_says_all_about_the_runner_and_nothing_of_the_key(account: Account) -> None:
    known: Json = {"label": "One", "lastSeenTimestamp": "2026-01-01T12:00:00Z", "versions": {"runner": "1.2"}}
    (runner_id,) = account.seed({"name": "one", "isOnline": True, **known})

    async def story(start: Callable[..., Watch]) -> None:
        watch = start()
        await watch.listed()
        account.set_online(runner_id, False)
        assert await watch.listed() == [
            {
                "event": "offline",
                "host": "one",
                "endpoint": account.endpoint,
                "initial": False,
                "runner": {
                    "id": runner_id,
                    "name": "one",
                    "label": "One",
                    "type": "SELF_HOSTED",
                    "is_online": False,
                    "last_seen_timestamp": "2026-01-01T12:00:00.000Z",
                    "versions": {"runner": "1.2"},
                },
            }
        ]

    run(account, story)


def test_with_initial_the_first_listing_tells_every_state_once(account: Account) -> None:
    account.seed(
        {"name": "up", "isOnline": True}, {"name": "down", "isOnline": False}, {"name": "?", "omit": ["isOnline"]}
    )

    async def story(start: Callable[..., Watch]) -> None:
        watch = start(initial=True)
        events = await watch.listed()
        assert [(each["event"], each["runner"]["name"]) for each in events] == [("online", "up"), ("offline", "down")]
        assert all(each["initial"] for each in events)
        assert await watch.reported() == []
        account.seed({"name": "new", "isOnline": True})
        assert [each["initial"] for each in await watch.listed()] == [False, False]

    run(account, story)


@pytest.mark.parametrize(
    "filters",
    [{"name": "a"}, {"names": ["a", "x"]}, {"id": "1"}, {"type": "SELF_HOSTED"}],
    ids=str,
)
def test_filters_select_the_reported_runners(account: Account, filters: Json) -> None:
    account.seed(
        {"name": "a", "id": "1", "isOnline": True}, {"name": "b", "id": "2", "isOnline": True, "type": "SODA_HOSTED"}
    )

    async def story(start: Callable[..., Watch]) -> None:
        watch = start(**filters)
        assert await watch.reported() == []
        for runner_id in "12":
            account.set_online(runner_id, False)
        assert await watch.reported() == [("offline", "a")]
        for runner_id in "12":
            account.remove_runner(runner_id)
        assert await watch.reported() == [("removed", "a")]

    run(account, story)


HEADER = "#jinja2: variable_start_string: '[[', variable_end_string: ']]'\n[[ 6 * 7 ]]"


@pytest.mark.parametrize("name", [*ODD_NAMES, HEADER], ids=plain_id)
def test_text_of_an_event_is_no_template_and_no_pattern(account: Account, name: str) -> None:
    """ansible-rulebook gives events to playbooks as extra variables, which Ansible evaluates as templates."""
    account.seed({"name": name, "label": "{% raw %}{{{ '' }}}{# #}", "versions": {HEADER: name}, "isOnline": False})

    async def story(start: Callable[..., Watch]) -> None:
        (event,) = await start(initial=True).listed()
        runner = event["runner"]
        for text in (runner["name"], runner["label"], *runner["versions"], *runner["versions"].values()):
            assert evaluate(text) == text
        assert re.fullmatch(r"\w[\w.-]*", event["host"])

    run(account, story)


@pytest.mark.parametrize("name", ["all", "localhost", "soda_offline", "soda_type_self_hosted"])
def test_a_runner_that_has_the_name_of_a_group_is_not_taken_for_the_group(account: Account, name: str) -> None:
    (runner_id,) = account.seed({"name": name, "isOnline": False})

    async def story(start: Callable[..., Watch]) -> None:
        assert [each["host"] for each in await start(initial=True).listed()] == [f"{name}-{runner_id}"]

    run(account, story)


# How often the source sends requests


@pytest.mark.parametrize(
    ("runners", "interval", "pause"), [(0, 60, 60.0), (1000, "90", 90.0), (1, 0.5, 2.0), (2001, 5, 6.0)], ids=str
)
def test_half_of_what_soda_cloud_allows_is_left_to_others(
    account: Account, runners: int, interval: Any, pause: float
) -> None:
    account.seed(count=runners)

    async def story(start: Callable[..., Watch]) -> None:
        watch = start(interval=interval)
        await watch.listed()
        assert watch.slept == [pause]

    run(account, story)


def test_a_listing_of_one_page_costs_one_request(account: Account) -> None:
    leaves = account.seed(count=5)[0]

    async def story(start: Callable[..., Watch]) -> None:
        watch = start()
        await watch.listed()
        account.remove_runner(leaves)
        assert len(await watch.listed()) == 1
        assert account.operations() == [LIST, LIST]

    run(account, story)


def test_a_runner_that_a_reading_of_several_pages_missed_is_not_told_to_be_removed(account: Account) -> None:
    ids = account.seed(count=1500)

    async def story(start: Callable[..., Watch]) -> None:
        watch = start()
        await watch.listed()
        # One of the first page goes while the second is read, so the first of the second page is on no page.
        account.fault("move", LIST, page=1, remove=ids[0], add={"name": "new", "isOnline": True})
        events = {(each["event"], each["runner"]["id"]) for each in await watch.listed()}
        assert ("removed", ids[0]) in events
        assert {event for event, _id in events} == {"removed", "registered", "online"}
        assert len(events) == 3
        assert await watch.listed() == []

    run(account, story)


# Outages

OUTAGES: dict[str, Json] = {
    "no answer": {"kind": "reset_before"},
    "unavailable": {"kind": "status", "status": 503},
    "server error": {"kind": "status", "status": 500},
    "deferred": {"kind": "status", "status": 429, "headers": {"Retry-After": "60"}},
    "a web page": {"kind": "html"},
    "half an answer": {"kind": "truncated", "declare": "short"},
    "a runner is missing": {"kind": "drop_runner"},
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_an_outage_tells_nothing_and_then_each_change_once(
    account: Account, outage: Json, caplog: pytest.LogCaptureFixture
) -> None:
    goes, leaves, flaps = seed_online(account, "goes", "leaves", "flaps")

    async def story(start: Callable[..., Watch]) -> None:
        watch = start()
        await watch.listed()
        account.fault(operation=LIST, times=None, **outage)
        assert await watch.reported() == []
        account.set_online(goes, False)
        account.set_online(flaps, False)
        assert await watch.reported() == []
        account.remove_runner(leaves)
        account.set_online(flaps, True)
        assert await watch.reported() == []
        account.clear_faults()
        assert await watch.reported() == [("removed", "leaves"), ("offline", "goes")]
        assert await watch.reported() == []

    with caplog.at_level(logging.INFO, "community.soda.soda_runners"):
        run(account, story)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line.partition(":")[0] for line in warnings] == ["Soda runners cannot be listed", "The outage has ended"]
    assert account.api_key_secret not in caplog.text


def test_an_outage_at_the_start_is_waited_out(account: Account) -> None:
    account.seed("one")
    account.fault("status", LIST, status=503)

    async def story(start: Callable[..., Watch]) -> None:
        watch = start()
        assert await watch.reported() == []
        assert await watch.reported() == []
        account.seed({"name": "two", "isOnline": True})
        assert await watch.reported() == [("registered", "two"), ("online", "two")]

    run(account, story)


# What ends it


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"api_key_id": ""}, "api_key_id is not set. Set it, or SODA_CLOUD_API_KEY_ID in the environment"),
        ({"endpoint": "http://soda.example.com"}, "clear text"),
        ({"interval": 0}, "interval is 0.0. Set it to a number of seconds, above 0."),
        ({"interval": "often"}, "interval"),
        ({"is_online": False}, "Unknown option: is_online. The options are api_key_id, api_key_secret, ca_path,"),
        ({"timeout": -1}, "timeout is -1.0. Set it to a number"),
        ({"state_path": "/no/such/folder/state.json"}, "the folder /no/such/folder does not exist"),
    ],
    ids=str,
)
def test_an_option_that_is_wrong_ends_it_before_anything_is_sent(account: Account, options: Json, said: str) -> None:
    assert said in ended_with(account, **options)
    assert account.operations() == []


@pytest.mark.parametrize(
    ("fault", "options", "said"),
    [
        (None, {"api_key_secret": "wrong"}, "The usual cause is the wrong region"),
        ({"kind": "status", "status": 403}, {}, "MANAGE_DATASOURCES_AND_RUNNERS"),
        ({"kind": "html"}, {}, "does not answer as Soda Cloud"),
    ],
    ids=["unauthorized", "forbidden", "not Soda Cloud"],
)
def test_a_permanent_failure_ends_it_at_the_start(
    account: Account, fault: Json | None, options: Json, said: str
) -> None:
    if fault is not None:
        account.fault(operation=LIST, **fault)
    assert said in ended_with(account, **options)


def test_a_key_that_is_refused_later_ends_it_too(account: Account) -> None:
    async def story(start: Callable[..., Watch]) -> None:
        watch = start()
        await watch.listed()
        account.fault("status", LIST, status=401)
        with pytest.raises(Exception, match="answered 401"):
            await watch.listed()

    run(account, story)


@pytest.mark.parametrize(
    "fault",
    [{"kind": "delay", "seconds": 3}, {"kind": "status", "status": 429, "headers": {"Retry-After": "600"}}],
    ids=["in a request", "in a deferral"],
)
def test_it_ends_at_once_when_cancelled_and_its_thread_soon_after(account: Account, fault: Json) -> None:
    account.fault(operation=LIST, **fault)
    still_there = []

    async def story(start: Callable[..., Watch]) -> None:
        watch = start(retry_budget=3000)
        await until(lambda: bool(account.operations()))
        await watch.stop()
        assert watch.task.cancelled()
        still_there.extend(each for each in threading.enumerate() if each.name == "soda_runners")

    run(account, story)
    for thread in still_there:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_source_runs_until_it_is_cancelled(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """And takes the connection from the environment."""
    account.seed({"name": "one", "isOnline": True})
    monkeypatch.setenv("SODA_CLOUD_ENDPOINT", account.endpoint)
    monkeypatch.setenv("SODA_CLOUD_API_KEY_ID", account.api_key_id)
    monkeypatch.setenv("SODA_CLOUD_API_KEY_SECRET", account.api_key_secret)

    async def called() -> None:
        queue: asyncio.Queue[Json] = asyncio.Queue(1)
        task = asyncio.ensure_future(SOURCE["main"](queue, {"initial": True}))
        event = await asyncio.wait_for(queue.get(), PATIENCE)
        assert event["soda_runners"]["event"] == "online"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE)

    asyncio.run(called())
    assert asyncio.iscoroutinefunction(SOURCE["main"])


# What is kept


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def test_a_start_reports_only_the_changes_since_the_stop(account: Account, state: Path) -> None:
    goes, leaves, was_down = seed_online(account, "goes", "leaves", "was down")

    async def story(start: Callable[..., Watch]) -> None:
        first = start(state_path=str(state))
        assert await first.reported() == []
        account.set_online(was_down, False)
        assert await first.reported() == [("offline", "was down")]
        await first.stop()
        account.set_online(goes, False)
        account.remove_runner(leaves)
        account.seed({"name": "comes", "isOnline": True})
        second = start(state_path=str(state), initial=True)
        assert await second.reported() == [
            ("removed", "leaves"),
            ("offline", "goes"),
            ("registered", "comes"),
            ("online", "comes"),
        ]
        await second.stop()
        assert await start(state_path=str(state)).reported() == []

    run(account, story)


def test_each_change_is_reported_once_after_a_kill_at_any_point(account: Account, state: Path) -> None:
    """Between two events: a copy of the file is what a kill leaves there."""
    ids = seed_online(account, "a", "b", "c")

    async def story(start: Callable[..., Watch]) -> None:
        first = start(state_path=str(state))
        await first.listed()
        await first.stop()
        for runner_id in ids:
            account.set_online(runner_id, False)
        # There is room for one event on the queue, so after each it waits until that is taken.
        second = start(state_path=str(state), room=1)
        reported = []
        for lines in (2, 3, 1):
            await until(lambda lines=lines: state.read_bytes().count(b"\n") == lines)
            killed = state.with_name(f"killed-{lines}.json")
            shutil.copy(state, killed)
            reported += await second.next()
            left = await start(state_path=str(killed)).reported()
            assert sorted([*reported, *left]) == [("offline", "a"), ("offline", "b"), ("offline", "c")]
        assert left == []

    run(account, story)


def test_the_change_of_an_incomplete_line_is_reported_again(account: Account, state: Path) -> None:
    ids = seed_online(account, "a", "b")

    async def story(start: Callable[..., Watch]) -> None:
        first = start(state_path=str(state))
        await first.listed()
        await first.stop()
        for runner_id in ids:
            account.set_online(runner_id, False)
        state.write_bytes(state.read_bytes() + b'{"event": "offli')
        # Later changes are stored as usual.
        second = start(state_path=str(state), room=1)
        await until(second.queue.full)
        await second.stop()
        assert await second.next() == [("offline", "a")]
        assert await start(state_path=str(state)).reported() == [("offline", "b")]

    run(account, story)


def test_an_unreported_change_is_reported_after_the_next_start(account: Account, state: Path) -> None:
    """The event goes first and the file second, so no kill in between loses a change."""
    (runner_id,) = seed_online(account, "one")

    async def story(start: Callable[..., Watch]) -> None:
        first = start(state_path=str(state))
        await first.listed()

        async def refuse(_event: Json) -> None:
            raise RuntimeError("nobody takes it")

        first.queue.put = refuse  # type: ignore[method-assign]
        account.set_online(runner_id, False)
        with pytest.raises(RuntimeError):
            await first.listed()
        assert await start(state_path=str(state)).reported() == [("offline", "one")]

    run(account, story)


def test_an_outage_over_a_start_has_nothing_lost_or_told_twice(account: Account, state: Path) -> None:
    (runner_id,) = seed_online(account, "one")

    async def story(start: Callable[..., Watch]) -> None:
        first = start(state_path=str(state))
        await first.listed()
        account.fault("status", LIST, status=503, times=3)
        account.set_online(runner_id, False)
        assert await first.reported() == []
        await first.stop()
        second = start(state_path=str(state))
        assert [await second.reported() for _time in range(4)] == [[], [], [("offline", "one")], []]

    run(account, story)


def test_the_file_is_for_the_owner_alone_and_holds_no_secret(account: Account, state: Path) -> None:
    account.seed(*ODD_NAMES, {"name": "all of it", "label": "L", "versions": {"runner": "1"}})

    async def story(start: Callable[..., Watch]) -> None:
        await start(state_path=str(state)).listed()
        assert [path.name for path in state.parent.iterdir()] == ["state.json"]
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        text = state.read_text("utf-8")
        assert account.api_key_secret not in text
        assert len(json.loads(text)["runners"]) == len(ODD_NAMES) + 1
        assert await start(state_path=str(state)).reported() == []

    run(account, story)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"runners": 1}', "[" * 100_000, '{"endpoint": 1, "api_key_id": 1, "runners": [1]}'],
)
def test_a_file_of_something_else_is_left_alone(account: Account, state: Path, text: str) -> None:
    state.write_text(text, "utf-8")
    said = ended_with(account, state_path=str(state))
    assert f"{state} cannot be used: this event source did not write it" in said
    assert state.read_text("utf-8") == text
    assert account.operations() == []


def test_a_file_of_another_account_is_left_alone(account: Account, emulator: Emulator, state: Path) -> None:
    other = emulator.account()

    async def story(start: Callable[..., Watch]) -> None:
        await start(state_path=str(state), api_key_id=other.api_key_id, api_key_secret=other.api_key_secret).listed()

    run(other, story)
    before = state.read_bytes()
    assert "it belongs to another endpoint or Soda Cloud API key" in ended_with(account, state_path=str(state))
    assert state.read_bytes() == before


def test_a_disk_that_is_full_later_ends_it_and_says_so(account: Account, state: Path) -> None:
    async def story(start: Callable[..., Watch]) -> None:
        watch = start(state_path=str(state))
        await watch.listed()
        shutil.rmtree(state.parent)
        account.seed("one")
        with pytest.raises(Exception, match="cannot be used: no such file or directory"):
            await watch.listed()

    run(account, story)


def test_with_feedback_a_change_counts_when_the_rules_have_seen_it(account: Account, state: Path) -> None:
    (runner_id,) = seed_online(account, "one")

    async def story(start: Callable[..., Watch]) -> None:
        seen: asyncio.Queue[Json] = asyncio.Queue(1)
        options: Json = {"state_path": str(state), "feedback": True, "eda_feedback_queue": seen}
        first = start(**options)
        await first.listed()
        account.set_online(runner_id, False)
        going_on = asyncio.ensure_future(first.listed())
        await asyncio.wait_for(first.queue.get(), PATIENCE)
        await first.stop()
        with pytest.raises(asyncio.CancelledError):
            await going_on
        second = start(**options)
        going_on = asyncio.ensure_future(second.listed())
        await seen.put(await asyncio.wait_for(second.queue.get(), PATIENCE))
        await going_on
        assert await start(**options).reported() == []

    run(account, story)


# Where it is

LOADED = """
import runpy, sys
before = list(sys.path)
found = runpy.run_path(sys.argv[1])
assert sys.path == before, sys.path
assert "ansible_collections" not in sys.modules
print(found["_client"].__file__)
"""


@pytest.mark.parametrize("installed", [False, True], ids=["checkout", "installed"])
def test_it_finds_its_collection_and_leaves_nothing_on_the_path(tmp_path: Path, installed: bool) -> None:
    home = COLLECTION.resolve()
    if installed:
        home = tmp_path / "ansible_collections" / "community" / "soda"
        for folder in ("plugins", "extensions/eda"):
            shutil.copytree(COLLECTION / folder, home / folder)
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(home / PATH)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.strip() == str(home / "plugins" / "module_utils" / "_api" / "client.py")


def test_elsewhere_it_says_that_it_needs_its_collection(tmp_path: Path) -> None:
    alone = tmp_path / "a" / "b" / "c" / "d" / "soda_runners.py"
    alone.parent.mkdir(parents=True)
    shutil.copy(COLLECTION / PATH, alone)
    done = subprocess.run([sys.executable, str(alone)], capture_output=True, text=True, check=False)
    assert "works only inside its collection" in done.stderr


# Documentation

DOCUMENTED: Json = yaml.safe_load(SOURCE["DOCUMENTATION"])["options"]


@pytest.mark.parametrize("option", SOURCE["argument_spec"]())
def test_an_option_is_documented_as_it_is_taken(option: str) -> None:
    # Names are documented as text, and accept integers too.
    spec = {name: "str" if callable(value) else value for name, value in SOURCE["argument_spec"]()[option].items()}
    assert {name: DOCUMENTED[option].get(name) for name in ("type", "default", "elements")} == {
        name: spec.get(name) for name in ("type", "default", "elements")
    }


def test_no_option_is_documented_that_is_not_taken() -> None:
    assert set(DOCUMENTED) == set(SOURCE["argument_spec"]())


def test_the_connection_is_that_of_everything_else() -> None:
    """Here nothing puts the fragments together, so their options stand in the file."""
    shared = yaml.safe_load(soda_cloud.ModuleDocFragment.DOCUMENTATION)["options"]
    environment = yaml.safe_load(soda_cloud.ModuleDocFragment.PLUGIN)["options"]
    for option, of_fragment in shared.items():
        ours = DOCUMENTED[option]
        assert (ours["type"], ours.get("default")) == (of_fragment["type"], of_fragment.get("default"))
        assert f"E({environment[option]['env'][0]['name']})" in str(ours["description"])
    of_filters = yaml.safe_load(filters.ModuleDocFragment.DOCUMENTATION)["options"]
    assert {name: DOCUMENTED[name] for name in SOURCE["FILTERS"]} == {
        name: of_filters[name] for name in SOURCE["FILTERS"]
    }


@pytest.mark.parametrize("play", yaml.safe_load(SOURCE["EXAMPLES"]), ids=lambda play: play["name"])
def test_an_example_has_known_options(play: Json) -> None:
    for source in play["sources"]:
        assert set(source["community.soda.soda_runners"]) <= set(DOCUMENTED)
