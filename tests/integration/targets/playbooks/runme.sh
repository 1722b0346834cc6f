#!/usr/bin/env bash
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu -o pipefail
source ../soda_cloud/plays.sh

work="$(python -c 'import json, sys
config, account = (json.load(open(path)) for path in sys.argv[1:])
print(config["work_dir"] + "/" + account["soda_account"]["json"]["account"])' \
    ../../integration_config.yml "$OUTPUT_DIR/account.json")"

# asked COUNTS: the requests in the journal of Soda Cloud since the last time.
asked() {
    play asked.yml -e "{\"soda_cloud_counts\": $1}"
}

# A check run reports how many keys it would issue, and how long the limits make that take.
play community.soda.provision --check "$@"
says '12 hosts would need a new runner key. Soda Cloud issues 10 keys in 60 seconds.* at least 1 minute'
says '12 hosts would get a new runner key'
asked '{"listRunners": 13}'

# A pattern selects hosts.
play community.soda.provision -e soda_runner_hosts=host03 "$@"
says '1 host got a new runner key'
asked '{"listRunners": 2, "createRunner": 1}'
play community.soda.provision --limit host03,host04,host05 "$@"
says '2 hosts got a new runner key, 1 host was up to date'
asked '{"listRunners": 3, "createRunner": 2}'

# However many hosts are up to date, no request is sent.
play community.soda.provision --limit host03,host04,host05 "$@"
unchanged
says '3 hosts were up to date'
asked '{}'

# Empty text means that an optional variable is not set, as surveys of platforms leave it.
play community.soda.provision --limit host03 -e '{"soda_runner_state": "", "soda_runner_account": "",
    "soda_runner_cloud_validate_certs": "", "soda_runner_cloud_ca_path": "", "soda_runner_cloud_timeout": "",
    "soda_runner_cloud_retry_budget": "", "soda_runner_key_version": "", "soda_runner_key_store": "",
    "soda_runner_reissue": "", "soda_runner_values": "", "soda_runner_values_section": "",
    "soda_runner_existing_secret": "", "soda_runner_owner": "", "soda_runner_group": "", "soda_runner_api_host": "",
    "soda_runner_throttle": "", "soda_runner_wait": "", "soda_runner_wait_for": "", "soda_runner_wait_timeout": "",
    "soda_runner_wait_delay": "", "soda_runner_delete_online": "", "soda_runner_import_from": "", "soda_runner_deploy": "",
    "soda_runner_helm_release": "", "soda_runner_helm_chart": "", "soda_runner_helm_timeout": ""}' "$@"
unchanged

# A host that declares no runner is skipped, and nothing is removed from it.
play community.soda.provision --limit host03,host06 -e '{"soda_runner_state": "absent"}' "$@"
unchanged
says '2 hosts were skipped, because soda_runner_state is absent: host03, host06'
asked '{}'

# A wrong key is reported once, before a host is changed.
fails community.soda.provision --limit host06,host07 -e soda_runner_cloud_api_key_secret=wrong "$@"
# shellcheck disable=SC2154  # plays.sh sets it
[ "$(grep -c "\"operation\": \"list\".*401\|401.*\"operation\": \"list\"" "$said")" -ge 1 ]
says 'this host was not changed'
test ! -e "$work/host06"
test ! -e "$work/host07"
asked '{"listRunners": 1}'

play registered.yml --limit host03,host04,host05 "$@"

# A decommissioning without a valid target fails before any request, with a limit too.
fails community.soda.decommission "$@"
says 'No target is set'
fails community.soda.decommission --limit host03 "$@"
says 'No target is set'
fails community.soda.decommission -e soda_decommission_audit= "$@"
says 'soda_decommission_audit is empty'
fails community.soda.decommission --limit host03 -e soda_decommission_audit= "$@"
says 'soda_decommission_audit is empty'
fails community.soda.decommission -e soda_runner_hosts= "$@"
says 'soda_runner_hosts is empty'
fails community.soda.decommission -e '{"soda_decommission_runners": []}' "$@"
says 'soda_decommission_runners is empty'
fails community.soda.decommission -e soda_runner_hosts=host03 -e soda_decommission_adit=report.json "$@"
says 'Unknown variables: soda_decommission_adit'
fails community.soda.decommission -e soda_runner_hosts=warehouses "$@"
says 'matches no host'
fails community.soda.decommission -e soda_runner_hosts=host03 --limit host04 "$@"
says 'matches no host'
asked '{}'

# An online runner is refused.
play connected.yml -e is_online=true "$@"
fails community.soda.decommission -e soda_runner_hosts=host03 "$@"
says 'is online, so nothing was deleted'
asked '{"listRunners": 1, "getRunner": 1}'
play connected.yml -e is_online=false "$@"

play community.soda.decommission --check -e soda_runner_hosts=host03:host04 "$@"
says '2 runners of 2 hosts would be deleted'
asked '{"listRunners": 1, "getRunner": 2}'
play community.soda.decommission -e soda_runner_hosts=fleet --limit host03,host04 "$@"
says '2 runners of 2 hosts were deleted'
asked '{"listRunners": 1, "getRunner": 2, "deleteRunner": 2}'
play community.soda.provision -e soda_runner_hosts=host05 "$@"
unchanged
asked '{}'
play community.soda.decommission -e soda_runner_hosts=host03:host04 "$@"
unchanged
