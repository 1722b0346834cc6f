# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
Which files are trusted. A file is trusted if nobody else could have written it or put it there.

Trusted are the user who runs, root, and the owner that the task declares. A file must belong to one of them, and nobody
else may write to it. The same holds for its folder, because who may write to a folder may replace the files in it. In a
folder with the sticky bit, such as /tmp, others can add names but not replace files; there a second hard link may be
somebody else's work.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat


def trusted_users(owner: str | None) -> set[int]:
    """The user ids that are trusted if a task declares this owner, by name or by number."""
    users = {0, os.geteuid()}
    if owner:
        # An unknown owner is reported when the attributes are set.
        with contextlib.suppress(KeyError):
            users.add(int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid)
    return users


def distrust_of_folder(path: str, there: os.stat_result, users: set[int]) -> str | None:
    """What is wrong with a folder, and what to do; None if it is trusted."""
    if there.st_uid not in users:
        return (
            f"the folder {path} belongs to {_user(there.st_uid)}, who could replace the file."
            " Use a folder that belongs to you, to root or to the declared owner"
        )
    if _others_may_write(there) and not there.st_mode & stat.S_ISVTX:
        return (
            f"the mode {stat.S_IMODE(there.st_mode):04o} of the folder {path} lets other users replace the file."
            f" Check the file, then run: chmod go-w {path}"
        )
    return None


def distrust_of_file(path: str, there: os.stat_result, folder: os.stat_result, users: set[int]) -> str | None:
    """What is wrong with a file in a trusted folder, and what to do; None if it is trusted."""
    if there.st_uid not in users:
        return (
            f"it belongs to {_user(there.st_uid)}, and not to you, to root or to the declared owner."
            " Check where it comes from. Then change its owner, or remove it"
        )
    if _others_may_write(there):
        return (
            f"its mode {stat.S_IMODE(there.st_mode):04o} lets other users change it."
            f" Check the file, then run: chmod go-w {path}"
        )
    if there.st_nlink > 1 and _others_may_write(folder):
        return (
            f"it has {there.st_nlink} names (hard links), and other users can create names in its folder."
            " Remove it, or use a folder that only you can write to"
        )
    return None


def _others_may_write(there: os.stat_result) -> bool:
    """Whether users other than the owner may write. The private group of the owner has no other members."""
    if there.st_mode & stat.S_IWOTH:
        return True
    return bool(there.st_mode & stat.S_IWGRP) and not _is_private_group(there.st_gid, there.st_uid)


def _is_private_group(gid: int, uid: int) -> bool:
    """Whether a group has the name of its only member, as most Linux distributions create one for each user."""
    try:
        owner, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    return owner.pw_gid == gid and owner.pw_name == group.gr_name and set(group.gr_mem) <= {owner.pw_name}


def _user(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the unknown user {uid}"
