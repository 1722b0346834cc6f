# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The supported series of ansible-core, and an environment of each, created when needed."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

from . import tree, venvs
from .environment import usable_path

PRE_RELEASE = "pre-release"

# The Pythons of the controller that each series runs on, the preferred one first.
PYTHONS: dict[str, tuple[str, ...]] = {
    "2.16": ("3.12", "3.11", "3.10"),
    "2.17": ("3.12", "3.11", "3.10"),
    "2.18": ("3.12", "3.13", "3.11"),
    "2.19": ("3.12", "3.13", "3.11"),
    "2.20": ("3.13", "3.14", "3.12"),
    "2.21": ("3.13", "3.14", "3.12"),
    PRE_RELEASE: ("3.14", "3.13"),
}

# What the collection needs beside ansible-core. The scenario and the targets start the emulator in the same Python.
_BESIDE = ("requests", "--requirement", str(tree.ROOT / "tests" / "emulator" / "requirements.txt"))


@functools.cache
def pythons_at_hand() -> dict[str, str]:
    """Versions such as ``3.9``, and an interpreter of each that runs."""
    found: dict[str, str] = {}
    for minor in range(9, 16):
        for folder in usable_path():
            python = Path(folder, f"python3.{minor}")
            if os.access(python, os.X_OK) and subprocess.run([python, "-c", ""], check=False).returncode == 0:
                found.setdefault(f"3.{minor}", str(python))
    return found


def at_hand() -> list[str]:
    """The series that a Python of this machine can run, the oldest first."""
    return [core for core, pythons in PYTHONS.items() if any(python in pythons_at_hand() for python in pythons)]


def newest() -> str:
    """The newest released series that can run here."""
    return [core for core in at_hand() if core != PRE_RELEASE][-1]


def venv_of(core: str) -> Path:
    """The environment of a series, such as ``2.16`` or ``newest``, with its newest release."""
    core = newest() if core == "newest" else core
    if core not in PYTHONS:
        raise ValueError(f"{core} is not a supported series of ansible-core. Use one of {', '.join(PYTHONS)}.")
    python = next((pythons_at_hand()[each] for each in PYTHONS[core] if each in pythons_at_hand()), None)
    if python is None:
        raise ValueError(f"ansible-core {core} needs Python {' or '.join(PYTHONS[core])}, which is not installed.")
    release = ["--prerelease=allow", "ansible-core"] if core == PRE_RELEASE else [f"ansible-core~={core}.0"]
    packages = [*release, *_BESIDE]
    return venvs.made(f"core-{core}", python, ["--upgrade", *packages], f"{python}\n{packages}\n")


def version_of(venv: Path) -> str:
    """The release of ansible-core in an environment."""
    command = [str(venv / "bin" / "python"), "-c", "import ansible.release as r; print(r.__version__)"]
    return subprocess.check_output(command, text=True).strip()
