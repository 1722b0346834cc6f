# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs every example of the documentation as printed. The emulator answers as ``https://cloud.soda.io``."""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

from . import packaged, tree, units, venvs
from .environment import private_environment
from .result import Result

FOLDER = tree.BUILD / "examples"
NAMES = ("cloud.soda.io", "cloud.us.soda.io")

# The network namespace has only the loopback interface. The mount namespace has a hosts file with the names of Soda
# Cloud, and a file system in memory for the overlays, because not every file system supports them.
_ENTER = """
ip link set lo up
mount --bind "$0/hosts" /etc/hosts
mount -t tmpfs -o mode=0755 tmpfs "$0/run"
exec "$@"
"""


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the tests in ``tests/system/examples``. *arguments* are for pytest, such as ``-k vault``."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "run").mkdir(parents=True)
    (FOLDER / "hosts").write_text(f"127.0.0.1 localhost {' '.join(NAMES)}\n", "utf-8")
    env = venvs.on_path(private_environment(FOLDER / "home", FOLDER / "tmp"), venvs.pinned("examples"))
    env = {name: value for name, value in env.items() if not name.lower().endswith("_proxy")}
    env["ANSIBLE_PYTHON_INTERPRETER"] = str(Path(env["VIRTUAL_ENV"]) / "bin" / "python")
    env["ANSIBLE_COLLECTIONS_PATH"] += os.pathsep + str(packaged.collections())
    # The emulator has one port, so one test runs at a time.
    chosen = [
        "-v",
        "--numprocesses",
        "0",
        f"--basetemp={FOLDER / 'run' / 'tests'}",
        "tests/system/examples",
        *arguments,
    ]
    return units.by_pytest("examples", chosen, env, log, under=_inside())


def _inside() -> list[str]:
    """The command that runs another command as root in separate namespaces. The caller need not be root."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    spaces = ["unshare", *as_root, "--mount", "--net", "--propagation", "private", "--kill-child"]
    return [*spaces, "sh", "-euc", _ENTER, str(FOLDER)]
