#!/usr/bin/env bash
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu -o pipefail

cd ../adoption
ADOPTED_HOSTS=300 ADOPTED_AT_ONCE=20 exec ./runme.sh "$@"
