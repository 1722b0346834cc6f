# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings of an audit, as a table of what hosts store and what Soda Cloud lists."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.plugin_utils._audit.compare import audit
from ansible_collections.community.soda.plugins.plugin_utils._audit.findings import CODES
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import (
    AccountListing,
    Finding,
    Limits,
    Observation,
    Report,
    Row,
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
EPOCH = replace(ONLINE, is_online=False, last_seen_timestamp="1970-01-01T00:00:00Z")
UNREADABLE = replace(ONLINE, is_online=False, last_seen_timestamp="yesterday")

HELD = Observation(host="host", name="one", account=EUROPE, issued_at=ago(days=3))
NEW = replace(HELD, issued_at=ago(minutes=29))
NO_KEY = replace(HELD, issued_at=None)
UNREACHED = replace(HELD, reached=False, issued_at=None)
FAILING = replace(HELD, failure="The declaration is older than the key.", issued_at=None)
UNLISTED = replace(HELD, listing_failure="The API key is wrong.")
DRIFTED = replace(HELD, differences=("/etc/soda-runner/values.yml",))
UNWANTED = replace(HELD, wanted=False, issued_at=None)
NOT_REMOVED = replace(UNWANTED, remaining=("/etc/soda-runner/key.json",))
BROKEN = replace(FAILING, account=None)
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
    # Unknown is not stale.
    ([HELD], [NEVER_SEEN], [("host", "offline", ["offline"], False)]),
    ([HELD], [UNREADABLE], [("host", "offline", ["offline"], False)]),
    ([HELD], [EPOCH], [("host", "offline", ["offline"], False)]),
    ([], [NEVER_SEEN], [(None, "offline", ["offline", "not_in_inventory"], False)]),
    ([], [EPOCH], [(None, "offline", ["offline", "not_in_inventory"], False)]),
    ([], [SAYS_NOTHING], [(None, "not_in_inventory", ["not_in_inventory"], False)]),
    ([], [replace(SAYS_NOTHING, last_seen_timestamp=ago(hours=25))],
        [(None, "offline", ["offline", "not_in_inventory"], True)]),
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
    # A host that declares that it has no runner.
    ([UNWANTED], [], []),
    ([UNWANTED], [OFFLINE], [("host", "offline", ["offline", "not_in_inventory"], True)]),
    ([replace(UNWANTED, reached=False, failure="No route to host")], [], []),
    ([NOT_REMOVED], [], [("host", "key_not_removed", ["key_not_removed"], False)]),
    ([NOT_REMOVED], [ONLINE], [("host", "key_not_removed", ["key_not_removed", "not_in_inventory"], False)]),
    ([replace(UNWANTED, failure="It is not ours.")], [], [("host", "role_fails", ["role_fails"], False)]),
    # A host whose declaration names no account. Its runner is not judged.
    ([BROKEN], [], [("host", "role_fails", ["role_fails"], False)]),
    ([BROKEN], [OFFLINE], [("host", "role_fails", ["role_fails"], False)]),
    # One host has a wrong API key, and another host lists the account.
    ([UNLISTED], [ONLINE], [("host", "account_not_listed", ["account_not_listed"], False)]),
    # What a key store reports.
    ([replace(HELD, problems=(Finding("secret_changed", ""), Finding("key_of_another_runner", "")))], [ONLINE],
        [("host", "key_of_another_runner", ["key_of_another_runner", "secret_changed"], False)]),
    ([replace(HELD, issued_at="unknown", problems=(Finding("secret_changed", ""),))], [],
        [("host", "secret_changed", ["secret_changed"], False)]),
    # Versions are compared in the whole fleet.
    ([HELD, TWO], [ONLINE, BEHIND], [("host", "in_order", [], False), ("host2", "outdated", ["outdated"], False)]),
    # Several runners of one name. The findings of the host are listed once.
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
    seen: list[Observation],
    runners: list[Runner],
    elsewhere: tuple[str, ...] = (),
    listings: list[AccountListing] | None = None,
) -> Report:
    return audit(seen, listings or [AccountListing(EUROPE, "host", tuple(runners))], set(elsewhere), LIMITS, NOW)


def codes(row: Row) -> list[str]:
    return [finding.code for finding in row.findings]


@pytest.mark.parametrize(("seen", "runners", "expected"), TABLE)
def test_findings(
    seen: list[Observation], runners: list[Runner], expected: list[tuple[str | None, str, list[str], bool]]
) -> None:
    rows = [(row.host, row.state, codes(row), row.stale) for row in report(seen, runners).rows]
    assert sorted(rows, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("runner", "seen", "detail"),
    [
        (replace(OFFLINE, last_seen_timestamp=ago(hours=47, minutes=59)), HELD, "last contact 47 h ago"),
        (replace(OFFLINE, last_seen_timestamp=ago(hours=48)), HELD, "last contact 2 d ago"),
        (replace(OFFLINE, last_seen_timestamp=ago(days=9)), HELD, "last contact 9 d ago"),
        (NEVER_SEEN, HELD, "last contact unknown"),
        (None, replace(HELD, issued_at=ago(minutes=45, seconds=59)), "the key was issued 45 min ago"),
        (None, replace(HELD, issued_at=ago(minutes=119)), "the key was issued 119 min ago"),
        (None, replace(HELD, issued_at=ago(minutes=120)), "the key was issued 2 h ago"),
        (None, replace(HELD, issued_at="?"), "the key was issued at an unknown time"),
        (None, NO_KEY, "no key was issued yet"),
        (ONLINE, NO_KEY, "the runner is registered, but its key is not stored"),
        (ONLINE, FAILING, "The declaration is older than the key."),
        (ONLINE, UNREACHED, "host could not be reached"),
        (ONLINE, replace(HELD, differences=("the key file", "/a")), "the key file, /a"),
        (ONLINE, UNWANTED, "the host host declares soda_runner_state: absent"),
        (HOSTED, replace(HELD), "a runner of type SODA_HOSTED has the name"),
        (None, replace(UNREACHED, failure="No route to host"), "No route to host"),
        (ONLINE, UNLISTED, "The API key is wrong."),
        (None, NOT_REMOVED, "/etc/soda-runner/key.json"),
    ],
)
def test_a_finding_has_a_detail(runner: Runner | None, seen: Observation, detail: str) -> None:
    rows = report([seen], [runner] if runner else []).rows
    assert detail in [finding.detail for row in rows for finding in row.findings]


def test_a_runner_that_no_host_declares_has_no_detail() -> None:
    rows = report([], [replace(AWAY, name="gone"), NAMELESS]).rows
    assert [(row.name, row.findings[-1].code, row.findings[-1].detail) for row in rows] == [
        (None, "not_in_inventory", ""),
        ("gone", "not_in_inventory", ""),
    ]


def test_a_name_can_be_taken_by_runners_of_several_types() -> None:
    rows = report([HELD], [HOSTED, replace(HOSTED, type="")]).rows
    assert [row.findings[0].detail for row in rows if row.findings] == ["a runner of type ?, SODA_HOSTED has the name"]


def test_outdated_lists_each_part_and_its_newest_release() -> None:
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
def test_duplicates_are_listed_by_id_and_by_host(
    hosts: tuple[Observation, ...], ids: tuple[str | None, ...], expected: str
) -> None:
    (detail,) = {row.findings[0].detail for row in report([*hosts], [replace(ONLINE, id=one) for one in ids]).rows}
    assert detail == expected


def test_each_account_is_compared_with_its_own_listing() -> None:
    """The same name in two accounts is two runners."""
    there = replace(HELD, host="there", account=AMERICA)
    made = report(
        [HELD, there], [], listings=[AccountListing(EUROPE, "host", (ONLINE,)), AccountListing(AMERICA, "there", ())]
    )
    assert {(row.host, row.account, row.state) for row in made.rows} == {
        ("host", EUROPE, "in_order"),
        ("there", AMERICA, "not_registered"),
    }


def test_runners_of_hosts_outside_of_the_audit_are_counted_and_not_compared() -> None:
    listings = [AccountListing(EUROPE, "host2", (OFFLINE, BEHIND)), AccountListing(AMERICA, "there", (OFFLINE,))]
    made = report([TWO], [], elsewhere=("one", "two"), listings=listings)
    assert [row.name for row in made.rows] == ["two"]
    assert made.elsewhere == 2


def test_rows_are_ordered_by_severity_then_by_name() -> None:
    seen = [HELD, replace(NO_KEY, host="z", name="z"), replace(NO_KEY, host="a", name="a")]
    assert [row.name for row in report(seen, [ONLINE]).rows] == ["a", "z", "one"]


def test_rows_of_one_state_are_ordered_by_name_host_and_id() -> None:
    hosts = [replace(HELD, host="B"), replace(HELD, host="A")]
    twins = [replace(AWAY, id=one) for one in ("B", "A", None)]
    away = [replace(OFFLINE, id="C", name="A"), replace(NAMELESS, id="D")]
    made = report(
        hosts, [], listings=[AccountListing(EUROPE, "A", ()), AccountListing(AMERICA, "there", (*twins, *away))]
    )
    assert [(row.state, row.name, row.host, row.runner and row.runner.id) for row in made.rows] == [
        ("duplicate_name", "one", None, None),
        ("duplicate_name", "one", None, "A"),
        ("duplicate_name", "one", None, "B"),
        ("duplicate_name", "one", "A", None),
        ("duplicate_name", "one", "B", None),
        ("offline", None, None, "D"),
        ("offline", "A", None, "C"),
    ]


def test_a_finding_counts_once_for_each_row() -> None:
    made = report([NO_KEY], [OFFLINE])
    assert {code: count for code, count in made.found().items() if count} == {"no_key": 1, "offline": 1}
    assert list(made.found()) == list(CODES)
    assert made.totals() == {
        "rows": 1,
        "runners": 1,
        "hosts": 1,
        "online": 0,
        "in_order": 0,
        "attention": 1,
        "waiting": 0,
        "hosted": 0,
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
def test_lower_versions_are_outdated(lower: str, higher: str) -> None:
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
def test_equal_and_unreadable_versions_are_not_outdated(one: str, other: str) -> None:
    rows = report([], [replace(ONLINE, versions={"runner": version}) for version in (one, other)]).rows
    assert not [row for row in rows if "outdated" in codes(row)]


def test_a_hosted_runner_makes_no_other_outdated() -> None:
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


def test_without_a_listing_what_hosts_store_is_compared_all_the_same() -> None:
    seen = [UNLISTED, replace(NO_KEY, host="b", name="b", listing_failure="No."), replace(DRIFTED, host="c", name="c")]
    made = report(seen, [], listings=[AccountListing(EUROPE, "host", None, "The API key is wrong.")])
    assert [(row.host, codes(row), row.contact) for row in made.rows] == [
        ("b", ["no_key", "account_not_listed"], "unknown"),
        ("host", ["account_not_listed"], "unknown"),
        ("c", ["drift"], "unknown"),
    ]
    assert "no key is stored" in [finding.detail for row in made.rows for finding in row.findings]


def test_a_runner_whose_host_is_broken_is_never_stale() -> None:
    made = report([BROKEN], [OFFLINE])
    assert made.elsewhere == 1
    assert made.totals()["stale"] == 0


def test_a_name_is_compared_as_the_api_gives_it() -> None:
    """Two names that look alike after they were made inert are two names."""
    one, other = (replace(OFFLINE, id=raw, name="shown alike", raw_name=raw) for raw in ("{{ a", "{{ b"))
    made = report([replace(HELD, name="{{ a")], [one, other])
    assert sorted((row.name, row.host, codes(row)) for row in made.rows if row.host) == [
        ("shown alike", "host", ["offline"])
    ]
    assert [codes(row) for row in made.rows if not row.host] == [["offline", "not_in_inventory"]]
