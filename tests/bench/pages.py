# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m bench.pages READY COUNT``: a listing of so many runners, its pages made before the first request.

The emulator makes and checks each answer separately. Both sides would need this time, and hide the difference.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from emulator.contract import Contract
from tooling import tree

from .library.bench_runners import runners
from .measure import WORK

SIZE = 1000
CREDENTIALS = {"SODA_CLOUD_API_KEY_ID": "bench", "SODA_CLOUD_API_KEY_SECRET": "bench-secret"}

_API_NAMES = {"is_online": "isOnline", "last_seen_timestamp": "lastSeenTimestamp"}


@dataclasses.dataclass(frozen=True)
class Listing:
    """A server of pages that runs."""

    count: int
    url: str

    @property
    def pages(self) -> int:
        """How many pages the listing has."""
        return max(1, -(-self.count // SIZE))

    def requested(self) -> int:
        """How many pages were requested since the last call."""
        with urlopen(f"{self.url}/requested") as answer:
            return int(answer.read())

    def environment(self) -> dict[str, str]:
        """The connection options for a client."""
        return {"SODA_CLOUD_ENDPOINT": self.url, **CREDENTIALS}


@contextlib.contextmanager
def served(count: int) -> t.Iterator[Listing]:
    """A listing of so many runners, in a separate process."""
    WORK.mkdir(parents=True, exist_ok=True)
    ready = WORK / f"pages-{count}"
    ready.unlink(missing_ok=True)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, tree.TESTS))}
    process = subprocess.Popen([sys.executable, "-m", "bench.pages", str(ready), str(count)], env=env)
    try:
        deadline = time.monotonic() + 120
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The server of pages did not start.")
            time.sleep(0.05)
        yield Listing(count, ready.read_text("utf-8"))
    finally:
        process.terminate()
        process.wait()


def rendered(count: int) -> dict[int, bytes]:
    """The pages, each checked against the contract."""
    every = [{_API_NAMES.get(name, name): value for name, value in runner.items()} for runner in runners(count)]
    total = max(1, -(-count // SIZE))
    contract = Contract.load()
    pages = {}
    for number in range(total):
        page = {
            "content": every[number * SIZE : (number + 1) * SIZE],
            "first": number == 0,
            "last": number + 1 == total,
            "number": number,
            "size": SIZE,
            "totalElements": count,
            "totalPages": total,
        }
        violation = contract.answer_violation(contract.operations["listRunners"], 200, {}, page)
        if violation:
            raise ValueError(violation)
        pages[number] = json.dumps(page, separators=(",", ":")).encode()
    return pages


def serve(ready: Path, count: int) -> None:
    """Serve until the process is ended."""
    pages = rendered(count)
    requested: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/requested":
                body = str(len(requested)).encode()
                requested.clear()
            else:
                number = int(parse_qs(url.query)["page"][0])
                requested.append(number)
                body = pages[number]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: t.Any) -> None:
            pass

    # Otherwise, the second of two small writes would wait for the answer to the first.
    Handler.wbufsize = -1
    Handler.disable_nagle_algorithm = True
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    signal.signal(signal.SIGTERM, lambda *_unused: os._exit(0))
    new = ready.with_suffix(".new")
    new.write_text(f"http://127.0.0.1:{server.server_port}", "utf-8")
    new.rename(ready)
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
