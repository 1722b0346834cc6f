# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in the page of an audit. ``make test-browser`` opens it."""

from __future__ import annotations

import base64
import datetime
import hashlib
import html.parser
import json
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils import _audit_page
from ansible_collections.community.soda.plugins.module_utils._audit import (
    CONTACTS,
    STATES,
    Account,
    Limits,
    Listed,
    Report,
    Seen,
    audit,
)
from ansible_collections.community.soda.plugins.module_utils._runners import Runner
from ansible_collections.community.soda.tests.unit.plugins.harness import ODD_NAMES

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
ACCOUNT = Account("https://cloud.soda.io", "key-1")
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "@verdict@ @data@",
    "\u2028\u2029",
    "\ud800",
    "&lt;b&gt;",
    "{{ lookup('pipe', 'id') }}",
)


def report(*names: str, accounts: tuple[Account, ...] = (ACCOUNT,)) -> Report:
    runners = tuple(Runner(f"id-{name}", name, None, "SELF_HOSTED", True, None, {"runner": "1.2"}) for name in names)
    seen = tuple(Seen(name, name, accounts[0], issued_at="2026-01-01T12:00:00Z") for name in names)
    limits = Limits(datetime.timedelta(minutes=30), datetime.timedelta(hours=24))
    return audit(seen, [Listed(account, "host", runners) for account in accounts], (), limits, NOW)


class Parsed(html.parser.HTMLParser):
    """The elements of a page, and the text in each that is not parsed as markup."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, str] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        if self._inside in ("data", "script", "style"):
            self.raw[self._inside] = self.raw.get(self._inside, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def data_of(text: str) -> Any:
    return json.loads(Parsed(text).raw["data"])


@pytest.mark.parametrize("name", [*ODD_NAMES, *HOSTILE])
def test_a_name_is_data_in_the_page_and_adds_no_element(name: str) -> None:
    plain, odd = _audit_page.page(report("one")), _audit_page.page(report(name))
    assert Parsed(odd).elements == Parsed(plain).elements
    assert data_of(odd)["rows"][0][0] == name
    assert odd.isascii() or odd.encode()


def test_the_page_allows_its_own_script_and_style_and_no_request() -> None:
    parsed = Parsed(_audit_page.page(report("one")))
    (policy,) = [at["content"] for tag, at in parsed.elements if at.get("http-equiv") == "Content-Security-Policy"]
    hashes = {
        part: base64.b64encode(hashlib.sha256(parsed.raw[part].encode()).digest()).decode()
        for part in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_nothing_in_the_page_is_loaded_from_anywhere() -> None:
    for _tag, attributes in Parsed(_audit_page.page(report("one"))).elements:
        for attribute in ("src", "href", "action", "data", "srcset"):
            assert (attributes.get(attribute) or "#").startswith(("#", "data:,"))
    for part in ("_audit_page.css", "_audit_page.js"):
        assert not [word for word in ("url(", "@import", "fetch(", "innerHTML") if word in _audit_page._beside(part)]


def test_the_verdict_is_there_without_the_script() -> None:
    assert "No runner is listed, and no host declares one." in _audit_page.page(report())
    assert "All 2 are in order." in _audit_page.page(report("one", "two"))
    assert "1 of 1 needs attention." in _audit_page.page(
        audit(
            [Seen("host", "one", ACCOUNT)],
            [Listed(ACCOUNT, "host", ())],
            (),
            Limits(datetime.timedelta(0), datetime.timedelta(0)),
            NOW,
        )
    )


def test_every_state_and_every_last_contact_is_in_the_pictures() -> None:
    data = data_of(_audit_page.page(report("one")))
    assert [state["title"] for state in data["states"]] == list(STATES.values())
    assert [contact["title"] for contact in data["contacts"]] == list(CONTACTS.values())
    assert sum(state["count"] for state in data["states"]) == sum(one["count"] for one in data["contacts"]) == 1


def test_the_account_of_a_row_is_told_where_there_are_several() -> None:
    other = Account("https://cloud.us.soda.io", "key-2")
    assert data_of(_audit_page.page(report("one")))["rows"][0][-1] is None
    rows = data_of(_audit_page.page(report("one", accounts=(ACCOUNT, other))))["rows"]
    assert {row[-1] for row in rows} == {0, 1}
