"""Shards: what an element belongs to, and what a worker holds of each."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from headrace.approvals import decision_of
from headrace.flink._pages import shard_of
from headrace.flink._pyflink import Row
from headrace.values import key_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.flink._pages import Pages
    from headrace.operator import Run

__all__ = ["Shard", "ShardSelector", "plain"]


def plain(element: Any) -> Any:
    """An element as agents see it: Flink's rows are mappings."""
    return element.as_dict(recursive=True) if type(element) is Row else element


class ShardSelector:
    """Gives the shard of an element's key."""

    def __init__(
        self, key: Callable[[Any], Any], parse: Callable[[Any], Any] | None, shards: int
    ) -> None:
        self._key = key
        self._parse = parse
        self._shards = shards

    def __call__(self, element: Any) -> int:
        """The shard."""
        value = plain(element) if self._parse is None else self._parse(element)
        decision = decision_of(value)
        named = key_id(self._key(value)) if decision is None else decision.key_id
        return shard_of(named, self._shards)


class Shard:
    """What a worker holds of a shard between its turns."""

    __slots__ = (
        "asked",
        "beat",
        "changed",
        "done",
        "held",
        "pages",
        "pending",
        "tick",
        "waiting",
    )

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.pending: dict[int, list[Any]] = {}
        self.done: deque[Run] = deque()
        self.asked: deque[Any] = deque()  # requests that are shown with the next turn
        self.tick = 0  # when the next tick is due: milliseconds, 0: there is none
        self.beat = 0  # the period in which beacons were set last
        self.changed = False
        self.waiting = 0  # inputs behind others of their key
        self.held = 0  # runs that wait for somebody's decision
