# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Defers SIGINT, SIGTERM and SIGHUP from the key request until the key is stored."""

from __future__ import annotations

import contextlib
import signal
import time
import typing as t

DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def defer_termination() -> t.Iterator[None]:
    """Defer the signals that end a process. They take effect at the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, DEFERRED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def sleep(seconds: float) -> None:
    """Sleep, and deliver deferred signals meanwhile: a wait for a rate limit can be long, and no key is at risk."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, DEFERRED)
    try:
        time.sleep(seconds)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
