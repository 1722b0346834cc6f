# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""escrow_name: the name that soda_runner_config looks for."""

from __future__ import annotations

from ansible_collections.community.soda.plugins.filter.escrow_name import FilterModule
from ansible_collections.community.soda.plugins.module_utils import _escrow

escrow_name = FilterModule().filters()["escrow_name"]


def test_it_is_the_name_by_which_the_key_is_looked_for() -> None:
    of = ("https://cloud.soda.io", "warehouse-eu", "of-ours")
    assert escrow_name(*of) == _escrow.escrow_name(*of)
