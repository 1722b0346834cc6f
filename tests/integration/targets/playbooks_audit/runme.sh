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

work="$(python -c 'import json, sys
config, account = (json.load(open(path)) for path in sys.argv[1:])
print(config["work_dir"] + "/" + account["soda_account"]["json"]["account"])' \
    ../../integration_config.yml "$OUTPUT_DIR/account.json")"

play other_account.yml -e other_account_file="$OUTPUT_DIR/other_account.json"
account+=(-e "@$OUTPUT_DIR/other_account.json" -e "soda_runner_hosts=all:!not_asked:!troubled")
play scene.yml

# However many hosts there are, an account is listed once. A host that cannot be reached is a finding, not a failure.
play community.soda.audit "$@"
unchanged
says '^No key +empty +empty +no key was issued yet'
says '^Offline +unreachable +unreachable +.*Host unreachable'
says "^Offline +\{.{0,4}\{ lookup\('pipe', 'touch evaluated'\) \}\}"
says 'unreachable +: ok=[0-9]+ .* unreachable=0 +failed=0'
keeps_secrets "$work" "$work"/soda-audit.*
asked '{"listRunners": 1}'
play report.yml

# Nothing is written in check mode, nor where the paths are empty.
rm "$work/soda-audit.json" "$work/soda-audit.html"
play community.soda.audit --check "$@"
play community.soda.audit -e '{"soda_audit_json": "", "soda_audit_html": ""}' "$@"
if compgen -G "$work/soda-audit*"; then
    echo "No report was to be written."
    exit 1
fi

# The exit status is for pipelines.
play community.soda.audit --limit in_order -e soda_audit_fail_on=drift,no_key "$@"
says "listed(: .*)?\. 1 host audited\.$"
fails community.soda.audit -e soda_audit_fail_on=no_key,drift "$@"
says 'no_key: 1, drift: 1'
play community.soda.audit -e soda_audit_offline_hours=100 -e soda_audit_fail_on=offline "$@"
fails community.soda.audit -e soda_audit_fail_on=offlien "$@"
says 'offlien'
play community.soda.audit "$@"
asked '{"listRunners": 7}'

# A wrong host, account or name is a finding that names the host and the cause. A numeric name is text.
play community.soda.provision -e soda_runner_hosts=leaving -e soda_runner_state=present "$@"
troubled=(-e soda_runner_hosts=troubled -e '{"soda_audit_json": "", "soda_audit_html": ""}')
play community.soda.audit "${troubled[@]}" "$@"
says '^Role fails +bad_url +bad_url +The endpoint must be scheme, host and port'
says '^No key +bad_key +bad_key .*Account not listed: .* 401'
says '^Role fails +bad_name +bad_name +soda_runner_name is not valid\. The name of a runner must be text'
says '^No key +1234 +numeric +the runner is registered, but its key is not stored'
says '^Key not removed +leaving +leaving +.*/leaving/key.json'
says 'failed=0'
if says 'failed=[1-9]' || says 'user:password'; then
    exit 1
fi
play twice.yml "$@"
play community.soda.audit "$@"
play forget.yml

# Cleaning up: what a check run reports is what a run deletes, except for a runner that is online again. A runner that a host
# declares is left alone.
here="$(realpath --relative-to=. "$work/soda-audit.json")"
play community.soda.decommission --check -e soda_decommission_audit="$here" "$@"
says '4 of 7 stale runners would be deleted'
says "'back_again' .* was not deleted: the host back_again declares it"
says "\{.{0,4}\{ lookup\('pipe', 'touch evaluated'\) \}\} \("
asked '{"getRunner": 8}'
play runner.yml -e '{"changed_name": "foreign", "changed_fields": {"isOnline": true}}'
play community.soda.decommission -e soda_decommission_audit="$work/soda-audit.json" "$@"
says '3 of 7 stale runners were deleted'
says "'foreign' .* was not deleted: it is online"
keeps_secrets "$work"
asked '{"getRunner": 7, "deleteRunner": 3}'
play left.yml

# A second time there is nothing to do.
play community.soda.decommission -e soda_decommission_audit="$work/soda-audit.json" "$@"
unchanged
says '0 of 7 stale runners'

# An old report and one that others can write are no evidence.
sed 's/"generated_at": "20/"generated_at": "19/' "$work/soda-audit.json" > "$OUTPUT_DIR/old.json"
fails community.soda.decommission -e soda_decommission_audit="$OUTPUT_DIR/old.json" "$@"
says 'hours old'
cp "$work/soda-audit.json" "$OUTPUT_DIR/shared.json"
chmod 0666 "$OUTPUT_DIR/shared.json"
fails community.soda.decommission -e soda_decommission_audit="$OUTPUT_DIR/shared.json" "$@"
says 'untrusted_file'

# What is not a report, or is of another account, deletes nothing.
echo '{"stale": []}' > "$OUTPUT_DIR/other.json"
fails community.soda.decommission -e soda_decommission_audit="$OUTPUT_DIR/other.json" "$@"
says 'not a report of community.soda.audit'
sed 's/"api_key_id": "/&another-/' "$work/soda-audit.json" > "$OUTPUT_DIR/another.json"
fails community.soda.decommission -e soda_decommission_audit="$OUTPUT_DIR/another.json" "$@"
says 'another Soda Cloud API key'
