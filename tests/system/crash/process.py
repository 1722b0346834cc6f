# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module in a separate process, below one that represents the play. Either or both are killed at a point."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import importlib
import json
import os
import signal
import sys
import time
import typing as t

from ansible.module_utils import basic

from .watch import Point, watch

Json = dict[str, t.Any]
LINGER = 0.02
"""Seconds for which a module that outlives its play stops, so that the next run starts before it continues."""


class Victim(enum.Enum):
    """The process to kill."""

    MODULE = "module"
    PARENT = "parent alone"
    TREE = "whole tree"
    NOBODY = "nobody"
    """None. The call raises an unexpected exception."""


@dataclasses.dataclass
class Run:
    """One run of a module. Read it with C(end())."""

    play: int
    reports: int
    """The file to which the module writes the points that it passed. It ends with the module."""
    results: int
    """The output of the module."""
    passed: list[str] = dataclasses.field(default_factory=list)

    def play_ended(self) -> None:
        """Wait for the play, which may end before its module."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.play, 0)

    def end(self) -> Json | None:
        """Wait for the module too. Returns its result, or nothing if it printed none."""
        self.play_ended()
        with open(self.results, encoding="utf-8") as pipe:
            printed = pipe.read()
        with open(self.reports, encoding="utf-8") as pipe:
            self.passed = pipe.read().splitlines()
        try:
            result: Json = json.loads(printed)
        except ValueError:
            return None
        return result


def start(module: str, arguments: t.Mapping[str, t.Any], at: int | None = None, victim: Victim = Victim.MODULE) -> Run:
    """Start a module. At the point of the number *at* the *victim* is killed; without a number nobody is."""
    # Imported once, here, and not by each process below.
    main = importlib.import_module(f"ansible_collections.community.soda.plugins.modules.{module}").main
    report_reader, report_writer = os.pipe()
    result_reader, result_writer = os.pipe()
    play = os.fork()
    if play == 0:
        _in_new_process(lambda: _play(main, arguments, at, victim, report_writer, result_writer))
    os.close(report_writer)
    os.close(result_writer)
    return Run(play, report_reader, result_reader)


def _play(
    main: t.Callable[[], None],
    arguments: t.Mapping[str, t.Any],
    at: int | None,
    victim: Victim,
    reports: int,
    results: int,
) -> None:
    child = os.fork()
    if child == 0:
        _in_new_process(lambda: _module(main, arguments, at, victim, reports, results))
    os.close(reports)
    os.close(results)
    os.waitpid(child, 0)


def _module(
    main: t.Callable[[], None],
    arguments: t.Mapping[str, t.Any],
    at: int | None,
    victim: Victim,
    reports: int,
    results: int,
) -> None:
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}, default=str).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    os.dup2(results, 1)
    os.close(results)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    count = 0

    def passed(point: Point) -> None:
        nonlocal count
        # No point itself: while it reports, Python does not watch.
        os.write(reports, f"{point}\n".encode())
        if count == at:
            kill(victim, os.getppid())
        count += 1

    watch(passed)
    try:
        main()
    finally:
        sys.setprofile(None)
        sys.stdout.flush()


def kill(victim: Victim, play: int) -> None:
    """Kill a module's play, the module itself, in which this is called, or both."""
    if victim is Victim.NOBODY:
        # An exception raised here appears at the point.
        raise RuntimeError("A test caused this.")
    if victim is not Victim.MODULE:
        os.kill(play, signal.SIGKILL)
    if victim is not Victim.PARENT:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(LINGER)


def _in_new_process(work: t.Callable[[], None]) -> t.NoReturn:
    status = 1
    try:
        work()
        status = 0
    except SystemExit:
        status = 0
    finally:
        os._exit(status)
