# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Data as YAML text that every reader understands in the same way. No I/O and no Ansible."""

from __future__ import annotations

import math
import typing as t

import yaml

from ...module_utils._errors import ConfigValuesInvalid


def merge(base: t.Any, over: t.Any) -> t.Any:
    """Merge mappings key by key and replace everything else, as Helm does with several values files."""
    if not isinstance(base, t.Mapping) or not isinstance(over, t.Mapping):
        return over
    return {**base, **{key: merge(base[key], over[key]) if key in base else over[key] for key in over}}


def to_yaml_types(value: t.Any, where: str) -> t.Any:
    """
    C(value) as mappings, lists, text, numbers, booleans and null.

    C(where) is its place, for the message. Raises V(config_values_invalid).
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, t.Mapping):
        return {str(key): to_yaml_types(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_yaml_types(item, f"{where}[{index}]") for index, item in enumerate(value)]
    raise ConfigValuesInvalid(
        f"{where.lstrip('.')} is a {type(value).__name__}, which a configuration file cannot contain. Quote it to make"
        " it text.",
    )


def dump(data: t.Any) -> str:
    """C(data) as one YAML document, with one line for each scalar."""
    options: dict[str, t.Any] = {
        "sort_keys": False,
        "allow_unicode": True,
        "default_flow_style": False,
        "width": math.inf,
    }
    return t.cast(str, yaml.dump(data, Dumper=_Dumper, **options))


class _Dumper(yaml.SafeDumper):
    """Quotes every text value: without quotes, an id of digits or 1e5 is a number to some readers."""

    def ignore_aliases(self, data: t.Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')

    def represent_mapping(self, tag: str, mapping: t.Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping)
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode):
                # Keys are quoted only if they must be.
                key.style = None
        return node


_Dumper.add_representer(str, _Dumper.represent_str)
