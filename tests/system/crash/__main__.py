# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m crash``."""

from __future__ import annotations

import sys

from .kills import main

# The processes that share the work import it under its own name.
if __name__ == "__main__":
    sys.exit(main())
