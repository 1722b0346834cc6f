# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixtures that the tests of both key stores have, and what both stores offer to a test."""

from __future__ import annotations

import abc
import contextlib
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.client import Account, Emulator
from tooling.leaks import Credential

from .plays import Controller, Finished, system_log
from .proxy import Proxies

Json = dict[str, t.Any]


@pytest.fixture(scope="session")
def syslog() -> Iterator[Path]:
    with system_log() as path:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield path


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    made = emulator.account(window_factor=0)
    yield made
    made.remove()


class Store(abc.ABC):
    """A place for the keys of one test, the controllers that store keys in it, and proxies before all servers."""

    def __init__(self, account: Account, folder: Path, proxies: Proxies, environment: dict[str, str]) -> None:
        self.account = account
        self.proxies = proxies
        self.endpoint = environment["SODA_CLOUD_ENDPOINT"]
        self.controllers: list[Controller] = []
        self._folder = folder
        self._environment = environment

    def controller(self, **environment: str) -> Controller:
        folder = self._folder / f"controller-{len(self.controllers) + 1}"
        self.controllers.append(Controller(folder, self.account, {**self._environment, **environment}))
        return self.controllers[-1]

    def play(self, controller: Controller, names: str | t.Sequence[str], *arguments: str, **options: t.Any) -> Finished:
        return controller.play(names, *arguments, **self.options(**options))

    @property
    def issued(self) -> list[str]:
        """The ids of all keys that Soda Cloud has issued."""
        return t.cast(list[str], self.account.stats()["runner_key_ids"])

    @abc.abstractmethod
    def options(self, **options: t.Any) -> Json:
        """The options of the action, with those that name the store."""

    @abc.abstractmethod
    def keys(self) -> dict[str, str]:
        """The id of the stored key of each runner."""

    @abc.abstractmethod
    def intents(self) -> set[str]:
        """The runners for which a run has left its intent."""

    @abc.abstractmethod
    def store_key(self, name: str) -> None:
        """Store a key of version 1, as a run of the action does."""

    @abc.abstractmethod
    def stored(self) -> list[Credential]:
        """All keys that can be read in the store."""


@contextlib.contextmanager
def searched(store: Store, syslog: Path) -> Iterator[None]:
    """At the end nothing that the controllers printed or wrote contains a secret."""
    yield
    credentials = [Credential(store.account.api_key_id, store.account.api_key_secret)]
    credentials += [*store.stored(), *store.proxies.issued]
    for controller in store.controllers:
        assert controller.search(credentials).found == ()
    log = syslog.read_bytes()
    assert not [each.api_key_id for each in credentials if each.api_key_secret.encode() in log]
