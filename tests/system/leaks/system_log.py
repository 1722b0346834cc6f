# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A separate system log: run a command whose messages to /dev/log go to a file.

``python -m leaks.system_log FILE COMMAND…`` enters a separate mount namespace, in which /dev has a socket that this
program reads. Nothing outside of the namespace changes.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

# The new /dev has everything of the old one except the log. A device that fails here cannot be used anyway.
_OWN_DEV = """
new=$(mktemp -d)
mount -t tmpfs tmpfs "$new"
for each in /dev/*; do
    name=${each#/dev/}
    if [ "$name" = log ]; then continue
    # Pseudo terminals are found beside it, which a mount of the device alone does not have.
    elif [ "$name" = ptmx ] && [ -e /dev/pts/ptmx ]; then ln -s pts/ptmx "$new/ptmx"
    elif [ -L "$each" ]; then cp -P "$each" "$new/$name"
    elif [ -d "$each" ]; then mkdir "$new/$name" && mount --rbind "$each" "$new/$name" || true
    else touch "$new/$name" && mount --bind "$each" "$new/$name" || true
    fi
done
mount --move "$new" /dev
rmdir "$new"
exec "$@"
"""
_INSIDE = "--inside"


def command(file: Path, wanted: list[str]) -> list[str]:
    """The command line that runs *wanted* and writes the system log to *file*."""
    unshare = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid():
        unshare += ["--user", "--map-root-user"]
    inside = [sys.executable, "-m", "leaks.system_log", _INSIDE, str(file), *wanted]
    return [*unshare, "sh", "-ec", _OWN_DEV, "sh", *inside]


def main(arguments: list[str]) -> int:
    if arguments[0] != _INSIDE:
        return subprocess.call(command(Path(arguments[0]), arguments[1:]))
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    # Any user may log.
    os.chmod("/dev/log", 0o666)
    reader = threading.Thread(target=_write, args=(log, Path(arguments[1])))
    reader.start()
    try:
        # The Python path is for this program alone.
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        env.update({"PYTHONPATH": os.environ["LOGGED_PYTHONPATH"]} if "LOGGED_PYTHONPATH" in os.environ else {})
        return subprocess.call(arguments[2:], env=env)
    finally:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(_END, "/dev/log")
        reader.join()


_END = b"\0end of the log"


def _write(log: socket.socket, file: Path) -> None:
    with file.open("ab") as written:
        while (message := log.recv(1 << 20)) != _END:
            written.write(message + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
