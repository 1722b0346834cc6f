# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills of runs, the same for each key store, and what must be true of the keys after the next run."""

from __future__ import annotations

import itertools
import json
import os
import random
import time
import typing as t
from pathlib import Path

from emulator.client import Key

from .fixtures import Store
from .plays import Controller, Play
from .proxy import BEFORE, Steps

ISSUE = "POST /api/v1/runners"

PARTS = 4
"""Tests that share the kills at random moments, so that they run beside each other."""

RANDOM_KILLS = int(os.environ.get("COLLECTION_TEST_KILLS", "4"))
"""How many runs are killed at a random moment. The kills at each request come on top."""


def run_and_kill(store: Store, controller: Controller, name: str, at: int, when: str, **options: t.Any) -> Steps:
    """Run a play that is killed at one of its requests, to the store or to Soda Cloud."""
    play: list[Play] = []

    def kill() -> None:
        play[0].kill()

    store.proxies.steps = steps = Steps(at, when, kill)
    play.append(controller.start([name], env=controller.env(), **store.options(**options)))
    play[0].end()
    store.proxies.steps = Steps()
    return steps


def kill_at_each_request(store: Store, controller: Controller, when: str, version: int) -> None:
    """The run is killed before or after each of its requests. The next run stores a key, and reports a lost one."""
    lost: list[str] = []
    for at in itertools.count(1):
        name = f"runner-{at}"
        if version == 2:
            store.store_key(name)
        known = set(store.issued)
        steps = run_and_kill(store, controller, name, at, when, key_version=version)
        if steps.killed_at is None:
            break
        new = set(store.issued) - known
        # Nobody has a key between the answer of Soda Cloud and the first write.
        is_lost = bool(new) and steps.killed_at == ISSUE
        lost += new if is_lost else ()
        _check(store, controller, name, version, known, is_lost=is_lost, moment=(at, steps.killed_at))
    assert at > 8
    assert len(lost) == (0 if when == BEFORE else 1)
    print(f"{at - 1} kills {when} a request, key version {version}: {len(lost)} keys lost and reported")


def key_file(store: Store, folder: Path, name: str) -> tuple[Path, Key]:
    """The key file of a host, which stands outside of the folders that are searched for secrets."""
    key = store.account.issue_runner_key()
    path = folder / f"host-{name}" / "key.json"
    path.parent.mkdir()
    fields = {"endpoint": store.endpoint, "name": name, "key_version": 1, "runner_id": None}
    fields.update(api_key_id=key.api_key_id, api_key_secret=key.api_key_secret, issued_at="2026-01-01T00:00:00Z")
    path.write_text(json.dumps(fields), "utf-8")
    path.chmod(0o600)
    return path, key


def kill_a_move_at_each_request(store: Store, controller: Controller, folder: Path, when: str) -> None:
    """The run is killed while it moves the key file of a host. The next run stores the same key."""
    for at in itertools.count(1):
        name = f"runner-{at}"
        path, key = key_file(store, folder, name)
        steps = run_and_kill(store, controller, name, at, when, move_from=str(path))
        if steps.killed_at is None:
            break
        store.play(controller, name, move_from=str(path)).ok()
        assert store.keys()[name] == key.api_key_id, (at, steps.killed_at)
        assert not path.exists()
        assert not list(controller.escrow.glob("*.json"))
    assert at > 3
    assert store.account.stats()["keys_issued"] == 0
    print(f"{at - 1} kills {when} a request of a move, no key lost")


def kill_at_random(store: Store, controller: Controller) -> None:
    """One part of the kills at random moments of a run, which takes as long as the first one did."""
    seed = int(os.environ.get("COLLECTION_TEST_SEED") or random.randrange(2**32))
    kills = -(-RANDOM_KILLS // PARTS)
    print(f"seed {seed}, {kills} kills at random moments")
    chosen = random.Random(seed)
    reported = 0
    started = time.monotonic()
    store.play(controller, "probe").ok()
    longest = time.monotonic() - started
    for number in range(kills):
        name, known = f"runner-{number}", set(store.issued)
        play = controller.start([name], env=controller.env(), **store.options())
        try:
            time.sleep(chosen.uniform(0.2, 1.0) * longest)
        finally:
            play.kill()
        reported += _check(store, controller, name, 1, known, is_lost=None, moment=(seed, number))
    print(f"{reported} keys lost and reported")


def _check(
    store: Store,
    controller: Controller,
    name: str,
    version: int,
    known: set[str],
    is_lost: bool | None,
    moment: t.Any,
) -> bool:
    """Run again: every key that was issued is stored, or reported as lost. Return whether one was reported."""
    result = store.play(controller, name, key_version=version).ok()[name]
    reported = "is lost" in json.dumps(result.get("warnings", []))
    stored = store.keys()[name]
    lost = set(store.issued) - known - {stored}
    assert result["key"]["key_version"] == version, moment
    assert stored not in known, moment
    assert len(lost) <= (1 if is_lost is None else is_lost), moment
    assert reported or not lost, moment
    assert name not in store.intents(), moment
    assert not list(controller.escrow.glob("*.json")), moment
    return bool(lost)


def two_controllers_at_once(store: Store, *controllers: Controller) -> None:
    names = ["warehouse-eu", "warehouse-us", "edge-1"]
    plays = [each.start(names, env=each.env(), **store.options()) for each in controllers]
    for finished in [each.end() for each in plays]:
        finished.ok()
    assert len(store.issued) == len(names)
    assert sorted(store.keys().values()) == sorted(store.issued)
