# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What was observed of a host, from the results of the actions that would write there. No I/O and no Ansible."""

from __future__ import annotations

import typing as t

from ...module_utils._account import Account
from ...module_utils._api.text import sanitize_line
from .findings import FROM_STORES
from .model import Finding, Observation

Json = t.Mapping[str, t.Any]

LONGEST = 1000
"""Characters of a text that comes from a host."""


def observation(host: str, name: str, account: Account | None, wanted: bool, result: Json) -> Observation:
    """
    The observation of a host, from the result of M(community.soda.soda_runner_config) in check mode.

    Parts of the result come from the host, which may be hostile: types are checked, and text is made inert.
    """
    common = Observation(host=host, name=name, account=account, wanted=wanted, problems=tuple(_problems(result)))
    if result.get("failed"):
        return _with(common, failure=text(result.get("msg")) or "The task failed without a message.")
    if not wanted:
        return _with(common, remaining=tuple(_texts(result.get("removed"))))
    key = result.get("key")
    if not isinstance(key, dict):
        return common
    return _with(
        common,
        issued_at=text(key.get("issued_at")) or "unknown",
        differences=tuple(_differences(result)),
    )


def unreached(host: str, name: str, account: Account | None, wanted: bool, why: str) -> Observation:
    return Observation(host=host, name=name, account=account, wanted=wanted, reached=False, failure=text(why))


def failed(host: str, name: str, why: str, account: Account | None = None) -> Observation:
    """A host whose declaration is so broken that nothing could be observed."""
    return Observation(host=host, name=name, account=account, failure=text(why))


def text(value: t.Any) -> str:
    """Text from a host, inert and of one line. Anything else is empty."""
    return sanitize_line(value, LONGEST) if isinstance(value, str) else ""


def _with(one: Observation, **fields: t.Any) -> Observation:
    return Observation(**{**one.__dict__, **fields})


def _differences(result: Json) -> t.Iterator[str]:
    if result.get("key_needed") is True:
        yield "the stored key has a lower key_version than the declaration"
    if result.get("key_changed") is True:
        yield "the key file"
    files = result.get("files")
    for file in files if isinstance(files, list) else ():
        if isinstance(file, dict) and file.get("changed") is True:
            yield text(file.get("path"))
    if result.get("escrow_emptied") is True:
        yield "a key waits in escrow"
    if result.get("restart_owed") is True:
        yield "a restart of the runner is owed"


def _problems(result: Json) -> t.Iterator[Finding]:
    """What a key store reports: a list of C(code) and C(detail) under C(problems)."""
    problems = result.get("problems")
    for problem in problems if isinstance(problems, list) else ():
        if isinstance(problem, dict) and problem.get("code") in FROM_STORES:
            yield Finding(problem["code"], text(problem.get("detail")))


def _texts(values: t.Any) -> t.Iterator[str]:
    yield from filter(None, map(text, values if isinstance(values, list) else ()))
