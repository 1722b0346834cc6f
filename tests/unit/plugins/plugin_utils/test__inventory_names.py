# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names hosts get from runners of any name."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from ansible_collections.community.soda.plugins.module_utils._api.runners import Runner
from ansible_collections.community.soda.plugins.plugin_utils._inventory_names import (
    Hosts,
    host_name,
    name_hosts,
    type_group,
)
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    ODD_NAMES,
    plain_id,
)


def runner(name: str | None, runner_id: str | None) -> Runner:
    return Runner.from_api({"id": runner_id, "name": name})


def hosts(*names: str | None, ids: Sequence[str | None] | None = None, reserved: Sequence[str] = ()) -> Hosts:
    """Name runners, whose ids are i0, i1, … unless given."""
    given = [f"i{number}" for number in range(len(names))] if ids is None else ids
    return name_hosts([(name, runner(name, each)) for name, each in zip(names, given)], reserved)


def names(found: Hosts) -> list[str]:
    return [name for name, _runner in found.named]


def test_a_host_has_the_name_of_its_runner_without_a_note() -> None:
    assert hosts("edge-1", "Zürich", "10.0.0.1", "a_b") == Hosts(
        named=[(name, runner(name, f"i{n}")) for n, name in enumerate(("edge-1", "Zürich", "10.0.0.1", "a_b"))],
        notes=[],
    )


@pytest.mark.parametrize("name", ODD_NAMES, ids=plain_id)
def test_no_name_means_anything_in_a_pattern_a_path_or_a_shell(name: str) -> None:
    assert re.fullmatch(r"[\w][\w.-]*", host_name(name))


def test_a_changed_name_has_a_note() -> None:
    found = hosts("h[1:3]")
    assert names(found) == ["h_1_3_"]
    assert found.notes == ["Names that cannot be host names are changed: 'h[1:3]' as h_1_3_."]


def test_a_line_break_in_a_name_is_not_in_the_note() -> None:
    (note,) = hosts("new\nline").notes
    assert "\n" not in note


@pytest.mark.parametrize("name", [None, ""])
def test_a_runner_without_a_name_has_its_id(name: str | None) -> None:
    found = hosts(name)
    assert names(found) == ["i0"]
    assert found.notes == ["Runners without a name are listed under their id: i0."]


def test_runners_of_one_name_are_all_followed_by_their_ids() -> None:
    """Whichever came first would change from one listing to the next."""
    found = hosts("a", "b", "a")
    assert names(found) == ["a-i0", "b", "a-i2"]
    assert found.notes == ["The id is added to names that several runners have: a."]


def test_names_that_become_one_by_a_change_are_told_apart() -> None:
    assert names(hosts("a b", "a_b")) == ["a_b-i0", "a_b-i1"]


@pytest.mark.parametrize("name", ["all", "localhost"])
def test_a_name_that_means_something_else_is_followed_by_the_id(name: str) -> None:
    found = hosts(name, reserved=("all", "localhost"))
    assert names(found) == [f"{name}-i0"]
    assert found.notes == [f"The id is added to names of groups or of this machine: {name}."]


def test_a_name_that_is_anothers_with_its_id_is_no_ones() -> None:
    found = hosts("a", "a", "a-i0")
    assert names(found) == ["a-i1"]
    assert found.notes[-1] == "Runners that cannot be distinguished are left out: 'a', 'a-i0'."


def test_runners_without_ids_and_of_one_name_are_left_out() -> None:
    found = hosts("a", "a", "b", ids=[None, None, None])
    assert names(found) == ["b"]
    assert found.notes[-1] == "Runners that cannot be distinguished are left out: 'a'."


def test_a_runner_without_name_and_id_is_left_out() -> None:
    found = hosts(None, ids=[None])
    assert names(found) == []
    assert found.notes == [
        "Runners without a name are listed under their id: one without an id.",
        "Runners that cannot be distinguished are left out: None.",
    ]


def test_runner_with_an_id_is_listed_if_another_has_its_name() -> None:
    assert names(hosts("a", "a", ids=[None, "i1"])) == ["a-i1"]


def test_message_contains_only_the_first_names() -> None:
    (note,) = hosts(*[f"a {number}" for number in range(10_000)]).notes
    assert note.endswith("'a 4' as a_4 and 9995 more.")


@pytest.mark.parametrize(("number", "end"), [(5, "'a 4' as a_4."), (6, "'a 4' as a_4 and 1 more.")])
def test_message_counts_the_omitted_names(number: int, end: str) -> None:
    (note,) = hosts(*[f"a {each}" for each in range(number)]).notes
    assert note.endswith(end)


@pytest.mark.parametrize(
    ("runner_type", "group"),
    [("SELF_HOSTED", "self_hosted"), ("Some Thing-é", "some_thing__"), ("{{ a }}", "___a___")],
)
def test_a_type_is_a_group_that_needs_no_quotes(runner_type: str, group: str) -> None:
    assert type_group(runner_type) == f"soda_type_{group}"
