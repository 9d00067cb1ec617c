"""How the documentation is built: Sphinx, MyST and furo; `nox -s docs`."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from generate import write_reference

write_reference(Path(__file__).parent / "reference")

project = "kungfu"
author = "the kungfu authors"
project_copyright = "the kungfu authors"
release = metadata.version("kungfu-core")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "kungfu"

myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
# The standard library, NumPy and Arrow are documented elsewhere, and no network is needed to build.
nitpick_ignore_regex = [
    ("py:.*", r"(collections|decimal|enum|os|pathlib|types|typing)\..*"),
    ("py:.*", r"(np|numpy|pa|pyarrow|pl|polars)\..*"),
    ("py:.*", r"kungfu_core\._native\..*"),
    ("py:.*", r".*\.(E|_K|Event|EventType)"),
    ("py:.*", r"[A-Z]\w*"),  # a name that only a type checker imports
]
