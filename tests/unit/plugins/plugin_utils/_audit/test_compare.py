# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit finds, from what hosts hold and what Soda Cloud lists: the whole of it is this table."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.runners import Runner
from ansible_collections.community.soda.plugins.plugin_utils._audit import compare as _audit
from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import (
    Account,
    Limits,
    Listed,
    Report,
    Row,
    Seen,
    audit,
)

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
TWO_ONLINE = replace(ONLINE, id="id-2", name="two")
BEHIND = replace(TWO_ONLINE, versions={"runner": "1.1.9"})
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
    # What has just reached a limit is not over it.
    ([replace(HELD, issued_at=ago(minutes=30))], [], [("host", "waiting", [], False)]),
    ([HELD], [replace(OFFLINE, last_seen_timestamp=ago(hours=24))], [("host", "in_order", [], False)]),
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
        (replace(OFFLINE, last_seen_timestamp=ago(hours=47, minutes=59)), HELD, "last seen 47 h ago"),
        (replace(OFFLINE, last_seen_timestamp=ago(hours=48)), HELD, "last seen 2 d ago"),
        (replace(OFFLINE, last_seen_timestamp=ago(days=9)), HELD, "last seen 9 d ago"),
        (NEVER_SEEN, HELD, "it is not known since when"),
        (None, replace(HELD, issued_at=ago(minutes=45, seconds=59)), "its key was issued 45 min ago"),
        (None, replace(HELD, issued_at=ago(minutes=119)), "its key was issued 119 min ago"),
        (None, replace(HELD, issued_at=ago(minutes=120)), "its key was issued 2 h ago"),
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


def test_a_runner_in_no_inventory_is_named_and_nothing_more_is_said_of_it() -> None:
    rows = report([], [replace(AWAY, name="gone"), NAMELESS]).rows
    assert [(row.name, row.findings[-1].code, row.findings[-1].detail) for row in rows] == [
        (None, "not_in_inventory", ""),
        ("gone", "not_in_inventory", ""),
    ]


def test_a_name_can_be_taken_by_runners_of_several_types() -> None:
    rows = report([HELD], [HOSTED, replace(HOSTED, type="")]).rows
    assert [row.findings[0].detail for row in rows if row.findings] == ["by a runner of the type ?, SODA_HOSTED"]


def test_each_part_that_is_behind_is_told_with_what_it_is_behind() -> None:
    old = replace(ONLINE, versions={"runner": "1.2.0", "library": "3.0", "agent": "0.9"})
    new = replace(TWO_ONLINE, versions={"runner": "1.3.0", "library": "3.0", "agent": "1.0"})
    (row,) = (row for row in report([HELD, TWO], [old, new]).rows if row.findings)
    assert row.findings[0].detail == "agent 0.9, the newest is 1.0; runner 1.2.0, the newest is 1.3.0"


@pytest.mark.parametrize(
    ("hosts", "ids", "expected"),
    [
        ((HELD,), ("id-1", None), "the runners id-1, without an id"),
        ((HELD, OTHER_HOST), ("id-1",), "declared by host, other"),
        ((HELD, OTHER_HOST), tuple("abcde"), "the runners a, b, c, d, e; declared by host, other"),
        ((HELD, OTHER_HOST), tuple("abcdefgh"), "the runners a, b, c, d, e and 3 more; declared by host, other"),
    ],
)
def test_several_of_one_name_are_named_by_id_and_by_host(
    hosts: tuple[Seen, ...], ids: tuple[str | None, ...], expected: str
) -> None:
    (detail,) = {row.findings[0].detail for row in report([*hosts], [replace(ONLINE, id=one) for one in ids]).rows}
    assert detail == expected


def test_each_account_is_compared_with_its_own_listing() -> None:
    """The same name in two accounts is two runners."""
    there = replace(HELD, host="there", account=AMERICA)
    made = report([HELD, there], [], listings=[Listed(EUROPE, "host", (ONLINE,)), Listed(AMERICA, "there", ())])
    assert {(row.host, row.account, row.state) for row in made.rows} == {
        ("host", EUROPE, "in_order"),
        ("there", AMERICA, "not_registered"),
    }


def test_runners_of_hosts_that_were_not_looked_at_are_counted_and_not_judged() -> None:
    listings = [Listed(EUROPE, "host2", (OFFLINE, BEHIND)), Listed(AMERICA, "there", (OFFLINE,))]
    made = report([TWO], [], elsewhere=("one", "two"), listings=listings)
    assert [row.name for row in made.rows] == ["two"]
    assert made.elsewhere == 2


def test_the_gravest_come_first_then_by_name() -> None:
    seen = [HELD, replace(NO_KEY, host="z", name="z"), replace(NO_KEY, host="a", name="a")]
    assert [row.name for row in report(seen, [ONLINE]).rows] == ["a", "z", "one"]


def test_rows_of_one_state_are_ordered_by_name_then_host_then_id_and_what_has_none_comes_first() -> None:
    hosts = [replace(HELD, host="B"), replace(HELD, host="A")]
    twins = [replace(AWAY, id=one) for one in ("B", "A", None)]
    away = [replace(OFFLINE, id="C", name="A"), replace(NAMELESS, id="D")]
    made = report(hosts, [], listings=[Listed(EUROPE, "A", ()), Listed(AMERICA, "there", (*twins, *away))])
    assert [(row.state, row.name, row.host, row.runner and row.runner.id) for row in made.rows] == [
        ("duplicate_name", "one", None, None),
        ("duplicate_name", "one", None, "A"),
        ("duplicate_name", "one", None, "B"),
        ("duplicate_name", "one", "A", None),
        ("duplicate_name", "one", "B", None),
        ("offline", None, None, "D"),
        ("offline", "A", None, "C"),
    ]


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
        # A second later it is the next.
        ("day", replace(AWAY, last_seen_timestamp=ago(minutes=60, seconds=1))),
        ("week", replace(AWAY, last_seen_timestamp=ago(hours=24, seconds=1))),
        ("month", replace(AWAY, last_seen_timestamp=ago(days=7, seconds=1))),
        ("longer", replace(AWAY, last_seen_timestamp=ago(days=30, seconds=1))),
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
        ("1.2.0", "9" * 100),
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
        ("9" * 101, "1.2.0"),
    ],
)
def test_what_is_not_behind(one: str, other: str) -> None:
    rows = report([], [replace(ONLINE, versions={"runner": version}) for version in (one, other)]).rows
    assert not [row for row in rows if "outdated" in codes(row)]


def test_a_runner_of_soda_makes_no_other_outdated() -> None:
    newer = replace(HOSTED, name="x", versions={"runner": "9.0"})
    assert report([HELD], [newer, ONLINE]).newest == {"runner": "1.2.0"}


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        (("1.2", "v1.2.0", "1.1"), {"runner": "1.2"}),  # of what is equal, the first
        (("0.0",), {"runner": "0.0"}),
        (("0.0-rc1", "latest"), {}),
    ],
)
def test_the_newest_version_is_a_release_as_a_runner_has_it(versions: tuple[str, ...], newest: dict[str, str]) -> None:
    runners = [replace(ONLINE, versions={"runner": version}) for version in versions]
    assert report([], runners).newest == newest


@pytest.mark.usefixtures("away_from_utc")
def test_the_json_report_has_all_of_it() -> None:
    there = replace(HELD, host="there", name="two", account=AMERICA)
    gone = replace(OFFLINE, id="id-3", name="gone")
    listings = [Listed(EUROPE, "host", (ONLINE, HOSTED)), Listed(AMERICA, "there", (gone,))]
    moment = NOW.replace(microsecond=500_000).astimezone(datetime.timezone(datetime.timedelta(hours=2)))
    europe = {"endpoint": "https://cloud.soda.io", "api_key_id": "europe"}
    america = {"endpoint": "https://cloud.us.soda.io", "api_key_id": "america"}
    assert _audit.as_json(audit([HELD, there], listings, (), LIMITS, moment)) == {
        "format": "community.soda.audit",
        "format_version": 1,
        "generated_at": "2026-01-31T12:00:00Z",
        "limits": {"pending_minutes": 30, "offline_hours": 24},
        "accounts": [
            {**europe, "asked_by": "host", "runners": 2},
            {**america, "asked_by": "there", "runners": 1},
        ],
        "totals": {
            "rows": 4,
            "runners": 3,
            "hosts": 2,
            "online": 1,
            "in_order": 2,
            "attention": 2,
            "stale": 1,
            "elsewhere": 0,
        },
        "findings": {**dict.fromkeys(_audit.CODES, 0), "not_registered": 1, "offline": 1, "not_in_inventory": 1},
        "newest_versions": {"runner": "1.2.0"},
        "rows": [
            {
                "name": "two",
                "host": "there",
                **america,
                "state": "not_registered",
                "findings": [{"code": "not_registered", "detail": "its key was issued 3 d ago"}],
                "key_issued_at": HELD.issued_at,
                "runner": None,
                "stale": False,
            },
            {
                "name": "gone",
                "host": None,
                **america,
                "state": "offline",
                "findings": [
                    {"code": "offline", "detail": "last seen 25 h ago"},
                    {"code": "not_in_inventory", "detail": ""},
                ],
                "key_issued_at": None,
                "runner": gone.to_dict(),
                "stale": True,
            },
            {
                "name": "one",
                "host": None,
                **europe,
                "state": "hosted",
                "findings": [],
                "key_issued_at": None,
                "runner": HOSTED.to_dict(),
                "stale": False,
            },
            {
                "name": "one",
                "host": "host",
                **europe,
                "state": "in_order",
                "findings": [],
                "key_issued_at": HELD.issued_at,
                "runner": ONLINE.to_dict(),
                "stale": False,
            },
        ],
        "stale": [
            {
                "name": "gone",
                "id": "id-3",
                "host": None,
                "asked_by": "there",
                **america,
                "findings": ["offline", "not_in_inventory"],
                "last_seen_timestamp": gone.last_seen_timestamp,
            },
        ],
    }


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
