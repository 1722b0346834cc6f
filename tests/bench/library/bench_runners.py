# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generates runners, and as a module returns them like soda_runner_info."""

from __future__ import annotations

import typing as t


def runners(count: int) -> list[dict[str, t.Any]]:
    """The same runners in each run, in the form of soda_runner_info."""
    return [
        {
            "id": f"{i:08x}-9a54-4f2b-8f0e-{i * 7919:012x}",
            "name": f"runner-{i:06d}",
            "label": f"Runner {i}",
            "type": "SODA_HOSTED" if i % 40 == 7 else "SELF_HOSTED",
            "is_online": i % 3 != 2,
            "last_seen_timestamp": f"2026-01-{i % 28 + 1:02d}T12:{i % 60:02d}:00.000Z",
            "versions": {"runner": f"1.{i % 15}.0", "library": f"4.{i % 29}.0"},
        }
        for i in range(count)
    ]


def main() -> None:
    """Return them."""
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule({"count": {"type": "int", "required": True}}, supports_check_mode=True)
    listed = runners(module.params["count"])
    module.exit_json(changed=False, runners=listed, total=len(listed))


if __name__ == "__main__":
    main()
