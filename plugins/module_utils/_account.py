# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""An account of Soda Cloud, and every name that is derived from it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib

from ._endpoint import normalise_endpoint
from ._errors import SodaError


@dataclasses.dataclass(frozen=True, order=True)
class Account:
    """An endpoint and the id of a Soda Cloud API key. Two spellings of one endpoint are one account."""

    endpoint: str
    api_key_id: str

    def __post_init__(self) -> None:
        with contextlib.suppress(SodaError):
            # The connection reports an invalid endpoint.
            object.__setattr__(self, "endpoint", normalise_endpoint(self.endpoint))

    def __str__(self) -> str:
        return f"{self.api_key_id} at {self.endpoint}"

    @property
    def cache_key(self) -> str:
        return hashlib.sha256(f"{self.endpoint} {self.api_key_id}".encode(errors="surrogatepass")).hexdigest()[:32]

    def escrow_name(self, runner_name: str) -> str:
        """
        The name of the file in which a runner's key waits on the controller.

        It never changes between releases: a key that waits under another name would not be found. It is a hash, so
        that a slash or a leading dash in the runner's name does no harm.
        """
        identity = f"{self.endpoint}\n{runner_name}\n{self.api_key_id}"
        return hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest() + ".json"
