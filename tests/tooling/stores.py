# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the key stores have in common: Ansible with other collections, and a private system log."""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

from . import packaged, programs, tree, units, venvs
from .environment import private_environment
from .result import Result

# A private /dev, in which the tests put the socket of a system log.
_ENTER = """
mkdir -p "$0/dev" && mount -t tmpfs -o mode=0755 tmpfs "$0/dev"
mkdir "$0/dev/pts" "$0/dev/shm"
for name in null zero full random urandom tty; do touch "$0/dev/$name" && mount --bind "/dev/$name" "$0/dev/$name"; done
mount --rbind /dev/pts "$0/dev/pts" && mount --rbind /dev/shm "$0/dev/shm"
ln -s pts/ptmx "$0/dev/ptmx" && ln -s /proc/self/fd "$0/dev/fd"
mount --rbind "$0/dev" /dev
exec "$@"
"""


def run_tests(part: str, arguments: t.Sequence[str], log: Path, **settings: str) -> Result:
    """Run the tests in ``tests/system/PART``. *arguments* are for pytest, *settings* into the environment."""
    folder = tree.BUILD / part
    folder.mkdir(parents=True, exist_ok=True)
    env = private_environment()
    env["STORES_ANSIBLE"] = os.environ.get("STORES_ANSIBLE") or str(venvs.pinned("examples") / "bin")
    env["ANSIBLE_COLLECTIONS_PATH"] += os.pathsep + str(packaged.collections())
    env["SODA_TEST_SERVERS"] = str(programs.FOLDER)
    under = _own_dev(folder)
    if not under:
        return Result(0, 1, "the tests need a private /dev, but this machine does not allow namespaces")
    syslog = folder / "syslog"
    syslog.unlink(missing_ok=True)
    env["STORES_SYSLOG"] = str(syslog)
    chosen = ["--numprocesses", "2", f"--basetemp={folder / 'tests'}", *(arguments or [f"tests/system/{part}"])]
    return units.by_pytest(part, chosen, {**env, **settings}, log, under=under)


def _own_dev(folder: Path) -> list[str]:
    """The command that runs another command with a private /dev, if this machine allows it."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    spaces = ["unshare", *as_root, "--mount", "--propagation", "private", "--kill-child"]
    inside = [*spaces, "sh", "-euc", _ENTER, str(folder)]
    try:
        works = subprocess.run([*inside, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        works = False
    return inside if works else []
