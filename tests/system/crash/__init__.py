# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Kills modules and plays with SIGKILL at every step, runs the same again, and counts the fates of the keys.

The collection knows nothing of it: Python itself reports each call that a process makes into the operating system
(C(sys.setprofile)), before and after, and the process, its play, or both die at the one that was chosen.
"""
