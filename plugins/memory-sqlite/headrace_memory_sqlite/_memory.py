"""The memory: its settings, and the way to the thread that has the file."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.errors import HeadraceError, ResourceError
from headrace.filters import check_filter
from headrace.interfaces import MemoryBackend
from headrace.scopes import part_of_scope, whole_scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from headrace.interfaces import EmbeddingModel, MemoryItem
    from headrace_memory_sqlite._store import Store

__all__ = ["SqliteMemory"]

T = TypeVar("T")

LONGEST = 1_000_000
"""The most characters that a memory may have."""


class SqliteMemory(MemoryBackend):
    """Long-term memory in one SQLite file, found by words; no model is needed.

    Several processes may have the file open. Calls run one after the other, on a thread of their
    own, and each is committed to the disk before it returns.

    Args:
        path: The file; it and its folder are made where they are not there.
        embedder: The name of one of the agent's ``embedding_models``: then memories are also found
            by the nearness of vectors, and the two rankings are merged. Needs numpy (the extra
            ``vectors``).
        timeout: Seconds to wait while another process writes.

    Attributes:
        clock: Gives the time, in seconds since the epoch.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(self, path: str, *, embedder: str | None = None, timeout: float = 30.0) -> None:
        self._path = path
        self._embedder = embedder
        self._timeout = timeout
        self.clock: Callable[[], float] = time.time
        self._store: Store | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._model: EmbeddingModel | None = None
        if faults := self._faults():
            raise ResourceError("the sqlite memory cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Opens the file, and makes it where it is not there.

        Raises:
            ResourceError: It cannot be opened or is something else; or the agent has no such
                embedder.
        """
        from headrace_memory_sqlite._store import Store

        if self._embedder is not None:
            _need_numpy()
            self._model = await self.resource("embedding_models", self._embedder)
        # One thread: a connection of SQLite's is no place for two, and writes wait in line anyway.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="headrace-memory")
        try:
            self._store = await self._do(Store, self._path, self._timeout)
        except (OSError, sqlite3.Error) as error:
            raise ResourceError(f"{self._path} cannot be opened as a memory: {error}") from error
        finally:
            if self._store is None:
                self._thread.shutdown(wait=False)

    async def close(self) -> None:
        """Closes the file, after the calls that are under way."""
        store, self._store = self._store, None
        thread, self._thread = self._thread, None
        if store is not None and thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, store.close)
            thread.shutdown(wait=False)

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
        """Keeps a text; nothing happens where its id is there, or was superseded lately.

        Raises:
            ValueError: The scope is not whole, the text is empty or too long, or the metadata are
                no JSON.
        """
        whole = whole_scope(scope)
        stored = _stored(metadata)
        _check_text(text)
        _check_text(item_id, "item_id")
        now = self.clock()
        if (expires is not None and expires <= now) or (
            self._model is not None and await self._call("known", whole, item_id)
        ):
            self._opened()
            return
        vector = await self._vector(text)
        await self._call(
            "add", whole, item_id, text, stored, now, expires=expires, topic=topic, vector=vector
        )

    async def search(
        self,
        scope: Mapping[str, str],
        query: str,
        limit: int,
        *,
        where: Mapping[str, Any] | None = None,
    ) -> list[MemoryItem]:
        """The memories nearest to a query.

        Their ``score`` is relative to the best one that was found.

        Raises:
            ValueError: The scope or the condition is none.
        """
        part = part_of_scope(scope)
        check_filter(where)
        self._opened()
        if limit < 1 or not query.strip():
            return []
        vector = await self._vector(query, query=True)
        found: list[MemoryItem] = await self._call(
            "search", part, query, limit, self.clock(), where, vector
        )
        return found

    async def get(self, scope: Mapping[str, str], item_id: str) -> MemoryItem | None:
        """The memory of an id, or ``None``."""
        found: MemoryItem | None = await self._call(
            "get", whole_scope(scope), item_id, self.clock()
        )
        return found

    async def update(self, scope: Mapping[str, str], item_id: str, text: str) -> None:
        """Gives a memory another text.

        Raises:
            ValueError: The text is empty or too long.
        """
        whole = whole_scope(scope)
        _check_text(text)
        vector = await self._vector(text)
        await self._call("update", whole, item_id, text, self.clock(), vector)

    async def delete(self, scope: Mapping[str, str], item_id: str) -> None:
        """Forgets a memory."""
        await self._call("delete", whole_scope(scope), item_id, self.clock())

    async def export(self, scope: Mapping[str, str]) -> AsyncIterator[MemoryItem]:
        """All memories of a scope or of a part of one, oldest first, read page by page."""
        part = part_of_scope(scope)
        now = self.clock()
        after: tuple[float, int] | None = (-math.inf, 0)
        while after is not None:
            items, after = await self._call("page", part, after, now)
            for item in items:
                yield item

    async def erase(self, scope: Mapping[str, str]) -> int:
        """Forgets all memories of a scope or of a part of one, in the file too.

        That rewrites the file, so it takes the longer the larger it is.

        Raises:
            ValueError: The scope is empty.
            HeadraceError: They are forgotten, but another process kept the file from being cleaned
                for ``timeout`` seconds: erase again.
        """
        count: int = await self._call("erase", part_of_scope(scope), self.clock())
        return count

    def _faults(self) -> list[str]:
        faults = []
        if not isinstance(self._path, str) or not self._path.strip() or "\x00" in self._path:
            faults.append("path names no file")
        if self._embedder is not None and not str(self._embedder).strip():
            faults.append("embedder is empty: name one of the agent's embedding_models")
        if not isinstance(self._timeout, (int, float)) or not 0 <= self._timeout < math.inf:
            faults.append("timeout is no number of seconds")
        return faults

    def _opened(self) -> Store:
        if self._store is None:
            raise ResourceError("the sqlite memory is not open: await memory.open() first")
        return self._store

    async def _vector(self, text: str, *, query: bool = False) -> bytes | None:
        if self._model is None:
            return None
        from headrace_memory_sqlite._vectors import packed

        if query:
            return packed(await self._model.embed_query(text))
        [vector] = await self._model.embed([text])
        return packed(vector)

    async def _call(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return await self._do(getattr(self._opened(), verb), *args, **kwargs)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise HeadraceError(
                f"{self._path}: another process kept it locked for {self._timeout:g} s"
            ) from error

    async def _do(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))


def _need_numpy() -> None:
    try:
        import numpy  # noqa: F401, ICN001
    except ImportError:
        raise ResourceError(
            "an embedder needs numpy: pip install 'headrace-memory-sqlite[vectors]'"
        ) from None


def _check_text(text: str, what: str = "text") -> None:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"the {what} of a memory is empty")
    if len(text) > LONGEST:
        raise ValueError(f"the {what} of a memory has {len(text)} characters; {LONGEST} at most")
    text.encode()  # a lone half of a surrogate pair is a ValueError too


def _stored(metadata: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(metadata), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the metadata of a memory are no JSON: {error}") from None
