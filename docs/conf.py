"""How the documentation site is built: `make docs` writes it to docs/_build/html."""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "lambda")]
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
os.environ["COLUMNS"] = "90"  # of the help texts

project = "access-triage"
author = "the maintainers of access-triage"
copyright = "the maintainers of access-triage, Apache-2.0"  # noqa: A001 - Sphinx's own name
version = release = version_of("access-triage")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinxcontrib.programoutput",
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # they stand in the signatures' docstrings, with shapes and units
autodoc_default_options = {
    "members": True,
    # scikit-learn's own, which its documentation explains
    "exclude-members": "set_fit_request, set_score_request, set_partial_fit_request",
}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
programoutput_prompt_template = "$ {command}\n{output}"

html_theme = "furo"
html_show_sourcelink = False
html_title = "access-triage"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1d4ed8", "color-brand-content": "#1d4ed8"},
    "dark_css_variables": {"color-brand-primary": "#93c5fd", "color-brand-content": "#93c5fd"},
}
