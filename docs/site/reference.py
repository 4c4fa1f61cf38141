"""The pages of the reference: every public name of the packages, as its docstring tells it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import textwrap
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer

import headrace
import headrace_registry
import headrace_skills

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

__all__ = ["PACKAGES", "modules_of", "place_of", "write_reference"]

API = Path(__file__).resolve().parent / "api"
PACKAGES = {
    headrace: "Agents, plans, engines, and what plugins implement.",
    headrace_skills: "The Agent Skills standard: read, check, audit, run, pack.",
    headrace_registry: "Registries, locks, jobs' zips and clusters.",
}
_LONGEST_VALUE = 200


def write_reference(_app: Sphinx) -> None:
    """Writes a page for each public module, one for each package, and that of the commands."""
    API.mkdir(exist_ok=True)
    for package, what in PACKAGES.items():
        pages = {name: _page(name, module) for name, module in modules_of(package)}
        for name, page in pages.items():
            (API / f"{name}.md").write_text(page, encoding="utf-8")
        page = _package_page(package, what, list(pages))
        (API / f"{package.__name__}.md").write_text(page, encoding="utf-8")
    (API / "commands.md").write_text(
        "# The command line\n\n```{eval-rst}\n.. click:: headrace_cli._app:agents\n"
        "   :prog: agents\n   :nested: full\n```\n",
        encoding="utf-8",
    )


def modules_of(package: Any) -> Iterator[tuple[str, Any]]:
    """The public modules of a package that tell something of their own."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            module = importlib.import_module(found.name)
            if any(place_of(module, each) == found.name for each in getattr(module, "__all__", ())):
                yield found.name, module


def place_of(module: Any, name: str) -> str:
    """The public module whose page tells of a name that a module exports."""
    value = getattr(module, name, None)
    if not _is_code(value):
        return str(module.__name__)
    public: list[str] = []
    for part in str(value.__module__).split("."):
        if part.startswith("_"):
            break
        public.append(part)
    home = ".".join(public)
    if home.partition(".")[0] != module.__name__.partition(".")[0]:
        return str(module.__name__)  # another project's
    return (
        home if name in getattr(importlib.import_module(home), "__all__", ()) else module.__name__
    )


def _page(name: str, module: Any) -> str:
    own = [each for each in module.__all__ if place_of(module, each) == name]
    there = [each for each in own if hasattr(module, each)]  # others are for types alone
    shown = [each for each in there if _is_code(getattr(module, each)) or _told(name, each)]
    directive = f".. automodule:: {name}\n"
    if shown:
        directive += f"   :members: {', '.join(shown)}\n   :imported-members:\n"
    for each in own:
        if each not in shown:
            directive += _value(name, each, getattr(module, each, None))
    return f"# {name}\n\n```{{eval-rst}}\n{directive}```\n"


def _package_page(package: Any, what: str, names: list[str]) -> str:
    name = package.__name__
    places = {each: _first_place(package, each, names) for each in package.__all__}
    told = ", ".join(f"{{any}}`{each} <{place}.{each}>`" for each, place in places.items())
    modules = "\n".join(f"| [`{each}`]({each}.md) | {_summary(each)} |" for each in names)
    own = [each for each, place in places.items() if place == name]
    members = f"   :members: {', '.join(own)}\n   :imported-members:\n" if own else ""
    return (
        f"# {name}\n\n{what}\n\n`from {name} import ...`: {told}.\n\n"
        f"| module | |\n|---|---|\n{modules}\n\n"
        f"```{{toctree}}\n:hidden:\n" + "\n".join(names) + "\n```\n\n"
        f"```{{eval-rst}}\n.. automodule:: {name}\n{members}```\n"
    )


def _first_place(package: Any, name: str, modules: list[str]) -> str:
    """The module whose page tells of a name that a package has from one of its modules."""
    value = getattr(package, name)
    if not _is_code(value):
        for each in modules:
            module = importlib.import_module(each)
            if name in module.__all__ and getattr(module, name, None) is value:
                return each
    return place_of(package, name)


def _summary(name: str) -> str:
    """The first sentences of a module, for a cell of a table."""
    text = (importlib.import_module(name).__doc__ or "").partition("\n\n")[0]
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


# ---------------------------------------------------------------- values and names of types
def _is_code(value: Any) -> bool:
    """Whether it is a class or a function, which tells itself where it is from."""
    if isinstance(value, types.GenericAlias):
        return False
    return inspect.isclass(value) or inspect.isroutine(value)


def _told(module: str, name: str) -> str:
    """What a module's source says of a value."""
    try:
        analyzer = ModuleAnalyzer.for_module(module)
        analyzer.analyze()
    except PycodeError:
        return ""
    return "\n".join(analyzer.attr_docs.get(("", name), ())).strip()


def _value(module: str, name: str, value: Any) -> str:
    """The entry of a value that is said in a private module, which Sphinx does not look into."""
    found = importlib.import_module(module)
    paths = getattr(found, "__path__", ())
    parts = [each.name for each in pkgutil.iter_modules(paths, f"{module}.")]
    told = next(filter(None, (_told(each, name) for each in parts)), "")
    lines = [f"\n.. py:data:: {name}\n   :module: {module}\n"]
    if value is not None and not callable(value):
        shown = repr(value)
        if len(shown) <= _LONGEST_VALUE and " at 0x" not in shown and "/" not in shown:
            lines.append(f"   :value: {shown}\n")
    lines.append("\n" + textwrap.indent(told or _form(value), "   ") + "\n")
    return "".join(lines)


def _form(value: Any) -> str:
    """What can be said of a value that has no text."""
    shown = " ".join(str(value).replace("typing.", "").split())
    if value is None or len(shown) > _LONGEST_VALUE or "<" in shown:
        return ""
    return f"``{shown}``"
