# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two tables as they are decided: from what is wanted and observed to a plan, with nothing done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.runners import Runner
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import IssuedKey, StoredKey
from ansible_collections.community.soda.plugins.module_utils._runner.plan import (
    Observed,
    Plan,
    Step,
    Wanted,
    absent,
    present,
)

ISSUE, ADOPT, RECOVER = Step.ISSUE, Step.ADOPT, Step.RECOVER
DELETE, REMOVE_KEY = Step.DELETE, Step.REMOVE_KEY

RUNNER = Runner(
    id="id-1",
    name="one",
    label="One",
    type="SELF_HOSTED",
    is_online=True,
    last_seen_timestamp="2026-01-01T12:00:00Z",
    versions={},
)
TWIN = replace(RUNNER, id="id-2")
OTHER = replace(RUNNER, id="id-3")
HOSTED = replace(RUNNER, type="SODA_HOSTED")
VIRTUAL = replace(RUNNER, type="VIRTUAL")
UNTYPED = replace(RUNNER, type=None)
NAMELESS_ID = replace(RUNNER, id=None)

KEY_1 = StoredKey(
    endpoint="https://cloud.soda.io",
    name="one",
    api_key_id="key-1",
    api_key_secret="a-secret",
    key_version=1,
    issued_at="2026-01-01T12:00:00Z",
    runner_id=None,
)
KEY_2 = replace(KEY_1, key_version=2)
LEFT_1 = replace(KEY_1, in_place=False)
LEFT_2 = replace(KEY_2, in_place=False)

Decide = Callable[[Wanted, Observed], Plan]

WANTED = Wanted(name="one", location="/keys/one.json")
AT_2 = replace(WANTED, key_version=2)
REISSUED = replace(WANTED, reissue=True)
NO_PATH = replace(WANTED, location=None)
ADOPTED = replace(WANTED, existing_key=IssuedKey("key-1", "a-secret"))
ADOPTED_AT_2 = replace(ADOPTED, key_version=2)
OTHER_ADOPTED = replace(WANTED, existing_key=IssuedKey("key-9", "a-secret"))
OTHER_SECRET = replace(WANTED, existing_key=IssuedKey("key-1", "another-secret"))
AND_ID = replace(WANTED, id="id-1")
ID_ALONE = Wanted(name=None, id="id-1")

# fmt: off
PRESENT = [
    # wanted, listed, key, steps, registration, warning
    (WANTED, [], None, [ISSUE], "pending", None),
    (NO_PATH, [], None, [ISSUE], "pending", "every further run issues another"),
    (AT_2, [], None, [ISSUE], "pending", None),
    (REISSUED, [], None, [ISSUE], "pending", None),
    (WANTED, [], KEY_1, [], "pending", None),
    (REISSUED, [], KEY_1, [], "pending", None),
    (WANTED, [RUNNER], KEY_1, [], "registered", None),
    (REISSUED, [RUNNER], KEY_1, [], "registered", None),
    (WANTED, [RUNNER], None, [], "registered", "cannot be retrieved again"),
    (AT_2, [RUNNER], None, [], "registered", "cannot be retrieved again"),
    (REISSUED, [RUNNER], None, [ISSUE], "registered", None),
    (NO_PATH, [RUNNER], None, [], "registered", None),
    (AT_2, [], KEY_1, [ISSUE], "pending", None),
    (AT_2, [RUNNER], KEY_1, [ISSUE], "registered", None),
    (AT_2, [RUNNER], KEY_2, [], "registered", None),
    (NO_PATH, [HOSTED], None, [], "registered", None),
    (NO_PATH, [VIRTUAL], None, [], "registered", None),
    (AND_ID, [RUNNER], KEY_1, [], "registered", None),
    (ID_ALONE, [RUNNER], None, [], "registered", None),
    (ID_ALONE, [HOSTED], None, [], "registered", None),
    # An existing key is stored only if no key is stored. Then no key is issued.
    (ADOPTED, [], None, [ADOPT], "pending", None),
    (ADOPTED, [RUNNER], None, [ADOPT], "registered", None),
    (replace(ADOPTED, reissue=True), [RUNNER], None, [ADOPT], "registered", None),
    (ADOPTED_AT_2, [RUNNER], None, [ADOPT], "registered", None),
    (ADOPTED, [RUNNER], KEY_1, [], "registered", None),
    (ADOPTED, [], LEFT_1, [RECOVER], "pending", None),
    (ADOPTED_AT_2, [RUNNER], KEY_1, [ISSUE], "registered", None),
    (OTHER_ADOPTED, [RUNNER], KEY_1, [], "registered", "existing_key (key-9) was not stored"),
    (OTHER_SECRET, [RUNNER], KEY_1, [], "registered", "with another secret than existing_key"),
    # A key that a killed run left beside its place counts as stored, once it is put there.
    (WANTED, [], LEFT_1, [RECOVER], "pending", None),
    (WANTED, [RUNNER], LEFT_1, [RECOVER], "registered", None),
    (AT_2, [RUNNER], LEFT_2, [RECOVER], "registered", None),
    (AT_2, [], LEFT_1, [RECOVER, ISSUE], "pending", None),
]

PRESENT_FAILS = [
    # wanted, listed, key, code, mentions
    (WANTED, [], KEY_2, "key_version_too_low", ["/keys/one.json", "2"]),
    (WANTED, [RUNNER], KEY_2, "key_version_too_low", ["/keys/one.json", "2"]),
    (WANTED, [], LEFT_2, "key_version_too_low", ["/keys/one.json", "2"]),
    (WANTED, [HOSTED], None, "name_taken", ["'one'", "SODA_HOSTED", "id-1"]),
    (REISSUED, [HOSTED], None, "name_taken", ["'one'", "SODA_HOSTED", "id-1"]),
    (WANTED, [VIRTUAL], KEY_1, "name_taken", ["'one'", "VIRTUAL", "id-1"]),
    (ADOPTED, [HOSTED], None, "name_taken", ["'one'", "SODA_HOSTED", "id-1"]),
    (ADOPTED, [RUNNER, TWIN], None, "duplicate_name", ["id-1", "id-2"]),
    (ADOPTED, [], KEY_2, "key_version_too_low", ["/keys/one.json", "2"]),
    (WANTED, [RUNNER, TWIN], None, "duplicate_name", ["id-1", "id-2"]),
    (REISSUED, [RUNNER, TWIN], None, "duplicate_name", ["id-1", "id-2"]),
    (WANTED, [RUNNER, TWIN], KEY_1, "duplicate_name", ["id-1", "id-2"]),
    (AT_2, [RUNNER, TWIN], KEY_1, "duplicate_name", ["id-1", "id-2"]),
    (NO_PATH, [RUNNER, HOSTED], None, "duplicate_name", ["id-1"]),
    (AND_ID, [TWIN], None, "name_and_id_differ", ["'one'", "id-1", "id-2"]),
    (AND_ID, [], None, "runner_not_found", ["'one'", "id-1"]),
    (AND_ID, [], KEY_1, "runner_not_found", ["'one'", "id-1"]),
    (ID_ALONE, [], None, "runner_not_found", ["id-1"]),
]

ABSENT = [
    # wanted, listed, key, steps, warning
    (WANTED, [], None, [], None),
    (WANTED, [], KEY_1, [REMOVE_KEY], "stays valid"),
    (WANTED, [], LEFT_1, [REMOVE_KEY], "stays valid"),
    (WANTED, [RUNNER], None, [DELETE], None),
    (WANTED, [RUNNER], KEY_1, [DELETE, REMOVE_KEY], None),
    (WANTED, [RUNNER], KEY_2, [DELETE, REMOVE_KEY], None),
    (WANTED, [RUNNER], LEFT_1, [DELETE, REMOVE_KEY], None),
    (AND_ID, [], None, [], None),
    (AND_ID, [RUNNER], None, [DELETE], None),
    (AND_ID, [RUNNER, TWIN], None, [DELETE], None),
    (ID_ALONE, [], None, [], None),
    (ID_ALONE, [RUNNER], None, [DELETE], None),
]

ABSENT_FAILS = [
    # wanted, listed, key, code, mentions
    (WANTED, [HOSTED], None, "not_deletable", ["'one'", "SODA_HOSTED"]),
    (WANTED, [VIRTUAL], KEY_1, "not_deletable", ["'one'", "VIRTUAL"]),
    (WANTED, [UNTYPED], None, "not_deletable", ["'one'"]),
    (WANTED, [NAMELESS_ID], None, "not_deletable", ["'one'"]),
    (ID_ALONE, [HOSTED], None, "not_deletable", ["'one'", "SODA_HOSTED"]),
    (WANTED, [RUNNER, TWIN], None, "duplicate_name", ["id-1", "id-2"]),
    (WANTED, [RUNNER, TWIN], KEY_1, "duplicate_name", ["id-1", "id-2"]),
]
# fmt: on


def shown(value: object) -> str:
    """A row of a table in a test's name."""
    if isinstance(value, Wanted):
        given = {k: v for k, v in vars(value).items() if v not in (None, False) and (k, v) != ("key_version", 1)}
        existing = "" if value.existing_key is None else f":{value.existing_key.api_key_id}"
        return ",".join(given) + existing + (":2" if value.key_version == 2 else "")
    if isinstance(value, StoredKey):
        return f"key{value.key_version}" if value.in_place else f"left{value.key_version}"
    if isinstance(value, list):
        return "+".join(str(getattr(each, "type", None) or getattr(each, "name", each)) for each in value) or "none"
    return str(value)


@pytest.mark.parametrize(("wanted", "listed", "key", "steps", "registration", "warning"), PRESENT, ids=shown)
def test_present(
    wanted: Wanted,
    listed: list[Runner],
    key: StoredKey | None,
    steps: list[Step],
    registration: str,
    warning: str | None,
) -> None:
    plan = present(wanted, Observed(tuple(listed), key))
    assert plan == Plan(tuple(steps), registration, listed[0] if listed else None, plan.warnings)
    assert plan.changed is bool(steps)
    assert_warns(plan, warning)


@pytest.mark.parametrize(("wanted", "listed", "key", "steps", "warning"), ABSENT, ids=shown)
def test_absent(
    wanted: Wanted, listed: list[Runner], key: StoredKey | None, steps: list[Step], warning: str | None
) -> None:
    plan = absent(wanted, Observed(tuple(listed), key))
    assert plan == Plan(tuple(steps), "absent", listed[0] if listed else None, plan.warnings)
    assert plan.changed is bool(steps)
    assert_warns(plan, warning)


@pytest.mark.parametrize(("wanted", "listed", "key", "code", "mentions"), PRESENT_FAILS, ids=shown)
def test_present_fails(
    wanted: Wanted, listed: list[Runner], key: StoredKey | None, code: str, mentions: Sequence[str]
) -> None:
    with pytest.raises(SodaError) as failed:
        present(wanted, Observed(tuple(listed), key))
    assert_says(failed.value, code, mentions)


@pytest.mark.parametrize(("wanted", "listed", "key", "code", "mentions"), ABSENT_FAILS, ids=shown)
def test_absent_fails(
    wanted: Wanted, listed: list[Runner], key: StoredKey | None, code: str, mentions: Sequence[str]
) -> None:
    with pytest.raises(SodaError) as failed:
        absent(wanted, Observed(tuple(listed), key))
    assert_says(failed.value, code, mentions)


@pytest.mark.parametrize("decide", [present, absent], ids=["present", "absent"])
@pytest.mark.parametrize("listed", [(), (TWIN,)], ids=["name not listed", "name listed"])
def test_an_id_that_goes_by_another_name_fails(decide: object, listed: tuple[Runner, ...]) -> None:
    assert callable(decide)
    with pytest.raises(SodaError) as failed:
        decide(AND_ID, Observed(listed, None, name_of_id="somebody else"))
    assert_says(failed.value, "name_and_id_differ", ["'one'", "id-1", "'somebody else'"])


def test_a_name_whose_wanted_id_is_gone_is_absent_already() -> None:
    """Else the second run of a task that deleted one of two runners of a name would fail."""
    assert absent(AND_ID, Observed((TWIN,))) == Plan((), "absent")


@pytest.mark.parametrize(
    ("is_online", "steps"), [(True, []), (False, [DELETE, REMOVE_KEY]), (None, [DELETE, REMOVE_KEY])]
)
def test_unless_online_leaves_alone_what_is_online(is_online: bool | None, steps: list[Step]) -> None:
    runner = replace(RUNNER, is_online=is_online)
    plan = absent(replace(AND_ID, unless_online=True), Observed((runner,), KEY_1))
    assert plan == Plan(tuple(steps), "absent" if steps else "registered", runner, plan.warnings)
    assert_warns(plan, None if steps else "'one' (id-1) is online")


LIMIT = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("last_seen", "deleted"),
    [
        ("2026-01-01T11:59:59Z", True),
        ("2026-01-01T12:00:00Z", True),
        ("2026-01-01T13:00:00+0100", True),
        ("2026-01-01T12:00:01Z", False),
        (None, False),
        ("yesterday", False),
    ],
)
def test_unless_seen_since_keeps_a_runner_with_a_later_or_unknown_contact(last_seen: str | None, deleted: bool) -> None:
    runner = replace(RUNNER, is_online=False, last_seen_timestamp=last_seen)
    plan = absent(replace(AND_ID, unless_seen_since=LIMIT), Observed((runner,), KEY_1))
    steps = (DELETE, REMOVE_KEY) if deleted else ()
    assert plan == Plan(steps, "absent" if deleted else "registered", runner, plan.warnings)
    shown = last_seen or "unknown"
    assert_warns(
        plan, None if deleted else f"is {shown}, and not 2026-01-01T12:00:00Z or earlier, so it was not changed"
    )


@pytest.mark.parametrize("key", [KEY_1, LEFT_1], ids=["stored", "left behind"])
def test_no_plan_shows_the_secret(key: StoredKey) -> None:
    for decide in (present, absent):
        assert key.api_key_secret not in repr((decide(WANTED, Observed((), key)), Observed((), key)))


WARNS = [
    # decide, wanted, listed, key, mentions
    (present, NO_PATH, [], None, ["'one'"]),
    (present, WANTED, [RUNNER], None, ["'one'", "/keys/one.json"]),
    (absent, WANTED, [], KEY_1, ["'one'", "key-1", "/keys/one.json"]),
    (
        absent,
        replace(AND_ID, unless_seen_since=LIMIT),
        [replace(RUNNER, last_seen_timestamp=None)],
        KEY_1,
        ["'one' (id-1)"],
    ),
    (present, OTHER_ADOPTED, [RUNNER], KEY_1, ["/keys/one.json stores the key key-1 of the runner 'one'", "(key-9)"]),
]


@pytest.mark.parametrize(
    ("decide", "wanted", "listed", "key", "mentions"),
    WARNS,
    ids=["issued and returned", "lost", "stays valid", "seen", "other key"],
)
def test_a_warning_names_what_it_is_about(
    decide: Decide, wanted: Wanted, listed: list[Runner], key: StoredKey | None, mentions: Sequence[str]
) -> None:
    (warning,) = decide(wanted, Observed(tuple(listed), key)).warnings
    assert [said for said in mentions if said not in warning] == []


SAYS = [
    # decide, wanted, observed, says
    (present, ID_ALONE, Observed(()), "no runner with the id 'id-1', or"),
    (present, AND_ID, Observed(()), "no runner with the id 'id-1' and the name 'one', or"),
    (present, WANTED, Observed((RUNNER, TWIN)), "2 runners have the name 'one': id-1, id-2. Delete"),
    (present, AND_ID, Observed((TWIN,)), "'id-1' belongs to no runner and not to 'one'. 'one' has id-2. Correct"),
    (present, AND_ID, Observed((TWIN, OTHER)), "and not to 'one'. 'one' has id-2, id-3. Correct"),
    (absent, AND_ID, Observed((), None, "two"), "'id-1' belongs to the runner 'two' and not to 'one'. Correct"),
    (absent, AND_ID, Observed((TWIN,), None, "two"), "to the runner 'two' and not to 'one'. 'one' has id-2. Correct"),
    (
        present,
        WANTED,
        Observed((), KEY_2),
        "key_version is 1, but the key stored at /keys/one.json has version 2. Set key_version to 2 or higher.",
    ),
]


@pytest.mark.parametrize(("decide", "wanted", "observed", "says"), SAYS, ids=[row[-1] for row in SAYS])
def test_a_failure_says_who_has_which_name_and_id(
    decide: Decide, wanted: Wanted, observed: Observed, says: str
) -> None:
    with pytest.raises(SodaError) as failed:
        decide(wanted, observed)
    assert says in failed.value.failure.message


def assert_warns(plan: Plan, of: str | None) -> None:
    assert len(plan.warnings) == (of is not None)
    assert all(of in warning for warning in plan.warnings if of)


def assert_says(failed: SodaError, code: str, mentions: Sequence[str]) -> None:
    assert failed.failure.code == code
    assert [said for said in mentions if said not in failed.failure.message] == []
    assert failed.failure.operation is None
