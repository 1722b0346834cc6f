# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of Secrets and of paths in Vault."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._config import names

EU, US = "https://cloud.soda.io", "https://cloud.us.soda.io"


def test_a_name_is_readable_and_stays_the_same_in_each_release() -> None:
    assert names.unique_name("Zürich's warehouse #1", EU) == "zurich-s-warehouse-1-8493e3567f"
    assert names.vault_path("warehouse-eu", EU) == "soda/runners/" + names.unique_name("warehouse-eu", EU)


@given(st.text(min_size=1))
def test_every_runner_has_a_valid_name(runner: str) -> None:
    name = names.unique_name(runner, EU)
    assert len(name) <= 63
    assert re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert names.check_secret_name(name) == name
    assert names.check_secret_name(names.pull_secret_name(name))
    assert names.check_vault_path(names.vault_path(runner, EU))


def test_names_differ_by_runner_endpoint_and_account() -> None:
    different = {
        names.unique_name("a b", EU),
        names.unique_name("a_b", EU),
        names.unique_name("a b", US),
        names.unique_name("a b", EU, "second"),
    }
    assert len(different) == 4


@pytest.mark.parametrize("name", ["a", "0", "a.b-c", "x" * 253])
def test_valid_secret_names_are_accepted(name: str) -> None:
    assert names.check_secret_name(name) == name
    assert len(names.pull_secret_name(name)) <= 253
    assert names.check_secret_name(names.pull_secret_name(name))


@pytest.mark.parametrize(
    ("check", "value"),
    [
        *(
            (names.check_secret_name, name)
            for name in ("", "A", "a_b", "-a", "a-", "a..b", ".a", "a/b", "x" * 254, "a\n")
        ),
        *((names.check_namespace, name) for name in ("", "A", "a.b", "-a", "x" * 64)),
        *(
            (names.check_vault_path, path)
            for path in ("", "/a", "a/", "a//b", "../../e/f", "a/./b", "a b", "a/\n", "ü")
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else ascii(value)[:40],
)
def test_invalid_names_are_refused(check: Callable[[str], str], value: str) -> None:
    with pytest.raises(SodaError) as failed:
        check(value)
    assert failed.value.failure.code == "config_not_expressible"
    assert repr(value) in failed.value.failure.message
