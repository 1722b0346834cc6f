# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of filters load quickly: Ansible loads all of them for a task that uses one, in each task's own process."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys

from ansible_collections.community.soda.plugins import filter as filters

PROGRAM = """
import importlib, sys
import ansible.errors
for name in {names!r}:
    importlib.import_module("ansible_collections.community.soda.plugins.filter." + name)
print(*sorted(name for name in sys.modules if "community.soda.plugins.module_utils._" in name))
print(*(name for name in ("requests", "urllib3") if name in sys.modules))
"""


def test_no_filter_brings_the_client_along() -> None:
    names = [module.name for module in pkgutil.iter_modules(filters.__path__)]
    assert {"escrow_name", "stale_runners"} <= set(names)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(names=names)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    ours, others = ended.stdout.splitlines()
    assert "_errors" in ours
    assert not [name for name in ours.split() if "._api" in name]
    assert others == ""
