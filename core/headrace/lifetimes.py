"""How long names in short-term memory live, and what makes their time begin anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FOR_EVER", "Lifetime", "Lifetimes", "Refresh"]

Refresh = Literal["write", "read"]
"""What makes a name's time begin anew: a write, or a read of its value too."""


class Lifetime(BaseModel):
    """How long a name lives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ttl: float | None = Field(default=None, gt=0)
    """Seconds; ``None``: for ever."""
    refresh: Refresh = "write"
    """What makes the time begin anew: ``write``, or ``read``: a read of the value too."""


FOR_EVER = Lifetime()


class Lifetimes:
    """The lifetimes of an agent's names.

    Args:
        usual: Of all names that are not in ``by_name``.
        by_name: By the name, or the first part of a path.
    """

    __slots__ = ("by_name", "usual")

    def __init__(
        self, usual: Lifetime = FOR_EVER, by_name: Mapping[str, Lifetime] | None = None
    ) -> None:
        self.usual = usual
        self.by_name = dict(by_name or {})

    def of(self, name: str) -> Lifetime:
        """The lifetime of a name, or of all paths that begin with it."""
        return self.by_name.get(name, self.usual)
