# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Text that others write, such as the names of runners, which Ansible is never to take for a template."""

from __future__ import annotations

import typing as t

try:
    # From ansible-core 2.19 on, text is a template only where it is marked as one.
    from ansible.template import trust_as_template  # noqa: F401  pylint: disable=unused-import
except ImportError:
    from ansible.utils.unsafe_proxy import wrap_var as never_a_template
else:

    def never_a_template(value: t.Any) -> t.Any:
        """The same text, or lists and dictionaries of it, that stays text wherever it is used."""
        return value


__all__ = ["never_a_template"]
