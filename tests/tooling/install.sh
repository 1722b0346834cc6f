#!/bin/sh
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# install.sh VENV python INTERPRETER   creates the virtual environment VENV
# install.sh VENV SET                  installs tests/requirements/SET.txt into it
# Each writes a stamp for make: VENV/.python or VENV/.SET.
set -eu

venv=$1
what=$2
requirements=tests/requirements

# uv is several times faster than pip. Only pip reads pip's settings, for example a mirror, so pip is the fallback.
# The tests write no bytecode, so it is compiled here.
install() {
    "$venv/bin/uv" pip install --quiet --require-hashes --compile-bytecode --python "$venv/bin/python" "$@" ||
        { echo "uv failed; trying pip" >&2; "$venv/bin/python" -m pip install --quiet --require-hashes "$@"; }
}

if [ "$what" = python ]; then
    echo "Creating $venv with $("$3" --version)"
    rm -rf "$venv"
    "$3" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --require-hashes --requirement "$requirements/uv.txt"
else
    echo "Installing the packages of 'make $what' in $venv"
    install --requirement "$requirements/$what.txt"
fi
touch "$venv/.$what"
