"""Collections in one of mem0's stores of vectors. All of it on one thread."""

from __future__ import annotations

import base64
import importlib
import json
import shutil
import uuid
from array import array
from typing import TYPE_CHECKING, Any

from headrace.vectors import Row, VectorItem
from headrace_mem0._failures import WrongLengthError
from headrace_mem0._lock import FolderLock
from headrace_mem0._vendor import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from headrace.vectors import Change

__all__ = ["Collections"]

ALL = 1_000_000
"""More rows than a store of mem0's is asked for at a time; it has no pages."""
_REGISTER = "headrace_register"
"""The collection that knows of the others: what a store tells of them differs with each."""
_SPACE = uuid.UUID("6d3c1f0a-52a1-4d0e-9c7b-0b5b5f3c9a11")


class Collections:
    """The collections of a store.

    Args:
        provider: The store, as mem0 calls it.
        config: Its settings.
        folder: The folder of an embedded store.
        timeout: Seconds to wait for another process to give the folder free.

    Raises:
        ResourceError: Another process has the folder.
    """

    def __init__(
        self, provider: str, config: Mapping[str, Any], folder: Path | None, timeout: float
    ) -> None:
        self._provider = provider
        self._config = dict(config)
        self._folder = folder
        self._stores: dict[tuple[str, int], Any] = {}
        self._lock = None if folder is None else FolderLock(folder, timeout)
        try:
            self._register = self._made(_REGISTER, 2)
        except BaseException:
            self._release()
            raise

    def close(self) -> None:
        """Closes all clients, and gives the folder free."""
        try:
            for store in (self._register, *self._stores.values()):
                _close(store)
        finally:
            self._release()

    def put(self, name: str, rows: Sequence[Row]) -> None:
        """Keeps items; those that are there are replaced."""
        length = len(rows[0].vector)
        known = self.create(name, length)
        if known != length:
            raise _wrong_length(length, known)
        self._write(self._store(name, known), rows)

    def change(self, name: str, changes: Sequence[Change]) -> list[str]:
        """Changes items that are there; gives their ids."""
        known = self._known(name)
        if known is None:
            return []
        store, rows = self._store(name, known), []
        for change in changes:
            if change.vector is not None and len(change.vector) != known:
                raise _wrong_length(len(change.vector), known)
            payload = _payload_of(store.get(vector_id=_row_id(change.id)))
            if payload is not None:
                parts = {name: part for name, part in change._asdict().items() if part is not None}
                rows.append(_row(payload)._replace(**parts))
        if rows:
            self._write(store, rows)
        return [row.id for row in rows]

    def nearest(self, name: str, vector: array[float], limit: int) -> list[VectorItem]:
        """The nearest items, best first; their scores are reckoned here: stores cut them off."""
        known = self._known(name)
        if known is None:
            return []
        if known != len(vector):
            raise _wrong_length(len(vector), known)
        found = self._store(name, known).search(
            query="", vectors=vector.tolist(), top_k=min(limit, ALL), filters=None
        )
        items = []
        for hit in found:
            row = _row(hit.payload)
            score = sum(a * b for a, b in zip(vector, row.vector, strict=True))
            items.append(_item(row, score=score))
        return sorted(items, key=lambda item: -item["score"])

    def get(self, name: str, ids: Iterable[str]) -> list[VectorItem]:
        """The items of ids."""
        known = self._known(name)
        if known is None:
            return []
        store = self._store(name, known)
        found = (_payload_of(store.get(vector_id=_row_id(one))) for one in ids)
        return [_item(_row(payload)) for payload in found if payload is not None]

    def delete(self, name: str, ids: Iterable[str]) -> None:
        """Drops items."""
        known = self._known(name)
        if known is not None:
            store = self._store(name, known)
            for one in ids:
                if _payload_of(store.get(vector_id=_row_id(one))) is not None:
                    store.delete(_row_id(one))

    def count(self, name: str) -> int:
        """How many items there are."""
        known = self._known(name)
        return 0 if known is None else len(_listed(self._store(name, known)))

    def names(self) -> list[str]:
        """The names of all collections."""
        return [row.payload["name"] for row in _listed(self._register)]

    def create(self, name: str, length: int) -> int:
        """Makes a collection where there is none; gives the length of its vectors."""
        known = self._known(name)
        if known is None:
            stale = self._stores.pop((name, length), None)  # another worker has dropped it
            if stale is not None:
                _close(stale)
            self._stores[name, length] = self._made(_stored_name(name), length)
            payload = {"name": name, "dimensions": length}
            self._register.insert(vectors=[[1.0, 0.0]], payloads=[payload], ids=[_row_id(name)])
            known = length
        return known

    def drop(self, name: str) -> None:
        """Drops a collection where there is one."""
        known = self._known(name)
        if known is not None:
            store = self._store(name, known)
            self._register.delete(_row_id(name))
            store.delete_col()
            del self._stores[name, known]
            _close(store)
            if self._folder is not None:
                shutil.rmtree(self._folder / _stored_name(name), ignore_errors=True)

    def _known(self, name: str) -> int | None:
        """The length of a collection's vectors; ``None`` where there is none."""
        payload = _payload_of(self._register.get(vector_id=_row_id(name)))
        return None if payload is None else int(payload["dimensions"])

    def _store(self, name: str, length: int) -> Any:
        if (name, length) not in self._stores:
            self._stores[name, length] = self._made(_stored_name(name), length)
        return self._stores[name, length]

    def _made(self, stored: str, length: int) -> Any:
        """One of mem0's stores, for one collection: each is made for one."""
        load()
        config = {**self._config, "collection_name": stored, "embedding_model_dims": length}
        if self._folder is not None:  # each embedded client wants a folder for itself
            config |= {"path": str(self._folder / stored), "on_disk": True}
        configs = importlib.import_module("mem0.vector_stores.configs")
        factory = importlib.import_module("mem0.utils.factory")
        try:
            checked = configs.VectorStoreConfig(provider=self._provider, config=config)
        except ValueError as error:
            if "not allowed: embedding_model_dims" not in str(error):
                raise
            del config["embedding_model_dims"]  # some take the length of what they are given
            checked = configs.VectorStoreConfig(provider=self._provider, config=config)
        store = factory.VectorStoreFactory.create(self._provider, checked.config)
        if self._provider == "qdrant":
            store._bm25_encoder = False  # noqa: SLF001 - else it fetches a model for keywords
        return store

    def _write(self, store: Any, rows: Sequence[Row]) -> None:
        if self._provider != "qdrant":  # whose insert replaces
            for row in rows:
                if _payload_of(store.get(vector_id=_row_id(row.id))) is not None:
                    store.delete(_row_id(row.id))
        store.insert(
            vectors=[row.vector.tolist() for row in rows],
            payloads=[_payload(row) for row in rows],
            ids=[_row_id(row.id) for row in rows],
        )

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


def _row_id(name: str) -> str:
    return str(uuid.uuid5(_SPACE, name))


def _stored_name(name: str) -> str:
    """A name that every store takes, and no two collections have."""
    return f"headrace_{uuid.uuid5(_SPACE, name).hex}"


def _payload(row: Row) -> dict[str, Any]:
    vector = base64.b64encode(row.vector.tobytes()).decode()
    return {"id": row.id, "text": row.text, "metadata": row.json, "vector": vector}


def _row(payload: Mapping[str, Any]) -> Row:
    vector = array("f", base64.b64decode(payload["vector"]))
    kept = payload["metadata"]
    return Row(payload["id"], payload["text"], json.loads(kept), kept, vector)


def _item(row: Row, **more: float) -> VectorItem:
    return VectorItem(id=row.id, text=row.text, metadata=dict(row.metadata), **more)


def _payload_of(found: Any) -> Mapping[str, Any] | None:
    return None if found is None else found.payload


def _listed(store: Any) -> list[Any]:
    listed = store.list(top_k=ALL)
    # Stores of mem0's give rows, or a pair or list that begins with the rows.
    return list(listed[0] if listed and isinstance(listed[0], list) else listed)


def _close(store: Any) -> None:
    for name in ("client", "connection_pool"):
        if callable(close := getattr(getattr(store, name, None), "close", None)):
            close()


def _wrong_length(length: int, known: int) -> ValueError:
    return WrongLengthError(f"the vector has {length} numbers, those in the collection {known}")
