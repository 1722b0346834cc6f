# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs programs, shows, logs and returns their output, and ends them with all their processes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;;.*?\x1b\\\\")
_GRACE = 10.0


@dataclasses.dataclass(frozen=True)
class Finished:
    """The end of a program: its exit status, and standard output and error as they came, without colours."""

    returncode: int
    output: str


def run(
    command: t.Sequence[str],
    *,
    log: Path,
    env: t.Mapping[str, str],
    cwd: Path | None = None,
    prefix: str = "",
    quiet: bool = False,
) -> Finished:
    """Run a command to its end. Its output goes to *log* and, unless *quiet*, with *prefix* to the screen."""
    log.parent.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
        ) as process,
        ended(process),
    ):
        assert process.stdout is not None
        file.write(f"$ {' '.join(command)}\n")
        for line in process.stdout:
            if not quiet:
                sys.stdout.write(prefix + line)
                sys.stdout.flush()
            plain = _COLOUR.sub("", line)
            file.write(plain)
            lines.append(plain)
    return Finished(process.returncode, "".join(lines))


@contextlib.contextmanager
def ended(process: subprocess.Popen[t.Any]) -> t.Iterator[None]:
    """Leave no process behind when the block is left by an exception, an interrupt above all."""
    try:
        yield
    except BaseException:
        stop(process)
        raise


def stop(process: subprocess.Popen[t.Any]) -> None:
    """End a process and all that it started. Ansible's workers leave its process group, so they go by parentage."""
    family = descendants(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    _kill(process, family)


def kill(process: subprocess.Popen[t.Any]) -> None:
    """The same at once, without a chance to clean up."""
    _kill(process, descendants(process.pid))


def _kill(process: subprocess.Popen[t.Any], family: list[int]) -> None:
    for pid in family:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    process.kill()
    process.wait()


def descendants(pid: int) -> list[int]:
    """The descendants of a process, from /proc."""
    children: dict[int, list[int]] = {}
    # A pattern would look at each file, and fail if a process ends at that moment.
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{name}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(name))
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found.extend(below)
        queue.extend(below)
    return found
