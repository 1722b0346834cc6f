# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulation: 500 hosts at the limits as they are, with the defaults of the role, in seconds.

The client, the plan and the key file are the real ones, and so is the emulator's service, without sockets. Time is made
up: it goes on when everybody waits.
"""

from __future__ import annotations

import heapq
import io
import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from ansible_collections.community.soda.plugins.module_utils._api.client import Client, connection
from ansible_collections.community.soda.plugins.module_utils._api.runners import Runners
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile
from ansible_collections.community.soda.plugins.module_utils._runner.plan import Wanted
from ansible_collections.community.soda.plugins.module_utils._runner.reconcile import Reconciler
from ansible_collections.community.soda.plugins.plugin_utils._declared import SPEC

pytest.importorskip("openapi_core", reason="the emulator's service runs in this process")
from emulator.clock import ManualClock
from emulator.service import Request, Service

pytestmark = pytest.mark.slow

HOSTS = 500
TASK = 0.5  # seconds that a task takes that never waits


class Waiting:
    """Workers of which one runs at a time, and a clock that goes on to the next one's turn when it waits."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._turns: list[tuple[float, int, threading.Event]] = []
        self._count = 0
        self._ended = threading.Event()

    def sleep(self, seconds: float) -> None:
        mine = self._turn_at(self._clock.now() + seconds)
        self._next()
        mine.wait()

    def run(self, workers: int, work: Callable[[], None]) -> None:
        def worker(turn: threading.Event) -> None:
            turn.wait()
            try:
                work()
            finally:
                self._next()

        threads = [
            threading.Thread(target=worker, args=(self._turn_at(self._clock.now()),), daemon=True)
            for _worker in range(workers)
        ]
        for thread in threads:
            thread.start()
        self._next()
        assert self._ended.wait(300)

    def _turn_at(self, moment: float) -> threading.Event:
        turn = threading.Event()
        self._count += 1
        heapq.heappush(self._turns, (moment, self._count, turn))
        return turn

    def _next(self) -> None:
        if not self._turns:
            self._ended.set()
            return
        moment, _count, turn = heapq.heappop(self._turns)
        self._clock.advance(max(0.0, moment - self._clock.now()))
        turn.set()


def answer(service: Service, request: requests.PreparedRequest) -> requests.Response:
    """What the emulator answers, without a wire."""
    path, _question, query = str(request.path_url).partition("?")
    pairs = [(name, value) for name, _equals, value in (pair.partition("=") for pair in query.split("&") if pair)]
    call = service.receive(Request(str(request.method), path, query, pairs, request.headers, b""))
    answered = call.work()
    call.answered(answered.status)
    response = requests.Response()
    response.status_code = answered.status
    response.headers.update({**answered.headers, "Content-Length": str(len(answered.body))})
    response.raw = urllib3.HTTPResponse(
        io.BytesIO(answered.body), headers=dict(response.headers), status=answered.status, preload_content=False
    )
    return response


def test_500_hosts_at_the_limits_as_they_are_with_the_defaults_of_the_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    service = Service.create(clock=clock)
    account = service.cloud.add_account("fleet", service.cloud.defaults)
    key = account.add_api_key(service.contract.permissions)
    monkeypatch.setattr(
        requests.adapters.HTTPAdapter, "send", lambda _self, request, **_options: answer(service, request)
    )
    waiting = Waiting(clock)
    jitter = random.Random(20260101).uniform
    to = connection(
        "https://cloud.soda.io", key.id, key.secret, retry_budget=SPEC["soda_runner_cloud_retry_budget"]["default"]
    )
    hosts = [f"host-{number}" for number in range(HOSTS)]
    left, results, waited = iter(hosts), {}, Counter[str]()

    def provision(host: str) -> dict[str, Any]:
        def sleep(seconds: float) -> None:
            waited[host] += seconds  # type: ignore[assignment]
            waiting.sleep(seconds)

        path = str(tmp_path / f"{host}.json")
        client = Client(to, sleep=sleep, clock=clock.now, jitter=jitter)
        return Reconciler(
            Runners(client), Wanted(name=host, location=path), KeyFile(path, to.endpoint, host), check_mode=False
        ).present()

    def work() -> None:
        for host in left:
            waiting.sleep(TASK)
            results[host] = provision(host)

    begun = clock.now()
    waiting.run(SPEC["soda_runner_throttle"]["default"], work)

    stored = [KeyFile(str(tmp_path / f"{host}.json"), to.endpoint, host).read() for host in hosts]
    assert all(result["changed"] and result["registration"] == "pending" for result in results.values())
    assert sorted(results) == sorted(hosts), "a host failed"
    assert sorted(str(key and key.api_key_id) for key in stored) == sorted(account.keys_issued)
    answers = account.requests["createRunner"]
    assert answers["200"] == HOSTS
    assert answers["429"] > 0, "the limits were never met"
    assert set(answers) | set(account.requests["listRunners"]) == {"200", "429"}
    # Ten keys a minute; jitter and whole seconds cost a little.
    minutes = (clock.now() - begun) / 60
    assert HOSTS / 10 - 1 <= minutes < 1.5 * HOSTS / 10
    assert max(waited.values()) < to.retry_budget / 2, "there is too little room"
    print(
        f"{HOSTS} hosts provisioned in {minutes:.0f} simulated minutes; {answers['429']} deferrals of createRunner"
        f" absorbed; the longest wait of a host was {max(waited.values()):.0f} s of {to.retry_budget:.0f}"
    )
