# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills the modules at each of their points, and in series at random points."""

from __future__ import annotations

import contextlib
import json
import random
import stat
import tempfile
import typing as t
from pathlib import Path

from emulator.client import Emulator

from .outcome import Outcome
from .process import Json, Victim, start
from .scenarios import NAME, Scenario, Scene

TRIES = 3
"""The maximum number of runs. A run may fail because another run is in progress."""


def points(scenario: Scenario, emulator: Emulator) -> list[str]:
    """The points that an undisturbed run of a scenario passes."""
    with scene_of(emulator) as scene:
        run = start(scenario.module, scenario.arguments(scene))
        result = run.end()
        if result is None or result.get("failed"):
            raise AssertionError(f"{scenario.name} does not work without a kill: {result}")
    return run.passed


def kill_once(scenario: Scenario, at: int, victim: Victim, emulator: Emulator) -> Outcome:
    """One kill, then the same run again. If the module is still running, at once."""
    return kill_in_a_row(scenario, [at], victim, emulator)


def kill_at_random(scenario: Scenario, seed: int, length: int, emulator: Emulator) -> Outcome:
    """Several kills in a row. Each may come too late."""
    chance = random.Random(f"{scenario.name} {seed}")
    numbers = [chance.randrange(length) for _kill in range(chance.randint(2, 4))]
    return kill_in_a_row(scenario, numbers, chance.choice((Victim.MODULE, Victim.TREE)), emulator)


def kill_in_a_row(scenario: Scenario, numbers: t.Sequence[int], victim: Victim, emulator: Emulator) -> Outcome:
    """Kill several runs in a row. The last run is not killed."""
    with scene_of(emulator) as scene:
        arguments = scenario.arguments(scene)
        explained = doubled = kills = 0
        point = "never"
        outlives = None
        for at in numbers:
            before = scene.account.stats()["keys_issued"]
            known = _known(scene)
            run = start(scenario.module, arguments, at, victim)
            if victim is Victim.PARENT:
                run.play_ended()
                outlives = run
            else:
                run.end()
                if len(run.passed) <= at:
                    continue
                point = run.passed[-1]
                explained += in_doubt(run.passed)
                doubled += _needlessly(scene, scenario, known, before)
            kills += 1
        known, before = _known(scene), scene.account.stats()["keys_issued"]
        problem = _run_to_its_end(scenario, arguments)
        if outlives is not None:
            outlives.end()
            point = outlives.passed[numbers[-1]] if len(outlives.passed) > numbers[-1] else "never"
        else:
            doubled += _needlessly(scene, scenario, known, before)
        return _judged(scenario, scene, arguments, victim, point, kills, explained, doubled, problem)


def in_doubt(passed: t.Sequence[str]) -> bool:
    """Whether a run was killed after it sent POST and before it stored the answer."""
    if "before POST sendall" not in passed[:-1]:
        return False
    since = passed[passed.index("before POST sendall") + 1 :]
    return "after write in AtomicWrite.commit" not in since


def contents_of(*folders: Path) -> list[bytes]:
    """The content of the files below some folders. A module that is still running may remove one meanwhile."""
    contents = []
    for folder in folders:
        for path in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                contents.append(path.read_bytes())
    return contents


@contextlib.contextmanager
def scene_of(emulator: Emulator) -> t.Iterator[Scene]:
    """A separate scene, whose exchanges with Soda Cloud follow the contract."""
    account = emulator.account(window_factor=0)
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        yield Scene(account, Path(folder))
    violations = account.violations()
    account.remove()
    if violations:
        raise AssertionError(violations)


def _run_to_its_end(scenario: Scenario, arguments: Json) -> str:
    """Run without a kill. Returns what was wrong, if anything."""
    for _try in range(TRIES):
        result = start(scenario.module, arguments).end()
        if result is not None and not result.get("failed"):
            return ""
    return f"the run after it failed: {(result or {}).get('msg')}"


def _known(scene: Scene) -> set[str]:
    """The ids of the keys whose secret is on disk. Searches the bytes, independently of the modules."""
    contents = contents_of(scene.folder)
    issued = scene.account.stats()["runner_key_ids"]
    return {key_id for key_id in issued if any(key_id.encode() in content for content in contents)} - scene.parted


def _needlessly(scene: Scene, scenario: Scenario, known: set[str], before: int) -> int:
    """How many keys a run issued that found one on disk, or more than one."""
    issued: int = scene.account.stats()["keys_issued"]
    return max(0, issued - before - (0 if known else scenario.issues))


def _judged(
    scenario: Scenario,
    scene: Scene,
    arguments: Json,
    victim: Victim,
    point: str,
    kills: int,
    explained: int,
    doubled: int,
    problem: str,
) -> Outcome:
    stats = scene.account.stats()
    stored = _stored(scene)
    key_ids = set(stats["runner_key_ids"])
    at_rest = {*scene.parted, *(() if stored is None else (stored["api_key_id"],))}
    unaccounted = len(key_ids - at_rest)
    orphaned = min(unaccounted, explained)
    version = None if stored is None else stored["key_version"]
    converged = not problem and version == scenario.version and _configured(scene) is scenario.configured
    if scenario.name == "delete":
        converged = converged and not scene.account.runners()
    stays = (scene.key_path, *scene.files, *([scene.state_path] if scenario.configured else []))
    left = sorted(path.name for path in scene.folder.iterdir() if path not in stays)
    again = start(scenario.module, arguments).end() or {}
    if not problem and (again.get("changed", True) and scenario.module == "soda_runner"):
        problem = f"a further run is not unchanged: {again.get('msg')}"
    if not problem and scenario.configured and not again.get("restart_owed"):
        problem = "the restart that the changed configuration needs was forgotten"
    if not problem and left:
        problem = f"left behind: {', '.join(left)}"
    return Outcome(
        what=scenario.name,
        victim=victim.value,
        point=point,
        kills=kills,
        issued=len(key_ids),
        stored=len(at_rest & key_ids),
        orphaned=orphaned,
        lost=unaccounted - orphaned,
        doubled=doubled + max(0, stats["keys_issued"] - explained - scenario.issues),
        converged=converged,
        problem=problem,
    )


def _stored(scene: Scene) -> Json | None:
    if not scene.key_path.exists():
        return None
    stored: Json = json.loads(scene.key_path.read_bytes())
    if stored["name"] != NAME or stat.S_IMODE(scene.key_path.stat().st_mode) != 0o600:
        return None
    return stored


def _configured(scene: Scene) -> bool:
    return all(path.exists() and path.read_text("utf-8") == text for path, text in scene.files.items())
