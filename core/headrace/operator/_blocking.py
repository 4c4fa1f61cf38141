"""The context of actions and tools that run in threads."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.context import LongTermMemory
    from headrace.operator._context import RunContext

__all__ = ["BlockingContext"]


class BlockingContext:
    """The context for actions in threads: the same, and its calls wait instead of being awaited."""

    def __init__(self, context: RunContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop

    @property
    def long_term(self) -> Any:
        """The long-term memory of this key; its methods wait."""
        return self._waiting_memory(self._context.long_term)

    def _waiting_memory(self, memory: LongTermMemory) -> Any:
        waiting = {
            name: self._waiting(getattr(memory, name))
            for name in ("add", "learn", "search", "get", "update", "delete", "export", "erase")
        }
        return SimpleNamespace(**waiting, of=lambda name: self._waiting_memory(memory.of(name)))

    @staticmethod
    def gather(*results: Any) -> list[Any]:
        """The results of several calls; here each was made when it was written."""
        return list(results)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._context, name)
        return (
            self._waiting(value) if name in {"agent", "call", "chat", "tool", "resource"} else value
        )

    def _waiting(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        def wait(*args: Any, **kwargs: Any) -> Any:
            async def make() -> Any:
                self._context._run.operator.hold_thread()  # noqa: SLF001 - one part with it
                return await method(*args, **kwargs)

            return asyncio.run_coroutine_threadsafe(make(), self._loop).result()

        return wait
