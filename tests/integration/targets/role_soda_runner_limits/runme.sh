#!/usr/bin/env bash
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu -o pipefail
source ../soda_cloud/plays.sh

# Fifty hosts at once. The limits are the real ones, in windows of a twentieth of their length, and so is the budget.
export ANSIBLE_FORKS=50
play fleet.yml "$@"
