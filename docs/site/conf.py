"""How the documentation site is made of docs/, the READMEs and the code: ``./dev docs``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.ext.napoleon import GoogleDocstring

sys.path.insert(0, str(Path(__file__).parent))
from reference import write_reference

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
project = "headrace"
author = "the founders of headrace"
version = release = os.environ.get("HEADRACE_DOCS_VERSION", "dev")

extensions = [
    "myst_parser",  # the pages are Markdown, as they are read in the repository
    "sphinx.ext.autodoc",  # the reference is made of docstrings and types
    "sphinx.ext.napoleon",  # which have sections by Google's convention
    "sphinx_click",  # and of the commands' own help
    "sphinxcontrib.mermaid",  # charts
]
root_doc = "docs/site/index"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "docs/site/**",
    "plugins/*/README.md",
    "examples/*/README.md",
    "examples/*/skills/*/SKILL.md",
    "skills/headrace-agents/SKILL.md",
    "skills/headrace-agents/references/*.md",
]
exclude_patterns = ["**/out/**", "**/.venv/**"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
myst_links_external_new_tab = False
suppress_warnings = [
    "misc.highlighting_failure",  # blocks of what programs print
    "ref.python",  # one name in two modules: the first one is linked
]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # attributes of a class are told once

# What stands before a colon in an attribute's text is no type: types are annotated.
GoogleDocstring._consume_inline_attribute = (  # noqa: SLF001 - there is no setting for it
    lambda self: ("", self._dedent(self._consume_to_end()))
)

html_theme = "pydata_sphinx_theme"
html_title = "headrace"
html_show_sourcelink = False
html_copy_source = False
html_search_scorer = str(ROOT / "docs/site/search.js")
html_theme_options: dict[str, Any] = {
    "show_prev_next": False,
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navbar_end": ["version-switcher", "theme-switcher"],
    "switcher": {
        "json_url": f"{os.environ.get('HEADRACE_DOCS_BASE', '/')}versions.json",
        "version_match": version,
    },
    "check_switcher": False,  # the list is beside this version's folder, once that is there
}


def setup(app: Sphinx) -> None:
    """Told by Sphinx when it starts."""
    app.connect("builder-inited", write_reference)
