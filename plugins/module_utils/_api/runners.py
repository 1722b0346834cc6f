# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The four operations in the domain's words: a consistent listing, find, get, issue a key, delete."""

from __future__ import annotations

import dataclasses
import typing as t
from urllib.parse import quote

from .._errors import CreateOutcomeUnknown, ListingInconsistent, NotFound, SodaError, error
from .._key.stored_key import IssuedKey
from .client import ORPHAN_ADVICE, Client, Operation

PATH = "/api/v1/runners"
PAGE_SIZE = 1000
"""The largest that the API gives."""

REREADS = 3
"""How often a listing that moved while it was read is read again."""

SELF_HOSTED = "SELF_HOSTED"


@dataclasses.dataclass(frozen=True)
class Runner:
    """A runner as Soda Cloud lists it. The vendor promises none of the fields."""

    id: str | None
    name: str | None
    label: str | None
    type: str | None
    """V(SELF_HOSTED) and V(SODA_HOSTED) are documented, others exist."""
    is_online: bool | None
    last_seen_timestamp: str | None
    """ISO 8601."""
    versions: dict[str, str] = dataclasses.field(hash=False)

    @classmethod
    def from_api(cls, data: t.Mapping[str, t.Any]) -> Runner:
        versions = data.get("versions")
        return cls(
            id=_text(data.get("id")),
            name=_text(data.get("name")),
            label=_text(data.get("label")),
            type=_text(data.get("type")),
            is_online=data["isOnline"] if isinstance(data.get("isOnline"), bool) else None,
            last_seen_timestamp=_text(data.get("lastSeenTimestamp")),
            versions={k: v for k, v in versions.items() if isinstance(v, str)} if isinstance(versions, dict) else {},
        )

    def as_result(self) -> dict[str, t.Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


@dataclasses.dataclass(frozen=True)
class Listing:
    """All runners that the caller may see, as of one moment."""

    entries: t.Sequence[t.Mapping[str, t.Any]] = dataclasses.field(repr=False)
    """As the API gave them: of 100,000 runners only those that are asked for become a C(Runner)."""
    pages: int

    def matching(self, wanted: t.Callable[[Runner], bool] = lambda runner: True) -> list[Runner]:
        return [runner for runner in map(Runner.from_api, self.entries) if wanted(runner)]

    def named(self, names: t.Collection[str]) -> list[Runner]:
        """The runners whose name is exactly one of these."""
        return [Runner.from_api(entry) for entry in self.entries if entry.get("name") in names]

    def ids(self) -> set[str | None]:
        return {_text(entry.get("id")) for entry in self.entries}


class Runners:
    """The runners of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def endpoint(self) -> str:
        return self._client.connection.endpoint

    def list(self) -> Listing:
        """
        All runners as of one moment: pages of 1000, read to the last.

        Raises V(listing_inconsistent) when they still move after three more readings: a runner that was missed is a
        key wasted.
        """
        for _reading in range(1 + REREADS):
            listing = self._read()
            if listing is not None:
                return listing
        raise _inconsistent()

    def list_again(self, first: Listing) -> Listing:
        """
        A listing that has the same ids as the one before it.

        One reading of several pages can miss a runner when another is removed and a third added meanwhile: the
        totals agree and no id comes twice. Two readings with the same ids agree on who is not there.
        """
        for _reading in range(REREADS):
            second = self.list()
            if second.ids() == first.ids():
                return second
            first = second
        raise _inconsistent()

    def get(self, runner_id: str) -> Runner | None:
        """The runner of this id, or nothing where Soda Cloud says that there is none."""
        try:
            body, trace_id = self._client.send(Operation.GET, self._path_of(runner_id))
        except NotFound:
            return None
        data = body.get("runner")
        if not isinstance(data, dict) or data.get("id") != runner_id:
            raise self._client.not_soda_cloud(
                Operation.GET, f"asked for the runner {runner_id}, it gave none or another", trace_id
            )
        return Runner.from_api(data)

    def issue_key(self) -> IssuedKey:
        """
        Issue a runner key. It has no name and no id: what joins it to a runner is what the caller writes down.

        Raises V(create_outcome_unknown) when a key may have been issued that is lost.
        """
        body, trace_id = self._client.send(Operation.CREATE, PATH)
        key_id, secret = body.get("apiKeyId"), body.get("apiKeySecret")
        if isinstance(key_id, str) and key_id and isinstance(secret, str) and secret:
            return IssuedKey(api_key_id=key_id, api_key_secret=secret)
        known = f" Its api_key_id is {key_id}." if isinstance(key_id, str) and key_id else ""
        raise CreateOutcomeUnknown(
            f"Soda Cloud at {self.endpoint} answered without a whole runner key.{known} {ORPHAN_ADVICE}",
            operation=Operation.CREATE.value,
            http_status=200,
            trace_id=trace_id,
        )

    def delete(self, runner_id: str) -> bool:
        """
        Delete the runner. True when this call did, false when it was gone before.

        A deletion whose answer was lost is settled by looking whether the runner is still there. So is one whose
        answer says something: nothing is documented to be in it, so it may not be Soda Cloud's.
        """
        try:
            body, trace_id = self._client.send(Operation.DELETE, self._path_of(runner_id))
        except NotFound as exc:
            # After a try whose answer was lost, not found means that it was carried out.
            return exc.in_doubt
        except SodaError as exc:
            if exc.in_doubt and self._is_gone(runner_id):
                return True
            raise
        if body and not self._is_gone(runner_id):
            raise self._client.not_soda_cloud(
                Operation.DELETE, "the answer is JSON, but not that of a deletion", trace_id, in_doubt=True
            )
        return True

    def _is_gone(self, runner_id: str) -> bool:
        try:
            return self.get(runner_id) is None
        except SodaError:
            # The deletion's own failure says more than this one would.
            return False

    def _read(self) -> Listing | None:
        """One reading of all pages, or nothing where the runners moved while it went on."""
        by_id: dict[str, t.Mapping[str, t.Any]] = {}
        without_id: list[t.Mapping[str, t.Any]] = []
        total: int | None = None
        page = 0
        while True:
            body, trace_id = self._client.send(Operation.LIST, PATH, {"page": page, "size": PAGE_SIZE})
            content, last, page_total = body.get("content"), body.get("last"), body.get("totalElements")
            if (
                not isinstance(content, list)
                or not isinstance(last, bool)
                or not isinstance(page_total, int)
                or isinstance(page_total, bool)
                or not all(isinstance(entry, dict) for entry in content)
            ):
                raise self._client.not_soda_cloud(
                    Operation.LIST, "the answer is JSON, but no page of runners", trace_id
                )
            before = len(by_id) + len(without_id)
            for entry in content:
                if isinstance(entry.get("id"), str):
                    by_id[entry["id"]] = entry
                else:
                    without_id.append(entry)
            read = len(by_id) + len(without_id)
            page += 1
            if page_total != (page_total if total is None else total) or read > page_total:
                return None
            if last:
                return Listing(entries=[*by_id.values(), *without_id], pages=page) if read == page_total else None
            if read == before:
                # A page that brings nothing new and is not the last would go on for ever.
                return None
            total = page_total

    @staticmethod
    def _path_of(runner_id: str) -> str:
        if runner_id.strip(".") == "":
            # A URL drops such a segment: the request would go to another path.
            raise error("invalid_id", f"{runner_id!r} cannot be the id of a runner. Take it from soda_runner_info.")
        return f"{PATH}/{quote(runner_id, safe='')}"


def _inconsistent() -> SodaError:
    return ListingInconsistent(
        f"The runners changed while they were listed, {1 + REREADS} times in a row, so who is not there"
        " cannot be told. Nothing was changed. Run the task again when fewer runners come and go.",
        operation=Operation.LIST.value,
    )


def _text(value: t.Any) -> str | None:
    return value if isinstance(value, str) else None
