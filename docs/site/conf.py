"""How the documentation site is made of docs/, the READMEs and the code: ``./dev docs``."""

from __future__ import annotations

import importlib
import os
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import headrace
import headrace_registry
import headrace_skills

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "docs/site/api"
PACKAGES = {
    headrace: "Agents, plans, engines, and what plugins implement.",
    headrace_skills: "The Agent Skills standard: read, check, audit, run, pack.",
    headrace_registry: "Registries, locks, jobs' zips and clusters.",
}

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

html_theme = "pydata_sphinx_theme"
html_title = "headrace"
html_show_sourcelink = False
html_copy_source = False
html_theme_options: dict[str, Any] = {
    "show_prev_next": False,
    "navbar_end": ["version-switcher", "theme-switcher"],
    "switcher": {
        "json_url": f"{os.environ.get('HEADRACE_DOCS_BASE', '/')}versions.json",
        "version_match": version,
    },
    "check_switcher": False,  # the list is beside this version's folder, once that is there
}


def modules_of(package: Any) -> Iterator[tuple[str, Any]]:
    """The public modules of a package, with what they export."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            module = importlib.import_module(found.name)
            if getattr(module, "__all__", None):
                yield found.name, module


def own_of(name: str, module: Any) -> list[str]:
    """What a module exports that is its own, and not told again from another package."""
    there = [each for each in module.__all__ if hasattr(module, each)]  # others are for types alone
    places = {each: getattr(getattr(module, each), "__module__", name) for each in there}
    return [each for each, place in places.items() if f"{place}.".startswith(f"{name}.")]


def write_reference(_app: Sphinx) -> None:
    """Writes a page for each public module: what it exports, as its docstrings tell it."""
    API.mkdir(exist_ok=True)
    for package, what in PACKAGES.items():
        names = []
        for name, module in modules_of(package):
            if own := own_of(name, module):
                names.append(name)
                page = f"# {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n"
                page += f"   :members: {', '.join(own)}\n   :imported-members:\n```\n"
                (API / f"{name}.md").write_text(page)
        listed = "\n".join(names)
        here = [each for each in package.__all__ if _place(package, each).count(".") == 1]
        told = ", ".join(f"{{any}}`{each} <{_place(package, each)}>`" for each in package.__all__)
        (API / f"{package.__name__}.md").write_text(
            f"# {package.__name__}\n\n{what}\n\n`from {package.__name__} import ...`: {told}.\n\n"
            f"```{{toctree}}\n{listed}\n```\n\n"
            f"```{{eval-rst}}\n.. automodule:: {package.__name__}\n"
            + (f"   :members: {', '.join(here)}\n   :imported-members:\n" if here else "")
            + "```\n"
        )
    (API / "commands.md").write_text(
        "# The command line\n\n```{eval-rst}\n.. click:: headrace_cli._app:agents\n"
        "   :prog: agents\n   :nested: full\n```\n"
    )


def _place(package: Any, name: str) -> str:
    """The page's name of a thing that a package exports: the public module that it is of."""
    module = getattr(getattr(package, name), "__module__", package.__name__)
    public = []
    for part in module.split("."):
        if part.startswith("_"):
            break
        public.append(part)
    return ".".join([*public, name])


def setup(app: Sphinx) -> None:
    """Told by Sphinx when it starts."""
    app.connect("builder-inited", write_reference)
