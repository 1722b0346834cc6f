# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which host of an inventory a runner is: any text may be a runner's name, and not any text can be a host's. No I/O."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ..module_utils._api.runners import Runner

# What is none of these would mean something in a host pattern, in a path or to a shell.
_NO_HOST_NAME = re.compile(r"[^\w.-]|^[.-]")

# Sentences are for people: of many names they show a few.
_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Runners under names that no two of them share."""

    named: list[tuple[str, Runner]]
    """In the order of the listing."""
    notes: list[str]
    """A sentence for each way in which names are not the ones that were asked for."""


def name_hosts(asked: t.Sequence[tuple[str | None, Runner]], reserved: t.Collection[str]) -> Hosts:
    """
    Give each runner the name that is asked for it, as far as it can be the name of a host and is its alone.

    A runner that is asked to have none has its id. C(reserved) are names that mean something else, such as groups.
    """
    names = [host_name(name or runner.id or "") for name, runner in asked]
    count = collections.Counter(names)
    unnamed: list[str] = []
    altered: list[str] = []
    shared: list[str] = []
    taken: list[str] = []
    for index, (name, runner) in enumerate(asked):
        plain = names[index]
        if not name:
            unnamed.append(plain or "one that has no id either")
        elif plain != name:
            altered.append(f"{name!r} as {plain}")
        if plain and (count[plain] > 1 or plain in reserved):
            (taken if plain in reserved else shared).append(plain)
            names[index] = host_name(f"{plain}-{runner.id}") if runner.id else ""

    count = collections.Counter(names)
    lost = [runner for (_name, runner), name in zip(asked, names) if not name or count[name] > 1]
    named = [(name, runner) for (_name, runner), name in zip(asked, names) if name and count[name] == 1]
    return Hosts(
        named=named,
        notes=[
            f"{sentence}: {_few(who)}."
            for sentence, who in (
                ("Runners without a name are listed under their id", unnamed),
                ("Names that cannot be the name of a host are changed", altered),
                ("Names that several runners have are followed by the id", shared),
                ("Names that are a group's or this machine's are followed by the id", taken),
                ("Runners that nothing tells apart are left out", [repr(runner.name) for runner in lost]),
            )
            if who
        ],
    )


def host_name(text: str) -> str:
    """The text with an underscore for each character that no host name may have there."""
    return _NO_HOST_NAME.sub("_", text)


def type_group(runner_type: str) -> str:
    """The name of the group of all runners of this type."""
    return "soda_type_" + re.sub(r"\W", "_", runner_type.lower(), flags=re.ASCII)


def _few(texts: t.Sequence[str]) -> str:
    """The first few of the texts, each once, and how many there are besides."""
    different = list(dict.fromkeys(texts))
    more = len(different) - _SHOWN
    return ", ".join(different[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
