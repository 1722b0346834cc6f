# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How to reach Soda Cloud: the connection options, validated. No I/O but reading C(ca_path)."""

from __future__ import annotations

import dataclasses
import os
import ssl
import typing as t

from .._account import Account
from .._endpoint import normalise_endpoint
from .._errors import CaPathUnusable, MissingCredentials
from .._numbers import check_duration


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where Soda Cloud is, and the API key to use. C(connection()) makes and validates it."""

    endpoint: str
    """Normalised, see C(_endpoint.normalise_endpoint())."""
    api_key_id: str
    api_key_secret: str = dataclasses.field(repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: float = 30.0
    """Seconds that one request may take."""
    retry_budget: float = 300.0
    """Seconds that all requests of one task together may spend waiting. With 0, the client never waits."""

    @property
    def account(self) -> Account:
        return Account(self.endpoint, self.api_key_id)


def connection(
    endpoint: str,
    api_key_id: str | None,
    api_key_secret: str | None,
    validate_certs: bool = True,
    ca_path: str | None = None,
    timeout: float = 30.0,
    retry_budget: float = 300.0,
) -> Connection:
    """A valid connection, or a C(SodaError) that names the option to fix. Sends nothing."""
    normalised = normalise_endpoint(endpoint)
    for option, value in (("api_key_id", api_key_id), ("api_key_secret", api_key_secret)):
        if value is None or not value.strip():
            raise MissingCredentials(
                f"{option} is not set. Set it, or {'SODA_CLOUD_' + option.upper()} in the environment of the machine"
                " on which the task runs.",
            )
    ca_path = ca_path or None
    if ca_path is not None:
        _check_authorities(ca_path)
    check_duration("timeout", timeout)
    check_duration("retry_budget", retry_budget, zero_allowed=True)
    return Connection(
        endpoint=normalised,
        api_key_id=t.cast(str, api_key_id),
        api_key_secret=t.cast(str, api_key_secret),
        validate_certs=validate_certs,
        ca_path=ca_path,
        timeout=timeout,
        retry_budget=retry_budget,
    )


def _check_authorities(ca_path: str) -> None:
    """Raise if nothing can be trusted there, before a failed request could be taken for something else."""
    try:
        if not os.path.isdir(ca_path):
            ssl.create_default_context(cafile=ca_path)
    except (OSError, ValueError) as exc:
        raise CaPathUnusable(
            f"ca_path {ca_path} cannot be used ({getattr(exc, 'strerror', None) or exc})."
            " Set it to a file of certificates in PEM format, or to a folder of such files.",
        ) from exc
