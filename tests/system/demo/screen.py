# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows text on the terminal and writes it to a transcript."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
import typing as t
from pathlib import Path

BOLD, DIM, RED, GREEN, CYAN = "1", "2", "31", "32", "36"


class Screen:
    """Writes to standard output. Colours and progress appear only on a terminal."""

    def __init__(self, transcript: Path) -> None:
        self._terminal = sys.stdout.isatty()
        self._transcript = transcript.open("w", encoding="utf-8")
        self._started = time.monotonic()
        self._number = 0

    def close(self) -> None:
        """End the transcript."""
        self._transcript.close()

    def say(self, text: str = "", *styles: str) -> None:
        """Show lines of text."""
        self._clear()
        self._transcript.write(text + "\n")
        self._transcript.flush()
        if self._terminal and styles:
            text = f"\x1b[{';'.join(styles)}m{text}\x1b[0m"
        print(text, flush=True)

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._number += 1
        self.say()
        self.say(f"{self._number}. {title}", BOLD, CYAN)

    def note(self, text: str) -> None:
        """Show a detail of a step."""
        self.say(f"   {text}")

    def command(self, text: str) -> None:
        """Show a command as it would be typed."""
        self.say(f"   $ {text}", BOLD)

    def good(self, text: str) -> None:
        """Show that a check passed."""
        self.say(f"   ✓ {text}", GREEN)

    def table(self, header: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> None:
        """Show rows below their header, if they have one, aligned."""
        lines = [*([header] if header else []), *rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            text = "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            self.say(f"   {text}", *([DIM] if line is header else []))

    def progress(self, text: str) -> None:
        """Show the progress on a line that the next output replaces. Only on a terminal."""
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write("\r\x1b[K" + f"   … {text}"[:width])
            sys.stdout.flush()

    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._started

    def _clear(self) -> None:
        if self._terminal:
            with contextlib.suppress(OSError):
                sys.stdout.write("\r\x1b[K")
