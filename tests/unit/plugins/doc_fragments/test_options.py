# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of modules and plugins are one list, written in two forms."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.community.soda.plugins.doc_fragments.filters import ModuleDocFragment as Filters
from ansible_collections.community.soda.plugins.doc_fragments.soda_cloud import ModuleDocFragment as SodaCloud
from ansible_collections.community.soda.plugins.module_utils._argspec import connection_spec
from ansible_collections.community.soda.plugins.module_utils._filters import filter_spec

OPTIONS = yaml.safe_load(SodaCloud.DOCUMENTATION)["options"]
PLUGIN = yaml.safe_load(SodaCloud.PLUGIN)["options"]


@pytest.mark.parametrize("option", [*connection_spec()])
def test_a_plugin_reads_what_a_module_reads(option: str) -> None:
    _fallback, names = connection_spec()[option]["fallback"]
    assert PLUGIN[option] == {
        "env": [{"name": name} for name in names],
        "vars": [{"name": f"soda_cloud_{option}"}],
    }


@pytest.mark.parametrize("option", [*connection_spec()])
def test_an_option_is_documented_as_it_is_taken(option: str) -> None:
    spec = connection_spec()[option]
    assert (OPTIONS[option]["type"], OPTIONS[option].get("default")) == (spec["type"], spec.get("default"))


def test_no_connection_option_is_documented_that_is_not_taken() -> None:
    assert set(OPTIONS) == set(PLUGIN) == set(connection_spec())


def test_the_filters_are_documented_as_they_are_taken() -> None:
    documented = yaml.safe_load(Filters.DOCUMENTATION)["options"]
    assert {name: {"type": option["type"]} for name, option in documented.items()} == filter_spec()
