# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and answers by account, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

SHOWN_HEADERS = ("User-Agent", "Accept", "X-Soda-Backpressure", "Connection", "Content-Type", "Content-Length")
UNKNOWN = "-"  # the journal of requests whose credentials belong to no account


@dataclass
class Entry:
    sequence: int
    time: str
    account: str
    operation: str | None  # of the contract
    command: str | None  # the type of a command or query
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    status: int | None = None  # None: not answered, or not yet
    trace_id: str | None = None
    fault: str | None = None
    request_violation: str | None = None
    contract_violation: str | None = None


@dataclass
class Journal:
    """Entries are in the order in which the requests arrived."""

    _entries: dict[str, list[Entry]] = field(default_factory=dict)
    _violating: list[Entry] = field(default_factory=list)  # of those that were cleared
    _last: int = 0

    def next_sequence(self) -> int:
        self._last += 1
        return self._last

    def add(self, entry: Entry) -> None:
        self._entries.setdefault(entry.account, []).append(entry)

    def read(self, account: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """The entries after number ``since``, of one account or of all."""
        chosen = self._entries.get(account, []) if account is not None else chain(*self._entries.values())
        return [asdict(entry) for entry in sorted(chosen, key=lambda entry: entry.sequence) if entry.sequence > since]

    def violating(self) -> list[dict[str, Any]]:
        """The entries that violate the contract, since the emulator was started: those that were cleared too."""
        every = chain(self._violating, *self._entries.values())
        found = [entry for entry in every if entry.request_violation or entry.contract_violation]
        return [asdict(entry) for entry in sorted(found, key=lambda entry: entry.sequence)]

    def clear(self, account: str | None = None) -> None:
        cleared = list(self._entries) if account is None else [account]
        for name in cleared:
            entries = self._entries.pop(name, [])
            self._violating += [entry for entry in entries if entry.request_violation or entry.contract_violation]


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in SHOWN_HEADERS if name in headers}
