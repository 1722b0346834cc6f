# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Decides what to do on a host: from a request and what was observed to a plan. No I/O and no Ansible."""

from __future__ import annotations

import dataclasses
import enum
import typing as t

from .._errors import KeyMissing
from .._key.stored_key import ISSUED_AT_RUN_TIME, IssuedKey, StoredKey, check_version, new_stored_key
from .fill import fill_in, key_values
from .request import Request
from .state import HostState


class Source(enum.Enum):
    """Where the key comes from that is configured."""

    NONE = "none"
    HOST = "host"
    ESCROW = "escrow"
    ADOPTED = "adopted"
    ASSUMED = "assumed"
    """Check mode: an earlier task would have issued it."""
    STORE = "store"
    """It is in another key store, and only referred to."""


@dataclasses.dataclass(frozen=True)
class ObservedFile:
    """A configuration file on the host."""

    path: str
    """Resolved."""
    content: str | None
    attributes_differ: bool


@dataclasses.dataclass(frozen=True)
class Observed:
    """The files on the host."""

    key: StoredKey | None
    key_path: str
    """Resolved."""
    key_attributes_differ: bool
    state: HostState | None
    files: tuple[ObservedFile, ...]
    undeclared: tuple[ObservedFile, ...] = ()
    """Files that were written for this runner, exist, and are no longer declared."""
    missing_folders: tuple[str, ...] = ()
    adoptable: tuple[IssuedKey, str | None] | None = None
    """The key that can be adopted, and the id of its runner if that is known."""
    key_movable: bool = False
    """Whether the host has a key file of the runner, although its key store is another."""
    has_leftovers: bool = False
    """Whether a killed run left something beside the files."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to do."""

    source: Source
    key: StoredKey | None = None
    key_needed: bool = False
    key_adoptable: bool = False
    write_key: bool = False
    recover_key: bool = False
    key_changed: bool = False
    contents: tuple[str, ...] | None = None
    """The contents of the configuration files. None if they stay as they are."""
    contents_differ: tuple[bool, ...] = ()
    touched: tuple[bool, ...] = ()
    """Whether the content or the attributes of each file are changed."""
    remove: tuple[ObservedFile, ...] = ()
    create_folders: tuple[str, ...] = ()
    state: HostState | None = None
    """What to remember while the files are changed."""
    restart_owed: bool = False
    clean_up: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.key_changed or any(self.touched) or self.remove or self.create_folders or self.restart_owed)


def decide(request: Request, observed: Observed, check_mode: bool) -> Plan:
    """The plan for V(present)."""
    source, key = _choose_key(request, observed, check_mode)
    wanted = request.key_version
    if source is Source.STORE:
        return _configure(request, observed, source, t.cast(StoredKey, key))
    if key is None or (wanted is not None and key.key_version < wanted):
        if request.key_required:
            raise _no_key(request, observed)
        folders = observed.missing_folders if request.create_folders else ()
        adoptable = key is None and (observed.adoptable is not None or observed.key_movable)
        return Plan(source, key, key_needed=True, key_adoptable=adoptable, create_folders=folders)
    return _configure(request, observed, source, key)


def _choose_key(request: Request, observed: Observed, check_mode: bool) -> tuple[Source, StoredKey | None]:
    """The key on the host, unless a newer one waits in escrow."""
    if request.key_store != "file":
        return _choose_key_of_store(request, check_mode)
    stored, waiting, wanted = observed.key, request.waiting(), request.key_version
    source, key = Source.HOST if stored else Source.NONE, stored
    if waiting is not None and (stored is None or waiting.key_version > stored.key_version):
        source, key = Source.ESCROW, waiting
    if key is not None and wanted is not None:
        where = request.waiting_path if source is Source.ESCROW else observed.key_path
        check_version(key, wanted, str(where))
    if key is None and observed.adoptable is not None and request.key_required:
        found, runner_id = observed.adoptable
        version = wanted or 1
        return Source.ADOPTED, new_stored_key(found, request.endpoint, request.name, version, runner_id)
    outdated = key is None or key.key_version < (wanted or key.key_version)
    if outdated and check_mode and request.key_required:
        return Source.ASSUMED, _assumed_key(request, key.runner_id if key else None)
    return source, key


def _choose_key_of_store(request: Request, check_mode: bool) -> tuple[Source, StoredKey | None]:
    if request.store_key is not None:
        given = request.store_key
        key = dataclasses.replace(
            _assumed_key(request, given.get("runner_id")),
            api_key_id=given["api_key_id"],
            key_version=given["key_version"],
        )
        return Source.STORE, key
    if check_mode and request.key_required:
        return Source.STORE, _assumed_key(request, None)
    return Source.NONE, None


def _assumed_key(request: Request, runner_id: str | None) -> StoredKey:
    return StoredKey(
        endpoint=request.endpoint,
        name=request.name,
        api_key_id=ISSUED_AT_RUN_TIME,
        api_key_secret=ISSUED_AT_RUN_TIME,
        key_version=request.key_version or 1,
        issued_at="",
        runner_id=request.runner_id or runner_id,
    )


def _configure(request: Request, observed: Observed, source: Source, key: StoredKey) -> Plan:
    values = key_values(key.api_key_id, key.api_key_secret, key.key_version, key.runner_id)
    contents = tuple(fill_in(file.text, request.placeholders, values) for file in request.files)
    differ = tuple(content != file.content for content, file in zip(contents, observed.files))
    touched = tuple(one or file.attributes_differ for one, file in zip(differ, observed.files))
    write_key = source in (Source.ESCROW, Source.ADOPTED, Source.ASSUMED)
    recover_key = source is Source.HOST and not key.in_place
    configuration_changes = any(touched) or bool(observed.undeclared) or source in (Source.ESCROW, Source.ASSUMED)
    owed = observed.state is not None and observed.state.restart_owed
    state = HostState(
        request.endpoint,
        request.name,
        request.account,
        observed.key_path,
        tuple(dict.fromkeys(file.path for file in (*observed.files, *observed.undeclared))),
        restart_owed=owed or (request.track_restart and configuration_changes),
    )
    return Plan(
        source=source,
        key=key,
        key_adoptable=observed.key_movable,
        write_key=write_key,
        recover_key=recover_key,
        key_changed=write_key or recover_key or (source is Source.HOST and observed.key_attributes_differ),
        contents=contents,
        contents_differ=differ,
        touched=touched,
        remove=observed.undeclared,
        create_folders=observed.missing_folders,
        state=state,
        restart_owed=configuration_changes or (request.track_restart and owed),
        clean_up=observed.has_leftovers,
        warnings=_other_key_waits(request, observed, source),
    )


def _other_key_waits(request: Request, observed: Observed, source: Source) -> tuple[str, ...]:
    """A key in escrow that is neither the stored one nor newer: of two reissues, or after a restored backup."""
    waiting, stored = request.waiting(), observed.key
    if source is not Source.HOST or waiting is None or stored is None:
        return ()
    if waiting.api_key_id == stored.api_key_id or waiting.key_version < stored.key_version:
        return ()
    return (
        f"The runner key {waiting.api_key_id} waits in escrow at {request.waiting_path}, but {observed.key_path} stores"
        f" the key {stored.api_key_id} of the same version. The stored key stays in use. Both keys are valid in Soda"
        " Cloud. Remove one of the two files.",
    )


def _no_key(request: Request, observed: Observed) -> Exception:
    places = " or ".join(filter(None, (observed.key_path, request.waiting_path)))
    version = "" if request.key_version is None else f" with key_version {request.key_version}"
    return KeyMissing(
        f"No key{version} of the runner {request.name!r} is stored at {places}. Issue one with"
        " community.soda.soda_runner.",
    )
