"""Counting what models cost that a run does not ask itself: a memory does, on its behalf."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headrace.chat import Usage

__all__ = ["METER", "Meter"]


class Meter(Protocol):
    """Is told of each request of a model."""

    def begin(self) -> None:
        """Told before a request is made.

        Raises:
            BudgetExceededError: No further one may be made.
        """

    def add(self, usage: Usage) -> None:
        """Told of what it cost."""


METER: ContextVar[Meter | None] = ContextVar("headrace-meter", default=None)
"""Set while something is called that may ask models by itself."""
