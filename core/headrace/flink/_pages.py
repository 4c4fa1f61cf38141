"""Memory of many keys in few pieces of state: pages that split as keys come.

A round trip to Flink's state costs about as much for a page of fifty keys as for one key, so the
keys of a shard lie in pages. A key's page is found by *linear hashing* (W. Litwin, "Linear hashing:
a new tool for file and table addressing", VLDB 1980): when a page has grown over its size, the page
whose turn it is splits in two, so pages stay near their size and each split moves one page only.
Keys with much memory have an entry of their own.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Protocol

from headrace.memory import Changes, apply_changes, purge

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from headrace.values import Stored

__all__ = ["MapLike", "Pages", "hash_of", "page_of", "shard_of"]

_EXPIRY = ""  # no key's id is empty: here stands the time of a page's next expiry
_LATER = 60.0
"""Seconds after which it is looked again whether a busy key's cells may be dropped."""


class MapLike(Protocol):
    """What is needed of a map state."""

    def get(self, key: Any) -> Any:
        """The value of a key, or ``None``."""

    def put(self, key: Any, value: Any) -> None:
        """Sets a key."""

    def remove(self, key: Any) -> None:
        """Removes a key."""


def hash_of(key_id: str) -> int:
    """A hash of a key, the same in every process (CRC-32)."""
    return zlib.crc32(key_id.encode("utf-8", "surrogatepass"))


def shard_of(key_id: str, shards: int) -> int:
    """The shard of a key."""
    return hash_of(key_id) % shards


def page_of(number: int, pages: int) -> int:
    """The page of a hash, among so many pages (linear hashing's address function)."""
    size = 1 << (pages - 1).bit_length()  # the next power of two
    page = number & (size - 1)
    return page if page < pages else page - (size >> 1)


def size_of(cells: Mapping[str, Stored]) -> int:
    """About how many bytes the cells of a key take."""
    size = 16
    for name, cell in cells.items():
        kind = type(cell)
        if kind is str:
            size += len(cell)
        elif kind is list or kind is dict:
            size += len(json.dumps(cell))
        size += len(name) + 8
    return size


class Pages:
    """The memory of one shard's keys.

    Args:
        pages: From a page's number to its keys' cells.
        large: From a key to the cells of a key that needs an entry of its own.
        shards: How many shards there are; the rest of the hash chooses the page.
        count: How many pages there are.
        page_bytes: The size that pages are kept near.
    """

    __slots__ = ("_large", "_page_bytes", "_pages", "_shards", "busy", "count")

    def __init__(
        self, pages: MapLike, large: MapLike, *, shards: int, count: int, page_bytes: int
    ) -> None:
        self._pages = pages
        self._large = large
        self._shards = shards
        self._page_bytes = page_bytes
        self.count = count
        self.busy: Callable[[], Collection[str]] = frozenset
        """The keys whose runs have recorded calls: they may be run again, and see what they saw."""

    def cells(self, key_id: str) -> Mapping[str, Stored]:
        """The cells of a key, not to be changed."""
        page = self._pages.get(self._page(key_id))
        if page is None:
            return {}
        cells = page.get(key_id, {})
        return self._large.get(key_id) or {} if cells is None else cells

    def commit(self, key_id: str, changes: Changes, now: float) -> bool:
        """Carries over what a run changed; says whether ``count`` has changed."""
        number = self._page(key_id)
        found: dict[str, Any] | None = self._pages.get(number)
        page: dict[str, Any] = found or {}
        cells = page.get(key_id)
        was_large = key_id in page and cells is None
        if was_large:
            cells = self._large.get(key_id)
        cells = {} if cells is None else cells
        apply_changes(cells, changes)
        self._note_expiry(page, changes)
        if page.get(_EXPIRY, now + 1) <= now:
            self._purge(page, now)
            purge(cells, now)
        size = size_of(cells)
        if size > self._page_bytes and purge(cells, now):
            size = size_of(cells)
        if not cells:
            page.pop(key_id, None)
        elif size > self._page_bytes:
            self._large.put(key_id, cells)
            page[key_id] = None
        else:
            page[key_id] = cells
        if was_large and size <= self._page_bytes:
            self._large.remove(key_id)
        if len(page) > (_EXPIRY in page):
            self._pages.put(number, page)
        elif found is not None:
            self._pages.remove(number)
        # This key stands for the others of its page: over many writes the mean is right.
        if len(page) * min(size, self._page_bytes) <= 2 * self._page_bytes or len(page) == 1:
            return False
        self._split()
        return True

    def _page(self, key_id: str) -> int:
        return page_of(hash_of(key_id) // self._shards, self.count)

    def _split(self) -> None:
        """Splits the page whose turn it is: its keys go to it and to a new page."""
        old = page_of(self.count, self.count)
        new = self.count
        self.count += 1
        page = self._pages.get(old)
        if not page:
            return
        moved = {
            key_id: cells
            for key_id, cells in page.items()
            if key_id != _EXPIRY and self._page(key_id) == new
        }
        if not moved:
            return
        if _EXPIRY in page:
            moved[_EXPIRY] = page[_EXPIRY]
        kept = {key_id: cells for key_id, cells in page.items() if key_id not in moved}
        if _EXPIRY in page:
            kept[_EXPIRY] = page[_EXPIRY]
        self._pages.put(new, moved)
        if kept.keys() - {_EXPIRY}:
            self._pages.put(old, kept)
        else:
            self._pages.remove(old)

    @staticmethod
    def _note_expiry(page: dict[str, Any], changes: Changes) -> None:
        for cell in changes.values():
            if type(cell) is dict and cell.get("$") == "ttl":
                page[_EXPIRY] = min(page.get(_EXPIRY, cell["e"]), cell["e"])

    def _purge(self, page: dict[str, Any], now: float) -> None:
        """Drops what has expired in a page that is at hand anyway."""
        del page[_EXPIRY]
        busy = self.busy()
        for key_id in list(page):
            cells = page[key_id]
            if cells is None:
                continue  # a large key is purged when it is written itself
            if key_id in busy:
                page[_EXPIRY] = min(page.get(_EXPIRY, now + _LATER), now + _LATER)
                continue
            purge(cells, now)
            if not cells:
                del page[key_id]
            else:
                self._note_expiry(page, cells)
