# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a key file is called in escrow."""

from __future__ import annotations

import typing as t

from ansible_collections.community.soda.plugins.module_utils._account import Account

DOCUMENTATION = r"""
name: escrow_name
short_description: The name of the file in which a runner key waits on the controller
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Gives a file name that is the same for each way to write an endpoint, and that any runner name has.
  - The same name in two accounts is two runners, so their keys wait in two files. An account is told by the id of the
    Soda Cloud API key, which alone is no secret.
positional: _input, name, cloud_api_key_id
options:
  _input:
    description: The endpoint of Soda Cloud.
    type: str
    required: true
  name:
    description: The name of the runner.
    type: str
    required: true
  cloud_api_key_id:
    description: The id of the Soda Cloud API key that the runner key is issued with.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show where the key of a runner waits
  ansible.builtin.debug:
    msg: "{{ 'https://cloud.soda.io' | community.soda.escrow_name('warehouse-eu', soda_runner_cloud_api_key_id) }}"
"""

RETURN = r"""
_value:
  description: The file name.
  type: str
"""


def escrow_name(endpoint: str, name: str, cloud_api_key_id: str) -> str:
    return Account(endpoint, cloud_api_key_id).escrow_name(name)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"escrow_name": escrow_name}
