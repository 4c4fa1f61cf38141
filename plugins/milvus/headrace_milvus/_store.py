"""The vector store: its settings, and the threads that ask Milvus."""

from __future__ import annotations

import asyncio
import math
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from headrace.errors import HeadraceError, ResourceError
from headrace.filters import FEATURES
from headrace.providers import Secrets, read_secrets, url_faults, variable_faults
from headrace.vectors import VectorStore
from headrace_milvus._errors import MilvusVectorError, RefusedError

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Sequence

    from headrace.vectors import Change, Row, VectorItem, VectorQuery
    from headrace_milvus._clients import Place
    from headrace_milvus._collections import Collections

__all__ = ["MilvusVectorStore"]

T = TypeVar("T")

_FILE = re.compile(r"[a-zA-Z0-9._-]{1,33}\.db")
"""What Milvus Lite takes for the name of a file."""


class MilvusVectorStore(VectorStore):
    """Keeps texts and their vectors in Milvus: in a file of this machine, or on a server.

    It searches by words too (BM25), and by both. Texts cannot be compared by their order in
    conditions.

    Args:
        path: The file of an embedded Milvus Lite, ``NAME.db``, used by one process at a time. A
            relative path begins in the worker's folder.
        url: The address of a server, in place of a file.
        collection: The collection that is meant where none is named.
        embedder: The agent's embedding model that texts without vectors are given to.
        database: Of a server: which of its databases.
        token_env: Of a server: the environment variable with the token, or with
            ``user:password``.
        pool_size: Requests to a server at a time.
        timeout: Seconds that an answer may take.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    modes = frozenset({"vector", "keyword", "hybrid"})
    filters = FEATURES - {"texts"}

    def __init__(
        self,
        path: str | None = None,
        *,
        url: str | None = None,
        collection: str = "default",
        embedder: str | None = None,
        database: str = "default",
        token_env: str | None = None,
        pool_size: int = 4,
        timeout: float = 30.0,
    ) -> None:
        self.collection = collection
        self.embedder = embedder
        self._path = path
        self._url = url
        self._database = database
        self._token_env = token_env
        self._pool_size = pool_size
        self._timeout = timeout
        self._threads: ThreadPoolExecutor | None = None
        self._place: Place | None = None
        self._held: Collections | None = None
        self._hidden = Secrets(())
        if faults := self._faults():
            raise ResourceError("the milvus store cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Imports Milvus's client, and starts Milvus Lite or sees that the server is there.

        Raises:
            ResourceError: The token is missing; or another process has the file.
            MilvusVectorError: The server cannot be reached.
        """
        names = [] if self._token_env is None else [self._token_env]
        secrets = read_secrets(names, "the milvus store")
        self._hidden = Secrets(secrets.values())
        token = "".join(secrets.values())
        count = 1 if self._url is None else self._pool_size
        threads = ThreadPoolExecutor(count, thread_name_prefix="headrace-milvus")
        try:
            await self._told(threads, lambda: self._open(token))
        except BaseException:
            threads.shutdown(wait=False)
            raise
        self._threads = threads

    async def close(self) -> None:
        """Ends what is under way, closes the client, and gives the file free."""
        threads, self._threads = self._threads, None
        place, self._place, self._held = self._place, None, None
        if threads is not None and place is not None:
            await asyncio.to_thread(threads.shutdown)
            await asyncio.to_thread(place.close)

    async def _put(self, collection: str, rows: Sequence[Row]) -> None:
        await self._do(lambda held: held.put(collection, rows))

    async def _change(self, collection: str, changes: Sequence[Change]) -> list[str]:
        return await self._do(lambda held: held.change(collection, changes))

    async def _nearest(
        self, collection: str, vector: array[float], query: VectorQuery
    ) -> list[VectorItem]:
        return await self._do(lambda held: held.nearest(collection, vector, query))

    async def _matching(self, collection: str, words: str, query: VectorQuery) -> list[VectorItem]:
        return await self._do(lambda held: held.matching(collection, words, query))

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
        threads, held = self._threads, self._held
        if threads is None or held is None:
            raise ResourceError("the milvus store is not open: await store.open() first")
        return await self._told(threads, lambda: work(held))

    async def _told(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        """Gives what it gives; Milvus's failures become ours, without the secrets that they show.

        They are raised outside of ``except``, so that they stand alone.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except (HeadraceError, RefusedError):
            raise
        except Exception as error:  # noqa: BLE001 - Milvus's and gRPC's
            failure = f"{type(error).__name__}: {self._hidden.hide(str(error))}"
        raise MilvusVectorError(f"Milvus: {failure}")

    def _open(self, token: str) -> None:
        from headrace_milvus._clients import Place
        from headrace_milvus._collections import Collections

        if self._url is None:
            place = Place(str(Path(self._path or "").resolve()), is_file=True)
        else:
            place = Place(self._url, is_file=False, database=self._database, token=token)
        self._held = Collections(place.open(self._timeout), self._timeout)
        self._place = place

    def _faults(self) -> list[str]:
        faults = []
        if (self._path is None) is (self._url is None):
            faults.append("give either path, a file, or url, a server")
        if self._path is not None and not _FILE.fullmatch(Path(self._path).name):
            faults.append("path must end with NAME.db, of 33 letters, digits, _, . and - at most")
        if self._url is not None:
            faults += url_faults(self._url, "url")
        elif self._token_env is not None:
            faults.append("token_env is for a server: give url")
        faults += self.collection_faults(self.collection)
        if not self._database:
            faults.append("database must be a name")
        if not 1 <= self._pool_size <= 1000:  # noqa: PLR2004
            faults.append("pool_size must be 1 to 1000")
        if not (math.isfinite(self._timeout) and self._timeout > 0):
            faults.append("timeout must be a number of seconds")
        return faults + variable_faults({"token_env": self._token_env})
