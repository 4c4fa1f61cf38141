"""Types whose values are kept."""

from __future__ import annotations

import dataclasses
import enum
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, RootModel

T = TypeVar("T")


class Colour(enum.Enum):
    """An enum."""

    RED = "r"
    BLUE = 2


class Rights(enum.Flag):
    """A flag."""

    READ = enum.auto()
    WRITE = enum.auto()


class Level(enum.IntEnum):
    """Numbers with names."""

    LOW = 1


class Point(BaseModel):
    """A model."""

    x: int
    label: str = ""


class Tree(BaseModel):
    """A nested model with an alias."""

    children: list[Tree] = []
    at: Annotated[Point | None, Field(alias="position")] = None
    anything: Any = None


class Open(BaseModel):
    """Takes what it does not know."""

    model_config = ConfigDict(extra="allow")
    x: int = 0


class Names(RootModel[list[str]]):
    """A model of one value."""


class Box(BaseModel, Generic[T]):
    """A generic model."""

    value: T


class Secretive(BaseModel):
    """Has a private part."""

    x: int = 0
    _seen: int = PrivateAttr(default=0)


@dataclasses.dataclass
class Pair:
    """A dataclass."""

    left: Any
    right: Any = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A frozen dataclass with a field that its constructor does not take."""

    name: str
    made: str = dataclasses.field(default="", init=False)


class Outer:
    """Holds a class."""

    @dataclasses.dataclass
    class Inner:
        """A nested one."""

        n: int
