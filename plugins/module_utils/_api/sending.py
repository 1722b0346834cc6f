# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
Whether a request has left this machine.

An exception does not show that: the same timeout comes from a TLS handshake and from a server that does not answer. So
the connection itself notes the moment before its first byte.
"""

from __future__ import annotations

import threading
import typing as t

if t.TYPE_CHECKING:
    import requests


class Abandoned(Exception):
    """The connection was made too late, so nothing is sent on it."""


class Sending:
    """What is known about the one request that a session sends now. Two threads use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_tracked = self._has_begun = self._is_abandoned = False

    def reset(self) -> None:
        """Before the next request of the session."""
        self._has_begun = False

    def track(self) -> None:
        """A connection exists that calls C(begin) before it sends."""
        self._is_tracked = True

    def begin(self) -> None:
        """Before the first byte. Raises C(Abandoned) if nobody waits for the answer any more."""
        with self._lock:
            if self._is_abandoned:
                raise Abandoned("the connection was made too late")
            self._has_begun = True

    def abandon(self) -> bool:
        """Whether nothing was sent. Then nothing will be: a connection that is made later is not used."""
        with self._lock:
            if self._has_begun or not self._is_tracked:
                return False
            self._is_abandoned = True
            return True

    @property
    def was_never_sent(self) -> bool:
        return self._is_tracked and not self._has_begun


def tracked_session(sending: Sending) -> requests.Session:
    """A session whose connections report to C(sending), those through a proxy too."""
    import requests
    import requests.adapters

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*arguments, **options)
            _track(self.poolmanager, sending)

        def proxy_manager_for(self, proxy: str, **options: t.Any) -> t.Any:
            is_new = proxy not in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **options)
            if is_new:
                _track(manager, sending)
            return manager

    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter())
    return session


def _track(manager: t.Any, sending: Sending) -> None:
    manager.pool_classes_by_scheme = {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": _tracked(pool.ConnectionCls, sending)})
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _tracked(connection: t.Any, sending: Sending) -> type:
    class Tracked(connection):  # type: ignore[misc]
        is_connecting = False

        def __init__(self, *arguments: t.Any, **options: t.Any) -> None:
            super().__init__(*arguments, **options)
            sending.track()

        def connect(self) -> None:
            self.is_connecting = True
            try:
                super().connect()
            finally:
                self.is_connecting = False

        def send(self, data: t.Any) -> None:
            if self.sock is None and self.auto_open:
                self.connect()
            # While it connects, this is the request to a proxy for a tunnel.
            if not self.is_connecting:
                sending.begin()
            super().send(data)

    return Tracked
