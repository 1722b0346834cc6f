#!/bin/sh
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints the newest Python that can be used: 3.11 or later, and able to make virtual environments.
# With arguments it looks at those alone. A name on PATH proves nothing (a version manager may have put
# it there for a Python that is switched off), so each one is run.

[ $# -gt 0 ] || set -- python3.14 python3.13 python3.12 python3.11 python3

bare=
for python in "$@"; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))' 2>/dev/null) ||
        continue
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python"
        exit 0
    fi
    bare=${bare:-$version}
done

if [ -n "$bare" ]; then
    echo "Python $bare is here, but it cannot make virtual environments. On Debian and Ubuntu: apt-get install python$bare-venv" >&2
else
    echo "Python 3.11 or later is needed; looked at: $*. On Debian 12 or later: apt-get install python3 python3-venv." >&2
    echo "An interpreter elsewhere is named so: make PYTHON=/path/to/python3.12" >&2
fi
exit 1
