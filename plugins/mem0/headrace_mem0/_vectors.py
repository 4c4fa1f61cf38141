"""mem0's stores of vectors as one of ours: its settings, and the thread that has it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.errors import HeadraceError, ResourceError
from headrace.providers import Secrets, read_secrets
from headrace.vectors import VectorStore, narrowed
from headrace_mem0._failures import Mem0VectorError, WrongLengthError
from headrace_mem0._settings import setting_faults

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Mapping, Sequence

    from headrace.vectors import Change, Row, VectorItem, VectorQuery
    from headrace_mem0._collections import Collections

__all__ = ["Mem0VectorStore"]

T = TypeVar("T")


class Mem0VectorStore(VectorStore):
    """One of the many stores of vectors that mem0 speaks to.

    Conditions on metadata are not asked of the store, as each has a language of its own: more and
    more of the nearest is looked at until enough fulfil them. For a store that has a plugin of its
    own, take that.

    Args:
        path: The folder of mem0's embedded store (qdrant), used by one process at a time.
        collection: The collection that is meant where none is named.
        embedder: The agent's embedding model that texts without vectors are given to.
        provider: A store of mem0's.
        config: The settings of such a store, by mem0's names; none of them a secret.
        secrets: Settings whose values are secrets: the environment variable of each.
        timeout: Seconds to wait for another process to give the folder free.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        collection: str = "default",
        embedder: str | None = None,
        provider: str = "qdrant",
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.collection = collection
        self.embedder = embedder
        self._path = path
        self._provider = provider
        self._config = dict(config or {})
        self._secret_names = dict(secrets or {})
        self._timeout = timeout
        numbers = {"timeout": (timeout, 0.0, 86_400.0)}
        faults = setting_faults(
            path, provider, self._config, self._secret_names, numbers, {"embedder": embedder}
        )
        if "collection_name" in self._config:
            faults.append("config: collection_name is set by the store itself: give collection")
        faults += self.collection_faults(collection)
        if faults:
            raise ResourceError("the mem0 vector store cannot be set up: " + "; ".join(faults))
        self._thread: ThreadPoolExecutor | None = None
        self._collections_held: Collections | None = None
        self._hidden = Secrets(())

    async def open(self) -> None:
        """Imports mem0 and opens its store; waits for the folder where another process has it.

        Raises:
            ResourceError: A secret is missing, or the store cannot be opened.
        """
        from headrace_mem0._collections import Collections

        values = read_secrets(self._secret_names.values(), "the mem0 vector store")
        config = {**self._config, **{n: values[at] for n, at in self._secret_names.items()}}
        self._hidden = Secrets(values.values())
        folder = None if self._path is None else Path(self._path)
        thread = ThreadPoolExecutor(1, thread_name_prefix="headrace-mem0-vectors")
        failure = ""
        try:
            self._collections_held = await asyncio.get_running_loop().run_in_executor(
                thread, Collections, self._provider, config, folder, self._timeout
            )
        except ResourceError:
            thread.shutdown(wait=False)
            raise
        except Exception as error:  # noqa: BLE001 - each of mem0's stores has its own
            failure = f"{type(error).__name__}: {self._hidden.hide(str(error))}"
        if failure:
            thread.shutdown(wait=False)
            # Not raised above: the store's error would go along, and may hold a secret.
            raise ResourceError(f"mem0's store {self._provider} cannot be opened: {failure}")
        self._thread = thread

    async def close(self) -> None:
        """Ends what is under way, closes the store, and gives its folder free."""
        thread, self._thread = self._thread, None
        held, self._collections_held = self._collections_held, None
        if thread is not None and held is not None:
            await asyncio.get_running_loop().run_in_executor(thread, held.close)
            thread.shutdown()

    async def _put(self, collection: str, rows: Sequence[Row]) -> None:
        await self._do(lambda held: held.put(collection, rows))

    async def _change(self, collection: str, changes: Sequence[Change]) -> list[str]:
        return await self._do(lambda held: held.change(collection, changes))

    async def _nearest(
        self, collection: str, vector: array[float], query: VectorQuery
    ) -> list[VectorItem]:
        async def nearest(limit: int) -> list[VectorItem]:
            return await self._do(lambda held: held.nearest(collection, vector, limit))

        return await narrowed(nearest, query.limit, query.where)

    async def _get(self, collection: str, ids: Sequence[str]) -> list[VectorItem]:
        return await self._do(lambda held: held.get(collection, ids))

    async def _delete(self, collection: str, ids: Sequence[str]) -> None:
        await self._do(lambda held: held.delete(collection, ids))

    async def _count(self, collection: str) -> int:
        return await self._do(lambda held: held.count(collection))

    async def _collections(self) -> list[str]:
        return await self._do(lambda held: held.names())

    async def _create(self, collection: str, dimensions: int) -> int:
        return await self._do(lambda held: held.create(collection, dimensions))

    async def _drop(self, collection: str) -> None:
        await self._do(lambda held: held.drop(collection))

    async def _do(self, work: Callable[[Collections], T]) -> T:
        thread, held = self._thread, self._collections_held
        if thread is None or held is None:
            raise ResourceError("the mem0 vector store is not open: await store.open() first")
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, work, held)
        except (HeadraceError, WrongLengthError):
            raise
        except Exception as error:  # noqa: BLE001 - each of mem0's stores has its own
            failure = f"{type(error).__name__}: {self._hidden.hide(str(error))}"
        raise Mem0VectorError(f"mem0's store {self._provider}: {failure}")
