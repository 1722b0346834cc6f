# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter options of all content that lists runners."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that C(module_utils/_filters.py) implements."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Only the runners with exactly this name.
      - An integer is converted to text. Booleans, decimal numbers, lists and mappings are refused. Quote such names.
    type: raw
  id:
    description: Only the runner with this id.
    type: str
  type:
    description: Only runners of this type, such as V(SELF_HOSTED) or V(SODA_HOSTED).
    type: str
  is_online:
    description: With V(true), only runners that are online. With V(false), only runners that are not.
    type: bool
  not_seen_for:
    description:
      - Only runners that are not online and whose last contact was at least this many seconds ago.
      - A runner whose last contact is unknown is not selected. The last contact is unknown if Soda Cloud reports no
        time, an unreadable time, or the zero of Unix time.
    type: float
"""
