"""Long-term memory through the agent's ``memory`` resource, every call of it durable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.context import LongTermMemory
from headrace.errors import ResourceError
from headrace.values import digest

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from headrace.interfaces import MemoryBackend, MemoryItem
    from headrace.operator._context import RunContext
    from headrace.operator._operator import Operator

__all__ = ["LongTerm"]


class LongTerm(LongTermMemory):
    """The long-term memory of one key."""

    __slots__ = ("_added", "_context", "_key", "_operator")

    def __init__(self, context: RunContext, operator: Operator, key: str) -> None:
        self._context = context
        self._operator = operator
        self._key = key

    async def add(self, text: str, *, user: str | None = None, **metadata: Any) -> str:
        """Keeps a text; its id is made of the run and the text, so a replay adds nothing twice."""
        scope = self._scope(user)
        item_id = digest([self._context.run_id, self._context.event_id, scope, text, metadata])
        await self._durable("add", scope, item_id, text, metadata)
        return item_id

    async def search(
        self, query: str, *, limit: int = 5, user: str | None = None
    ) -> list[MemoryItem]:
        """The memories nearest to a query, best first."""
        found: list[MemoryItem] = await self._durable("search", self._scope(user), query, limit)
        return found

    async def get(self, item_id: str, *, user: str | None = None) -> MemoryItem | None:
        """The memory of an id, or ``None``."""
        found: MemoryItem | None = await self._durable("get", self._scope(user), item_id)
        return found

    async def update(self, item_id: str, text: str, *, user: str | None = None) -> None:
        """Gives a memory another text."""
        await self._durable("update", self._scope(user), item_id, text)

    async def delete(self, item_id: str, *, user: str | None = None) -> None:
        """Forgets a memory."""
        await self._durable("delete", self._scope(user), item_id)

    def _scope(self, user: str | None) -> dict[str, str]:
        scope = {"agent": self._operator.plan.name, "key": self._key}
        return scope if user is None else {**scope, "user": user}

    def _durable(self, verb: str, *arguments: Any) -> Awaitable[Any]:
        async def make() -> Any:
            names = self._operator.resources.names("memory")
            if len(names) != 1:
                raise ResourceError(
                    "ctx.long_term needs one resource of the kind 'memory', and the agent has "
                    f"{', '.join(names) or 'none'}: declare it by use('memory', ...)"
                )
            backend: MemoryBackend = await self._operator.resources.get("memory", names[0])
            result = await getattr(backend, verb)(*arguments)
            return (
                [dict(item) for item in result]
                if verb == "search"
                else (dict(result) if verb == "get" and result is not None else result)
            )

        return self._context.durable(f"memory:{verb}", list(arguments), make)
