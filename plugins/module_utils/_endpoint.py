# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Validates and normalizes the URL of Soda Cloud. No I/O, and no imports that take time."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ._errors import InsecureEndpoint, InvalidEndpoint

_LIKE = "Write it like https://cloud.soda.io."
# Names, addresses, and IPv6 with a zone. A host of anything else would go into messages and names of files.
_HOST = re.compile(r"[\w.:%-]+")
# A password may contain a slash or an @ that should have been encoded.
_LOGIN = re.compile(r"//\S*@")


def normalise_endpoint(endpoint: str) -> str:
    """
    The one way to write an endpoint: lower case scheme and host, no default port, no slash at the end.

    Raises a C(SodaError): V(invalid_endpoint), or V(insecure_endpoint) for V(http://) to another machine.
    """
    # A malformed URL is not quoted, because a user name and a password may be anywhere in it.
    try:
        parts = urlsplit(endpoint.strip())
        port = parts.port
    except ValueError:
        raise InvalidEndpoint(f"The endpoint is not a valid URL. {_LIKE}") from None
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("https", "http") or not host or not _HOST.fullmatch(host):
        raise InvalidEndpoint(f"The endpoint is not a URL with a scheme and a host. {_LIKE}")
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidEndpoint(
            "The endpoint must be scheme, host and port only: no user, no query, no fragment."
            f" {_LIKE} The API key belongs in api_key_id and api_key_secret.",
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise InsecureEndpoint(
            f"The endpoint http://{host} would send the Soda Cloud API key in clear text to another machine."
            " Use https://.",
        )
    if port is not None and port == {"https": 443, "http": 80}[parts.scheme]:
        port = None
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port is None else f":{port}"
    return f"{parts.scheme}://{shown_host}{shown_port}{parts.path.rstrip('/')}"


def redact(text: str) -> str:
    """The text without the user names and passwords of the URLs in it, also if they are malformed."""
    return _LOGIN.sub("//********@", text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
