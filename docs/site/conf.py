# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx makes the documentation's site. ``make docs`` puts the pages together in build/docs and runs it there."""

project = "community.soda"
copyright = "community.soda contributors"
title = "community.soda"
html_short_title = "community.soda"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_theme_options = {
    "documentation_home_url": "index.html",
    "show_extranav": False,
    "swift_id": "",
    "vcs_pageview_mode": "",
}
html_show_sphinx = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
default_role = "any"

# Headings get the anchors that they have where the code is hosted, so the same links hold in both places.
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block"]

# No other site is asked while this one is built. What leads into Ansible's own documentation stays text.
intersphinx_mapping: dict[str, tuple[str, str | None]] = {}
suppress_warnings = ["ref.ref"]
nitpicky = True
nitpick_ignore_regex = [("envvar", ".*")]
