# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of the role that say for themselves what one of Ansible's filters says."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.module_utils.parsing.convert_bool import BOOLEANS, boolean
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tooling import tree

VARIABLES = yaml.safe_load((tree.ROOT / "roles" / "soda_runner" / "vars" / "main.yml").read_text("utf-8"))

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every text is a template

    def trust_as_template(value: str) -> str:
        return value


def waits(wait: Any, check_mode: bool) -> Any:
    given = {"soda_runner_wait": wait, "ansible_check_mode": check_mode}
    return Templar(loader=DataLoader(), variables=given).template(trust_as_template(VARIABLES["__soda_runner_waits"]))


# True, 1 and 1.0 are one in a set.
TEXTS = sorted(word for word in BOOLEANS if isinstance(word, str))


@pytest.mark.parametrize("wait", [*TEXTS, True, False, 1, 0, 1.0, 0.0, "True", "FALSE", "Yes", "", "perhaps"], ids=repr)
def test_the_role_waits_where_the_filter_bool_says_so(wait: Any) -> None:
    assert waits(wait, check_mode=False) is boolean(wait, strict=False)


def test_nothing_is_waited_for_in_check_mode() -> None:
    assert waits(True, check_mode=True) is False
