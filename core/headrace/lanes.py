"""Order within a key: a run waits behind the one before it of the same key."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

__all__ = ["Lanes"]

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """For each busy key a queue of what waits behind the run that is under way."""

    __slots__ = ("_lanes", "waiting")

    def __init__(self) -> None:
        self._lanes: dict[str, deque[Item] | None] = {}
        self.waiting = 0
        """How many items wait behind others, in all lanes."""

    def enter(self, key_id: str, item: Item) -> bool:
        """Takes a key's lane for ``item``; ``False``: it is taken, and ``item`` waits in it."""
        if key_id not in self._lanes:
            self._lanes[key_id] = None  # no queue yet: most keys never need one
            return True
        lane = self._lanes[key_id]
        if lane is None:
            lane = self._lanes[key_id] = deque()
        lane.append(item)
        self.waiting += 1
        return False

    def leave(self, key_id: str) -> Item | None:
        """Ends the run under way: gives the next item, which then has the lane, or frees it."""
        lane = self._lanes[key_id]
        if lane:
            self.waiting -= 1
            return lane.popleft()
        del self._lanes[key_id]
        return None

    def __len__(self) -> int:
        return len(self._lanes)
