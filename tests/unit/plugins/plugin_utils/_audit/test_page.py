# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of the page of an audit. ``make test-browser`` opens it in a browser."""

from __future__ import annotations

import base64
import datetime
import hashlib
import html.parser
import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.plugin_utils._audit import page as _page
from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import audit
from ansible_collections.community.soda.plugins.plugin_utils._audit.findings import CONTACTS, KINDS, STATES
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import (
    AccountListing,
    Limits,
    Observation,
    Report,
)
from ansible_collections.community.soda.tests.unit.plugins.harness import ODD_NAMES

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
ACCOUNT = Account("https://cloud.soda.io", "key-1")
OTHER = Account("https://cloud.us.soda.io", "key-2")
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
    seen = tuple(Observation(name, name, accounts[0], issued_at="2026-01-01T12:00:00Z") for name in names)
    limits = Limits(datetime.timedelta(minutes=30), datetime.timedelta(hours=24))
    return audit(seen, [AccountListing(account, "host", runners) for account in accounts], (), limits, NOW)


def fleet() -> Report:
    """Two rows at least of each level, in two accounts, at a moment that is not written in UTC."""
    online = Runner("id-1", "ok-1", None, "SELF_HOSTED", True, "2026-01-31T11:59:00Z", {"runner": "1.2", "agent": "3"})
    runners = (
        online,
        replace(online, id="id-2", name="ok-2", type=None),
        replace(online, id="id-3", name="soda", type="SODA_HOSTED", is_online=False, versions={}),
        replace(online, id="id-4", name="there-1"),
        replace(online, id="id-5", name="there-2"),
    )
    others = (
        replace(online, id="id-6", name="gone", is_online=False, last_seen_timestamp="2026-01-31T00:00:00Z"),
        replace(online, id="id-7", name="old", versions={"runner": "1.1"}),
    )
    seen = (
        Observation("host-1", "ok-1", ACCOUNT, issued_at="2026-01-01T12:00:00Z"),
        Observation("host-2", "ok-2", ACCOUNT, issued_at="2026-01-02T12:00:00Z"),
        Observation("host-3", "lost-1", ACCOUNT),
        Observation("host-4", "lost-2", ACCOUNT),
        Observation("host-5", "new", OTHER, issued_at="2026-01-31T11:00:00Z"),
        Observation("host-6", "old", OTHER, issued_at="2026-01-03T12:00:00Z"),
    )
    limits = Limits(datetime.timedelta(minutes=90), datetime.timedelta(hours=36))
    moment = NOW.astimezone(datetime.timezone(datetime.timedelta(hours=2)))
    listings = [AccountListing(ACCOUNT, "host-1", runners), AccountListing(OTHER, "host-5", others)]
    return audit(seen, listings, ("there-1", "there-2"), limits, moment)


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


def between(text: str, before: str, after: str) -> str:
    """What a place of the page was filled with, by what stands around it."""
    assert text.count(before) == 1
    return text.partition(before)[2].partition(after)[0]


@pytest.mark.parametrize("name", [*ODD_NAMES, *HOSTILE])
def test_a_name_is_data_in_the_page_and_adds_no_element(name: str) -> None:
    plain, odd = _page.render_page(report("one")), _page.render_page(report(name))
    assert Parsed(odd).elements == Parsed(plain).elements
    assert data_of(odd)["rows"][0][0] == name
    assert odd.isascii() or odd.encode()


def test_the_page_allows_its_own_script_and_style_and_no_request() -> None:
    parsed = Parsed(_page.render_page(report("one")))
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
    for _tag, attributes in Parsed(_page.render_page(report("one"))).elements:
        for attribute in ("src", "href", "action", "data", "srcset"):
            assert (attributes.get(attribute) or "#").startswith(("#", "data:,"))
    for part in ("page.css", "page.js"):
        assert not [word for word in ("url(", "@import", "fetch(", "innerHTML") if word in _page._beside(part)]


def test_the_verdict_is_there_without_the_script() -> None:
    assert "No runner is listed, and no host declares one." in _page.render_page(report())
    assert "No findings for 2 runners and hosts." in _page.render_page(report("one", "two"))
    assert "<strong>4 of 8 runners and hosts have findings.</strong>" in _page.render_page(fleet())
    assert "1 of 1 runner has findings." in _page.render_page(
        audit(
            [Observation("host", "one", ACCOUNT)],
            [AccountListing(ACCOUNT, "host", ())],
            (),
            Limits(datetime.timedelta(0), datetime.timedelta(0)),
            NOW,
        )
    )


def test_every_state_and_every_last_contact_is_in_the_pictures() -> None:
    data = data_of(_page.render_page(report("one")))
    assert [state["title"] for state in data["states"]] == list(STATES.values())
    assert [contact["title"] for contact in data["contacts"]] == list(CONTACTS.values())
    assert sum(state["count"] for state in data["states"]) == sum(one["count"] for one in data["contacts"]) == 1


def test_a_row_names_its_account_if_there_are_several() -> None:
    assert data_of(_page.render_page(report("one")))["rows"][0][-1] is None
    rows = data_of(_page.render_page(report("one", accounts=(ACCOUNT, OTHER))))["rows"]
    assert {row[-1] for row in rows} == {0, 1}


@pytest.mark.usefixtures("away_from_utc")
def test_the_page_says_when_and_where_in_utc() -> None:
    page = _page.render_page(fleet())
    assert between(page, "<p>Audit of ", "</p>") == (
        "31 January 2026, 12:00 UTC · https://cloud.soda.io, https://cloud.us.soda.io"
    )
    assert data_of(page)["moment"] == "2026-01-31T12:00:00Z"


def test_the_share_of_each_level_is_a_bar_and_a_key() -> None:
    assert between(_page.render_page(fleet()), "</strong>\n", '\n<p class="soft">') == (
        '<div class="share" aria-hidden="true">'
        '<span class="urgent" data-count="2"></span><span class="notice" data-count="2"></span>'
        '<span class="good" data-count="2"></span><span class="other" data-count="1"></span>'
        '<span class="other" data-count="1"></span></div>\n'
        '<ul class="key"><li><span class="sign urgent" aria-hidden="true">▲</span><b>2</b> urgent</li>'
        '<li><span class="sign notice" aria-hidden="true">◆</span><b>2</b> less urgent</li>'
        '<li><span class="sign good" aria-hidden="true">✓</span><b>2</b> in order</li>'
        '<li><span class="sign other" aria-hidden="true">○</span><b>1</b> waiting to register</li>'
        '<li><span class="sign other" aria-hidden="true">○</span><b>1</b> hosted by Soda</li></ul>'
    )


def test_a_level_that_no_row_has_takes_no_share() -> None:
    assert between(_page.render_page(report("one")), "</strong>\n", '\n<p class="soft">') == (
        '<div class="share" aria-hidden="true"><span class="good" data-count="1"></span></div>\n'
        '<ul class="key"><li><span class="sign good" aria-hidden="true">✓</span><b>1</b> in order</li></ul>'
    )
    assert between(_page.render_page(report()), "</strong>\n", '\n<p class="soft">') == ""


def test_the_totals_name_what_they_count() -> None:
    assert between(_page.render_page(fleet()), '</ul>\n<p class="soft">', "</p>") == (
        "5 runners listed: 3 online, 1 stale. 6 hosts audited."
    )
    assert "0 runners listed. 0 hosts audited." in _page.render_page(report())


def test_stale_runners_have_a_command_to_copy() -> None:
    page = _page.render_page(fleet(), "/reports/it's & <b>.json")
    command = between(page, '<code id="apply">', "</code>")
    assert html.unescape(command) == (
        "ansible-playbook -i INVENTORY community.soda.decommission -e"
        """ 'soda_decommission_audit=/reports/it'"'"'s & <b>.json'"""
    )
    assert between(page, '<code id="preview">', "</code>") == f"{command} --check"
    assert "soda_decommission_audit=soda-audit.json" in _page.render_page(fleet())
    assert "community.soda.decommission" not in _page.render_page(report("one"))


def test_the_table_can_be_sorted_by_each_of_its_columns_both_ways() -> None:
    page = _page.render_page(report("one"))
    heads = (
        ("name", "Runner"),
        ("state", "State"),
        ("host", "Host"),
        ("contact", "Last contact"),
        ("versions", "Versions"),
        ("findings", "Findings"),
    )
    assert between(page, '<tr role="row">\n', "\n</tr>").splitlines() == [
        f'<th scope="col" role="columnheader" aria-sort="none" data-by="{by}">'
        f'<button type="button" class="sort">{title}</button></th>'
        for by, title in heads
    ]
    orders = between(page, '<select id="by">\n', "\n</select>").splitlines()
    assert orders[0] == '<option value="state up">State, most severe first</option>'
    # One whole option a line, of each column.
    values = [line.partition(">")[0] for line in orders if line.endswith("</option>")]
    assert sorted(values) == sorted(f'<option value="{by} {way}"' for by, _title in heads for way in ("up", "down"))


def test_the_findings_of_the_page_are_explained() -> None:
    assert between(_page.render_page(fleet()), '<dl class="meanings">\n', "\n</dl>").splitlines() == [
        f"<div><dt>{kind.title}</dt><dd>{kind.meaning}</dd><dd>{html.escape(kind.remedy)}</dd></div>"
        for kind in KINDS
        if kind.code in ("no_key", "not_in_inventory", "outdated")
    ]


def test_the_limits_and_the_number_of_runners_outside_of_the_audit_are_shown() -> None:
    assert between(_page.render_page(report()), '<p class="soft limits">', "</p>") == (
        "A runner may take 30 minutes to register, and may be offline for 24 hours."
    )
    assert between(_page.render_page(fleet()), '<p class="soft limits">', "</p>") == (
        "A runner may take 90 minutes to register, and may be offline for 36 hours."
        " Not compared: 2 runners of hosts that are not part of this audit."
    )


def test_the_data_is_short_and_no_more_of_it_is_escaped_than_must_be() -> None:
    assert _page.embed({"X": ["<&>", 1]}) == r'{"X":["\u003c\u0026\u003e",1]}'


def test_the_script_knows_how_many_rows_each_state_and_each_last_contact_has_and_how_it_looks() -> None:
    data = data_of(_page.render_page(fleet()))
    assert [(one["title"], one["level"], one["count"], one["always"]) for one in data["states"]] == [
        ("Duplicate name", "urgent", 0, False),
        ("Name taken", "urgent", 0, False),
        ("Key of another runner", "urgent", 0, False),
        ("No key", "urgent", 2, False),
        ("Not registered", "urgent", 0, False),
        ("Offline", "urgent", 0, False),
        ("Account not listed", "urgent", 0, False),
        ("Host unreachable", "urgent", 0, False),
        ("Role fails", "urgent", 0, False),
        ("Key not removed", "notice", 0, False),
        ("Secret changed", "urgent", 0, False),
        ("Release not upgraded", "urgent", 0, False),
        ("Drift", "notice", 0, False),
        ("Not in inventory", "notice", 1, False),
        ("Outdated", "notice", 1, False),
        ("Waiting to register", "other", 1, False),
        ("Hosted by Soda", "other", 1, False),
        ("In order", "good", 2, True),
    ]
    assert [(one["title"], one["level"], one["count"], one["always"]) for one in data["contacts"]] == [
        ("Online now", "good", 3, True),
        ("Within an hour", "other", 1, True),
        ("Within a day", "other", 1, True),
        ("Within a week", "notice", 0, True),
        ("Within 30 days", "notice", 0, True),
        ("Longer ago", "urgent", 0, True),
        ("Unknown", "other", 0, False),
        ("Not registered", "other", 3, True),
    ]


def test_the_script_knows_each_row_by_position() -> None:
    data = data_of(_page.render_page(fleet()))
    minute, midnight = "2026-01-31T11:59:00Z", "2026-01-31T00:00:00Z"
    both, lost = ["agent 3", "runner 1.2"], "no key was issued yet"
    states = list(STATES)
    no_key, unknown, outdated = (states.index(code) for code in ("no_key", "not_in_inventory", "outdated"))
    waiting, hosted, in_order = (states.index(code) for code in ("waiting", "hosted", "in_order"))
    assert data["accounts"] == ["key-1 at https://cloud.soda.io", "key-2 at https://cloud.us.soda.io"]
    # Name, id, host, state, last contact and its time, a type that is not self-hosted, versions, findings, whether it
    # is stale, when its key was issued, and the account.
    assert data["rows"] == [
        ["lost-1", None, "host-3", no_key, 7, None, None, [], [[no_key, lost]], 0, None, 0],
        ["lost-2", None, "host-4", no_key, 7, None, None, [], [[no_key, lost]], 0, None, 0],
        ["gone", "id-6", None, unknown, 2, midnight, None, both, [[unknown, ""]], 1, None, 1],
        [
            *("old", "id-7", "host-6", outdated, 0, minute, None, ["runner 1.1"]),
            *([[outdated, "runner 1.1, the newest is 1.2"]], 0, "2026-01-03T12:00:00Z", 1),
        ],
        ["new", None, "host-5", waiting, 7, None, None, [], [], 0, "2026-01-31T11:00:00Z", 1],
        ["soda", "id-3", None, hosted, 1, minute, "SODA_HOSTED", [], [], 0, None, 0],
        ["ok-1", "id-1", "host-1", in_order, 0, minute, None, both, [], 0, "2026-01-01T12:00:00Z", 0],
        ["ok-2", "id-2", "host-2", in_order, 0, minute, None, both, [], 0, "2026-01-02T12:00:00Z", 0],
    ]
