"""Where a project's requirements stand, and which projects' are not edited here.

Every refusal gives the line to add and the place for it: the tool that owns the place knows how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from headrace_registry.errors import ProjectFileError
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Document", "problem", "read_document", "requirements"]

DEPENDENCIES = ("project", "dependencies")


@dataclass(frozen=True, slots=True)
class Document:
    """A ``pyproject.toml`` that was read."""

    path: Path
    """The file, for errors."""
    mark: str
    """The byte order mark that it begins with, or nothing."""
    text: str
    """What follows, its last line ended too; without Windows' line ends where all are so."""
    data: dict[str, Any]
    """What it says."""
    newline: str = "\n"
    """What ends its lines."""
    is_ended: bool = True
    """Whether its last line is ended."""

    def table(self, *path: str) -> dict[str, Any]:
        """A table; empty where there is none, or something else."""
        found: Any = self.data
        for name in path:
            found = found.get(name, {}) if isinstance(found, dict) else {}
        return found if isinstance(found, dict) else {}

    def line(self, *path: str) -> int:
        """The line of a path, or of what it stands in; 1 where there is neither."""
        from headrace_registry.projects._places import line_of

        try:
            return line_of(self.text, path)
        except ValueError:
            return 1

    def item_line(self, number: int) -> int:
        """The line of a requirement."""
        from headrace_registry.projects._places import item_line

        try:
            return item_line(self.text, DEPENDENCIES, number)
        except ValueError:
            return 1

    def whole(self) -> str:
        """All of the file, as it is to be written."""
        text = self.text if self.is_ended else self.text.removesuffix("\n")
        return self.mark + text.replace("\n", self.newline)


def read_document(path: Path, text: str) -> Document:
    """Read the text of a ``pyproject.toml``.

    Raises:
        ProjectFileError: It is no TOML.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    plain = text[len(mark) :]
    try:
        data = parse_toml(plain)
    except ValueError as error:
        raise ProjectFileError(
            f"{path} is not TOML that can be read: {error}\n  next: mend it, and try again"
        ) from None
    newline = "\n"
    if "\r\n" in plain and plain.count("\r\n") == plain.count("\n"):
        newline, plain = "\r\n", plain.replace("\r\n", "\n")
    is_ended = not plain or plain.endswith("\n")
    return Document(path, mark, plain if is_ended else f"{plain}\n", data, newline, is_ended)


def requirements(path: Path, text: str) -> tuple[tuple[Requirement, ...], str]:
    """What a project requires, and the Pythons that it is for.

    Args:
        path: The file, for errors.
        text: What it says.

    Returns:
        The requirements in their order, and ``requires-python``, empty where it is not said. A
        file without ``[project]`` requires nothing.

    Raises:
        ProjectFileError: It cannot be read, or its requirements stand elsewhere.
    """
    document = read_document(path, text)
    if "project" not in document.data and not document.table("tool", "poetry"):
        return (), ""
    refuse_foreign(document, ())
    found = []
    for number, said in enumerate(listed(document)):
        try:
            found.append(Requirement(said))
        except InvalidRequirement as error:
            line = document.item_line(number)
            why = str(error).splitlines()[0]
            raise problem(document, line, f"{said!r} is no requirement", why=why) from None
    python = document.table("project").get("requires-python", "")
    if not isinstance(python, str):
        raise problem(
            document, document.line("project", "requires-python"), "requires-python is no text"
        )
    return tuple(found), python


def listed(document: Document) -> list[str]:
    """The requirements as they are written.

    Raises:
        ProjectFileError: They are no list of texts.
    """
    said = document.table("project").get("dependencies", [])
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise problem(
            document,
            document.line(*DEPENDENCIES),
            "project.dependencies is no list of texts",
            then='write it as dependencies = ["NAME>=VERSION"]',
        )
    return said


def refuse_foreign(document: Document, wanted: Sequence[str]) -> None:
    """Refuse a project whose requirements stand elsewhere than in ``[project]``.

    Args:
        document: The file.
        wanted: What would be added, for what to type.

    Raises:
        ProjectFileError: With the line to add by hand, and where.
    """
    asked = list(wanted) or ["NAME"]
    project, poetry = document.data.get("project"), document.table("tool", "poetry")
    if project is not None and not isinstance(project, dict):
        raise problem(document, document.line("project"), "project is no table")
    dynamic = (project or {}).get("dynamic", [])
    is_dynamic = isinstance(dynamic, list) and "dependencies" in dynamic
    own = set(document.table("tool", "poetry", "dependencies")) - {"python"}
    if poetry and (project is None or is_dynamic or (own and "dependencies" not in project)):
        raise problem(
            document,
            document.line("tool", "poetry", "dependencies"),
            "this project's dependencies are Poetry's own",
            why="they are not in [project], where every tool reads them",
            then="\n".join(f"poetry add {_quoted(one)}" for one in asked),
        )
    if is_dynamic:
        raise _dynamic(document, asked)
    if project is None:
        raise _without_project(document, asked)


def _dynamic(document: Document, asked: Sequence[str]) -> ProjectFileError:
    line = document.line("project", "dynamic")
    said = document.table("tool", "setuptools", "dynamic", "dependencies").get("file", [])
    files = [said] if isinstance(said, str) else [one for one in said if isinstance(one, str)]
    if files:
        return problem(
            document,
            line,
            f"this project's dependencies are read from {', '.join(files)}",
            why="project.dynamic says that the build makes them",
            then=f"add to {files[0]}:\n" + "\n".join(asked),
        )
    return problem(
        document,
        line,
        "this project's dependencies are dynamic: its build makes them",
        then="add where they come from:\n" + "\n".join(asked),
    )


def _without_project(document: Document, asked: Sequence[str]) -> ProjectFileError:
    line = f"dependencies = [{', '.join(map(_double, asked))}]"
    members = document.table("tool", "uv", "workspace").get("members")
    if members is not None:
        named = ", ".join(map(str, members)) if isinstance(members, list) else str(members)
        return problem(
            document,
            document.line("tool", "uv", "workspace"),
            "this is the root of a workspace, and no project itself",
            why=f"it has no [project]; its members are {named}",
            then="go into the member that has the agent, and type the same there",
        )
    flit = document.table("tool", "flit", "metadata")
    if flit:
        return problem(
            document,
            document.line("tool", "flit", "metadata"),
            "this project's dependencies are in flit's old form",
            then="add to [tool.flit.metadata] requires:\n" + ", ".join(map(_double, asked)),
        )
    why = "it has no [project], where dependencies stand for every tool"
    if document.table("tool", "hatch", "envs"):
        why += "; those of [tool.hatch.envs] are an environment's own"
    return problem(
        document,
        1,
        "this file says nothing of a project",
        why=why,
        then=f'add:\n[project]\nname = "NAME"\nversion = "0.1.0"\n{line}',
    )


def problem(
    document: Document, line: int, what: str, *, why: str = "", then: str = ""
) -> ProjectFileError:
    """An error with its place, its reason and what to do."""
    parts = [f"{what}\n  where: {document.path}, line {line}"]
    for name, text in (("why", why), ("next", then)):
        if text:
            parts.append(f"  {name + ':':<7}" + text.replace("\n", "\n" + " " * 9))
    return ProjectFileError("\n".join(parts))


def _quoted(text: str) -> str:
    """As a shell takes it."""
    return "'" + text.replace("'", '"') + "'"


def _double(text: str) -> str:
    """As TOML takes it."""
    return '"' + text.replace('"', "'") + '"'
