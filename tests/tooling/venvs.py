# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments for tools that conflict with the test environment. Each is created from its pins when needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import tree

REQUIREMENTS = tree.ROOT / "tests" / "requirements"
_VENVS = tree.CACHE / "venvs"
_UV = str(Path(sys.executable).with_name("uv"))


def pinned(name: str) -> Path:
    """The environment of ``tests/requirements/NAME.txt``: what is installed has the hashes that are pinned there."""
    requirements = REQUIREMENTS / f"{name}.txt"
    stamp = hashlib.sha256(requirements.read_bytes()).hexdigest()
    return made(name, sys.executable, ["--require-hashes", "--requirement", str(requirements)], stamp)


def made(name: str, python: str, packages: list[str], stamp: str) -> Path:
    """An environment with what ``uv pip install`` is given as *packages*. With another *stamp* it is made again."""
    venv = _VENVS / name
    with tree.only_one(f"venv-{name}"):
        recorded = venv / ".made-of"
        if not (recorded.exists() and recorded.read_text("utf-8") == stamp):
            print(f"Installing the tools of {name}", flush=True)
            shutil.rmtree(venv, ignore_errors=True)
            _uv("venv", "--quiet", "--seed", "--python", python, str(venv))
            _uv("pip", "install", "--quiet", "--compile-bytecode", "--python", str(venv / "bin" / "python"), *packages)
            recorded.write_text(stamp, "utf-8")
    return venv


def on_path(env: dict[str, str], venv: Path) -> dict[str, str]:
    """An environment in which the programs of *venv* come first."""
    return {**env, "PATH": f"{venv / 'bin'}{os.pathsep}{env['PATH']}", "VIRTUAL_ENV": str(venv)}


def _uv(*arguments: str) -> None:
    subprocess.run([_UV, *arguments], check=True, env={**os.environ, "UV_CACHE_DIR": str(tree.CACHE / "uv")})
