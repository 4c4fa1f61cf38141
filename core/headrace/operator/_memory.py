"""Long-term memory through the agent's ``memory`` resource, every call of it durable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.chat import Message, Usage
from headrace.context import Learned, LongTermMemory
from headrace.errors import ResourceError
from headrace.interfaces import MemoryItem
from headrace.memory_events import (
    MemoryAddedEvent,
    MemoryDeletedEvent,
    MemorySearchedEvent,
    MemoryUpdatedEvent,
)
from headrace.metering import METER
from headrace.operator._spending import Spending
from headrace.values import digest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from headrace.interfaces import MemoryBackend
    from headrace.operator._context import RunContext
    from headrace.operator._operator import Operator

__all__ = ["LongTerm"]


class _Learning:
    """Counts what a memory's model costs, within the budgets of the run."""

    def __init__(self, context: RunContext, operator: Operator) -> None:
        self.usage = Usage()
        self._spending = Spending(context, operator)

    def begin(self) -> None:
        """Refuses a request that the budget has no room for."""
        self._spending.begin()

    def add(self, usage: Usage) -> None:
        """Counts an answer."""
        self.usage = self.usage + usage
        self._spending.add(usage, "a model of the long-term memory")


class LongTerm(LongTermMemory):
    """The long-term memory of one key."""

    __slots__ = ("_context", "_key", "_operator", "_set")

    def __init__(self, context: RunContext, operator: Operator, key: str, of: str = "") -> None:
        self._context = context
        self._operator = operator
        self._key = key
        self._set = of

    def of(self, name: str, /) -> LongTerm:
        """A named set of memories."""
        if not name:
            raise ValueError("a named set of memories has a name: ctx.long_term.of('facts')")
        return LongTerm(self._context, self._operator, self._key, name)

    async def add(
        self,
        text: str,
        *,
        user: str | None = None,
        topic: str | None = None,
        ttl: float | None = None,
        **metadata: Any,
    ) -> str:
        """Keeps a text; its id is made of the run and the text, so a replay adds nothing twice."""
        scope = self._scope(user)
        item_id = self._id(scope, text, metadata, topic, ttl)

        async def make(backend: MemoryBackend) -> None:
            expires = None if ttl is None else self._operator.clock() + ttl
            await backend.add(scope, item_id, text, metadata, expires=expires, topic=topic)

        await self._durable("add", [scope, item_id, text, metadata, topic, ttl], make)
        self._context.tell(MemoryAddedEvent(user=user, ids=(item_id,)))
        return item_id

    async def learn(self, messages: str | Sequence[Message], *, user: str | None = None) -> Learned:
        """Takes out of a conversation what is worth keeping."""
        scope = self._scope(user)
        said = (Message(role="user", content=messages),) if isinstance(messages, str) else messages
        data = [message.model_dump(mode="json") for message in said]
        item_id = self._id(scope, data)

        async def make(backend: MemoryBackend) -> dict[str, Any]:
            meter = _Learning(self._context, self._operator)
            token = METER.set(meter)
            try:
                items = [dict(item) for item in await backend.learn(scope, item_id, tuple(said))]
            finally:
                METER.reset(token)
            telling = self._operator.telling
            if telling.on and meter.usage.tokens:
                telling.used(self._context.task, "memory", meter.usage)
            return {"items": items, "usage": meter.usage.model_dump(exclude_defaults=True)}

        learned = await self._durable("learn", [scope, item_id, data], make)
        found = learned["items"]
        self._context.tell(MemoryAddedEvent(user=user, ids=tuple(item["id"] for item in found)))
        return Learned((MemoryItem(item) for item in found), Usage(**learned["usage"]))

    async def search(
        self,
        query: str,
        *,
        limit: int = 5,
        user: str | None = None,
        where: Mapping[str, Any] | None = None,
        all_keys: bool = False,
        all_sets: bool = False,
    ) -> list[MemoryItem]:
        """The memories nearest to a query, best first."""
        scope = self._scope(user, all_keys=all_keys, all_sets=all_sets)
        narrowed = None if where is None else dict(where)

        async def make(backend: MemoryBackend) -> list[dict[str, Any]]:
            return [dict(item) for item in await backend.search(scope, query, limit, where=where)]

        found = await self._durable("search", [scope, query, limit, narrowed], make)
        ids = tuple(item["id"] for item in found)
        self._context.tell(MemorySearchedEvent(user=user, query=query, ids=ids))
        return [MemoryItem(item) for item in found]

    async def get(self, item_id: str, *, user: str | None = None) -> MemoryItem | None:
        """The memory of an id, or ``None``."""
        scope = self._scope(user)

        async def make(backend: MemoryBackend) -> dict[str, Any] | None:
            item = await backend.get(scope, item_id)
            return None if item is None else dict(item)

        found = await self._durable("get", [scope, item_id], make)
        return None if found is None else MemoryItem(found)

    async def update(self, item_id: str, text: str, *, user: str | None = None) -> None:
        """Gives a memory another text."""
        scope = self._scope(user)
        await self._durable(
            "update", [scope, item_id, text], lambda backend: backend.update(scope, item_id, text)
        )
        self._context.tell(MemoryUpdatedEvent(user=user, id=item_id))

    async def delete(self, item_id: str, *, user: str | None = None) -> None:
        """Forgets a memory."""
        scope = self._scope(user)
        await self._durable(
            "delete", [scope, item_id], lambda backend: backend.delete(scope, item_id)
        )
        self._context.tell(MemoryDeletedEvent(user=user, id=item_id, count=1))

    async def export(
        self, *, user: str | None = None, all_keys: bool = False, all_sets: bool = False
    ) -> list[MemoryItem]:
        """All memories of the key, or of all keys."""
        scope = self._scope(user, all_keys=all_keys, all_sets=all_sets)

        async def make(backend: MemoryBackend) -> list[dict[str, Any]]:
            return [dict(item) async for item in backend.export(scope)]

        return [MemoryItem(item) for item in await self._durable("export", [scope], make)]

    async def erase(
        self, *, user: str | None = None, all_keys: bool = False, all_sets: bool = False
    ) -> int:
        """Forgets them all."""
        scope = self._scope(user, all_keys=all_keys, all_sets=all_sets)
        count: int = await self._durable("erase", [scope], lambda backend: backend.erase(scope))
        self._context.tell(MemoryDeletedEvent(user=user, id=None, count=count))
        return count

    def _scope(
        self, user: str | None, *, all_keys: bool = False, all_sets: bool = False
    ) -> dict[str, str]:
        agent = {"agent": self._context.identity}
        key = {} if all_keys else {"key": self._key}
        of = {} if all_sets else {"set": self._set}
        return {**agent, **key, "user": user or "", **of}

    def _id(self, *content: Any) -> str:
        return digest([self._context.run_id, self._context.event_id, *content])

    def _durable(
        self,
        verb: str,
        identity: list[Any],
        make: Callable[[MemoryBackend], Awaitable[Any]],
    ) -> Awaitable[Any]:
        async def asked() -> Any:
            names = self._context.resources.names("memory")
            if len(names) != 1:
                raise ResourceError(
                    "ctx.long_term needs one resource of the kind 'memory', and the agent has "
                    f"{', '.join(names) or 'none'}: declare it by use('memory', ...)"
                )
            return await make(await self._context.resources.get("memory", names[0]))

        return self._context.durable(f"memory:{verb}", identity, asked)
