# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m hosts.way_out EMULATOR FOLDER``: a host's one way to the emulator, by the socket in FOLDER.

It carries the API of Soda Cloud, and not the emulator's control API, which would hand the hosts a Soda Cloud API key.
It ends when the emulator does.
"""

from __future__ import annotations

import asyncio
import os
import sys

import aiohttp
from aiohttp import web

SERVED = "/api/"
SOCKET = "socket"
POLL = 1.0  # seconds between two looks whether the emulator is still there
_OF_ONE_CONNECTION = {"connection", "content-length", "content-encoding", "host", "keep-alive", "transfer-encoding"}


async def main(emulator: str, folder: str) -> None:
    # The path of a socket may have about a hundred characters, and that of a checkout more.
    os.chdir(folder)
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def forward(request: web.Request) -> web.StreamResponse:
            if not request.path.startswith(SERVED):
                return web.Response(status=403, text="A host may not ask for this.")
            async with session.request(
                request.method,
                emulator + request.path_qs,
                headers=_kept(request.headers),
                data=await request.read(),
                allow_redirects=False,
            ) as answer:
                return web.Response(status=answer.status, headers=_kept(answer.headers), body=await answer.read())

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.UnixSite(runner, SOCKET).start()
        while await _is_there(session, emulator):
            await asyncio.sleep(POLL)
        await runner.cleanup()


def _kept(headers: aiohttp.typedefs.LooseHeaders) -> dict[str, str]:
    return {name: value for name, value in dict(headers).items() if name.lower() not in _OF_ONE_CONNECTION}


async def _is_there(session: aiohttp.ClientSession, emulator: str) -> bool:
    try:
        async with session.get(f"{emulator}/_emulator"):
            return True
    except aiohttp.ClientConnectionError:
        return False


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
