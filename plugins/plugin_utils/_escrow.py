# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How a key file is called in escrow."""

from __future__ import annotations

import contextlib
import hashlib

from ..module_utils._endpoint import normalise_endpoint
from ..module_utils._errors import SodaError


def escrow_name(endpoint: str, name: str, cloud_api_key_id: str) -> str:
    """The SHA-256 of the three, so that a slash or a leading dash in a name does no harm."""
    with contextlib.suppress(SodaError):
        # Of one that is no endpoint, the module that is given the file says what is wrong with it.
        endpoint = normalise_endpoint(endpoint)
    whose = f"{endpoint}\n{name}\n{cloud_api_key_id}"
    return hashlib.sha256(whose.encode(errors="surrogatepass")).hexdigest() + ".json"
