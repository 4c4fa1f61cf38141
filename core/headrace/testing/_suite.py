"""What every conformance class shares."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

__all__ = ["Suite"]

T = TypeVar("T")


class Suite:
    """The base of the conformance classes.

    An author subclasses one in a test module, says how to make the plugin's object, and pytest
    finds the inherited tests. A test that cannot hold is overridden, and ``exceptions`` says why.
    """

    exceptions: ClassVar[Mapping[str, str]] = {}
    """For each standard test that the subclass replaces or drops: why."""

    @staticmethod
    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine to its end, on an event loop of its own, within a minute."""

        async def bounded() -> T:
            return await asyncio.wait_for(coroutine, 60)

        return asyncio.run(bounded())

    def test_every_standard_test_is_there(self) -> None:
        """If this fails: a standard test was replaced or dropped, and ``exceptions`` is silent."""
        standard = {
            name
            for base in type(self).__mro__
            if base.__module__.startswith("headrace.testing")
            for name in vars(base)
            if name.startswith("test_")
        }
        changed = {
            name
            for name in standard
            if not inspect.getmodule(getattr(type(self), name, None)).__name__.startswith(  # type: ignore[union-attr]
                "headrace.testing"
            )
        }
        unexplained = sorted(changed - self.exceptions.keys())
        assert not unexplained, (
            f"say in `exceptions` why these are not the standard's: {unexplained}"
        )
        unknown = sorted(self.exceptions.keys() - changed)
        assert not unknown, f"`exceptions` names what is not changed: {unknown}"
