"""The vector store: its settings, and the threads that ask Chroma."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.errors import HeadraceError, ResourceError
from headrace.filters import FEATURES
from headrace.providers import Secrets, read_secrets, url_faults, variable_faults
from headrace.vectors import VectorStore, storable
from headrace_chroma._errors import ChromaVectorError, RefusedError

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Mapping, Sequence

    from headrace.vectors import Change, Row, VectorItem, VectorQuery
    from headrace_chroma._clients import Folder, Server
    from headrace_chroma._collections import Collections

__all__ = ["ChromaVectorStore"]

T = TypeVar("T")

_REFUSED = frozenset({401, 403})
"""What Chroma's errors say where it does not know who asks, or does not let them."""


class ChromaVectorStore(VectorStore):
    """Keeps texts and their vectors in Chroma: in a folder of this machine, or on a server.

    It finds by vectors alone: Chroma on one machine ranks no texts by their words. Texts cannot be
    compared by their order in conditions. A query's ``native`` may have ``where_document``,
    Chroma's own condition on texts, such as ``{"$contains": "40-17"}``.

    Args:
        path: The folder of an embedded Chroma, used by one process at a time. A relative path
            begins in the worker's folder.
        url: The address of a server, in place of a folder.
        collection: The collection that is meant where none is named.
        embedder: The agent's embedding model that texts without vectors are given to.
        tenant: Of a server: whose databases.
        database: Of a server: which of them.
        secret_headers: What is sent to a server with each request: of each header the environment
            variable that holds it.
        ef_search: Candidates that the index looks at, of collections that this store makes.
        pool_size: Requests to a server at a time.
        timeout: Seconds that a server's answer may take, or that another process may keep the
            folder.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    filters = FEATURES - {"texts"}
    native = frozenset({"where_document"})

    def __init__(
        self,
        path: str | None = None,
        *,
        url: str | None = None,
        collection: str = "default",
        embedder: str | None = None,
        tenant: str = "default_tenant",
        database: str = "default_database",
        secret_headers: Mapping[str, str] | None = None,
        ef_search: int = 100,
        pool_size: int = 4,
        timeout: float = 30.0,
    ) -> None:
        self.collection = collection
        self.embedder = embedder
        self._path = path
        self._url = url
        self._tenant = tenant
        self._database = database
        self._header_names = dict(secret_headers or {})
        self._ef_search = ef_search
        self._pool_size = pool_size
        self._timeout = timeout
        self._threads: ThreadPoolExecutor | None = None
        self._place: Folder | Server | None = None
        self._held: Collections | None = None
        self._hidden = Secrets(())
        if faults := self._faults():
            raise ResourceError("the chroma store cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Imports Chroma, and opens its folder or sees that the server is there.

        Raises:
            ResourceError: A secret is missing or refused; or another process has the folder.
            ChromaVectorError: The server cannot be reached, or the folder cannot be read.
        """
        secrets = read_secrets(self._header_names.values(), "the chroma store")
        self._hidden = Secrets(secrets.values())
        headers = {name: secrets[at] for name, at in self._header_names.items()}
        # Chroma in a folder writes one after the other anyway.
        count = 1 if self._url is None else self._pool_size
        threads = ThreadPoolExecutor(count, thread_name_prefix="headrace-chroma")
        try:
            await self._told(threads, lambda: self._open(headers))
        except BaseException:
            threads.shutdown(wait=False)
            raise
        self._threads = threads

    async def close(self) -> None:
        """Ends what is under way, closes the client, and gives the folder free."""
        threads, self._threads = self._threads, None
        place, self._place, self._held = self._place, None, None
        if threads is not None and place is not None:
            await asyncio.to_thread(threads.shutdown)
            await asyncio.to_thread(place.close)

    @classmethod
    def faults_of(cls, query: VectorQuery) -> list[str]:
        """What the store cannot do of what is asked."""
        texts: Any = query.native.get("where_document", {"$contains": "a"})
        fits = isinstance(texts, dict) and bool(texts)
        wrong = [] if fits else ["native: where_document must be one of Chroma's conditions"]
        return super().faults_of(query) + wrong

    async def _put(self, collection: str, rows: Sequence[Row]) -> None:
        await self._do(lambda held: held.put(collection, rows))

    async def _change(self, collection: str, changes: Sequence[Change]) -> list[str]:
        return await self._do(lambda held: held.change(collection, changes))

    async def _nearest(
        self, collection: str, vector: array[float], query: VectorQuery
    ) -> list[VectorItem]:
        return await self._do(lambda held: held.nearest(collection, vector, query))

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
            raise ResourceError("the chroma store is not open: await store.open() first")
        return await self._told(threads, lambda: work(held))

    async def _told(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        """Gives what it gives; Chroma's failures become ours, without the secrets that they show.

        They are raised outside of ``except``, so that they stand alone.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except (HeadraceError, RefusedError):
            raise
        except Exception as error:  # noqa: BLE001 - Chroma's, httpx's, SQLite's by way of Rust
            failure = self._failure(error)
        raise failure

    def _failure(self, error: Exception) -> HeadraceError:
        text = f"Chroma: {type(error).__name__}: {self._hidden.hide(str(error))}"
        answer = getattr(error, "response", None)  # httpx's
        code = getattr(error, "code", None)  # Chroma's
        if getattr(answer, "status_code", code() if callable(code) else None) in _REFUSED:
            return ResourceError(f"{text}: see what secret_headers name")
        return ChromaVectorError(text)

    def _open(self, headers: Mapping[str, str]) -> None:
        from headrace_chroma._clients import Folder, Server
        from headrace_chroma._collections import Collections

        place: Folder | Server
        if self._url is None:
            place = Folder(Path(self._path or ""), self._timeout)
        else:
            place = Server(self._url, self._tenant, self._database, headers, self._timeout)
        try:
            self._held = Collections(place.client, self._ef_search)
        except BaseException:
            place.close()
            raise
        self._place = place

    def _faults(self) -> list[str]:
        faults = []
        if (self._path is None) is (self._url is None):
            faults.append("give either path, a folder, or url, a server")
        if self._path is not None and not (self._path and storable(self._path)):
            faults.append("path is no path of a folder")
        if self._url is not None:
            faults += url_faults(self._url, "url")
        elif self._header_names:
            faults.append("secret_headers are for a server: give url")
        faults += self.collection_faults(self.collection)
        for name, value in {"tenant": self._tenant, "database": self._database}.items():
            if not value:
                faults.append(f"{name} must be a name")
        for name, number, most in (
            ("ef_search", self._ef_search, 10_000),
            ("pool_size", self._pool_size, 1000),
        ):
            if not 1 <= number <= most:
                faults.append(f"{name} must be 1 to {most}")
        if not (math.isfinite(self._timeout) and self._timeout > 0):
            faults.append("timeout must be a number of seconds")
        return faults + variable_faults(
            {f"secret_headers: {name}": at for name, at in self._header_names.items()}
        )
