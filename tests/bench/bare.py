# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python bare.py NAME…``: the same task in plain Python. Prints the runners of these names."""

from __future__ import annotations

import json
import os
import sys

import requests

session = requests.Session()
session.auth = (os.environ["SODA_CLOUD_API_KEY_ID"], os.environ["SODA_CLOUD_API_KEY_SECRET"])
url = f"{os.environ['SODA_CLOUD_ENDPOINT']}/api/v1/runners"
runners = []
last = False
page = 0
while not last:
    answer = session.get(url, params={"page": page, "size": 1000}, timeout=30)
    answer.raise_for_status()
    body = answer.json()
    runners.extend(body["content"])
    last = body["last"]
    page += 1
wanted = set(sys.argv[1:])
print(json.dumps([runner for runner in runners if runner["name"] in wanted]))
