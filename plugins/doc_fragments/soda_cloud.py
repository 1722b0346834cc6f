# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of all content that sends requests to Soda Cloud."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that C(module_utils/_argspec.py) implements."""

    DOCUMENTATION = r"""
options:
  endpoint:
    description:
      - The URL of Soda Cloud. V(https://cloud.soda.io) is the region EU, V(https://cloud.us.soda.io) is US.
        A Soda Cloud API key works in one region only.
      - V(http://) is allowed only for this machine itself. Redirects are not followed. The usual environment variables
        for proxies apply to V(https://).
      - If not set, the environment variable E(SODA_CLOUD_ENDPOINT) is used.
    type: str
    default: https://cloud.soda.io
  api_key_id:
    description:
      - The id of the Soda Cloud API key of a user or a service account. This is not a runner key. To create one, open
        your profile in Soda Cloud, then B(API keys).
      - If not set, the environment variable E(SODA_CLOUD_API_KEY_ID) is used. If neither is set, the task fails before
        any request.
    type: str
  api_key_secret:
    description:
      - The secret of the Soda Cloud API key.
      - If not set, the environment variable E(SODA_CLOUD_API_KEY_SECRET) is used. If neither is set, the task fails
        before any request.
    type: str
  validate_certs:
    description:
      - Whether to check the certificate of the server. Disable this only for testing.
      - If not set, the environment variable E(SODA_CLOUD_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file in PEM format, or a folder of such files, with the certificates of the authorities to trust.
        The default is the authorities that the Python library requests trusts.
      - If not set, the environment variable E(SODA_CLOUD_CA_PATH) is used.
    type: path
  timeout:
    description:
      - How many seconds one request may take.
      - If not set, the environment variable E(SODA_CLOUD_TIMEOUT) is used.
    type: float
    default: 30.0
  retry_budget:
    description:
      - How many seconds all requests together may wait for a rate limit, or because Soda Cloud is not available. With
        V(0), no request waits.
      - If no connection can be made, the failure comes within a minute, even if this value is higher. If the API key is
        rejected, it comes immediately.
      - Soda Cloud allows 10 new keys and 10 deletions in 60 seconds, and 60 listings in 60 seconds.
      - If not set, the environment variable E(SODA_CLOUD_RETRY_BUDGET) is used.
    type: float
    default: 300.0
notes:
  - The listing leaves out runners of service accounts that the API key has no permission to view. So a runner that is
    not listed can exist. Use the API key of a Soda Cloud Admin, who sees every runner.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/community.soda.soda_cloud) in C(module_defaults) to set the connection options once.
    support: full
    membership:
      - community.soda.soda_cloud
"""

    # For plugins. A module takes the environment variables from its argument spec.
    PLUGIN = r"""
options:
  endpoint:
    env:
      - name: SODA_CLOUD_ENDPOINT
    vars:
      - name: soda_cloud_endpoint
  api_key_id:
    env:
      - name: SODA_CLOUD_API_KEY_ID
    vars:
      - name: soda_cloud_api_key_id
  api_key_secret:
    env:
      - name: SODA_CLOUD_API_KEY_SECRET
    vars:
      - name: soda_cloud_api_key_secret
  validate_certs:
    env:
      - name: SODA_CLOUD_VALIDATE_CERTS
    vars:
      - name: soda_cloud_validate_certs
  ca_path:
    env:
      - name: SODA_CLOUD_CA_PATH
    vars:
      - name: soda_cloud_ca_path
  timeout:
    env:
      - name: SODA_CLOUD_TIMEOUT
    vars:
      - name: soda_cloud_timeout
  retry_budget:
    env:
      - name: SODA_CLOUD_RETRY_BUDGET
    vars:
      - name: soda_cloud_retry_budget
"""
