# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python imports this automatically in the modules of a play. One of them is killed at one of its points."""

from __future__ import annotations

import os

if "CRASH_POINT" in os.environ:
    from crash.in_play import arm

    arm(f"/plugins/modules/{os.environ['CRASH_MODULE']}.py")
