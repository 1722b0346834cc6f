# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which runners pass which filters."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.runners import Listing, Runner
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.module_utils._filters import Filters, filter_spec, last_seen

UTC = datetime.timezone.utc
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=UTC)


def filters(names: Iterable[str] | None = None, **options: Any) -> Filters:
    return Filters.from_options({**dict.fromkeys(filter_spec()), **options}, names)


def runner(**fields: Any) -> Runner:
    whole = {"id": "1", "name": "one", "type": "SELF_HOSTED", "isOnline": True}
    return Runner.from_api({**whole, **fields})


def last_seen_at(text: str | None) -> Runner:
    return runner(lastSeenTimestamp=text, isOnline=False)


def ago(seconds: float) -> Runner:
    moment = datetime.datetime.now(UTC) - datetime.timedelta(seconds=seconds)
    return last_seen_at(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_there_are_five_filters_of_these_types() -> None:
    assert {name: option["type"] for name, option in filter_spec().items()} == {
        "name": "raw",
        "id": "str",
        "type": "str",
        "is_online": "bool",
        "not_seen_for": "float",
    }


def test_without_filters_any_runner_passes() -> None:
    assert filters() == Filters(names=None, id=None, type=None, is_online=None, seen_before=None)
    assert filters().passes(runner())
    assert filters().passes(Runner.from_api({}))


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({"name": "one"}, True),
        ({"name": "One"}, False),
        ({"name": ""}, False),
        ({"names": ["two", "one"]}, True),
        ({"names": ["two"]}, False),
        ({"names": []}, False),
        ({"name": "one", "names": ["one", "two"]}, True),
        ({"name": "one", "names": ["two"]}, False),
        ({"name": "two", "names": ["one", "two"]}, False),
        ({"id": "1"}, True),
        ({"id": "2"}, False),
        ({"id": ""}, False),
        ({"type": "SELF_HOSTED"}, True),
        ({"type": "SODA_HOSTED"}, False),
        ({"is_online": True}, True),
        ({"is_online": False}, False),
        ({"name": "one", "id": "1", "type": "SELF_HOSTED", "is_online": True}, True),
        ({"name": "one", "id": "1", "type": "SELF_HOSTED", "is_online": False}, False),
        ({"name": "one", "id": "1", "type": "SODA_HOSTED", "is_online": True}, False),
        ({"name": "one", "id": "2", "type": "SELF_HOSTED", "is_online": True}, False),
        ({"name": "two", "id": "1", "type": "SELF_HOSTED", "is_online": True}, False),
    ],
    ids=str,
)
def test_filters_combine_with_and(options: dict[str, Any], passes: bool) -> None:
    given = filters(**options)
    assert given.passes(runner()) is passes
    assert (
        bool(given.apply(Listing([{"id": "1", "name": "one", "type": "SELF_HOSTED", "isOnline": True}], 1))) is passes
    )


def test_unknown_field_passes_no_filter() -> None:
    for options in ({"name": "one"}, {"id": "1"}, {"type": "SELF_HOSTED"}, {"is_online": True}, {"is_online": False}):
        assert not filters(**options).passes(Runner.from_api({}))


def test_a_listing_is_given_in_its_order() -> None:
    listing = Listing([{"id": str(n), "name": f"n{n % 3}"} for n in range(6)], 1)
    assert [r.id for r in filters().apply(listing)] == ["0", "1", "2", "3", "4", "5"]
    assert [r.id for r in filters(["n2", "n0"]).apply(listing)] == ["0", "2", "3", "5"]
    assert [r.id for r in filters(["n2", "n0"], id="5").apply(listing)] == ["5"]


# When a runner was last seen


@pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("inf"), float("-inf")])
def test_a_time_that_cannot_be_meant_fails(seconds: float) -> None:
    with pytest.raises(SodaError) as failed:
        filters(not_seen_for=seconds)
    assert failed.value.failure.code == "invalid_arguments"
    assert failed.value.failure.message.startswith(f"not_seen_for is {seconds!r}. ")


@pytest.mark.parametrize(("since", "passes"), [(0, False), (3000, False), (4200, True), (10**9, True)])
def test_a_runner_that_was_not_seen_for_an_hour_passes(since: float, passes: bool) -> None:
    assert filters(not_seen_for=3600).passes(ago(since)) is passes


@pytest.mark.parametrize("text", [None, "", "yesterday", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z"])
def test_a_runner_whose_last_contact_is_unknown_never_passes(text: str | None) -> None:
    assert last_seen(last_seen_at(text)) is None
    for seconds in (0, 3600, 1e300):
        assert not filters(not_seen_for=seconds).passes(last_seen_at(text))


def test_an_online_runner_never_passes() -> None:
    assert not filters(not_seen_for=0).passes(runner(lastSeenTimestamp="2026-01-01T12:00:00Z"))


def test_a_name_that_was_altered_is_compared_as_the_api_gave_it() -> None:
    altered = runner(name="{{ x")
    assert altered.name != "{{ x"
    assert filters(name="{{ x").passes(altered)
    assert not filters(name=altered.name).passes(altered)
    # From a cache, the exact name is unknown.
    assert not filters(name=altered.name).passes(Runner.from_dict(altered.to_dict()))


def test_every_runner_was_seen_since_the_beginning_of_time() -> None:
    assert not filters(not_seen_for=1e300).passes(last_seen_at("0001-01-01T00:00:01Z"))
    assert filters(not_seen_for=1e300).seen_before == datetime.datetime.min.replace(tzinfo=UTC)


def test_a_runner_passes_at_the_very_moment() -> None:
    given = Filters(names=None, id=None, type=None, is_online=None, seen_before=NOON)
    assert given.passes(last_seen_at("2026-01-01T12:00:00Z"))
    assert not given.passes(last_seen_at("2026-01-01T12:00:01Z"))


def test_0_seconds_is_now() -> None:
    moment = filters(not_seen_for=0).seen_before
    assert moment is not None
    assert abs(datetime.datetime.now(UTC) - moment) < datetime.timedelta(minutes=5)
