# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Where relative paths and ~ lead to, and whether two paths are one file."""

from __future__ import annotations

import contextlib
import os
import pwd


def home_folder() -> str:
    """The home folder: HOME, or the user database if HOME is unset or empty, as under some service managers."""
    home = os.environ.get("HOME")
    if home:
        return home
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_dir
    return "/"


def expand(path: str) -> str:
    """The absolute path. The current folder is that of the process, not the variable PWD, which may be of another."""
    if path == "~" or path.startswith("~/"):
        path = home_folder() + path[1:]
    return os.path.abspath(os.path.expanduser(path))


def default_escrow_dir() -> str:
    """Where keys wait on the controller if no other folder is set."""
    return expand(f"{os.environ.get('XDG_STATE_HOME') or '~/.local/state'}/community.soda/escrow")


def resolve(path: str) -> str:
    """The one way to write a path on this host: without links in its folder. The file itself may be a link."""
    folder, name = os.path.split(expand(path))
    return os.path.join(os.path.realpath(folder), name)


def is_same_file(first: str, second: str) -> bool:
    """Whether two paths lead to one file, which need not exist yet. Two hard links are one file."""
    if resolve(first) == resolve(second):
        return True
    try:
        return os.path.samestat(os.lstat(expand(first)), os.lstat(expand(second)))
    except OSError:
        return False
