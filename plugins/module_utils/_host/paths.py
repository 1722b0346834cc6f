# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Paths on the host: expanded, resolved and compared there, before anything is changed."""

from __future__ import annotations

import os
import pwd
import typing as t

from .._errors import ConfigPathTwice
from .state import HostState, states_in


def expand(path: str) -> str:
    """C(path) with variables and C(~) replaced, as an absolute path. The home folder is that of the user database."""
    path = os.path.expandvars(path)
    if path == "~" or path.startswith("~/"):
        path = pwd.getpwuid(os.geteuid()).pw_dir + path[1:]
    folder, name = os.path.split(os.path.expanduser(path))
    # Not os.path.abspath for all of it: a path that ends with a slash must stay one.
    return os.path.join(os.path.abspath(folder), name)


def resolve(path: str) -> str:
    """The path with each symbolic link in its folder replaced. The file itself may not be a link."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def check_distinct(key_path: str, reserved: t.Sequence[str], config_paths: t.Sequence[str]) -> None:
    """Raise V(config_path_twice) if two of the declared files are one. All paths are resolved."""
    seen = {key_path: "the key file", **dict.fromkeys(reserved, "a file beside the key file that the collection uses")}
    for path in config_paths:
        if path in seen:
            raise ConfigPathTwice(f"{path} is {seen[path]}, and also a configuration file. Change one path.")
        seen[path] = "a configuration file"


def check_not_shared(own: HostState, key_path: str, config_paths: t.Sequence[str]) -> None:
    """Raise V(config_path_twice) if another runner on this host uses one of the files."""
    for folder in sorted({os.path.dirname(path) for path in (key_path, *config_paths)}):
        for state in states_in(folder):
            if state.key_path == key_path:
                continue
            shared = {state.key_path, *state.config_paths}.intersection((key_path, *config_paths))
            for path in sorted(shared):
                raise ConfigPathTwice(
                    f"{path} belongs to the runner {state.name!r} at {state.endpoint}, whose key file is"
                    f" {state.key_path}. Give the runner {own.name!r} its own path, or remove the other runner first.",
                )


def missing_folders(paths: t.Iterable[str]) -> list[str]:
    """The folders of these files that do not exist, in order, each once."""
    folders = dict.fromkeys(os.path.dirname(path) for path in paths)
    return [folder for folder in folders if not os.path.lexists(folder)]


def existing_ancestor(folder: str) -> str:
    """The folder, or the first one above it that exists."""
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return folder
