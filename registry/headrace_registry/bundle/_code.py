"""The job's own files: the code that its agents use, what the plans name, what is included."""

from __future__ import annotations

import os
import re
from collections import deque
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from headrace.jobs.manifest import APP
from headrace_registry.bundle._files import CodeFile, Files, is_magic, seen_from
from headrace_registry.bundle._imports import STANDARD, Modules, hiding, owner_of, parse, prefixes
from headrace_registry.errors import BundleError
from headrace_skills.packing._contents import collision

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from headrace_registry.bundle._imports import Import, Module
    from headrace_registry.bundle.settings import BundleSettings

__all__ = ["Code", "CodeFile", "collect_code", "hidden"]

_MAX_SOURCE = 16 * 1024**2  # of a file that is read for its imports
_INCLUDE = "include "
_UNPORTABLE = re.compile(r'[<>:"|?*]|[. ](/|$)')


@dataclass(frozen=True, slots=True)
class Code:
    """The job's own files."""

    files: tuple[CodeFile, ...]
    """By path."""
    modules: frozenset[str]
    """Top-level modules that the code needs and that packages must bring."""
    left_out: tuple[tuple[str, str], ...]
    """Files and folders that stay behind, as seen from the project, each with the reason."""
    notes: tuple[str, ...]
    """What to know, and what does not stand in the way."""
    optional: frozenset[str] = frozenset()
    """Top-level modules that the code goes on without, or needs on some systems only."""


def collect_code(
    modules: Collection[str],
    *,
    root: Path,
    project: Path,
    settings: BundleSettings,
    named: Collection[Path] = (),
    taken: Mapping[str, str] | None = None,
) -> Code:
    """Finds the files that a job uses. Nothing of the project is run.

    Of a package that is used all files come, of other modules those that are imported. A module's
    path in the zip is as seen from where it is imported, other files' as seen from the project;
    included files that stand below ``root`` are seen from there.

    Args:
        modules: The modules to begin with: those that the plans and the pipeline name.
        root: The folder that they are imported from.
        project: The project's folder.
        settings: What the project says.
        named: Files and folders that the plans name.
        taken: Top-level modules of the packages in the zip, each with its distribution.

    Raises:
        BundleError: Something cannot travel; names all that cannot, with the way out.
    """
    collecting = _Collecting(root.absolute(), project.absolute(), settings, dict(taken or {}))
    collecting.follow({*modules, *collecting.packages_in(named)})
    for path in sorted(named):
        collecting.name(path)
    for pattern in settings.include:
        collecting.include(pattern)
    collecting.follow_rest()
    return collecting.code()


class _Collecting:
    def __init__(
        self, root: Path, project: Path, settings: BundleSettings, taken: dict[str, str]
    ) -> None:
        self._root, self._project = root, project
        self._modules = Modules(root, project, taken)
        self._taken = taken
        self._files = Files(project, root, settings)
        self._trees: dict[Path, Path] = {}  # packages that are in as a whole, and where they are
        self._read: set[Path] = set()  # files whose imports are known
        self._needed: set[str] = set()
        self._optional: set[str] = set()
        self._notes: list[str] = []

    # ------------------------------------------------------------ modules
    def packages_in(self, named: Collection[Path]) -> Iterator[str]:
        """The packages among what plans name: a worker finds those by their names."""
        for path in named:
            base = path
            while (base / "__init__.py").is_file():
                base = base.parent
            name = ".".join(path.relative_to(base).parts)
            module = self._find(name) if name else None
            if module is not None and module.path.parent == path:
                yield name

    def follow(self, modules: Collection[str]) -> None:
        """Takes the modules, and what they import."""
        for name in sorted(modules):
            top = name.partition(".")[0]
            if name == "__main__":
                self._files.fault(
                    "the agent is defined in a script, which no worker can import\n"
                    "  next: name it by its module: agents build MODULE:NAME"
                )
            elif self._find(name) is None:
                own = self._find(top) is not None
                self._needed |= set() if own else {top} - STANDARD
                if own or not self._modules.is_known(top):
                    self._files.fault(
                        f"there is no module {name!r}, neither in {self._root} nor in a package"
                    )
        self._import(((name, "the plan names it") for name in sorted(modules)), reached=True)

    def follow_rest(self) -> None:
        """Takes what modules import that nothing imports.

        A module of a package, or one that is included, may be imported by a name that is made at
        run time. What it needs of the project comes; packages that it needs are not asked for.
        """
        tried: set[str] = set()
        while rest := [one for one in self._unread() if one[0] not in tried]:
            tried |= {name for name, _ in rest}
            self._import(rest, reached=False)

    def _import(self, names: Iterable[tuple[str, str]], *, reached: bool) -> None:
        waiting = deque(names)
        seen: set[str] = set()
        while waiting:
            name, why = waiting.popleft()
            for one in prefixes(name):
                module = None if one in seen else self._find(one)
                seen.add(one)
                if module is None or module.kind == "namespace":
                    continue
                self._take(module, why)
                shown = self._files.shown(module.path)
                for found in self._imports_of(module, reached=reached):
                    where = f"{shown}, line {found.line}, imports it"
                    waiting += [
                        (own, where) for own in self._own(found, reached=reached) if own not in seen
                    ]

    def _own(self, found: Import, *, reached: bool) -> Iterator[str]:
        """The project's modules that an import may mean; others are noted."""
        top = found.module.partition(".")[0]
        if self._find(top) is not None:
            yield found.module
            yield from (f"{found.module}.{name}" for name in found.names)
        elif reached and top not in STANDARD:
            (self._optional if found.optional else self._needed).add(top)

    def _find(self, name: str) -> Module | None:
        try:
            return self._modules.find(name)
        except BundleError as error:
            self._files.fault(str(error))
            return None

    def _take(self, module: Module, why: str) -> None:
        """Takes a module: with the whole of the outermost package that it is in, or alone."""
        parts = module.name.split(".")
        folder = module.base
        for part in parts if module.kind == "package" else parts[:-1]:
            folder /= part
            if (folder / "__init__.py").is_file():
                if folder not in self._trees:
                    self._trees[folder] = folder.resolve()
                    path = f"{APP}/{folder.relative_to(module.base).as_posix()}"
                    self._files.add(folder, path, f"its package is used: {why}", "package")
                break
        # By itself too: it may stand in a folder of tests.
        path = f"{APP}/{module.path.relative_to(module.base).as_posix()}"
        self._files.add(module.path, path, why, "module")

    def _unread(self) -> list[tuple[str, str]]:
        """Modules of whole packages, and included ones, that nothing imports."""
        found = []
        for path, file in sorted(self._files.taken.items()):
            inner = PurePosixPath(path).relative_to(APP)
            parts = inner.with_suffix("").parts
            parts = parts[:-1] if inner.name == "__init__.py" else parts
            if (
                parts
                and inner.suffix == ".py"
                and file.source not in self._read
                and all(part.isidentifier() for part in parts)
                and (file.why.startswith(_INCLUDE) or self._is_in_tree(file))
            ):
                module = self._find(".".join(parts))
                if module is not None and module.path.resolve() == file.source:
                    found.append((module.name, file.why))
        return found

    def _is_in_tree(self, file: CodeFile) -> bool:
        return any(file.source.is_relative_to(tree) for tree in self._trees.values())

    def _imports_of(self, module: Module, *, reached: bool) -> Sequence[Import]:
        real = module.path.resolve()
        if real in self._read or module.kind == "extension":
            return ()
        self._read.add(real)
        shown = self._files.shown(module.path)
        try:
            source = real.read_bytes()
            if len(source) > _MAX_SOURCE:
                self._notes.append(f"{shown} is too large to be read for what it imports")
                return ()
            read = parse(source, module.name, package=module.kind == "package")
        except (SyntaxError, ValueError, OSError) as error:
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
            why = error.msg if isinstance(error, SyntaxError) else error
            if reached:
                self._files.fault(f"{shown}{line}: this is no Python ({why})")
            else:
                self._notes.append(f"{shown}{line}: this is no Python ({why}); nothing names it")
            return ()
        if reached:
            self._notes += [
                f"{shown}, line {line}, imports by a name that is made at run time: what it means "
                "travels only if something else imports it, or include names it"
                for line in read.unnamed
            ]
        return read.found

    # ------------------------------------------------------------ what is named and included
    def name(self, path: Path) -> None:
        """Takes a file or folder that a plan names."""
        shown = seen_from(path, self._project, self._root)
        if shown is None:
            self._files.fault(f"{path} is outside of the project, and cannot travel")
            return
        self._files.add(path, f"{APP}/{shown}", "the plan names it", "chosen")
        if reason := self._files.left_out.get(self._files.shown(path)):
            self._files.fault(
                f"the plan names {shown}, and it is left out ({reason})\n"
                "  next: include it by exactly that path in [tool.agents.bundle]"
            )

    def include(self, pattern: str) -> None:
        """Takes what a glob of ``include`` names."""
        if is_magic(pattern):
            found = list(self._files.matches(pattern.split("/")))
        else:
            found = [one for one in [self._project / pattern] if os.path.lexists(one)]
        if not found:
            self._files.fault(
                f"nothing in {self._project} is what include names: {pattern!r}\n"
                "  next: correct it in [tool.agents.bundle]; globs are seen from the project"
            )
        for path in found:
            # The code looks for it from where itself stands, if it stands there.
            shown = seen_from(path, self._root, self._project)
            self._files.add(path, f"{APP}/{shown}", f"{_INCLUDE}{pattern}", "chosen")

    def code(self) -> Code:
        """All that was found.

        Raises:
            BundleError: Something cannot travel.
        """
        taken = self._files.taken
        for text in hidden(taken.values(), self._taken):
            self._files.fault(text)
        if self._files.faults:
            lines = "\n".join(f"- {one}" for one in self._files.faults)
            raise BundleError(f"the job's own files cannot all travel:\n{lines}")
        twins = collision(taken)
        if twins:
            self._notes.append(
                f"{twins[0]} and {twins[1]} are one file on systems where case does not count"
            )
        odd = [path for path in sorted(taken) if _UNPORTABLE.search(path)]
        self._notes += [f"{path} has a name that some systems cannot hold" for path in odd]
        return Code(
            tuple(taken[path] for path in sorted(taken)),
            frozenset(self._needed),
            tuple(sorted(self._files.left_out.items())),
            tuple(self._notes),
            frozenset(self._optional - self._needed),
        )


def hidden(files: Iterable[CodeFile], taken: Mapping[str, str]) -> list[str]:
    """What is to be said of files that would hide a module of Python's or of a package.

    Args:
        files: The job's own files.
        taken: Top-level modules of the packages in the zip, each with its distribution.
    """
    found = {}
    for file in files:
        top, slash, inner = file.path.removeprefix(f"{APP}/").partition("/")
        name = top.removesuffix(".py")
        owner = owner_of(name, taken)
        if owner is not None and (inner == "__init__.py" or (not slash and top != name)):
            found[name] = hiding(f"{top}{slash}{inner}", name, owner)
    return [found[name] for name in sorted(found)]
