"""How the documentation is built: Sphinx, MyST and furo; `nox -s docs`."""

from importlib.metadata import version as version_of

project = "kungfu"
author = "the kungfu authors"
copyright = "the kungfu authors"  # noqa: A001 - Sphinx's name
release = version_of("kungfu-core")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "kungfu"

myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
nitpick_ignore_regex = [("py:.*", ".*")]
