# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""escrow_name: the name that soda_runner_config looks for."""

from __future__ import annotations

import yaml

from ansible_collections.community.soda.plugins.filter.escrow_name import DOCUMENTATION, FilterModule


def test_it_gives_the_name_under_which_a_key_waits() -> None:
    filters = FilterModule().filters()
    assert list(filters) == [yaml.safe_load(DOCUMENTATION)["name"]]
    # Of sha256sum, of the three parts in lines.
    hashed = "64004b250cb19f89036907032dbdec091578213f9e23ae7dce52e48890e6213b"
    assert filters["escrow_name"]("https://cloud.soda.io", "warehouse-eu", "of-ours") == f"{hashed}.json"
