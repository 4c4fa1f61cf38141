"""mem0's memory and its store, used by one thread: its calls are not made for two."""

from __future__ import annotations

import copy
import heapq
import json
import math
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from headrace.errors import ResourceError
from headrace.filters import matches
from headrace_mem0 import _rows
from headrace_mem0._drafts import Draft, Narrowed
from headrace_mem0._lock import FolderLock
from headrace_mem0._models import Given
from headrace_mem0._scopes import MEMORY, RECORD, conditions, in_set, kept, quoted, told
from headrace_mem0._vendor import close_memory, make_memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headrace.interfaces import MemoryItem

__all__ = ["Store"]

ALL = 1_000_000
"""More rows than a store of mem0's is asked for at a time; it has no pages."""
BATCH = 1_000
"""Rows that are erased at a time."""
REMEMBERED = 30 * 86_400.0
"""Seconds for which a replay is known as one, where what it would do again is gone."""
_MAGIC = b"SQLite format 3\x00"


class Store:
    """An open store."""

    def __init__(
        self,
        provider: str,
        config: Mapping[str, Any],
        folder: Path | None,
        dimensions: int,
        timeout: float,
    ) -> None:
        self._folder = folder
        self._dimensions = dimensions
        self._order = 0.0
        self._lock = None if folder is None else FolderLock(folder, timeout)
        try:
            self.memory = make_memory(provider, config, dimensions)
            try:
                self._rows = self.memory.vector_store
                self._check_dimensions()
                self._expiring = [
                    (row.payload["headrace_expires"], str(row.id))
                    for row in self._list({_rows.EXPIRING: "yes"})
                ]
            except BaseException:
                close_memory(self.memory)
                raise
        except BaseException:
            self._release()
            raise
        heapq.heapify(self._expiring)

    def close(self) -> None:
        """Closes the store and gives its folder free."""
        try:
            close_memory(self.memory)
        finally:
            self._release()

    def view(self, store: Any, embedder: Any, llm: Any = None) -> Any:
        """mem0's memory over another store and with other models, for one call."""
        view = copy.copy(self.memory)
        view.vector_store, view.embedding_model, view.llm = store, embedder, llm
        return view

    # ------------------------------------------------------------ one memory
    def known(self, scope: Mapping[str, str], item_id: str, now: float) -> bool:
        """Whether adding it would add nothing."""
        self._purge(now)
        return any(
            self._rows.get(vector_id=_rows.row_id(kind, scope, item_id)) is not None
            for kind in ("memory", "superseded")
        )

    def add(
        self,
        scope: Mapping[str, str],
        item_id: str,
        text: str,
        metadata: str,
        now: float,
        vector: Sequence[float],
        *,
        expires: float | None,
        topic: str | None,
    ) -> None:
        """Keeps a memory, unless it was kept before."""
        if not self.known(scope, item_id, now):
            draft = Draft()
            self.view(draft, Given({text: vector})).add(
                [{"role": "user", "content": text}],
                **told(scope),
                metadata=_rows.payload(
                    "memory",
                    item_id,
                    now,
                    order=self.next_order(now),
                    metadata=metadata,
                    expires=expires,
                    topic=topic,
                ),
                infer=False,
            )
            [(vector, payload)] = draft.rows
            row_id = _rows.row_id("memory", scope, item_id)
            self._put(row_id, vector, {**payload, **kept(scope)})
            if expires is not None:
                heapq.heappush(self._expiring, (expires, row_id))
        if topic is not None:
            self._finish_topic(scope, topic, now)

    def get(self, scope: Mapping[str, str], item_id: str, now: float) -> MemoryItem | None:
        """A memory."""
        row = self._rows.get(vector_id=_rows.row_id("memory", scope, item_id))
        return None if row is None or _expired(row, now) else _rows.item_of(row.payload)

    def update(
        self,
        scope: Mapping[str, str],
        item_id: str,
        text: str,
        now: float,
        vector: Sequence[float],
    ) -> None:
        """Gives a memory another text, where there is one."""
        self._purge(now)
        held = self.get(scope, item_id, now)
        if held is not None and held["text"] != text:
            self.view(self._rows, Given({text: vector})).update(
                _rows.row_id("memory", scope, item_id),
                text=text,
                metadata={"headrace_updated": now},
            )

    def delete(self, scope: Mapping[str, str], item_id: str, now: float) -> None:
        """Forgets a memory."""
        self._purge(now)
        self._drop(_rows.row_id("memory", scope, item_id))

    # ------------------------------------------------------------ many
    def search(
        self,
        scope: Mapping[str, str],
        query: str,
        limit: int,
        now: float,
        where: Mapping[str, Any] | None,
        vector: Sequence[float],
        threshold: float,
    ) -> list[MemoryItem]:
        """The memories nearest to a query."""
        rows = Narrowed(self._rows, conditions(scope))
        view = self.view(rows, Given({query: vector}))
        wanted = limit
        while True:
            found = view.search(
                query,
                top_k=wanted,
                filters=told(scope),
                threshold=threshold,
                show_expired=True,
            )["results"]
            items = [
                item
                for one in found
                if in_set(scope, one["metadata"])
                and not _gone((item := _found_item(one))["expires"], now)
                and matches(where, item["metadata"])
            ]
            # Conditions are held against what was found, so more is asked for until it is enough.
            if len(items) >= limit or len(found) < wanted:
                return items[:limit]
            wanted *= 4

    def export(self, scope: Mapping[str, str], now: float) -> list[MemoryItem]:
        """All of a scope or of a part of one, oldest first."""
        rows = [row for row in self._list(conditions(scope)) if in_set(scope, row.payload)]
        return [
            _rows.item_of(row.payload) for row in sorted(rows, key=_order) if not _expired(row, now)
        ]

    def erase(self, scope: Mapping[str, str], now: float) -> int:
        """Forgets all of a scope or of a part of one, and cleans the files."""
        self._purge(now)
        counts = dict.fromkeys((RECORD, MEMORY), 0)
        for mark in counts:
            more = True
            while more:
                # Of those in no set all are listed at once: what is in one stays, and comes again.
                batch = ALL if scope.get("set") == "" else BATCH
                listed = self._list(conditions(scope, mark), batch)
                rows = [row for row in listed if in_set(scope, row.payload)]
                for row in rows:
                    self._rows.delete(vector_id=row.id)
                counts[mark] += len(rows)
                more = len(listed) == batch
        self._clean()
        return counts[MEMORY]

    # ------------------------------------------------------------ learning
    def learned(
        self, scope: Mapping[str, str], item_id: str, now: float
    ) -> list[MemoryItem] | None:
        """What was learned by an id and is still there; ``None``: it has not been learned yet."""
        self._purge(now)
        row = self._rows.get(vector_id=_rows.row_id("learned", scope, item_id))
        if row is None:
            for left in self._list({_rows.LEARNED_BY: quoted(item_id), **conditions(scope)}):
                self._rows.delete(vector_id=left.id)  # of an attempt that did not come to its end
            return None
        kept = _rows.item_of(row.payload)["metadata"]["ids"]
        return [item for one in kept if (item := self.get(scope, one, now)) is not None]

    def near(
        self, scope: Mapping[str, str], vector: Sequence[float], limit: int, now: float
    ) -> list[Any]:
        """The rows of memories nearest to a conversation, for mem0's prompt."""
        self._purge(now)
        rows: list[Any] = self._rows.search(
            query="",
            vectors=list(vector),
            top_k=limit,
            filters=conditions(scope),
        )
        return [row for row in rows if not _expired(row, now)]

    def keep_learned(
        self,
        scope: Mapping[str, str],
        item_id: str,
        rows: Mapping[str, tuple[list[float], dict[str, Any]]],
        outdated: Sequence[Mapping[str, Any]],
        now: float,
    ) -> None:
        """Keeps what was learned, forgets what it puts right, and records that it was learned.

        Args:
            scope: Whose it is.
            item_id: The id of the learning.
            rows: The vector and mem0's payload of each memory, by its id.
            outdated: The payloads of memories that are no longer true, as the model was shown them.
            now: The time.
        """
        for one, (vector, payload) in rows.items():
            told_by = json.dumps({n: payload[n] for n in ("attributed_to",) if n in payload})
            ours = _rows.payload(
                "memory",
                one,
                now,
                order=self.next_order(now),
                metadata=told_by,
                learned_by=item_id,
            )
            self._put(
                _rows.row_id("memory", scope, one), vector, {**payload, **ours, **kept(scope)}
            )
        for shown in outdated:
            old = _rows.item_of(shown)
            there = self.get(scope, old["id"], now)
            # It may have been changed while the model was thinking: then it was not judged.
            if there is not None and there["text"] == old["text"]:
                self._supersede(scope, old["id"], now)
        self._record("learned", scope, item_id, now, json.dumps({"ids": list(rows)}))

    # ------------------------------------------------------------ parts
    def _finish_topic(self, scope: Mapping[str, str], topic: str, now: float) -> None:
        """Leaves the newest memory of a topic; also after a crash in the middle of it."""
        rows = self._list({_rows.TOPIC: quoted(topic), **conditions(scope)})
        for row in sorted(rows, key=_order)[:-1]:
            self._supersede(scope, _rows.item_of(row.payload)["id"], now)

    def _supersede(self, scope: Mapping[str, str], item_id: str, now: float) -> None:
        self._record("superseded", scope, item_id, now)
        self._drop(_rows.row_id("memory", scope, item_id))

    def _record(
        self,
        kind: _rows.Kind,
        scope: Mapping[str, str],
        item_id: str,
        now: float,
        content: str = "{}",
    ) -> None:
        row_id = _rows.row_id(kind, scope, item_id)
        expires = now + REMEMBERED
        # A store of vectors asks for one, and it has to point somewhere.
        vector = [1.0] + [0.0] * (self._dimensions - 1)
        self._put(row_id, vector, _rows.record(kind, scope, item_id, now, expires, content))
        heapq.heappush(self._expiring, (expires, row_id))

    def _put(self, row_id: str, vector: Sequence[float], payload: Mapping[str, Any]) -> None:
        """Puts a row in, where none was found before."""
        try:
            self._rows.insert(vectors=[list(vector)], payloads=[dict(payload)], ids=[row_id])
        except Exception:
            # Some stores refuse a row that is there: another process was quicker.
            if self._rows.get(vector_id=row_id) is None:
                raise

    def _drop(self, row_id: str) -> None:
        if self._rows.get(vector_id=row_id) is not None:
            self.memory.delete(row_id)

    def _purge(self, now: float) -> None:
        while self._expiring and self._expiring[0][0] <= now:
            self._drop(heapq.heappop(self._expiring)[1])

    def next_order(self, now: float) -> float:
        """A number that grows with each memory, also while the clock stands still."""
        self._order = max(now, math.nextafter(self._order, math.inf))
        return self._order

    def _list(self, filters: Mapping[str, str], limit: int = ALL) -> list[Any]:
        listed = self._rows.list(filters=dict(filters), top_k=limit)
        # Stores of mem0's give rows, or a pair or list that begins with the rows.
        rows = listed[0] if listed and isinstance(listed[0], list) else listed
        return list(rows)

    def _check_dimensions(self) -> None:
        if self._folder is None:
            return
        there = self._rows.col_info().config.params.vectors.size
        if there != self._dimensions:
            raise ResourceError(
                f"{self._folder} holds vectors of {there} numbers, and the embedder's have "
                f"{self._dimensions}: use the embedder that it was filled with, or another folder"
            )

    def _clean(self) -> None:
        """Writes the files of an embedded store anew: what was deleted stands in them still."""
        for path in [] if self._folder is None else sorted(self._folder.rglob("*")):
            if path.is_file() and _is_sqlite(path):
                with closing(sqlite3.connect(path, isolation_level=None)) as db:
                    db.execute("PRAGMA secure_delete = ON")
                    db.execute("VACUUM")

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


def _order(row: Any) -> tuple[float, float, str]:
    return row.payload["headrace_created"], row.payload["headrace_order"], str(row.id)


def _expired(row: Any, now: float) -> bool:
    return _gone(row.payload.get("headrace_expires"), now)


def _gone(expires: float | None, now: float) -> bool:
    return expires is not None and expires <= now


def _found_item(found: Mapping[str, Any]) -> MemoryItem:
    names = {name: found[name] for name in ("agent_id", "run_id", "user_id")}
    item = _rows.item_of({**found["metadata"], **names, "data": found["memory"]})
    item["score"] = min(1.0, max(0.0, float(found["score"])))
    return item


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC
