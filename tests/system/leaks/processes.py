# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the command lines and the environments of processes."""

from __future__ import annotations

import contextlib
import os
import threading
import typing as t
from pathlib import Path

from tooling.process import descendants

PAUSE = 0.05
"""Seconds between two readings. A module takes several times as long."""


@contextlib.contextmanager
def sampled(into: Path) -> t.Iterator[None]:
    """Record the descendants of this process repeatedly in a file until the end of the block."""
    ended = threading.Event()
    seen: set[bytes] = set()

    def look() -> None:
        while not ended.wait(PAUSE):
            for pid in descendants(os.getpid()):
                for kind in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        seen.add(f"{kind}: ".encode() + Path(f"/proc/{pid}/{kind}").read_bytes())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        with into.open("ab") as file:
            file.write(b"\n".join(sorted(seen)) + b"\n")
