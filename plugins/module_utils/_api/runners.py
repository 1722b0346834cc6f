# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The four operations: a consistent listing, get, issue a key, delete."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from urllib.parse import quote

from .._account import Account
from .._errors import (
    CreateOutcomeUnknown,
    InvalidId,
    ListingContradictory,
    ListingInconsistent,
    ListingTooLarge,
    NotFound,
    SodaError,
)
from .._key.stored_key import IssuedKey
from .client import Client
from .messages import ORPHAN_ADVICE
from .policy import Operation
from .runner import SELF_HOSTED, Findings, Runner
from .text import MARK, sanitize

__all__ = ["PAGE_SIZE", "PATH", "REREADS", "SELF_HOSTED", "Listing", "Runner", "Runners"]

PATH = "/api/v1/runners"
PAGE_SIZE = 1000
"""The largest that the API gives."""

REREADS = 3
"""How often to read a listing again if it changed during the reading."""

MOST_RUNNERS = 500_000
MOST_BYTES = 512 * 1024 * 1024
MOST_SECONDS = 1800.0
"""Limits for one reading. No account has so many, so a listing beyond these limits is wrong."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """All runners that the caller may see, as of one moment."""

    entries: t.Sequence[t.Mapping[str, t.Any]] = dataclasses.field(repr=False)
    """As the API gave them: of 100,000 runners only those that are needed become a C(Runner)."""
    pages: int
    findings: Findings = dataclasses.field(default_factory=Findings, repr=False, compare=False)

    def matching(self, wanted: t.Callable[[Runner], bool] = lambda runner: True) -> list[Runner]:
        runners = (Runner.from_api(entry, self.findings) for entry in self.entries)
        return [runner for runner in runners if wanted(runner)]

    def named(self, names: t.Collection[str]) -> list[Runner]:
        """The runners whose name, as the API gives it, is exactly one of these."""
        found = []
        for entry in self.entries:
            name = entry.get("name")
            # An unhashable name would end the search for all others.
            if isinstance(name, str) and name in names:
                found.append(Runner.from_api(entry, self.findings))
        return found

    def ids(self) -> set[str | None]:
        return {_id_of(entry) for entry in self.entries}

    def warnings(self) -> list[str]:
        """What was dropped or altered in the runners that were taken from this listing. Bounded, one for each kind."""
        return self.findings.warnings()


@dataclasses.dataclass(frozen=True)
class _Mismatch:
    """A reading whose pages do not agree. If two such readings are equal, the API contradicts itself."""

    reason: str = dataclasses.field(compare=False)
    pages: tuple[tuple[int, bool, tuple[str, ...]], ...]
    """The total of each page, whether it is the last, and the ids."""
    trace_id: str | None = dataclasses.field(compare=False)


class Runners:
    """The runners of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def endpoint(self) -> str:
        return self._client.connection.endpoint

    @property
    def account(self) -> Account:
        return self._client.connection.account

    def now(self) -> float:
        """The moment on the client's clock, in seconds."""
        return self._client.now()

    def sleep(self, seconds: float) -> None:
        self._client.sleep(seconds)

    @contextlib.contextmanager
    def until(self, deadline: float) -> t.Iterator[None]:
        """Bound all requests in this block, with their retries, by a moment of the client's clock."""
        self._client.deadline = deadline
        try:
            yield
        finally:
            self._client.deadline = None

    def list(self) -> Listing:
        """
        All runners as of one moment: pages of 1000, read to the last.

        Raises V(listing_inconsistent) if the runners still change after three more readings, and
        V(listing_contradictory) if two readings are identical and contradict themselves. A runner that the listing
        misses costs a key.
        """
        before: _Mismatch | None = None
        for _reading in range(1 + REREADS):
            listing = self._read()
            if isinstance(listing, Listing):
                return listing
            if listing == before:
                raise ListingContradictory(
                    f"The listing of {self.endpoint} contradicts itself: {listing.reason}. Two readings were identical,"
                    " so no runner came or went. Nothing was changed. Report it to Soda's support, with trace_id.",
                    operation=Operation.LIST.value,
                    http_status=200,
                    trace_id=listing.trace_id,
                )
            before = listing
        raise _inconsistent()

    def list_again(self, first: Listing) -> Listing:
        """
        A listing that has the same ids as the one before it.

        One reading of several pages can miss a runner if another is removed and a third is added meanwhile: the
        totals agree and no id comes twice. Two readings with the same ids agree on which runners are missing.
        """
        for _reading in range(REREADS):
            second = self.list()
            if second.ids() == first.ids():
                return second
            first = second
        raise _inconsistent()

    def get(self, runner_id: str) -> Runner | None:
        """The runner with this id, or None if Soda Cloud does not know it."""
        try:
            body, trace_id = self._client.send(Operation.GET, self._path_of(runner_id))
        except NotFound:
            return None
        data = body.get("runner")
        if not isinstance(data, dict) or _id_of(data) != runner_id:
            raise self._client.not_soda_cloud(
                Operation.GET, f"the answer for runner {sanitize(runner_id)} has no runner or another one", trace_id
            )
        return Runner.from_api(data)

    def issue_key(self) -> IssuedKey:
        """
        Issue a runner key. It has no name and no id: only what the caller writes down joins it to a runner.

        Raises V(create_outcome_unknown) if a key may have been issued and is lost.
        """
        body, trace_id = self._client.send(Operation.CREATE, PATH)
        key_id, secret = body.get("apiKeyId"), body.get("apiKeySecret")
        if _is_key_text(key_id) and _is_key_text(secret):
            return IssuedKey(api_key_id=t.cast(str, key_id), api_key_secret=t.cast(str, secret))
        known = f" Its api_key_id is {sanitize(key_id)}." if isinstance(key_id, str) and key_id else ""
        raise CreateOutcomeUnknown(
            f"Soda Cloud at {self.endpoint} answered without a complete runner key.{known} {ORPHAN_ADVICE}",
            operation=Operation.CREATE.value,
            http_status=200,
            trace_id=trace_id,
        )

    def delete(self, runner_id: str) -> bool:
        """
        Delete the runner. True if this call did, False if it was gone before.

        If the answer was lost, a GET settles whether the runner still exists. The same holds for an answer with
        content: the API documents none, so it may come from something else.
        """
        try:
            body, trace_id = self._client.send(Operation.DELETE, self._path_of(runner_id))
        except NotFound as exc:
            # After an attempt whose answer was lost, not found means that it was carried out.
            return exc.in_doubt
        except SodaError as exc:
            if exc.in_doubt and self._is_gone(runner_id):
                return True
            raise
        if body and not self._is_gone(runner_id):
            raise self._client.not_soda_cloud(
                Operation.DELETE, "the answer is JSON, but not the answer to a deletion", trace_id, in_doubt=True
            )
        return True

    def _is_gone(self, runner_id: str) -> bool:
        try:
            return self.get(runner_id) is None
        except SodaError:
            # The failure of the deletion is more informative than this one.
            return False

    def _read(self) -> Listing | _Mismatch:
        """One reading of all pages, or why they do not agree."""
        by_id: dict[str, t.Mapping[str, t.Any]] = {}
        without_id: list[t.Mapping[str, t.Any]] = []
        pages: list[tuple[int, bool, t.Sequence[t.Mapping[str, t.Any]]]] = []
        bytes_before, seconds_before = self._client.bytes_received, self._client.seconds_in_requests
        while True:
            body, trace_id = self._client.send(Operation.LIST, PATH, {"page": len(pages), "size": PAGE_SIZE})
            content, last, total = self._page(body, trace_id)
            before = len(by_id) + len(without_id)
            for entry in content:
                runner_id = entry.get("id")
                if isinstance(runner_id, str):
                    by_id[runner_id] = entry
                else:
                    without_id.append(entry)
            read = len(by_id) + len(without_id)
            pages.append((total, last, content))
            if last and read == total == pages[0][0]:
                return Listing(entries=[*by_id.values(), *without_id], pages=len(pages))
            reason = None
            if total != pages[0][0]:
                reason = f"totalElements is {pages[0][0]} on its first page and {total} on another"
            elif read > total:
                reason = f"it lists {read} runners, but totalElements is {total}"
            elif last:
                twice = sum(len(page[2]) for page in pages) - read
                reason = f"it ends after {read} runners, but totalElements is {total}"
                reason += f", and {twice} of its entries repeat an id" if twice else ""
            elif read == before:
                # These pages would never end.
                reason = f"page {len(pages) - 1} has no further runner and is not the last one"
            if reason is not None:
                return _Mismatch(reason, _fingerprint(pages), trace_id)
            if (
                total > MOST_RUNNERS
                or self._client.bytes_received - bytes_before > MOST_BYTES
                or self._client.seconds_in_requests - seconds_before > MOST_SECONDS
            ):
                raise ListingTooLarge(
                    f"The listing of {self.endpoint} does not end: {read} runners on {len(pages)} pages so far, and"
                    f" totalElements is {total}. An account has at most {MOST_RUNNERS}. Nothing was changed."
                    " Check endpoint, and report it to Soda's support, with trace_id.",
                    operation=Operation.LIST.value,
                    http_status=200,
                    trace_id=trace_id,
                )

    def _page(
        self, body: t.Mapping[str, t.Any], trace_id: str | None
    ) -> tuple[t.Sequence[t.Mapping[str, t.Any]], bool, int]:
        content, last, total = body.get("content"), body.get("last"), body.get("totalElements")
        if (
            not isinstance(content, list)
            or not isinstance(last, bool)
            or not isinstance(total, int)
            or isinstance(total, bool)
            or not all(isinstance(entry, dict) for entry in content)
        ):
            raise self._client.not_soda_cloud(Operation.LIST, "the answer is JSON, but not a page of runners", trace_id)
        return content, last, total

    @staticmethod
    def _path_of(runner_id: str) -> str:
        if runner_id.strip(".") == "" or MARK in runner_id or sanitize(runner_id) != runner_id:
            # A URL drops a segment of dots: the request would go to another path.
            raise InvalidId(f"{sanitize(runner_id)!r} cannot be the id of a runner. Take it from soda_runner_info.")
        return f"{PATH}/{quote(runner_id, safe='')}"


def _fingerprint(
    pages: t.Iterable[tuple[int, bool, t.Sequence[t.Mapping[str, t.Any]]]],
) -> tuple[tuple[int, bool, tuple[str, ...]], ...]:
    return tuple((total, last, tuple(repr(entry.get("id")) for entry in content)) for total, last, content in pages)


def _id_of(entry: t.Mapping[str, t.Any]) -> str | None:
    runner_id = entry.get("id")
    return runner_id if isinstance(runner_id, str) else None


def _is_key_text(value: t.Any) -> bool:
    """Whether this can be half of a key: it goes into results, terminals and configuration files as it is."""
    return isinstance(value, str) and value != "" and sanitize(value, longest=10_000) == value


def _inconsistent() -> ListingInconsistent:
    return ListingInconsistent(
        f"The runners changed while they were listed, {1 + REREADS} times in a row, so missing runners cannot be"
        " determined. Nothing was changed. Run the task again when fewer runners come and go.",
        operation=Operation.LIST.value,
    )
