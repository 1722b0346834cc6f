# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths, and the two ways in which Ansible finds this checkout as a collection."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
CACHE = ROOT / ".cache"
LOGS = BUILD / "logs"
VENV = Path(sys.prefix)

TESTS = (ROOT / "tests", ROOT / "tests" / "system")
"""The folders from which the packages of the tests are imported."""

_AS_COLLECTION = Path("ansible_collections", "community", "soda")


def linked_collections() -> Path:
    """A collections path on which ``community.soda`` is a link to this checkout. Playbooks and unit tests use it."""
    link = BUILD / "collections" / _AS_COLLECTION
    target = os.path.relpath(ROOT, link.parent)
    link.parent.mkdir(parents=True, exist_ok=True)
    if not (link.is_symlink() and os.readlink(link) == target):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return BUILD / "collections"


def copied_collection(part: str) -> Path:
    """A copy of the checkout's own files, made for this run. ansible-test refuses links and wants a git work tree."""
    root = BUILD / part
    copy = root / _AS_COLLECTION
    shutil.rmtree(root, ignore_errors=True)
    copy.mkdir(parents=True)
    for name in own_files():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    for arguments in (["init", "--quiet", "--template="], ["add", "--all"]):
        _git(copy, *arguments)
    return copy


def own_files() -> list[str]:
    """The files of the project: those that git tracks or would add, and that exist."""
    names = _git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return sorted({name for name in names if name and os.path.lexists(ROOT / name)})


def _git(directory: Path, *arguments: str) -> str:
    # The checkout may belong to another user than the one who tests, as in a container.
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextlib.contextmanager
def only_one(part: str) -> t.Iterator[None]:
    """Wait for another run of the same part in this checkout: both would use the same folders."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{part}.lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting until another run of {part} in this checkout has ended.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
