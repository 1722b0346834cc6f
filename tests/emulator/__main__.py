# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of the emulator: ``python -m emulator --help``."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import logging
import os
import signal
import socket
import ssl
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from .app import application
from .cloud import KEY_ID_STYLES, SECRET_STYLES, Account, Settings, crowd
from .faults import described
from .service import Service

GRACE = 0.5  # seconds to finish pending requests when the emulator ends
SETTINGS = tuple(each.name for each in fields(Settings))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulator", description="An emulator of Soda Cloud.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--allow-any-host", action="store_true", help="allow an address that is not loopback")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument(
        "--ready-file", type=Path, help="file to write the URL and the process id to, as a line of JSON"
    )
    parser.add_argument("--cert", type=Path, help="certificate (PEM): serve HTTPS")
    parser.add_argument("--key", type=Path, help="private key of the certificate (PEM)")
    parser.add_argument("--accounts", type=Path, help="initial accounts (YAML or JSON)")
    parser.add_argument("--faults", type=Path, help="initial faults (YAML or JSON, a list)")
    parser.add_argument("--runners", type=int, default=0, metavar="N", help="seed N runners into each of --accounts")
    parser.add_argument(
        "--window-factor",
        type=float,
        default=1.0,
        metavar="F",
        help="rate limit windows are F times their length; 0: no limits (default: %(default)s)",
    )
    parser.add_argument(
        "--listing-delay",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="from registration until a runner is listed (default: %(default)s)",
    )
    parser.add_argument(
        "--online-for",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for which a runner counts as online after a heartbeat (default: %(default)s)",
    )
    parser.add_argument(
        "--secrets",
        choices=SECRET_STYLES,
        default="random",
        help="dash: every secret begins with a dash (default: %(default)s)",
    )
    parser.add_argument(
        "--key-ids",
        choices=KEY_ID_STYLES,
        default="uuid",
        help="digits: API key ids of runner keys are digits alone (default: %(default)s)",
    )
    parser.add_argument("--exit-with-parent", action="store_true", help="end when the parent process ends")
    options = parser.parse_args(argv)
    if not options.allow_any_host and not is_loopback(options.host):
        parser.error(f"--host {options.host} is not loopback; --allow-any-host permits it")
    if (options.cert is None) != (options.key is None):
        parser.error("--cert and --key go together")
    if options.runners and options.accounts is None:
        parser.error("--runners needs --accounts")
    return options


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def prepared(options: argparse.Namespace) -> Service:
    """The service with its initial accounts and faults."""
    service = Service.create(Settings(**{name: getattr(options, name) for name in SETTINGS}))
    for description in read_list(options.accounts, "accounts"):
        account = add_account(service, description)
        account.seed(crowd(options.runners))
    for description in read_list(options.faults, "faults"):
        service.faults.append(described(description))
    return service


def add_account(service: Service, description: Mapping[str, Any]) -> Account:
    """An account of the accounts file: name, api_keys (id, secret, permissions), runners, and any of the settings."""
    unknown = set(description) - {"name", "api_keys", "runners", *SETTINGS}
    if unknown:
        raise ValueError(f"an account has no {', '.join(sorted(unknown))}")
    chosen = {name: description[name] for name in SETTINGS if name in description}
    account = service.cloud.add_account(description.get("name"), replace(service.cloud.defaults, **chosen))
    for key in description.get("api_keys", ()):
        account.add_api_key(key.get("permissions", service.contract.permissions), key["id"], key["secret"])
    account.seed(description.get("runners", ()))
    return account


def read_list(path: Path | None, name: str) -> list[Mapping[str, Any]]:
    """A list, or a mapping that contains it under ``name``. JSON is YAML too."""
    if path is None:
        return []
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if isinstance(found, dict):
        found = found.get(name)
    if not isinstance(found, list):
        raise ValueError(f"{path} holds no list of {name}")
    return found


async def run(service: Service, options: argparse.Namespace) -> None:
    parent = os.getppid()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    runner = web.AppRunner(application(service), access_log=None, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        listening = socket.create_server((options.host, options.port), family=family, backlog=512)
        await web.SockSite(runner, listening, ssl_context=tls(options)).start()
        announce(listening.getsockname()[1], options)
        waits: list[asyncio.Task[object]] = [asyncio.create_task(ended.wait())]
        if options.exit_with_parent:
            waits.append(asyncio.create_task(orphaned(parent)))
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    finally:
        await runner.cleanup()


def tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    if options.cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)
    return context


def announce(port: int, options: argparse.Namespace) -> None:
    """Print the URL, and write it to the ready file in one step."""
    host = f"[{options.host}]" if ":" in options.host else options.host
    scheme = "http" if options.cert is None else "https"
    line = json.dumps({"url": f"{scheme}://{host}:{port}", "pid": os.getpid()})
    print(line, flush=True)
    if options.ready_file is not None:
        with tempfile.NamedTemporaryFile("w", dir=options.ready_file.absolute().parent, delete=False) as file:
            file.write(line + "\n")
        os.replace(file.name, options.ready_file)


async def orphaned(parent: int) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(0.25)


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # It logs input that is not HTTP. The emulator logs its own failures.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    options = arguments()
    try:
        asyncio.run(run(prepared(options), options))
    except (OSError, ValueError, KeyError, yaml.YAMLError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
