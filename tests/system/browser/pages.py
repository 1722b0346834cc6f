# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of audits, and what an open page does."""

from __future__ import annotations

import datetime
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import audit
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import AccountListing, Limits, Observation
from ansible_collections.community.soda.plugins.plugin_utils._audit.page import page

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
EUROPE = Account("https://cloud.soda.io", "europe")
SCREENSHOTS = Path(os.environ["SCREENSHOTS"])


def ago(**time: float) -> str:
    return (NOW - datetime.timedelta(**time)).isoformat().replace("+00:00", "Z")


def runner(number: int, **fields: object) -> Runner:
    given: dict[str, object] = {
        "id": f"7f9d1c1e-9a54-4f2b-8f0e-{number:012d}",
        "name": f"warehouse-{number}",
        "label": None,
        "type": "SELF_HOSTED",
        "is_online": True,
        "last_seen_timestamp": ago(seconds=20),
        "versions": {"runner": "1.8.2", "library": "4.28.0"},
        **fields,
    }
    return Runner(**given)  # type: ignore[arg-type]


@functools.lru_cache
def fleet(count: int, *more: Runner) -> str:
    """The page of an audit of *count* runners, with each kind of finding."""
    runners, seen = list(more), []
    for number in range(count):
        host = Observation(f"warehouse-{number}", f"warehouse-{number}", EUROPE, issued_at=ago(days=90))
        one: Runner | None = runner(number)
        kind = number % 100
        if kind == 1:
            one = runner(number, is_online=False, last_seen_timestamp=ago(days=number % 40 + 2))
        elif kind == 2:
            one, host = None, Observation(host.host, host.name, EUROPE)
        elif kind == 3:
            one = None
        elif kind in (4, 5):
            host = Observation(
                host.host, host.name, EUROPE, issued_at=host.issued_at, differences=("/etc/soda-runner/values.yml",)
            )
        elif kind == 6:
            host = Observation(
                host.host,
                host.name,
                EUROPE,
                reached=False,
                failure="ssh: connect to host warehouse port 22: No route to host",
            )
        elif kind in (7, 8, 9):
            one = runner(number, versions={"runner": "1.7.0", "library": "4.28.0"})
        elif kind == 10:
            runners.append(runner(number, name=f"warehouse-{number}", id=f"twin-of-{number}"))
        elif kind == 11:
            one = runner(number, type="SODA_HOSTED")
        elif kind == 12:
            one = runner(number, is_online=False, last_seen_timestamp=ago(hours=3))
        runners += [one] if one else []
        if kind not in (11, 13):
            seen.append(host)
    limits = Limits(datetime.timedelta(minutes=30), datetime.timedelta(hours=24))
    return page(audit(seen, [AccountListing(EUROPE, "warehouse-0", tuple(runners))], (), limits, NOW))


@dataclass
class Opened:
    """An open page, with its messages and requests."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    """Errors, warnings and other messages of the console, and dialogs."""
    requests: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    """The requests that the browser did not refuse."""

    def rows(self) -> list[str]:
        """The names of the runners that the table shows, from top to bottom."""
        return self.page.locator("#rows th > :first-child").all_text_contents()

    def status(self) -> str:
        return self.page.locator("#count").text_content() or ""


Open = Callable[..., Opened]
