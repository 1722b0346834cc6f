# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection to a host that is gone."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = r"""
name: gone
short_description: Cannot be reached
description:
  - The host can never be reached.
author:
  - community.soda contributors (@community-soda)
options: {}
"""


class Connection(ConnectionBase):
    """Fails to connect."""

    transport = "gone"
    has_pipelining = False

    def _connect(self) -> t.NoReturn:
        raise AnsibleConnectionFailure("The host is gone.")

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> t.NoReturn:
        self._connect()

    def put_file(self, in_path: str, out_path: str) -> t.NoReturn:
        self._connect()

    def fetch_file(self, in_path: str, out_path: str) -> t.NoReturn:
        self._connect()

    def close(self) -> None:
        """There is nothing to close."""
