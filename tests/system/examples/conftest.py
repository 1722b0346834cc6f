# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An emulator with the names of Soda Cloud. Each example gets an account and a sandbox."""

from __future__ import annotations

import datetime
import ipaddress
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from emulator.client import Account, Emulator
from examples.sandbox import Sandbox
from tooling.examples import NAMES

# The API key in a page.
OURS = {"id": "our-key", "secret": "-secret-of-our-key-2mVq7"}


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The self-signed certificate of the emulator. The private key is in the same folder."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    today = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="session")
def emulator(ca: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    accounts = tmp_path_factory.mktemp("accounts") / "accounts.yml"
    accounts.write_text(yaml.safe_dump([{"name": "ours", "window_factor": 0, "api_keys": [OURS]}]), "utf-8")
    tls = ("--cert", str(ca), "--key", str(ca.with_name("key.pem")))
    with Emulator("--port", "443", *tls, "--accounts", str(accounts), ca=str(ca)) as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    made = emulator.account(window_factor=0)
    yield made
    made.remove()


@pytest.fixture
def ours(emulator: Emulator) -> Iterator[Account]:
    """The account of the API key in a page."""
    found = Account(emulator, "ours", emulator.url, OURS["id"], OURS["secret"])
    yield found
    found.reset()


Enter = t.Callable[[Account], Sandbox]


@pytest.fixture
def enter(ca: Path, tmp_path: Path) -> Iterator[Enter]:
    """Creates the sandbox of an account. At the end, its output must contain no secret."""
    made: list[Sandbox] = []

    def made_for(account: Account) -> Sandbox:
        made.append(Sandbox(tmp_path / f"sandbox-{len(made)}", account, ca))
        return made[-1]

    yield made_for
    for sandbox in made:
        sandbox.nothing_secret_was_printed()


@pytest.fixture
def sandbox(enter: Enter, account: Account) -> Sandbox:
    return enter(account).with_account()
