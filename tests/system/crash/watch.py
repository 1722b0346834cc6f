# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports a process's calls to the disk and the network, so that it can be killed at any of them.

No function is replaced or wrapped. Python reports each call of a C function. The functions named here change something
outside of the process, or wait for something.
"""

from __future__ import annotations

import io
import sys
import threading
import types
import typing as t

DISK = frozenset(
    (
        *("chmod", "chown", "close", "fchmod", "fchown", "flock", "flush", "fsync", "ftruncate", "lchown", "link"),
        *("mkdir", "open", "remove", "rename", "replace", "rmdir", "symlink", "truncate", "unlink", "write"),
    )
)
NETWORK = frozenset(("connect", "sendall", "recv_into"))
METHODS = ("GET", "POST", "DELETE")
HELPERS = frozenset(("_write",))
"""Functions whose callers describe the call better."""


class Point(t.NamedTuple):
    """A moment at which a process can be killed."""

    when: str
    """``before`` or ``after``."""
    call: str
    """The function of the operating system; on the network with the HTTP method that it serves."""
    caller: str
    """The function that calls it; empty on the network."""

    def __str__(self) -> str:
        return f"{self.when} {self.call}" + (f" in {self.caller}" if self.caller else "")


def watch(passed: t.Callable[[Point], None]) -> None:
    """From now on, call *passed* at each point, in any thread of this process."""

    def report(frame: types.FrameType, event: str, function: t.Any) -> None:
        when = {"c_call": "before", "c_return": "after", "c_exception": "after"}.get(event)
        name = getattr(function, "__name__", "")
        if when is None or name not in DISK | NETWORK:
            return
        owner = getattr(function, "__self__", None)
        if name in NETWORK:
            if type(owner).__name__ == "socket":
                passed(Point(when, f"{_method(frame)} {name}", ""))
        elif _is_outside(owner):
            passed(Point(when, name, _caller(frame)))

    threading.setprofile(report)
    sys.setprofile(report)


def _is_outside(owner: object) -> bool:
    """Whether a function is one of the operating system, or a method of an open file. Text can be replaced too."""
    if isinstance(owner, types.ModuleType):
        return owner.__name__ in ("posix", "fcntl", "_io")
    return isinstance(owner, (io.FileIO, io.BufferedWriter, io.BufferedRandom, io.TextIOWrapper))


def _caller(frame: types.FrameType) -> str:
    while frame.f_code.co_name in HELPERS and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_qualname.replace("<locals>.", "")


def _method(frame: types.FrameType | None) -> str:
    """The HTTP method of the current request in this thread."""
    while frame is not None:
        method = frame.f_locals.get("method")
        if method in METHODS:
            return str(method)
        frame = frame.f_back
    return "-"
