# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaces the get-pip script that ansible-test would download for its virtual environments.

The Python that runs it has its own pip, so nothing has to be downloaded from a host besides the package index.
"""

from __future__ import annotations

import subprocess
import sys

# get-pip's own options: ensurepip installs no more than pip anyway, and pip does not know these.
OWN_OPTIONS = ("--no-setuptools", "--no-wheel")


def main() -> None:
    packages = [argument for argument in sys.argv[1:] if argument not in OWN_OPTIONS]
    subprocess.run(
        [sys.executable, "-m", "ensurepip", "--upgrade", "--default-pip"], check=True, stdout=subprocess.DEVNULL
    )
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *packages], check=True)


if __name__ == "__main__":
    main()
