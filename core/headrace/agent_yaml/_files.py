"""Several files read together: what each holds, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from headrace.agent_yaml._faults import content_faults
from headrace.agent_yaml._form import YamlFile
from headrace.agent_yaml._reading import NAME, Places, place_of, plain, tree
from headrace.errors import Fault, PlanError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Part", "Read", "read_file", "read_files", "read_text"]

T = TypeVar("T")


@dataclass(frozen=True)
class Read:
    """A file's content, with the place of each part."""

    where: str
    """The file."""
    content: YamlFile
    """What it holds."""
    places: Places
    """The places, by path."""

    def place(self, *path: Any) -> str:
        """File, line and column of the nearest part of a path that the file has."""
        return place_of(path, self.places, self.where)


@dataclass(frozen=True)
class Part(Generic[T]):
    """A part of a file."""

    value: T
    """What it says."""
    read: Read
    """The file."""
    path: tuple[Any, ...]
    """Where in the file it is."""

    def place(self, *further: Any) -> str:
        """File, line and column."""
        return self.read.place(*self.path, *further)

    @property
    def named(self) -> str:
        """File, line and column of its name."""
        return self.read.place(*self.path, NAME)


def read_file(path: str | Path) -> Read:
    """Reads a file.

    Raises:
        PlanError: With all that is wrong in it by itself.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        fault = Fault(str(path), f"cannot be read: {error.strerror}")
        raise PlanError(path.name, [fault]) from None
    return read_text(data, str(path))


def read_files(paths: Iterable[str | Path]) -> list[Read]:
    """Reads files.

    Raises:
        PlanError: With all that is wrong in any of them.
    """
    found: list[Read] = []
    faults: list[Fault] = []
    label = ""
    for path in paths:
        label = label or Path(path).name
        try:
            found.append(read_file(path))
        except PlanError as error:
            faults += error.faults
    if faults:
        raise PlanError(label, faults)
    return found


def read_text(data: bytes | str, where: str) -> Read:
    """Reads a text.

    Raises:
        PlanError: With all that is wrong in it by itself.
    """
    root = tree(data, where)
    places: Places = {}
    faults: list[Fault] = []
    content = plain(root, (), where, places, faults)
    if faults:
        raise PlanError(where, faults)
    try:
        return Read(where, YamlFile.model_validate(content), places)
    except ValidationError as error:
        raise PlanError(where, content_faults(error.errors(), places, where)) from None
