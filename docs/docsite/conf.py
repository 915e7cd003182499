# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's settings for the docsite: the guides, and what antsibull-docs makes of plugins and roles."""

project = "muster.aws"
author = "The muster.aws contributors"
html_title = "muster.aws"
html_short_title = "muster.aws"

root_doc = "home"
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 3
default_role = "any"
# Links into Ansible's own documentation need its inventory from the network: they are shown as text instead.
suppress_warnings = ["ref.*"]

html_theme = "sphinx_ansible_theme"
html_theme_options = {"vcs_pageview_mode": "", "collapse_navigation": False}
html_show_sphinx = False
html_copy_source = False
html_use_index = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
