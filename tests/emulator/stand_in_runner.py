# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for Soda's runner: reads its configuration file, logs in with what it finds and registers.

It is not documented how the real runner registers, so the emulator has its own command for that. A stand-in runner
therefore only connects to this machine.

Exit codes: 0 registered, 2 the configuration or the command line is wrong, 3 refused by Soda Cloud, 4 not reachable.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from .runner_config import FORMATS, Found, WrongConfiguration, read

TIMEOUT = 30  # seconds for each request


class Refused(Exception):
    """Soda Cloud refused."""


@dataclass(frozen=True)
class Configuration:
    """The settings of a runner, from its file and, if the format has no field for one, from the command line."""

    endpoint: str
    name: str
    id: str | None
    api_key_id: str
    api_key_secret: str


class Cloud:
    """The commands that a runner sends."""

    def __init__(self, endpoint: str, ca_file: str | None = None) -> None:
        self._url = endpoint.rstrip("/") + "/api/command"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca_file or True
        self._session.headers["User-Agent"] = "emulator-stand-in-runner"

    def login(self, configuration: Configuration) -> str:
        answer = self._command(
            type="login", apiKeyId=configuration.api_key_id, apiKeySecret=configuration.api_key_secret
        )
        return str(answer["token"])

    def register(self, token: str, name: str, runner_id: str | None) -> str:
        """Returns the id that the name has."""
        answer = self._command(type="emulatorRegisterRunner", token=token, name=name, id=runner_id)
        return str(answer["runner"]["id"])

    def heartbeat(self, token: str, runner_id: str) -> None:
        self._command(type="emulatorHeartbeat", token=token, id=runner_id)

    def _command(self, **body: str | None) -> dict[str, Any]:
        sent = {name: value for name, value in body.items() if value is not None}
        response = self._session.post(self._url, json=sent, timeout=TIMEOUT, allow_redirects=False)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Refused(f"{body['type']}: {response.status_code}, and the answer is not Soda Cloud's")
        if response.status_code != 200:
            raise Refused(f"{body['type']}: {response.status_code} {answer.get('code')}: {answer.get('message')}")
        return answer


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulator.stand_in_runner", description="A stand-in for Soda's runner.")
    parser.add_argument("--config", type=Path, required=True, help="the configuration file")
    parser.add_argument("--format", choices=list(FORMATS), required=True, help="the file's format")
    parser.add_argument("--name", help="the runner's name, where the format does not carry it")
    parser.add_argument("--id", help="the runner's id, where the format does not carry it")
    parser.add_argument("--endpoint", help="Soda Cloud, where the format does not carry it or gives only a region")
    parser.add_argument(
        "--section", default="agent", help="of the Helm values that has the name (default: %(default)s)"
    )
    parser.add_argument("--secret-file", type=Path, help="the Kubernetes Secret that existingSecret names")
    parser.add_argument("--ca-file", help="certificate authorities (PEM) to trust")
    parser.add_argument("--stay", action="store_true", help="stay online until ended")
    parser.add_argument(
        "--heartbeat", type=float, default=5.0, metavar="SECONDS", help="how often to say so (default: %(default)s)"
    )
    parser.add_argument("--pid-file", type=Path, help="holds the process id from registration until the end")
    return parser.parse_args(argv)


def configuration(options: argparse.Namespace) -> Configuration:
    """Combine file and command line. If both set a value, the values must be equal."""
    try:
        text = options.config.read_text(encoding="utf-8")
        secret_text = options.secret_file and options.secret_file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise WrongConfiguration(f"cannot be read: {error}") from None
    found = read(text, options.format, options.section, secret_text)
    endpoint = _joined("endpoint", found.endpoint, options.endpoint)
    name = _joined("name", found.name, options.name)
    if endpoint is None:
        raise WrongConfiguration(_no_endpoint(found))
    if not name:
        raise WrongConfiguration("the format has no name, and --name is not set")
    _check_endpoint(endpoint)
    runner_id = _joined("id", found.id, options.id)
    return Configuration(endpoint, name, runner_id, found.api_key_id, found.api_key_secret)


def _joined(what: str, in_file: str | None, given: str | None) -> str | None:
    if in_file is not None and given is not None and in_file != given:
        raise WrongConfiguration(f"the {what} in the file is {in_file!r}, not {given!r}")
    return in_file if in_file is not None else given


def _no_endpoint(found: Found) -> str:
    if found.region is not None:
        return f"the region {found.region} is Soda's own; --endpoint must say what stands in for it"
    return "the format has no endpoint, and --endpoint is not set"


def _check_endpoint(endpoint: str) -> None:
    """An absolute URL on this machine."""
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname
        _unused = parts.port
    except ValueError:
        raise WrongConfiguration(f"the endpoint {endpoint!r} is not a URL") from None
    if parts.scheme not in ("http", "https") or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise WrongConfiguration(f"the endpoint {endpoint!r} is not http(s)://host[:port]")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise WrongConfiguration(f"the endpoint {endpoint!r} is not on this machine, and a stand-in talks to no other")


def stay(cloud: Cloud, token: str, runner_id: str, every: float, ended: threading.Event) -> None:
    """Send heartbeats until ended. An unreachable server is tolerated, a refusal is not."""
    while not ended.wait(every):
        try:
            cloud.heartbeat(token, runner_id)
        except requests.RequestException:
            continue


def run(options: argparse.Namespace) -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    found = configuration(options)
    cloud = Cloud(found.endpoint, options.ca_file)
    token = cloud.login(found)
    runner_id = cloud.register(token, found.name, found.id)
    print(f"registered {found.name!r} as {runner_id} at {found.endpoint}", flush=True)
    if not options.stay:
        return
    if options.pid_file is not None:
        partial = options.pid_file.with_name(options.pid_file.name + ".part")
        partial.write_text(f"{os.getpid()}\n", encoding="utf-8")
        partial.replace(options.pid_file)
    try:
        stay(cloud, token, runner_id, options.heartbeat, ended)
    finally:
        if options.pid_file is not None:
            options.pid_file.unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    try:
        run(options)
    except WrongConfiguration as error:
        return _failed(2, f"{options.config}: {error}")
    except Refused as error:
        return _failed(3, str(error))
    except requests.RequestException as error:
        return _failed(4, f"Soda Cloud cannot be reached: {type(error).__name__}")
    return 0


def _failed(code: int, message: str) -> int:
    print(f"stand-in runner: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
