# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
Facts that override variables of the collection.

Facts come from the host, and Ansible gives them priority over the inventory. So a host could choose where the Soda
Cloud API key is sent.
"""

from __future__ import annotations

import re
import typing as t

import jinja2

from ..module_utils._errors import ShadowedVariable

OURS = ("soda_runner_", "soda_decommission_", "soda_audit_", "__soda_")

_LEXER = jinja2.Environment()
_DELIMITERS = re.compile(r"\{[{%#]")
_NAMES = re.compile(r"[A-Za-z_]\w*")
_PATHS = re.compile(r"[\w.-]*/[\w./-]*")
_FACTS = re.compile(r"""\bansible_facts\s*(\.\s*\w+|\[\s*(["'])\w+\2\s*\])""")

Variables = t.Mapping[str, t.Any]


def refuse_shadowing(task_vars: Variables) -> None:
    """Raise V(shadowed_variable) if a fact of the host overrides a variable of the collection."""
    facts = task_vars.get("ansible_facts") or {}
    ours = sorted(str.__str__(name) for name in facts if isinstance(name, str) and name.startswith(OURS))
    if ours:
        raise ShadowedVariable(
            f"The host returned facts with the names of variables of this collection: {', '.join(ours)}. Nothing was"
            " sent to Soda Cloud. Check the host, then clear its facts with ansible.builtin.meta: clear_facts.",
        )


def refuse_indirect_shadowing(task_vars: Variables, variables: t.Iterable[str]) -> None:
    """The same for facts that override a variable from which one of the role is made, such as C({{ vault_id }})."""
    facts = task_vars.get("ansible_facts") or {}
    # Ansible's own facts have a prefix as variables. Others override a variable of their name.
    overriding = {name for name in facts if name in task_vars and f"ansible_{name}" not in task_vars}
    if not overriding:
        return
    for variable in variables:
        reached, new = {variable}, {variable}
        while new:
            found = {name for one in new for name in _names_in(task_vars.get(one))}
            new = {name for name in found if name in task_vars and name not in reached and name != "ansible_facts"}
            reached |= new
        shadowed = sorted(reached & overriding)
        if shadowed:
            raise ShadowedVariable(
                f"{variable} depends on {shadowed[0]}, which a fact of the host overrides. Nothing was sent to Soda"
                f" Cloud. To use the fact, write ansible_facts.{shadowed[0]}. Otherwise check the host."
            )


def _names_in(value: t.Any) -> t.Iterator[str]:
    """The names in the templates of a variable. Some are not names of variables."""
    if isinstance(value, str):
        yield from _NAMES.findall(_code_in(value))
    elif isinstance(value, t.Mapping):
        for item in value.values():
            yield from _names_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _names_in(item)


def _code_in(text: str) -> str:
    """
    The text that Jinja evaluates. Text in quotes is part of it, because C(vars['name']) refers to a variable.

    Paths in quotes are not, and neither are facts that the author selects on purpose.
    """
    if text.startswith("#jinja2:"):
        # This header can define other delimiters.
        return text
    if not _DELIMITERS.search(text):
        return ""
    try:
        tokens = list(_LEXER.lex(text))
    except jinja2.TemplateError:
        return text
    return _FACTS.sub(" ", "".join(_code_of(kind, token) for _line, kind, token in tokens))


def _code_of(kind: str, token: str) -> str:
    # A template in quotes or in a raw block can be evaluated later.
    if _DELIMITERS.search(token):
        return "" if kind == "comment" else token
    if kind == "string":
        return _PATHS.sub(" ", token)
    return " " if kind in ("data", "comment") else token
