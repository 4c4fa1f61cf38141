"""What a module imports, and which files of a project that means. Nothing is run for it."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import sys
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headrace_registry.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "STANDARD",
    "Import",
    "Imports",
    "Module",
    "Modules",
    "hiding",
    "owner_of",
    "parse",
    "prefixes",
]

STANDARD = frozenset(sys.stdlib_module_names) | {"tomllib", "__main__"}
"""Names of the standard library's modules, of this Python and the newest that is supported."""
_EXTENSIONS = (".so", ".pyd", *importlib.machinery.EXTENSION_SUFFIXES)
_ENVIRONMENTS = frozenset({"site-packages", "dist-packages"})
_CALLS = (b"import_module", b"__import__")
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
_CATCHES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Import:
    """One import."""

    module: str
    """The module's full name."""
    names: tuple[str, ...]
    """What is taken out of it; each may be a module, too."""
    line: int
    """Where it stands."""
    optional: bool
    """Whether the code goes on without it, or wants it on some systems only."""


@dataclass(frozen=True, slots=True)
class Imports:
    """What a file imports."""

    found: tuple[Import, ...]
    """What is named, in the order of the file."""
    unnamed: tuple[int, ...]
    """The lines that import by a name which is made at run time."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the project."""

    name: str
    """Its full name."""
    kind: Literal["module", "package", "namespace", "extension"]
    """A file; a folder with ``__init__.py``; a folder without; a compiled file."""
    path: Path
    """Its file; of a namespace, its folder."""
    base: Path
    """The folder that it is imported from."""


# ---------------------------------------------------------------- what a file says
def parse(source: bytes, module: str, *, package: bool) -> Imports:
    """Reads what a file imports, outside of ``if TYPE_CHECKING``.

    Args:
        source: The file's bytes.
        module: The module's full name, which relative imports are seen from.
        package: Whether it is a package's ``__init__.py``.

    Raises:
        SyntaxError: It is no Python.
        ValueError: It is not even text, or nested too deep.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes: the author's interpreter tells
            tree = ast.parse(source)
        calls = any(one in source for one in _CALLS)
        reading = _Reading(module if package else module.rpartition(".")[0], calls=calls)
        reading.visit(tree)
    except (RecursionError, MemoryError):
        raise ValueError("it is nested too deep to be read") from None
    return Imports(tuple(reading.found), tuple(reading.unnamed))


class _Reading(ast.NodeVisitor):
    def __init__(self, package: str, *, calls: bool) -> None:
        self.found: list[Import] = []
        self.unnamed: list[int] = []
        self._package = package
        self._optional = False
        self._calls = calls

    def generic_visit(self, node: ast.AST) -> None:
        """Goes on below a node; into expressions only where a call in them may import."""
        if self._calls:
            super().generic_visit(node)
            return
        for name in _BLOCKS:
            below = getattr(node, name, None)
            for one in below if isinstance(below, list) else ():
                self.visit(one)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, (), node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = self._absolute(node.module or "", node.level)
        if module:
            names = tuple(alias.name for alias in node.names if alias.name != "*")
            self._add(module, names, node.lineno)

    def visit_If(self, node: ast.If) -> None:
        holds = _constant(node.test)
        before = self._optional
        self._optional = before or _asks_for_the_system(node.test)
        for statement in (*(node.body if holds is not False else ()), node.test):
            self.visit(statement)
        for statement in node.orelse if holds is not True else ():
            self.visit(statement)
        self._optional = before

    def visit_Try(self, node: ast.Try) -> None:
        before = self._optional
        self._optional = before or any(_catches_imports(one.type) for one in node.handlers)
        for statement in (*node.body, *node.handlers, *node.orelse):
            self.visit(statement)
        self._optional = before
        for statement in node.finalbody:
            self.visit(statement)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else ""
        name = function.id if isinstance(function, ast.Name) else name
        if name in ("import_module", "__import__") and node.args:
            said, *more = (_literal(one) for one in node.args)
            level = len(said) - len(said.lstrip(".")) if said else 0
            package = more[0] if more and name == "import_module" else None
            module = self._absolute((said or "")[level:], level, package)
            if said and module:
                self._add(module, (), node.lineno)
            elif not said:
                self.unnamed.append(node.lineno)
        self.generic_visit(node)

    def _add(self, module: str, names: tuple[str, ...], line: int) -> None:
        self.found.append(Import(module, names, line, self._optional))

    def _absolute(self, module: str, level: int, package: str | None = None) -> str:
        if not level:
            return module
        above = (package or self._package).split(".")
        above = above[: len(above) - level + 1]
        return ".".join([*filter(None, above), *filter(None, [module])])


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _constant(test: ast.expr) -> bool | None:
    """What a test is at run time, as far as its text tells."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            holds = _constant(inner)
            return None if holds is None else not holds
        case ast.BoolOp(op=ast.And(), values=values):
            return False if any(_constant(one) is False for one in values) else None
        case ast.BoolOp(op=ast.Or(), values=values):
            return True if any(_constant(one) is True for one in values) else None
    return None


def _asks_for_the_system(test: ast.expr) -> bool:
    said = {one.attr for one in ast.walk(test) if isinstance(one, ast.Attribute)}
    return bool(said & {"version_info", "platform", "implementation"})


def _catches_imports(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    return any(isinstance(one, ast.Name) and one.id in _CATCHES for one in ast.walk(kind))


# ---------------------------------------------------------------- where a module is
@dataclass(frozen=True)
class Modules:
    """The modules of a project, found by their files."""

    root: Path
    """The folder that the job's modules are imported from."""
    project: Path
    """The project's folder: what is installed from there in place is the project's own."""
    taken: dict[str, str] = field(default_factory=dict)
    """Top-level modules of the packages in the zip, each with its distribution."""
    _bases: dict[str, Path | None] = field(default_factory=dict)

    def find(self, name: str) -> Module | None:
        """The project's own module of a name; ``None`` where it has none.

        Raises:
            BundleError: It would hide a module of Python's or of a package.
        """
        top, *below = name.split(".")
        base = self._base(top)
        if base is None:
            return None
        folder = base
        for part in (top, *below[:-1]) if below else ():
            folder /= part
        return _module_in(folder, name.rpartition(".")[2], name, base) or _namespace(
            folder / name.rpartition(".")[2], name, base
        )

    def is_known(self, top: str) -> bool:
        """Whether a top-level module is Python's, a package's, or installed here."""
        return top in STANDARD or top in self.taken or _spec(top) is not None

    def is_own(self, path: Path) -> bool:
        """Whether a file is the project's, and not of an environment that stands in it."""
        real = path.resolve()
        for home in self._homes:
            if real.is_relative_to(home):
                inner = real.relative_to(home)
                return not _ENVIRONMENTS & set(inner.parts) and not any(
                    (home / one / "pyvenv.cfg").is_file() for one in inner.parents
                )
        return False

    @cached_property
    def _homes(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((self.root.resolve(), self.project.resolve())))

    def _base(self, top: str) -> Path | None:
        """The folder that a top-level name is imported from, if that is the project's."""
        if top not in self._bases:
            self._bases[top] = self._found_base(top)
        return self._bases[top]

    def _found_base(self, top: str) -> Path | None:
        mine = _module_in(self.root, top, top, self.root)
        if mine is not None:
            owner = owner_of(top, self.taken)
            if owner is not None:
                raise BundleError(hiding(mine.path.relative_to(self.root).as_posix(), top, owner))
            return self.root
        if top in STANDARD or top in self.taken:
            return None
        spec = _spec(top)
        if spec is not None and spec.origin and spec.has_location:
            path = Path(spec.origin)
            folder = path.parents[1] if path.name == "__init__.py" else path.parent
            return folder if self.is_own(path) else None
        for place in (self.root / top, *map(Path, _portions(spec))):
            # A folder counts as a package only where nothing else has the name, as in Python.
            if place.is_dir() and self.is_own(place / "x"):
                return place.parent
        return None


def _module_in(folder: Path, last: str, name: str, base: Path) -> Module | None:
    init = folder / last / "__init__.py"
    if init.is_file():
        return Module(name, "package", init, base)
    for suffix in _EXTENSIONS:  # Python looks for these first
        compiled = folder / f"{last}{suffix}"
        if compiled.is_file():
            return Module(name, "extension", compiled, base)
    source = folder / f"{last}.py"
    return Module(name, "module", source, base) if source.is_file() else None


def _namespace(folder: Path, name: str, base: Path) -> Module | None:
    return Module(name, "namespace", folder, base) if folder.is_dir() else None


def _portions(spec: importlib.machinery.ModuleSpec | None) -> Sequence[str]:
    return list(spec.submodule_search_locations or ()) if spec else ()


def _spec(top: str) -> importlib.machinery.ModuleSpec | None:
    # Of a top-level name alone: to find a nested one, Python would run those above it.
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):  # ValueError: a module without a spec
        return None


def owner_of(top: str, taken: Mapping[str, str]) -> str | None:
    """What brings a top-level module to workers, if not the project."""
    return "Python's standard library" if top in STANDARD else taken.get(top)


def hiding(path: str, top: str, owner: str) -> str:
    """What is said of a module that would stand in front of another."""
    return (
        f"{path} would hide the module {top!r} of {owner}\n"
        "  next: give the project's module another name"
    )


def prefixes(name: str) -> Iterator[str]:
    """A module's name, and before it those of the packages that it is in."""
    parts = name.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))
