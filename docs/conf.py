"""Sphinx configuration. Reference pages are made from the code, so that they can't differ."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "docs/_ext"), str(ROOT / "hub_service"), str(ROOT)]

project = "Jupyter VMShare"
author = "Jupyter VMShare contributors"
copyright = "Jupyter VMShare contributors"
extensions = ["myst_parser", "generated"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_generated"]
html_theme = "pydata_sphinx_theme"
html_title = project
html_theme_options = {"show_prev_next": False, "navigation_with_keys": False}
nitpicky = False
