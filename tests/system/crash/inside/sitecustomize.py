# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python imports this by itself in the modules of a play, of which one is to be killed at one of its points."""

from __future__ import annotations

import os
import sys

if any(argument.endswith(f"AnsiballZ_{os.environ.get('CRASH_MODULE')}.py") for argument in sys.orig_argv):
    from crash.in_play import arm

    arm()
