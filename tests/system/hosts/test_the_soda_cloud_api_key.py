# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Soda Cloud API key is the controller's. No host can read it, or get at anything that has it."""

from __future__ import annotations

from hosts.fleet import HOSTS, Fleet
from tooling.leaks import Credential, forms

HOST = HOSTS[0]


def test_no_host_has_it_on_disk_in_memory_or_in_a_process(fleet: Fleet) -> None:
    fleet.provisioned(*HOSTS)
    api_key = Credential(fleet.account.api_key_id, fleet.account.api_key_secret)
    for host in HOSTS:
        everything = fleet.bytes_of(host)
        stored = fleet.key(host)
        # What is searched for is found where it is.
        assert contains(everything, Credential(stored["api_key_id"], stored["api_key_secret"]))
        assert not contains(everything, api_key)


def test_no_host_reaches_the_controller_but_for_what_soda_cloud_itself_would_answer(fleet: Fleet) -> None:
    url = fleet.account.endpoint
    ask = "python3 -c 'import sys, requests; r = requests.request(*sys.argv[1:], timeout=5); print(r.status_code)'"
    assert fleet.on(HOST, f"{ask} GET {url}/api/v1/runners").strip() == "401"
    assert fleet.on(HOST, f"{ask} GET {url}/_emulator").strip() == "403"
    assert fleet.on(HOST, f"{ask} POST {url}/_emulator/accounts/{fleet.account.name}/keys").strip() == "403"
    # There is no way out of the network, and at its end nobody listens.
    assert "default" not in fleet.on(HOST, "ip route")
    (gateway,) = fleet.gateways()
    reached = fleet.on(HOST, f"{ask} GET http://{gateway}:{url.rpartition(':')[2]}/ 2> /dev/null || echo nobody")
    assert reached.strip() == "nobody"


def contains(content: bytes, credential: Credential) -> bool:
    return any(form in content for form in forms(credential))
