# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What is said when something fails: one shape for every module, plugin and role."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Failure:
    """One failure, as modules return it under C(failure)."""

    code: str
    """The API's own code where it gave one, else one of this collection's."""
    message: str
    """What was wrong with which thing, and what to do next. Never holds a secret."""
    operation: str | None = None
    """V(list), V(create), V(get) or V(delete) where a request failed."""
    http_status: int | None = None
    trace_id: str | None = None
    """The value of C(X-Soda-Trace-Id), which Soda's support asks for."""
    retryable: bool = False
    """Whether the same task may succeed later without anything being changed."""

    def as_result(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


class SodaError(Exception):
    """Everything that this collection fails with on purpose."""

    def __init__(self, failure: Failure, in_doubt: bool = False, not_found: bool = False) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.in_doubt = in_doubt
        """Whether a request that failed may have done its work all the same."""
        self.not_found = not_found
        """Whether Soda Cloud said that there is no such runner."""


def error(code: str, message: str, retryable: bool = False) -> SodaError:
    """An error that no request has caused."""
    return SodaError(Failure(code=code, message=message, retryable=retryable))
