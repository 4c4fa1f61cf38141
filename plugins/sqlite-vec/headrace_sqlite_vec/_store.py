"""The vector store: its settings, and the thread that has the file."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from headrace.errors import ResourceError
from headrace.vectors import VectorStore, storable

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Sequence

    from headrace.vectors import Change, Row, VectorItem, VectorQuery
    from headrace_sqlite_vec._file import VectorFile

__all__ = ["SqliteVectorStore"]

T = TypeVar("T")


class SqliteVectorStore(VectorStore):
    """Keeps texts and their vectors in one SQLite file, and finds the nearest exactly.

    It searches by words too, through SQLite's FTS5, and by both.

    Several stores, workers and processes of one machine may use a file at a time. All that is done
    to it is done in a thread of the store's own, one after the other.

    Args:
        path: The file; folders are made. ``:memory:`` for one that is gone at the end. A relative
            path begins in the worker's folder.
        collection: Which of the file's collections is meant where none is named: letters, digits,
            ``_``, ``.`` and ``-``.
        embedder: The agent's embedding model that texts without vectors are given to.
        busy_timeout: Seconds to wait while another process writes.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    modes = frozenset({"vector", "keyword", "hybrid"})

    def __init__(
        self,
        path: str,
        *,
        collection: str = "default",
        embedder: str | None = None,
        busy_timeout: float = 30.0,
    ) -> None:
        self._path = path
        self.collection = collection
        self.embedder = embedder
        self._busy_timeout = busy_timeout
        self._thread: ThreadPoolExecutor | None = None
        self._file: VectorFile | None = None
        if faults := self._faults():
            raise ResourceError("the sqlite-vec store cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Opens the file, and makes what is not there.

        Raises:
            ResourceError: The file is another program's, or of a newer version; its folder cannot
                be made; or this Python's SQLite takes no extensions.
            SqliteVectorError: The file cannot be opened or written.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="headrace-sqlite-vec")
        try:
            self._file = await asyncio.get_running_loop().run_in_executor(thread, self._opened)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        self._thread = thread

    async def close(self) -> None:
        """Ends what is under way, and closes the file."""
        thread, self._thread = self._thread, None
        file, self._file = self._file, None
        if thread is not None and file is not None:
            await asyncio.get_running_loop().run_in_executor(thread, file.close)
            thread.shutdown()  # nothing is left for it to do: it ends at once

    async def _put(self, collection: str, rows: Sequence[Row]) -> None:
        await self._do(lambda file: file.add(collection, rows))

    async def _change(self, collection: str, changes: Sequence[Change]) -> list[str]:
        return await self._do(lambda file: file.change(collection, changes))

    async def _nearest(
        self, collection: str, vector: array[float], query: VectorQuery
    ) -> list[VectorItem]:
        return await self._do(lambda file: file.nearest(collection, vector, query))

    async def _matching(self, collection: str, words: str, query: VectorQuery) -> list[VectorItem]:
        return await self._do(lambda file: file.matching(collection, words, query))

    async def _get(self, collection: str, ids: Sequence[str]) -> list[VectorItem]:
        return await self._do(lambda file: file.get(collection, ids))

    async def _delete(self, collection: str, ids: Sequence[str]) -> None:
        await self._do(lambda file: file.delete(collection, ids))

    async def _count(self, collection: str) -> int:
        return await self._do(lambda file: file.count(collection))

    async def _collections(self) -> list[str]:
        return await self._do(lambda file: file.collections())

    async def _create(self, collection: str, dimensions: int) -> int:
        return await self._do(lambda file: file.create(collection, dimensions))

    async def _drop(self, collection: str) -> None:
        await self._do(lambda file: file.drop(collection))

    async def _do(self, work: Callable[[VectorFile], T]) -> T:
        thread, file = self._thread, self._file
        if thread is None or file is None:
            raise ResourceError("the sqlite-vec store is not open: await store.open() first")
        return await asyncio.get_running_loop().run_in_executor(thread, work, file)

    def _opened(self) -> VectorFile:
        from headrace_sqlite_vec._file import VectorFile

        if self._path != ":memory:":
            try:
                Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ResourceError(f"the folder of {self._path}: {error}") from error
        return VectorFile(self._path, self._busy_timeout)

    def _faults(self) -> list[str]:
        faults = []
        if not self._path or not storable(self._path):
            faults.append("path is no path of a file")
        faults += self.collection_faults(self.collection)
        if not math.isfinite(self._busy_timeout) or self._busy_timeout < 0:
            faults.append("busy_timeout must be a number of seconds")
        return faults
