# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of every part: a home in the checkout, and no Ansible settings or account of the caller."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from . import tree

_FOREIGN = ("ANSIBLE_", "MOLECULE_", "SODA_")
_FOREIGN_NAMES = {
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTEST_ADDOPTS",
    "NO_COLOR",
    "FORCE_COLOR",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
}
_SUPPORTED_PYTHONS = tuple(f"python3.{minor}" for minor in range(8, 15))


def private_environment(home: Path = tree.CACHE / "home", temporary: Path = tree.BUILD / "tmp") -> dict[str, str]:
    """The environment of the caller with another home, and without Ansible settings and accounts."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and not name.startswith("XDG_") and name not in _FOREIGN_NAMES
    }
    home.mkdir(parents=True, exist_ok=True)
    temporary.mkdir(parents=True, exist_ok=True)
    env.update(
        HOME=str(home),
        TMPDIR=str(temporary),
        PATH=os.pathsep.join([str(Path(sys.executable).parent), *usable_path()]),
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONUNBUFFERED="1",
        LC_ALL="C.UTF-8",
        ANSIBLE_COLLECTIONS_PATH=str(tree.linked_collections()),
        ANSIBLE_LOCAL_TEMP=str(temporary / "ansible"),
        ANSIBLE_REMOTE_TEMP=str(temporary / "ansible"),
        ANSIBLE_HOME=str(home / ".ansible"),
        ANSIBLE_PYTHON_INTERPRETER=sys.executable,
        ANSIBLE_NOCOWS="1",
    )
    if sys.stdout.isatty():
        env.update(FORCE_COLOR="1", PY_COLORS="1", ANSIBLE_FORCE_COLOR="1")
    else:
        env.update(NO_COLOR="1", ANSIBLE_NOCOLOR="1")
    return env


@functools.cache
def usable_path() -> tuple[str, ...]:
    """The folders of PATH, where a version manager's names (some for Pythons switched off) give way to its Pythons."""
    folders: list[str] = []
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if folder and _pythons_run(Path(folder)):
            folders.append(folder)
        else:
            folders.extend(str(path) for path in sorted(Path(folder).parent.glob("versions/3.*/bin")))
    return tuple(dict.fromkeys(folders))


def _pythons_run(folder: Path) -> bool:
    return all(
        subprocess.run([folder / name, "--version"], capture_output=True, check=False).returncode == 0
        for name in _SUPPORTED_PYTHONS
        if os.access(folder / name, os.X_OK)
    )


def prepare_home_for_ansible_test(env: dict[str, str], venv: Path | None = None) -> None:
    """ansible-test passes on HOME and little else, so what pip has to know goes into files there.

    *venv* is where ansible-test is installed, where that is not beside this Python.
    """
    home = Path(env["HOME"])
    write_private(home / ".config" / "pip" / "pip.conf", pip_configuration(dict(os.environ)))
    for version in pip_versions_of_ansible_test(venv):
        stand_in = home / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        stand_in.parent.mkdir(parents=True, exist_ok=True)
        stand_in.write_text((Path(__file__).parent / "get_pip.py").read_text("utf-8"), "utf-8")


def write_private(path: Path, text: str) -> None:
    """Write a file that may contain a password, such as that of a package index."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


def pip_configuration(environment: dict[str, str]) -> str:
    """All pip settings of the caller as one pip.conf."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    )
    settings = settings_of_pip(listing.stdout)
    certificates = environment.get("REQUESTS_CA_BUNDLE") or environment.get("SSL_CERT_FILE")
    if certificates:
        settings.setdefault("cert", certificates)
    proxy = environment.get("HTTPS_PROXY") or environment.get("https_proxy")
    if proxy:
        settings.setdefault("proxy", proxy)
    settings.setdefault("cache-dir", str(tree.CACHE / "pip"))
    settings["quiet"] = "2"
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in sorted(settings.items()))


def settings_of_pip(listing: str) -> dict[str, str]:
    """Parse ``pip config list``, lines such as ``global.index-url='…'``; the environment comes first, as in pip."""
    settings: dict[str, str] = {}
    for line in sorted(listing.splitlines(), key=lambda line: not line.startswith(":env:")):
        match = re.fullmatch(r"(?:global|install|:env:)\.([a-z-]+)=(.*)", line)
        if match:
            settings.setdefault(match[1], " ".join(shlex.split(match[2])))
    return settings


def pip_versions_of_ansible_test(venv: Path | None = None) -> list[str]:
    """The versions of pip that the installed ansible-test asks for, read in its source: file names depend on them."""
    if venv is None:
        package = importlib.util.find_spec("ansible_test")
        folders = list(package.submodule_search_locations or ()) if package else []
    else:
        folders = [str(path) for path in venv.glob("lib/python3.*/site-packages/ansible_test")]
    if not folders:
        raise SystemExit("ansible-test is not installed beside this Python.")
    source = Path(folders[0], "_internal", "python_requirements.py").read_text("utf-8")
    versions = sorted(set(re.findall(r"""\bpip=['"]([0-9.]+)['"]""", source)))
    if not versions:
        raise SystemExit(f"This ansible-test does not say where it used to which pip it wants; see {__file__}.")
    return versions
