# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the event source at argv[1] with the arguments in argv[2], and print the events of its first listing."""

from __future__ import annotations

import asyncio
import json
import runpy
import sys


async def main() -> None:
    source = runpy.run_path(sys.argv[1])
    queue: asyncio.Queue[object] = asyncio.Queue()
    task = asyncio.ensure_future(source["main"](queue, {**json.loads(sys.argv[2]), "interval": 3600}))
    # All events of a listing follow each other without a request.
    waited = 150.0
    while not task.done():
        try:
            event = await asyncio.wait_for(queue.get(), waited)
        except TimeoutError:
            break
        print("event:", json.dumps(event), flush=True)
        waited = 5.0
    task.cancel()


asyncio.run(main())
