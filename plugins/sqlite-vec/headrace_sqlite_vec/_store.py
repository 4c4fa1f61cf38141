"""The vector store: its settings, and the thread that has the file."""

from __future__ import annotations

import asyncio
import math
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.errors import ResourceError
from headrace.filters import check_filter
from headrace.interfaces import VectorStore
from headrace.vectors import rows_of, storable, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.interfaces import VectorItem
    from headrace_sqlite_vec._file import VectorFile

__all__ = ["SqliteVectorStore"]

T = TypeVar("T")

_COLLECTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,47}")


class SqliteVectorStore(VectorStore):
    """Keeps texts and their vectors in one SQLite file, and finds the nearest exactly.

    Several stores, workers and processes of one machine may use a file at a time. All that is done
    to it is done in a thread of the store's own, one after the other.

    Args:
        path: The file; folders are made. ``:memory:`` for one that is gone at the end. A relative
            path begins in the worker's folder.
        collection: Which of the file's collections: letters, digits, ``_``, ``.`` and ``-``.
        busy_timeout: Seconds to wait while another process writes.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self, path: str, *, collection: str = "default", busy_timeout: float = 30.0
    ) -> None:
        self._path = path
        self._collection = collection
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

    async def add(self, items: Sequence[VectorItem]) -> None:
        """Keeps items in one transaction; of two with one ``id``, the last.

        The length of the first vector that is kept is that of all, for good.

        Raises:
            ValueError: An item cannot be kept; none was.
            SqliteVectorError: The file cannot be written.
        """
        given = list(items)
        if given:  # vectors are brought to length one in the thread too: that takes its time
            await self._do(lambda file: file.add(rows_of(given)))

    async def search(
        self,
        vector: Sequence[float],
        limit: int,
        *,
        where: Mapping[str, Any] | None = None,
    ) -> list[VectorItem]:
        """The nearest items among those that fulfil the condition, best first; none is missed.

        Raises:
            ValueError: The vector or the condition cannot be.
            SqliteVectorError: The file cannot be read.
        """
        asked = unit(vector)
        check_filter(where)
        if limit < 1:
            return []
        return await self._do(lambda file: file.search(asked, limit, where))

    async def get(self, ids: Sequence[str]) -> list[VectorItem]:
        """The items of ids, in that order, without their vectors."""
        names = [name for name in ids if storable(name)]
        return await self._do(lambda file: file.get(names))

    async def delete(self, ids: Sequence[str]) -> None:
        """Drops items in one transaction."""
        names = [name for name in ids if storable(name)]
        await self._do(lambda file: file.delete(names))

    async def count(self) -> int:
        """How many items the collection has."""
        return await self._do(lambda file: file.count())

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
        return VectorFile(self._path, self._collection, self._busy_timeout)

    def _faults(self) -> list[str]:
        faults = []
        if not self._path or not storable(self._path):
            faults.append("path is no path of a file")
        if not _COLLECTION.fullmatch(self._collection):
            faults.append(
                "collection must be 1 to 48 letters, digits, _, . and -, and not begin with . or -"
            )
        if not math.isfinite(self._busy_timeout) or self._busy_timeout < 0:
            faults.append("busy_timeout must be a number of seconds")
        return faults
