# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give each host a key, the configuration of the first one, and a runner. Arguments: URL, account, folder, hosts."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from emulator.client import Account, Emulator

url, name, folder, *hosts = sys.argv[1:]
first = Path(folder, hosts[0], "values.yml")
template = first.read_text("utf-8")
given = yaml.safe_load(template)["soda"]["apikey"]
with Emulator(url=url) as emulator:
    account = Account(emulator, name, url, "", "")
    for host in hosts:
        key = account.issue_runner_key()
        account.register(host, key)
        text = template.replace(hosts[0], host).replace(given["id"], key.api_key_id)
        path = Path(folder, host, "values.yml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace(given["secret"], key.api_key_secret), "utf-8")
        path.chmod(0o600)
