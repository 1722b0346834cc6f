#!/usr/bin/env bash
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu -o pipefail
source ../soda_cloud/plays.sh

# asked COUNTS: the requests in the journal of Soda Cloud since the last time.
asked() {
    play asked.yml -e "{\"soda_cloud_counts\": $1}"
}

# A check run says how many keys would be issued, and how long the limits make that take.
play community.soda.provision --check "$@"
says '12 of 12 hosts would get a new runner key'
says '10 keys a minute'
asked '{"listRunners": 12}'

# A pattern says which hosts.
play community.soda.provision -e soda_runner_hosts=host03 "$@"
says '1 of 1 hosts got a new runner key'
asked '{"listRunners": 1, "createRunner": 1}'
play community.soda.provision --limit host03,host04,host05 "$@"
asked '{"listRunners": 2, "createRunner": 2}'

# However many hosts have converged, no request is sent.
play community.soda.provision --limit host03,host04,host05 "$@"
unchanged
says '0 of 3 hosts got a new runner key'
asked '{}'

play registered.yml --limit host03,host04,host05 "$@"
play community.soda.decommission --check -e soda_runner_hosts=host03:host04 "$@"
says '2 of 2 hosts would have their runner deleted'
asked '{"listRunners": 2}'
play community.soda.decommission --limit host03,host04 "$@"
says '2 of 2 hosts had their runner deleted'
asked '{"listRunners": 2, "deleteRunner": 2}'
play community.soda.provision -e soda_runner_hosts=host05 "$@"
unchanged
asked '{}'
play community.soda.decommission --limit host03,host04 "$@"
unchanged
