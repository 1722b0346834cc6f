# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Searches output and files for secrets in every encoding."""

from __future__ import annotations

import base64
import dataclasses
import json
import typing as t
from pathlib import Path
from urllib.parse import quote


@dataclasses.dataclass(frozen=True)
class Credential:
    """A Soda Cloud API key or a runner key."""

    api_key_id: str
    api_key_secret: str


@dataclasses.dataclass(frozen=True)
class Search:
    """The searched files, and the places in which a secret was found."""

    files: int
    size: int
    found: tuple[str, ...]


def forms(credential: Credential) -> frozenset[bytes]:
    """A secret as it is, JSON-escaped, URL-encoded, in hexadecimal, in base64 at each alignment, in a Basic header."""
    secret = credential.api_key_secret.encode()
    header = base64.b64encode(credential.api_key_id.encode() + b":" + secret)
    encoded = {_inner_base64(secret, alignment) for alignment in range(3)}
    escaped = json.dumps(credential.api_key_secret)[1:-1].encode()
    quoted = quote(credential.api_key_secret, safe="").encode()
    return frozenset({secret, escaped, quoted, secret.hex().encode(), header, *encoded})


def _inner_base64(secret: bytes, alignment: int) -> bytes:
    """The characters of base64 that depend on the secret alone, where it begins *alignment* bytes into a group of 3."""
    whole = base64.b64encode(b"\0" * alignment + secret)
    first = -(-alignment * 8 // 6)
    last = (alignment + len(secret)) * 8 // 6
    return whole[first:last]


def search(credentials: t.Iterable[Credential], folder: Path, allowed: t.Callable[[Path], bool]) -> Search:
    """Search every file below *folder*, except those that are *allowed* to contain a secret."""
    wanted = frozenset().union(*(forms(credential) for credential in credentials))
    if not wanted:
        raise ValueError("there is no secret to search for")
    files = size = 0
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or allowed(path):
            continue
        content = path.read_bytes()
        files += 1
        size += len(content)
        if any(form in content for form in wanted):
            found.append(str(path.relative_to(folder)))
    return Search(files, size, tuple(found))
