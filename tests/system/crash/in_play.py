# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs in the processes of a play, and kills the one that was chosen, by C(CRASH_…) in the environment."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from .watch import Point, watch

LINGER = 0.5
"""Seconds for which a module that outlives its play stops, so that the next play starts before it continues."""


def arm(source: str) -> None:
    """
    Watch a module of which the file has this end from the moment at which it begins.

    A module that is sent through standard input is not in the command line.
    """
    begun = False

    def begin(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal begun
        if not begun and event == "exec" and getattr(arguments[0], "co_filename", "").endswith(source):
            begun = True
            watch(passed)

    sys.addaudithook(begin)


def passed(point: Point) -> None:
    """Kill the chosen process if this is the chosen point."""
    if str(point) == os.environ["CRASH_POINT"] and struck(str(point)):
        victim = os.environ["CRASH_VICTIM"]
        if victim == "nobody":
            # An exception raised here appears at the point.
            raise RuntimeError("A test caused this.")
        if victim != "module":
            for pid in _ancestors(int(os.environ["CRASH_DRIVER"])):
                os.kill(pid, signal.SIGKILL)
        if victim != "parent alone":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(LINGER)


def struck(point: str) -> bool:
    """Whether the point is reached for the first time. Records the process."""
    try:
        fd = os.open(os.environ["CRASH_MARK"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    os.write(fd, f"{os.getpid()} {point}".encode())
    os.close(fd)
    return True


def _ancestors(driver: int) -> list[int]:
    """The processes between this one and the one that started the play: its shell, the worker, the play."""
    found: list[int] = []
    pid = os.getppid()
    while pid not in (driver, 1, 0):
        found.append(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    return found
