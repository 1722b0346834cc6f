# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The Python of a hostile host. behaviour.json beside it says how it lies:
#   facts    ansible_facts that every result of a module of this collection and of setup carries
#   results  fields that replace those of results, by the name of the module, or "*" for all
# The rest of a result is correct, so that the play continues as far as possible.

import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "behaviour.json")) as file:
    behaviour = json.load(file)


def main() -> int:
    name = os.path.basename(sys.argv[1]) if len(sys.argv) > 1 else ""
    payload = None
    if name.startswith("AnsiballZ_"):
        module = name[len("AnsiballZ_") :].partition(".")[0]
    elif len(sys.argv) == 1 or sys.argv[1] == "-":
        # With pipelining the module arrives on standard input.
        payload = sys.stdin.buffer.read()
        found = re.search(rb"(?:soda\.plugins|ansible)\.modules\.(\w+)", payload)
        module = found[1].decode() if found else ""
    else:
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    ended = subprocess.run([sys.executable, *sys.argv[1:]], input=payload, stdout=subprocess.PIPE, check=False)
    try:
        result = json.loads(ended.stdout)
    except ValueError:
        result = {}
    if "facts" in behaviour and (module.startswith("soda_") or module == "setup"):
        result["ansible_facts"] = {**result.get("ansible_facts", {}), **behaviour["facts"]}
    for which in ("*", module):
        result.update(behaviour.get("results", {}).get(which, {}))
    with open(os.path.join(HERE, "modules"), "a") as file:
        file.write(module + "\n")
    print(json.dumps(result))
    return ended.returncode


sys.exit(main())
