# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples that something else runs: each with a file that does, and with what there shows that it does."""

from __future__ import annotations

_TARBALL = ("tests/tools/tarball.py", '"ansible-galaxy", "collection", "install"')
_REQUESTS = ("tests/requirements/runtime.in", "-r ../../requirements.txt")

ELSEWHERE: dict[str, tuple[str, str]] = {
    "README.md: $ make test    # everything that needs neither root nor containers": (".ci/run", "count test"),
    "README.md: $ ansible-galaxy collection install community.soda": _TARBALL,
    "README.md: $ python3 -m pip install requests": _REQUESTS,
    "docs/guides/first-runner.md: $ ansible-galaxy collection install community.soda": _TARBALL,
    "docs/guides/first-runner.md: $ python3 -m pip install requests": _REQUESTS,
    "docs/guides/awx.md: $ ansible-builder build -f execution-environment.yml -t registry.example.org/soda-ee:1": (
        "tests/automation/test_execution_environment.py",
        '"ansible-builder", "create"',
    ),
    "docs/guides/awx.md: $ ansible-playbook community.soda.awx -e @soda-awx.yml": (
        "tests/automation/test_awx.py",
        '"community.soda.awx"',
    ),
    "docs/guides/awx.md: # soda-awx.yml": (
        "tests/automation/test_guides.py",
        "def test_examples_of_variables_say_what_the_playbook_needs_and_takes",
    ),
}
"""By name: an example's, or for a command of a console, ``SOURCE: $ COMMAND``."""
