# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What a URL of Soda Cloud may be, and the one way to write it. No I/O, and nothing that costs time to import."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ._errors import error


def normalise_endpoint(endpoint: str) -> str:
    """
    The one way to write an endpoint: lower case scheme and host, no default port, no slash at the end.

    Raises a C(SodaError): V(invalid_endpoint), or V(insecure_endpoint) for V(http://) to another machine.
    """
    try:
        parts = urlsplit(endpoint.strip())
        port = parts.port
    except ValueError as exc:
        raise error("invalid_endpoint", f"The endpoint {endpoint!r} is not a URL: {exc}.") from exc
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("https", "http") or not host:
        raise error(
            "invalid_endpoint",
            f"The endpoint {endpoint!r} is not a URL with a scheme and a host. Write it like https://cloud.soda.io.",
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise error(
            "invalid_endpoint",
            f"The endpoint at {host} must be scheme, host and port only: no user, no query, no fragment.",
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise error(
            "insecure_endpoint",
            f"The endpoint {endpoint!r} would send the Soda Cloud API key in clear text to another machine."
            " Use https://.",
        )
    if port is not None and port == {"https": 443, "http": 80}[parts.scheme]:
        port = None
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port is None else f":{port}"
    return f"{parts.scheme}://{shown_host}{shown_port}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
