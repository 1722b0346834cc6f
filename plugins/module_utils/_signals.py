# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Between asking for a key and having it on disk a polite kill waits; while nothing is asked it does not."""

from __future__ import annotations

import contextlib
import signal
import time
import typing as t

POLITE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def held_back() -> t.Iterator[None]:
    """Hold back the signals that ask a process to end. They take effect at the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, POLITE)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def sleep(seconds: float) -> None:
    """Sleep, and let the signals through that are held back: a deferral can be long, and nothing is lost in it."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, POLITE)
    try:
        time.sleep(seconds)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
