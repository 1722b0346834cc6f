# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m tooling.changelog``: release the fragments as the version in galaxy.yml, and write CHANGELOG.md.

antsibull-changelog gets the list of plugins from Ansible. It runs in a copy, because it would copy the checkout
with all installed packages.
"""

from __future__ import annotations

import shutil
import sys

from . import tree
from .environment import private_environment
from .process import run


def main(arguments: list[str] | None = None) -> int:
    """Release. ``--update-existing`` releases the same version again. Other arguments are passed on."""
    copy = tree.copied_collection("changelog")
    env = private_environment() | {"ANSIBLE_COLLECTIONS_PATH": str(copy.parents[2])}
    passed_on = sys.argv[1:] if arguments is None else arguments
    command = ["antsibull-changelog", "release", "--reload-plugins", *passed_on]
    ended = run(command, cwd=copy, env=env, log=tree.LOGS / "changelog.log")
    if ended.returncode:
        return ended.returncode
    for fragment in (tree.ROOT / "changelogs" / "fragments").glob("*.yml"):
        if not (copy / "changelogs" / "fragments" / fragment.name).exists():
            fragment.unlink()
    for name in ("CHANGELOG.md", "changelogs/changelog.yaml"):
        shutil.copy2(copy / name, tree.ROOT / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
