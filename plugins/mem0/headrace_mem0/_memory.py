"""The memory: its settings, and the ways between the event loop and mem0's threads."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import ResourceError
from headrace.filters import check_filter
from headrace.interfaces import MemoryBackend
from headrace.providers import Secrets, read_secrets
from headrace.scopes import part_of_scope, whole_scope
from headrace_mem0._learning import LONGEST, MOST, conversation, learned_id, outdated_memories
from headrace_mem0._settings import setting_faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from headrace.chat import Message
    from headrace.interfaces import MemoryItem
    from headrace_mem0._threads import Held

__all__ = ["Mem0Memory"]

TEXT = 1_000_000
"""The most characters that a memory may have."""


class Mem0Memory(MemoryBackend):
    """Long-term memory by mem0, with the agent's own models.

    Calls of the store run one after the other, on a thread of their own: mem0's client loses writes
    that it has acknowledged where several are under way. The embedded store is for one process.

    Args:
        path: The folder of an embedded qdrant; it is made where it is not there.
        embedder: The name of one of the agent's ``embedding_models``.
        model: The name of one of the agent's ``chat_models``, to ``learn`` with.
        provider: A store of mem0's.
        config: The settings of such a store, by mem0's names; none of them a secret.
        secrets: Settings whose values are secrets: the environment variable of each.
        dimensions: The length of the embedder's vectors; it is asked for one where ``None``.
        threshold: How near a memory must be to be found at all: cosine similarity, 0 to 1.
        timeout: Seconds to wait for another process to give the folder free.

    Attributes:
        clock: Gives the time, in seconds since the epoch.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        embedder: str,
        model: str | None = None,
        provider: str = "qdrant",
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        dimensions: int | None = None,
        threshold: float = 0.1,
        timeout: float = 10.0,
    ) -> None:
        self._path = path
        self._embedder = embedder
        self._model = model
        self._provider = provider
        self._config = dict(config or {})
        self._secret_names = dict(secrets or {})
        self._dimensions = dimensions
        self._threshold = threshold
        self._timeout = timeout
        self.clock: Callable[[], float] = time.time
        faults = setting_faults(
            path,
            provider,
            self._config,
            self._secret_names,
            {
                "dimensions": (dimensions, 1, 65_536),
                "threshold": (threshold, 0, 1),
                "timeout": (timeout, 0, 86_400),
            },
            {"embedder": embedder, "model": model},
        )
        if faults:
            raise ResourceError("the mem0 memory cannot be set up: " + "; ".join(faults))
        self._held: Held | None = None

    async def open(self) -> None:
        """Imports mem0 and opens its store; waits for the folder where another process has it.

        Raises:
            ResourceError: The agent has no such models, a secret is missing, or the store cannot be
                opened; the text says why.
            ModelError: The embedder gives no vector.
        """
        from headrace_mem0._threads import Held

        values = read_secrets(self._secret_names.values(), "the mem0 memory")
        embedder = await self.resource("embedding_models", self._embedder)
        name = self._model
        model = None if name is None else await self.resource("chat_models", name)
        held = Held(embedder, model)
        dimensions = self._dimensions or len(await held.embed("How long are you?"))
        config = {**self._config, **{n: values[at] for n, at in self._secret_names.items()}}
        folder = None if self._path is None else Path(self._path)
        if folder is not None:
            config = {"path": str(folder), "on_disk": True}
        failure = ""
        try:
            await held.open(self._provider, config, folder, dimensions, self._timeout)
        except ResourceError:
            raise
        except Exception as error:  # noqa: BLE001 - each of mem0's stores has its own
            failure = f"{type(error).__name__}: {Secrets(values.values()).hide(str(error))}"
        if failure:
            # Not raised above: the store's error would go along, and may hold a secret.
            raise ResourceError(f"mem0's store {self._provider} cannot be opened: {failure}")
        self._held = held

    async def close(self) -> None:
        """Ends what is being learned, closes the store, and gives its folder free."""
        held, self._held = self._held, None
        if held is not None:
            await held.close()

    # ------------------------------------------------------------ one memory
    async def add(
        self,
        scope: Mapping[str, str],
        item_id: str,
        text: str,
        metadata: Mapping[str, Any],
        *,
        expires: float | None = None,
        topic: str | None = None,
    ) -> None:
        """Keeps a text as it is; nothing happens where its id is there, or was superseded lately.

        Raises:
            ValueError: The scope is not whole, the text is empty or too long, or the metadata are
                no JSON.
        """
        whole = whole_scope(scope)
        stored = _stored(metadata)
        _check_text(text)
        _check_text(item_id, "item_id")
        held = self._opened()
        now = self.clock()
        if expires is not None and expires <= now:
            return
        if topic is None and await held.do(held.store.known, whole, item_id, now):
            return  # and no vector is paid for
        vector = await held.embed(text)
        await held.do(
            held.store.add, whole, item_id, text, stored, now, vector, expires=expires, topic=topic
        )

    async def get(self, scope: Mapping[str, str], item_id: str) -> MemoryItem | None:
        """The memory of an id, or ``None``."""
        whole = whole_scope(scope)
        held = self._opened()
        return await held.do(held.store.get, whole, item_id, self.clock())

    async def update(self, scope: Mapping[str, str], item_id: str, text: str) -> None:
        """Gives a memory another text.

        Raises:
            ValueError: The text is empty or too long.
        """
        whole = whole_scope(scope)
        _check_text(text)
        held = self._opened()
        vector = await held.embed(text)
        await held.do(held.store.update, whole, item_id, text, self.clock(), vector)

    async def delete(self, scope: Mapping[str, str], item_id: str) -> None:
        """Forgets a memory."""
        whole = whole_scope(scope)
        held = self._opened()
        await held.do(held.store.delete, whole, item_id, self.clock())

    # ------------------------------------------------------------ many
    async def search(
        self,
        scope: Mapping[str, str],
        query: str,
        limit: int,
        *,
        where: Mapping[str, Any] | None = None,
    ) -> list[MemoryItem]:
        """The memories nearest to a query; their ``score`` is mem0's.

        Raises:
            ValueError: The scope or the condition is none.
        """
        part = part_of_scope(scope)
        check_filter(where)
        held = self._opened()
        asked = query.strip()
        if limit < 1 or not asked:
            return []
        vector = await held.embedder.embed_query(asked)
        return await held.do(
            held.store.search, part, asked, limit, self.clock(), where, vector, self._threshold
        )

    async def export(self, scope: Mapping[str, str]) -> AsyncIterator[MemoryItem]:
        """All memories of a scope or of a part of one, oldest first; read at once."""
        part = part_of_scope(scope)
        held = self._opened()
        for item in await held.do(held.store.export, part, self.clock()):
            yield item

    async def erase(self, scope: Mapping[str, str]) -> int:
        """Forgets all memories of a scope or of a part of one.

        The files of the embedded store are written anew, so that nothing of them is left there. Of
        other stores it is theirs to clean up.

        Raises:
            ValueError: The scope is empty.
        """
        part = part_of_scope(scope)
        held = self._opened()
        return await held.do(held.store.erase, part, self.clock())

    # ------------------------------------------------------------ learning
    async def learn(
        self, scope: Mapping[str, str], item_id: str, messages: Sequence[Message]
    ) -> list[MemoryItem]:
        """Takes out of a conversation what is worth keeping, and forgets what it puts right.

        Learning the same ``item_id`` again gives what was learned then and is still there.

        Raises:
            ResourceError: No model is set up.
            ModelError: A model did not answer; nothing was changed.
        """
        from headrace_mem0._drafts import Draft

        whole = whole_scope(scope)
        _check_text(item_id, "item_id")
        held = self._opened()
        if held.model is None:
            raise ResourceError(
                "the mem0 memory has no model to learn with: name one of the agent's chat_models "
                "(model=...)"
            )
        said = conversation(messages)
        # One at a time in a scope: two that do not see each other would keep the same fact twice.
        async with held.turn(whole):
            now = self.clock()
            done = await held.do(held.store.learned, whole, item_id, now)
            if done is not None:
                return done
            draft = await held.extract(held.model, whole, said, now) if said else Draft()
            rows = {
                learned_id(item_id, payload["data"]): (vector, payload)
                for vector, payload in draft.rows[:MOST]
                if len(payload["data"]) <= LONGEST
            }
            old = [row.payload for row in draft.found]
            new = [payload["data"] for _, payload in rows.values()]
            gone = await outdated_memories(held.model, old, new)
            outdated = [old[number] for number in gone]
            await held.do(held.store.keep_learned, whole, item_id, rows, outdated, self.clock())
            return await held.do(held.store.learned, whole, item_id, self.clock()) or []

    def _opened(self) -> Held:
        if self._held is None:
            raise ResourceError("the mem0 memory is not open: await memory.open() first")
        return self._held


def _check_text(text: str, what: str = "text") -> None:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"the {what} of a memory is empty")
    if len(text) > TEXT:
        raise ValueError(f"the {what} of a memory has {len(text)} characters; {TEXT} at most")
    text.encode()  # a lone half of a surrogate pair is a ValueError too


def _stored(metadata: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(metadata), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the metadata of a memory are no JSON: {error}") from None
