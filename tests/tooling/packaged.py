# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other collections from the package ``ansible``, for tests that use them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from . import tree

PINNED = tree.ROOT / "tests" / "requirements" / "awx.txt"
WANTED = ("awx.awx", "community.hashi_vault", "kubernetes.core")


def collections() -> Path:
    """A collections path with the requested collections only."""
    (version,) = re.findall(r"^ansible==(\S+)$", PINNED.read_text("utf-8"), re.MULTILINE)
    kept = tree.CACHE / f"collections-of-ansible-{version}"
    with tree.only_one("packaged"):
        if not kept.exists():
            print(f"Fetching {', '.join(WANTED)} out of ansible {version}", flush=True)
            _fetch(kept)
    return kept


def collection(name: str) -> Path:
    """The folder of one of them, such as ``awx.awx``."""
    return collections() / "ansible_collections" / name.replace(".", "/")


def _fetch(kept: Path) -> None:
    tree.CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tree.CACHE) as temporary:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        # With the caller's environment, which may name a mirror.
        subprocess.run([*command, "--dest", temporary, "--requirement", PINNED], check=True, env=dict(os.environ))
        (wheel,) = Path(temporary).glob("*.whl")
        folders = tuple(f"ansible_collections/{name.replace('.', '/')}/" for name in WANTED)
        unpacked = Path(temporary, "unpacked")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked, [name for name in archive.namelist() if name.startswith(folders)])
        unpacked.rename(kept)
