# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit finds, from what hosts hold and what Soda Cloud lists: the whole of it is this table."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from ansible_collections.community.soda.plugins.module_utils import _audit
from ansible_collections.community.soda.plugins.module_utils._audit import (
    Account,
    Limits,
    Listed,
    Report,
    Row,
    Seen,
    audit,
)
from ansible_collections.community.soda.plugins.module_utils._runners import Runner

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
LIMITS = Limits(pending=datetime.timedelta(minutes=30), offline=datetime.timedelta(hours=24))
EUROPE = Account("https://cloud.soda.io", "europe")
AMERICA = Account("https://cloud.us.soda.io", "america")


def ago(**time: float) -> str:
    return (NOW - datetime.timedelta(**time)).isoformat().replace("+00:00", "Z")


ONLINE = Runner(
    id="id-1",
    name="one",
    label="One",
    type="SELF_HOSTED",
    is_online=True,
    last_seen_timestamp=ago(seconds=10),
    versions={"runner": "1.2.0"},
)
AWAY = replace(ONLINE, is_online=False, last_seen_timestamp=ago(hours=23))
OFFLINE = replace(ONLINE, is_online=False, last_seen_timestamp=ago(hours=25))
NEVER_SEEN = replace(ONLINE, is_online=False, last_seen_timestamp=None)
SAYS_NOTHING = replace(ONLINE, is_online=None, last_seen_timestamp=None)
BEHIND = replace(ONLINE, id="id-2", name="two", versions={"runner": "1.1.9"})
HOSTED = replace(ONLINE, type="SODA_HOSTED", is_online=False, last_seen_timestamp=ago(days=100))
UNTYPED = replace(OFFLINE, type=None)
NAMELESS = replace(OFFLINE, name=None)
WITHOUT_ID = replace(OFFLINE, id=None)
UNREADABLE = replace(ONLINE, is_online=False, last_seen_timestamp="yesterday")

HELD = Seen(host="host", name="one", account=EUROPE, issued_at=ago(days=3))
NEW = replace(HELD, issued_at=ago(minutes=29))
NO_KEY = replace(HELD, issued_at=None)
UNREACHED = replace(HELD, reached=False, issued_at=None)
FAILING = replace(HELD, failure="The declaration is older than the key.", issued_at=None)
DRIFTED = replace(HELD, differs=("/etc/soda-runner/values.yml",))
UNWANTED = replace(HELD, wanted=False, issued_at=None)
OTHER_HOST = replace(HELD, host="other")
TWO = replace(HELD, host="host2", name="two")

# fmt: off
TABLE = [
    # hosts, runners, for each row: its host, its state, all that was found, whether it is stale
    ([HELD], [ONLINE], [("host", "in_order", [], False)]),
    ([HELD], [AWAY], [("host", "in_order", [], False)]),
    ([HELD], [SAYS_NOTHING], [("host", "in_order", [], False)]),
    ([NEW], [], [("host", "waiting", [], False)]),
    ([HELD], [], [("host", "not_registered", ["not_registered"], False)]),
    ([replace(HELD, issued_at="?")], [], [("host", "not_registered", ["not_registered"], False)]),
    ([HELD], [OFFLINE], [("host", "offline", ["offline"], True)]),
    ([HELD], [NEVER_SEEN], [("host", "offline", ["offline"], True)]),
    ([HELD], [UNREADABLE], [("host", "offline", ["offline"], True)]),
    ([NO_KEY], [], [("host", "no_key", ["no_key"], False)]),
    ([NO_KEY], [ONLINE], [("host", "no_key", ["no_key"], False)]),
    ([NO_KEY], [OFFLINE], [("host", "no_key", ["no_key", "offline"], True)]),
    ([UNREACHED], [], [("host", "unreachable", ["unreachable"], False)]),
    ([UNREACHED], [ONLINE], [("host", "unreachable", ["unreachable"], False)]),
    ([UNREACHED], [OFFLINE], [("host", "offline", ["offline", "unreachable"], True)]),
    ([FAILING], [ONLINE], [("host", "role_fails", ["role_fails"], False)]),
    ([DRIFTED], [ONLINE], [("host", "drift", ["drift"], False)]),
    ([DRIFTED], [], [("host", "not_registered", ["not_registered", "drift"], False)]),
    ([], [ONLINE], [(None, "not_in_inventory", ["not_in_inventory"], False)]),
    ([], [AWAY], [(None, "not_in_inventory", ["not_in_inventory"], True)]),
    ([], [OFFLINE], [(None, "offline", ["offline", "not_in_inventory"], True)]),
    # What is not self-hosted is shown, and neither judged nor ever deleted.
    ([], [HOSTED], [(None, "hosted", [], False)]),
    ([HELD], [HOSTED], [(None, "hosted", [], False), ("host", "name_taken", ["name_taken", "not_registered"], False)]),
    ([], [UNTYPED], [(None, "offline", ["offline", "not_in_inventory"], False)]),
    ([], [NAMELESS], [(None, "offline", ["offline", "not_in_inventory"], False)]),
    ([], [WITHOUT_ID], [(None, "offline", ["offline", "not_in_inventory"], False)]),
    # A host that declares that it is to have none.
    ([UNWANTED], [], []),
    ([UNWANTED], [OFFLINE], [("host", "offline", ["offline", "not_in_inventory"], True)]),
    # Versions are compared in the whole fleet.
    ([HELD, TWO], [ONLINE, BEHIND], [("host", "in_order", [], False), ("host2", "outdated", ["outdated"], False)]),
    # Several of one name. What is to be said of the host is said once.
    ([DRIFTED], [ONLINE, replace(OFFLINE, id="id-2")],
        [("host", "duplicate_name", ["duplicate_name", "drift"], False),
         ("host", "duplicate_name", ["duplicate_name", "offline"], True)]),
    ([HELD, OTHER_HOST], [ONLINE],
        [("host", "duplicate_name", ["duplicate_name"], False),
         ("other", "duplicate_name", ["duplicate_name", "not_registered"], False)]),
    ([], [AWAY, replace(AWAY, id="id-2")],
        [(None, "duplicate_name", ["duplicate_name", "not_in_inventory"], True)] * 2),
    ([], [NAMELESS, replace(NAMELESS, id="id-2")], [(None, "offline", ["offline", "not_in_inventory"], False)] * 2),
]
# fmt: on


def report(
    seen: list[Seen], runners: list[Runner], elsewhere: tuple[str, ...] = (), listings: list[Listed] | None = None
) -> Report:
    return audit(seen, listings or [Listed(EUROPE, "host", tuple(runners))], set(elsewhere), LIMITS, NOW)


def codes(row: Row) -> list[str]:
    return [finding.code for finding in row.findings]


@pytest.mark.parametrize(("seen", "runners", "expected"), TABLE)
def test_findings(
    seen: list[Seen], runners: list[Runner], expected: list[tuple[str | None, str, list[str], bool]]
) -> None:
    rows = [(row.host, row.state, codes(row), row.stale) for row in report(seen, runners).rows]
    assert sorted(rows, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("runner", "seen", "detail"),
    [
        (replace(OFFLINE, last_seen_timestamp=ago(hours=47)), HELD, "last seen 47 h ago"),
        (replace(OFFLINE, last_seen_timestamp=ago(days=9)), HELD, "last seen 9 d ago"),
        (NEVER_SEEN, HELD, "it is not known since when"),
        (None, replace(HELD, issued_at=ago(minutes=45)), "its key was issued 45 min ago"),
        (None, replace(HELD, issued_at="?"), "its key was issued, it is not known when"),
        (None, NO_KEY, "none was issued yet"),
        (ONLINE, NO_KEY, "the runner is registered, so its key was lost"),
        (ONLINE, FAILING, "The declaration is older than the key."),
        (ONLINE, UNREACHED, "host could not be reached"),
        (ONLINE, replace(HELD, differs=("the key file", "/a")), "the key file, /a"),
        (ONLINE, UNWANTED, "the host host declares that it is to have none"),
        (HOSTED, replace(HELD), "by a runner of the type SODA_HOSTED"),
    ],
)
def test_a_finding_says_what_and_since_when(runner: Runner | None, seen: Seen, detail: str) -> None:
    rows = report([seen], [runner] if runner else []).rows
    assert detail in [finding.detail for row in rows for finding in row.findings]


def test_several_of_one_name_are_named_by_id_and_by_host() -> None:
    many = [replace(ONLINE, id=f"id-{number}") for number in range(8)]
    (detail,) = {row.findings[0].detail for row in report([HELD, OTHER_HOST], many).rows}
    assert detail == "the runners id-0, id-1, id-2, id-3, id-4 and 3 more; declared by host, other"


def test_each_account_is_compared_with_its_own_listing() -> None:
    """The same name in two accounts is two runners."""
    there = replace(HELD, host="there", account=AMERICA)
    made = report([HELD, there], [], listings=[Listed(EUROPE, "host", (ONLINE,)), Listed(AMERICA, "there", ())])
    assert {(row.host, row.account, row.state) for row in made.rows} == {
        ("host", EUROPE, "in_order"),
        ("there", AMERICA, "not_registered"),
    }


def test_runners_of_hosts_that_were_not_looked_at_are_counted_and_not_judged() -> None:
    made = report([TWO], [OFFLINE, BEHIND], elsewhere=("one", "two"))
    assert [row.name for row in made.rows] == ["two"]
    assert made.elsewhere == 1


def test_the_gravest_come_first_then_by_name() -> None:
    seen = [HELD, replace(NO_KEY, host="z", name="z"), replace(NO_KEY, host="a", name="a")]
    assert [row.name for row in report(seen, [ONLINE]).rows] == ["a", "z", "one"]


def test_every_finding_counts_once_for_each_row_that_has_it() -> None:
    made = report([NO_KEY], [OFFLINE])
    assert {code: count for code, count in made.found().items() if count} == {"no_key": 1, "offline": 1}
    assert list(made.found()) == list(_audit.CODES)
    assert made.totals() == {
        "rows": 1,
        "runners": 1,
        "hosts": 1,
        "online": 0,
        "in_order": 0,
        "attention": 1,
        "stale": 1,
        "elsewhere": 0,
    }


@pytest.mark.parametrize(
    ("contact", "runner"),
    [
        ("online", ONLINE),
        ("hour", replace(AWAY, last_seen_timestamp=ago(minutes=60))),
        ("day", replace(AWAY, last_seen_timestamp=ago(hours=24))),
        ("week", replace(AWAY, last_seen_timestamp=ago(days=7))),
        ("month", replace(AWAY, last_seen_timestamp=ago(days=30))),
        ("longer", replace(AWAY, last_seen_timestamp=ago(days=31))),
        ("hour", replace(AWAY, last_seen_timestamp=ago(minutes=-5))),  # a clock that goes wrong
        ("unknown", NEVER_SEEN),
        ("unknown", UNREADABLE),
        ("none", None),
    ],
)
def test_last_contact(contact: str, runner: Runner | None) -> None:
    (row,) = report([HELD], [runner] if runner else []).rows
    assert row.contact == contact


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.2.3", "1.2.4"),
        ("1.9", "1.10"),
        ("v1.2", "1.2.1"),
        ("1.2.3-rc1", "1.2.3"),
        ("1.2.3.dev4", "1.2.3"),
        ("0.9+build7", "1.0"),
    ],
)
def test_what_is_behind(lower: str, higher: str) -> None:
    rows = report([], [replace(ONLINE, versions={"runner": one}) for one in (lower, higher)]).rows
    behind = [row.runner.versions["runner"] for row in rows if row.runner and "outdated" in codes(row)]
    assert behind == [lower]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.2", "1.2.0"),
        ("1.2.0", "v1.2"),
        ("1.2+build7", "1.2+build8"),
        # A single runner that tries a pre-release makes no other outdated.
        ("1.2.0", "2.0.0-rc1"),
        ("1.2.0", "2.0b1"),
        # What is no version is not compared.
        ("1.2.0", "latest"),
        ("", "1.2.0"),
        ("1" * 200, "1.2.0"),
    ],
)
def test_what_is_not_behind(one: str, other: str) -> None:
    rows = report([], [replace(ONLINE, versions={"runner": version}) for version in (one, other)]).rows
    assert not [row for row in rows if "outdated" in codes(row)]


def test_a_runner_of_soda_makes_no_other_outdated() -> None:
    newer = replace(HOSTED, name="x", versions={"runner": "9.0"})
    assert report([HELD], [ONLINE, newer]).newest == {"runner": "1.2.0"}


def test_the_json_report_names_what_can_be_decommissioned() -> None:
    made = _audit.as_json(report([HELD], [OFFLINE, replace(AWAY, id="id-2", name="gone")]))
    common = {"asked_by": "host", "endpoint": EUROPE.endpoint, "api_key_id": EUROPE.api_key_id}
    assert made["stale"] == [
        {
            "name": "one",
            "id": "id-1",
            "host": "host",
            **common,
            "findings": ["offline"],
            "last_seen_timestamp": OFFLINE.last_seen_timestamp,
        },
        {
            "name": "gone",
            "id": "id-2",
            "host": None,
            **common,
            "findings": ["not_in_inventory"],
            "last_seen_timestamp": AWAY.last_seen_timestamp,
        },
    ]


def test_of_several_of_one_name_none_takes_the_files_of_the_host_along() -> None:
    made = _audit.as_json(report([HELD], [ONLINE, replace(OFFLINE, id="id-2")]))
    assert [(runner["id"], runner["host"]) for runner in made["stale"]] == [("id-2", None)]
