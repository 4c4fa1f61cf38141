"""The values of discovery: what a plugin is, and what was found out about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NewType

__all__ = [
    "BrokenDistribution",
    "DistributionName",
    "Kind",
    "ListedPlugin",
    "Plugin",
    "Reading",
    "Stamp",
    "State",
    "normalise",
]

DistributionName = NewType("DistributionName", str)
"""A distribution's name that is already normalised: lower case, one hyphen for ``-_.``."""

State = Literal["ready", "conflict", "unchosen", "blocked", "incompatible"]
"""How a listed plugin stands.

``conflict``: another distribution has one of this kind and name, and no pin chooses.
``unchosen``: a pin chooses another distribution.
"""

Stamp = tuple[int, int, int, int]
"""Of a file: time written, time of its last status change (both ns), bytes, inode."""

_SEPARATORS = re.compile(r"[-_.]+")


def normalise(name: str) -> DistributionName:
    """Give a distribution's name the one form under which it is compared (PEP 503)."""
    return DistributionName(_SEPARATORS.sub("-", name).lower())


class Kind(str, Enum):
    """What a plugin provides; its entry-point group is ``headrace.`` and the value."""

    SKILLS = "skills"
    TOOLS = "tools"
    CHAT_MODELS = "chat_models"
    EMBEDDING_MODELS = "embedding_models"
    VECTOR_STORES = "vector_stores"
    MEMORY = "memory"
    ACTION_STORES = "action_stores"
    SANDBOXES = "sandboxes"
    SOURCES = "sources"
    SINKS = "sinks"
    HOOKS = "hooks"
    PROMPTS = "prompts"

    def __str__(self) -> str:
        return self.value

    @property
    def group(self) -> str:
        """The entry-point group, such as ``headrace.chat_models``."""
        return f"headrace.{self.value}"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of an installed distribution, known by its metadata alone."""

    kind: Kind
    """What it provides."""
    name: str
    """The entry point's name, as written."""
    distribution: DistributionName
    """The distribution that it comes from."""
    version: str
    """That distribution's version, as written in its metadata."""
    value: str
    """The entry point's value, ``module:attribute``."""
    origin: str
    """The distribution's ``.dist-info`` folder (or, in a zip, the path that leads there)."""
    editable: bool = False
    """Whether it was installed editable, by its ``direct_url.json``."""
    requires_core: str | None = None
    """The versions of ``headrace-core`` that it asks for, such as ``<0.2,>=0.1``."""

    @property
    def key(self) -> str:
        """Kind and name as pins and patterns write them, such as ``chat_models.openai``."""
        return f"{self.kind.value}.{self.name}"

    @property
    def source(self) -> str:
        """The distribution and its version, for people to read."""
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True)
class BrokenDistribution:
    """A distribution that has plugins for headrace and whose metadata is at fault."""

    distribution: DistributionName
    """Its name, as far as it can be told."""
    origin: str
    """The folder of its metadata."""
    reason: str
    """What is wrong, in one sentence."""


@dataclass(frozen=True, slots=True)
class ListedPlugin:
    """A plugin in a listing, with how it stands there."""

    plugin: Plugin
    """The plugin."""
    state: State
    """Whether it can be had by its name, and if not, for what reason."""
    why: str = ""
    """The reason in words; empty for one that is ready."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a path's distributions say of themselves."""

    plugins: tuple[Plugin, ...]
    """All plugins of distributions whose metadata could be read."""
    broken: tuple[BrokenDistribution, ...]
    """Distributions with plugins whose metadata could not."""
    watched: dict[str, Stamp | None]
    """Files looked at beside those in the listing, with their stamps before that."""
