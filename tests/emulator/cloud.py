# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Soda Cloud without HTTP: accounts with their API keys, runner keys, runners and limits."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import string
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .clock import Clock, ShiftedClock
from .limits import RateLimit, SlidingWindow

SELF_HOSTED = "SELF_HOSTED"
SECRET_LENGTH = 55
SECRET_ALPHABET = string.ascii_letters + string.digits + "_-"
SECRET_STYLES = ("random", "dash")
KEY_ID_STYLES = ("uuid", "digits")
VERSIONS = {"runner": "1.14.2", "library": "4.28.0", "agent": "1.14.2"}


class Refused(Exception):
    """Soda Cloud refuses the request."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True)
class ApiKey:
    """A Soda Cloud API key of a user or a service account."""

    id: str
    secret: str
    permissions: frozenset[str]


@dataclass(frozen=True)
class RunnerKey:
    """A runner key, as createRunner issues it."""

    id: str
    secret: str


@dataclass(frozen=True)
class Settings:
    """The settings of an account."""

    secrets: str = "random"  # or "dash": every secret begins with "-"
    key_ids: str = "uuid"  # or "digits": runner key ids of digits alone
    window_factor: float = 1.0  # rate limit windows are this many times their length; 0: no limits
    listing_delay: float = 0.0  # seconds from registration until a runner is listed
    online_for: float = 60.0  # seconds that a runner counts as online after it was last heard of

    def __post_init__(self) -> None:
        if self.secrets not in SECRET_STYLES:
            raise ValueError(f"secrets must be one of {', '.join(SECRET_STYLES)}, not {self.secrets!r}")
        if self.key_ids not in KEY_ID_STYLES:
            raise ValueError(f"key_ids must be one of {', '.join(KEY_ID_STYLES)}, not {self.key_ids!r}")
        for name in ("window_factor", "listing_delay", "online_for"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise ValueError(f"{name} must be a number of at least 0, not {value!r}")


@dataclass(slots=True)
class Runner:
    id: str
    name: str
    label: str
    type: str
    last_seen: float
    versions: Mapping[str, str]
    listed_from: float = 0.0
    online: bool | None = None  # None: worked out from last_seen
    in_use: bool = False
    hidden: bool = False  # from the caller, by service-account roles: neither listed nor found
    key_id: str | None = None  # the runner key that it last registered with
    extra: Mapping[str, Any] = field(default_factory=dict)  # fields that replace or join those of the contract
    omit: frozenset[str] = frozenset()  # fields left out

    def as_in_contract(self, now: float, online_for: float) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "isOnline": now - self.last_seen < online_for if self.online is None else self.online,
            "lastSeenTimestamp": timestamp(self.last_seen),
            "versions": self.versions,
        }
        if self.extra:
            fields.update(self.extra)
        for name in self.omit:
            fields.pop(name, None)
        return fields


class Account:
    """One organization, which is independent of all others."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        limits: Mapping[str, RateLimit],
        permissions: Mapping[str, frozenset[str]],
        settings: Settings,
    ) -> None:
        self.name = name
        self.clock = ShiftedClock(clock)
        self.settings = settings
        self.api_keys: dict[str, ApiKey] = {}
        self._limits = limits
        self._permissions = permissions
        self.reset()

    def reset(self) -> None:
        """Remove everything except the API keys of the account."""
        self.runner_keys: dict[str, RunnerKey] = {}
        self.keys_issued: list[str] = []
        self.registrations = 0
        self.requests: dict[str, Counter[str]] = {}
        self._runners: dict[str, Runner] = {}
        self._ids_by_name: dict[str, list[str]] = {}
        self._windows: dict[str, SlidingWindow] = {}
        self._seeded = 0
        self._listing: list[Runner] | None = None
        self._listing_changes_at = math.inf

    # Permissions and rate limits

    def authenticate(self, key_id: str, secret: str) -> ApiKey:
        key = self.api_keys.get(key_id)
        if key is None or not same(key.secret, secret):
            raise unauthorized()
        return key

    def admit(self, operation: str) -> None:
        limit = self._limits[operation].shortened(self.settings.window_factor)
        wait = self._windows.setdefault(operation, SlidingWindow()).admit(limit, self.clock.now())
        if wait is not None:
            raise Refused(429, "too_many_requests", f"Too many requests. Try again in {wait} s.", retry_after=wait)

    def authorize(self, operation: str, key: ApiKey) -> None:
        needed = self._permissions[operation]
        if needed and not needed & key.permissions:
            raise Refused(403, "forbidden", f"This needs one of the permissions {', '.join(sorted(needed))}.")

    # The four operations of the contract

    def list_runners(self, page: int, size: int) -> dict[str, Any]:
        listed = self._listed()
        pages = math.ceil(len(listed) / size)
        return {
            "content": [self._shown(runner) for runner in listed[page * size : (page + 1) * size]],
            "first": page == 0,
            "last": page + 1 >= pages,
            "number": page,
            "size": size,
            "totalElements": len(listed),
            "totalPages": pages,
        }

    def create_runner(self) -> dict[str, Any]:
        key = self.issue_runner_key()
        self.keys_issued.append(key.id)
        return {"apiKeyId": key.id, "apiKeySecret": key.secret}

    def get_runner(self, runner_id: str) -> dict[str, Any]:
        return {"runner": self._shown(self._visible(runner_id))}

    def delete_runner(self, runner_id: str) -> dict[str, Any]:
        runner = self._visible(runner_id)
        if runner.type != SELF_HOSTED:
            raise Refused(400, "runner_not_deletable", f"Runners of type {runner.type} cannot be deleted.")
        if runner.in_use:
            raise Refused(400, "runner_in_use", f"Runner {runner.name} is used by a data source or a scan definition.")
        self.remove(runner_id)
        return {}

    # Actions of a runner

    def register(self, key_id: str, name: str, runner_id: str | None = None) -> Runner:
        """Register under a name, as a runner does when it starts."""
        if key_id not in self.runner_keys:
            raise Refused(403, "not_a_runner_key", "Only a runner key can register a runner.")
        if not name:
            raise Refused(400, "invalid_name", "A runner needs a name.")
        runner = self._registered_before(key_id, name, runner_id)
        now = self.clock.now()
        if runner is None:
            listed_from = now + self.settings.listing_delay
            runner = Runner(str(uuid.uuid4()), name, name, SELF_HOSTED, now, VERSIONS, listed_from)
            self._add(runner)
        elif runner.type != SELF_HOSTED:
            raise Refused(400, "agent_name_already_registered", f"agent with name already registered: {name}")
        runner.key_id = key_id
        runner.last_seen = now
        self.registrations += 1
        return runner

    def heartbeat(self, key_id: str, runner_id: str) -> Runner:
        runner = self._runners.get(runner_id)
        if runner is None or runner.key_id != key_id:
            raise Refused(404, "runner_not_found", f"No runner {runner_id} is registered with this key.")
        runner.last_seen = self.clock.now()
        return runner

    def _registered_before(self, key_id: str, name: str, runner_id: str | None) -> Runner | None:
        if runner_id is not None:
            runner = self._runners.get(runner_id)
            if runner is None or runner.name != name:
                raise Refused(400, "agent_id_mismatch", f"agent ID mismatch: {name} is not {runner_id}")
            return runner
        holders = [self._runners[each] for each in self._ids_by_name.get(name, ())]
        for runner in holders:
            if runner.key_id == key_id:
                return runner
        if holders:
            raise Refused(400, "agent_name_already_registered", f"agent with name already registered: {name}")
        return None

    # Actions of a test

    def add_api_key(self, permissions: Iterable[str], key_id: str | None = None, secret: str | None = None) -> ApiKey:
        key = ApiKey(key_id or str(uuid.uuid4()), secret or new_secret(dashed=False), frozenset(permissions))
        self.api_keys[key.id] = key
        return key

    def issue_runner_key(self) -> RunnerKey:
        # Every fourth secret begins with "-", so that no test depends on luck to meet one.
        dashed = self.settings.secrets == "dash" or len(self.runner_keys) % 4 == 3
        key_id = str(uuid.uuid4()) if self.settings.key_ids == "uuid" else str(10**17 + secrets.randbelow(9 * 10**17))
        key = RunnerKey(key_id, new_secret(dashed))
        self.runner_keys[key.id] = key
        return key

    def seed(self, runners: Iterable[Mapping[str, Any]], allow_duplicates: bool = False) -> list[str]:
        """Add runners as described (see ``_described``); returns their ids."""
        described = [self._described(fields) for fields in runners]
        taken_names = set(self._ids_by_name)
        taken_ids = set(self._runners)
        for runner in described:
            if runner.id in taken_ids:
                raise ValueError(f"the id {runner.id!r} is taken")
            if runner.name in taken_names and not allow_duplicates:
                raise ValueError(f"the name {runner.name!r} is taken; allow_duplicates permits that")
            taken_names.add(runner.name)
            taken_ids.add(runner.id)
        for runner in described:
            self._add(runner)
        return [runner.id for runner in described]

    def runner(self, runner_id: str) -> Runner:
        return self._runners[runner_id]

    def runners(self) -> Iterator[Runner]:
        return iter(self._runners.values())

    def shown_to_tests(self, runner: Runner) -> dict[str, Any]:
        """A runner with what the API does not tell."""
        listed = not runner.hidden and runner.listed_from <= self.clock.now()
        return {
            **self._shown(runner),
            "in_use": runner.in_use,
            "hidden": runner.hidden,
            "listed": listed,
            "runner_key_id": runner.key_id,
        }

    def change(self, runner_id: str, fields: Mapping[str, Any]) -> Runner:
        """Change the fields of ``seed``, except the id and the name."""
        runner = self._runners[runner_id]
        for name, value in _checked(fields, CHANGEABLE):
            setattr(runner, *self._attribute(name, value))
        self._listing = None
        return runner

    def remove(self, runner_id: str) -> None:
        runner = self._runners.pop(runner_id)
        self._ids_by_name[runner.name].remove(runner_id)
        if not self._ids_by_name[runner.name]:
            del self._ids_by_name[runner.name]
        self._listing = None

    def stats(self) -> dict[str, Any]:
        return {
            "keys_issued": len(self.keys_issued),
            "runner_key_ids": list(self.runner_keys),
            "registrations": self.registrations,
            "registered": [
                {"id": runner.id, "name": runner.name, "runner_key_id": runner.key_id}
                for runner in self._runners.values()
                if runner.key_id is not None
            ],
            "runners": len(self._runners),
            "requests": {operation: dict(counts) for operation, counts in self.requests.items()},
        }

    # Inside

    def _add(self, runner: Runner) -> None:
        self._runners[runner.id] = runner
        self._ids_by_name.setdefault(runner.name, []).append(runner.id)
        self._listing = None

    def _listed(self) -> list[Runner]:
        """The runners that the listing shows, in order of registration."""
        now = self.clock.now()
        if self._listing is None or now >= self._listing_changes_at:
            shown = [runner for runner in self._runners.values() if not runner.hidden]
            self._listing = [runner for runner in shown if runner.listed_from <= now]
            awaited = (runner.listed_from for runner in shown if runner.listed_from > now)
            self._listing_changes_at = min(awaited, default=math.inf)
        return self._listing

    def _visible(self, runner_id: str) -> Runner:
        runner = self._runners.get(runner_id)
        if runner is None or runner.hidden or runner.listed_from > self.clock.now():
            raise Refused(404, "runner_not_found", f"There is no runner {runner_id}.")
        return runner

    def _shown(self, runner: Runner) -> dict[str, Any]:
        return runner.as_in_contract(self.clock.now(), self.settings.online_for)

    def _described(self, fields: Mapping[str, Any]) -> Runner:
        """A runner from the contract's field names and our own (``SEEDABLE``); only the name must be given."""
        if not isinstance(fields, Mapping) or not fields.get("name"):
            raise ValueError("a runner needs a name")
        self._seeded += 1
        name = str(fields["name"])
        unique = hashlib.md5(f"{self.name}/{self._seeded}".encode(), usedforsecurity=False).digest()
        runner = Runner(str(uuid.UUID(bytes=unique, version=4)), name, name, SELF_HOSTED, self.clock.now(), VERSIONS)
        for key, value in _checked(fields, SEEDABLE):
            setattr(runner, *self._attribute(key, value))
        return runner

    def _attribute(self, name: str, value: Any) -> tuple[str, Any]:
        """The attribute of Runner that a described field sets, and its value."""
        if name == "lastSeenTimestamp":
            return "last_seen", datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        if name == "last_seen_seconds_ago":
            return "last_seen", self.clock.now() - value
        if name == "omit":
            return "omit", frozenset(value)
        return ("online" if name == "isOnline" else name), value


CHANGEABLE: Mapping[str, tuple[type, ...]] = {
    "label": (str,),
    "type": (str,),
    "isOnline": (bool, type(None)),
    "lastSeenTimestamp": (str,),
    "last_seen_seconds_ago": (int, float),
    "versions": (dict,),
    "in_use": (bool,),
    "hidden": (bool,),
    "extra": (dict,),
    "omit": (list,),
}
SEEDABLE: Mapping[str, tuple[type, ...]] = {"id": (str,), "name": (str,), **CHANGEABLE}


class Cloud:
    """All accounts."""

    def __init__(
        self,
        clock: Clock,
        limits: Mapping[str, RateLimit],
        permissions: Mapping[str, frozenset[str]],
        defaults: Settings | None = None,
    ) -> None:
        self.clock = clock
        self.defaults = defaults or Settings()
        self.accounts: dict[str, Account] = {}
        self._limits = limits
        self._permissions = permissions
        self._tokens: dict[str, tuple[str, str]] = {}  # token: account and key id

    def add_account(self, name: str | None = None, settings: Settings | None = None) -> Account:
        name = name or f"account-{uuid.uuid4()}"
        if name in self.accounts:
            raise ValueError(f"there is an account {name!r} already")
        self.accounts[name] = Account(name, self.clock, self._limits, self._permissions, settings or self.defaults)
        return self.accounts[name]

    def remove_account(self, name: str) -> None:
        del self.accounts[name]

    def reset(self) -> None:
        self.accounts.clear()
        self._tokens.clear()

    def account_of_key(self, key_id: str) -> Account | None:
        """The account that an API key or a runner key belongs to."""
        for account in self.accounts.values():
            if key_id in account.api_keys or key_id in account.runner_keys:
                return account
        return None

    def account_of_token(self, token: str) -> Account | None:
        return self.accounts.get(self._tokens.get(token, ("", ""))[0])

    def login(self, key_id: str, secret: str) -> str:
        """Issue a token for an API key or a runner key."""
        account = self.account_of_key(key_id)
        if account is None:
            raise unauthorized()
        key = account.api_keys.get(key_id) or account.runner_keys[key_id]
        if not same(key.secret, secret):
            raise unauthorized()
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (account.name, key_id)
        return token

    def logged_in(self, token: str) -> tuple[Account, str]:
        """The account and key id that a token stands for."""
        name, key_id = self._tokens.get(token, ("", ""))
        account = self.accounts.get(name)
        if account is None or (key_id not in account.api_keys and key_id not in account.runner_keys):
            raise unauthorized()
        return account, key_id


def crowd(count: int) -> Iterator[dict[str, Any]]:
    """Descriptions of as many runners as requested, the same each time: all types, online or not, some hard names."""
    hard = ('"quoted" {}', "sla/sh {}", "-dash {}", "Zürich ☂ {}", "it's {}", "${{env.HOME}} {}", "{}: colon #")
    for i in range(count):
        name = hard[i // 50 % len(hard)].format(i) if i % 50 == 49 else f"runner-{i:06d}"
        online = i % 3 != 2
        yield {
            "name": name,
            "label": f"Runner {i}",
            "type": "SODA_HOSTED" if i % 40 == 7 else "VIRTUAL" if i % 40 == 21 else SELF_HOSTED,
            "isOnline": online,
            "last_seen_seconds_ago": i % 30 if online else 600 + (i * 7919) % 8_000_000,
            "versions": {"runner": f"1.{i % 15}.0", "library": f"4.{i % 29}.0"},
        }


def new_secret(dashed: bool) -> str:
    characters = [secrets.choice(SECRET_ALPHABET) for _unused in range(SECRET_LENGTH)]
    if dashed:
        characters[0] = "-"
    return "".join(characters)


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode(errors="surrogatepass"))


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unauthorized() -> Refused:
    return Refused(401, "unauthorized", "The API key is missing, unknown or wrong.")


def _checked(fields: Mapping[str, Any], known: Mapping[str, tuple[type, ...]]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if name not in known:
            raise ValueError(f"{name!r} is not one of {', '.join(known)}")
        if not isinstance(value, known[name]):
            raise ValueError(f"{name!r} cannot be {value!r}")
        yield name, value
