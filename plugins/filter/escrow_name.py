# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of a key file in escrow."""

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
  - Returns a file name for any runner name. It does not depend on the spelling of the endpoint.
  - Two accounts can have runners with the same name. Their keys wait in two files, because the name also depends on the
    id of the Soda Cloud API key. This id alone is not a secret.
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
