# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recipes on hosts that run systemd, in containers: the scenario of extensions/molecule/hosts, and what goes wrong."""

from __future__ import annotations
