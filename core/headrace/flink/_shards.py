"""Shards: what an element belongs to, and what a worker holds of each."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from headrace.approvals import decision_of
from headrace.flink._pages import shard_of
from headrace.flink._pyflink import Row
from headrace.samples import verdict_of
from headrace.values import decode, key_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.flink._pages import Pages
    from headrace.flink._pyflink import Shape
    from headrace.operator import Effect, Journal, Names, Run, RunInput

    Settled = tuple[Effect, bool, dict[str, Any] | None]
    """An effect, whether it is over, and its dead letter."""

__all__ = ["Reader", "Shard", "ShardSelector", "plain"]


def plain(element: Any, shape: Shape = None) -> Any:
    """An element as agents see it: Flink's rows are mappings.

    Args:
        element: What Flink gave.
        shape: The names of its fields, for a row that carries none.
    """
    if type(element) is Row:
        if hasattr(element, "_fields") or shape is None:
            return {name: plain(one) for name, one in zip(element._fields, element, strict=True)}
        return {name: plain(one, inner) for (name, inner), one in zip(shape, element, strict=True)}
    if type(element) is list:
        return [plain(one, shape) for one in element]
    if type(element) is dict:
        return {name: plain(one) for name, one in element.items()}
    return element


class Reader:
    """Reads an element: the input in it, and its key.

    Args:
        key: Gives the key of an input; ``None``: elements are pairs of a key and what it is of.
        parse: Makes the input of an element; ``None``: the element itself.
        shape: The names of the fields of its rows.
    """

    def __init__(
        self,
        key: Callable[[Any], Any] | None,
        parse: Callable[[Any], Any] | None,
        shape: Shape = None,
    ) -> None:
        self._shape = shape if key is not None or shape is None else shape[1][1]
        self._key = key
        self._parse = parse

    def value(self, element: Any) -> Any:
        """The input."""
        one = element[1] if self._key is None else element
        return plain(one, self._shape) if self._parse is None else self._parse(one)

    def key(self, element: Any, value: Any) -> Any:
        """The key of an element, whose input was read before; a verdict's is its sample's."""
        verdict = verdict_of(value)
        if verdict is not None:
            return verdict.key
        return plain(element[0]) if self._key is None else self._key(value)


class ShardSelector:
    """Gives the shard of an element's key."""

    def __init__(
        self,
        key: Callable[[Any], Any] | None,
        parse: Callable[[Any], Any] | None,
        shards: int,
        shape: Shape = None,
    ) -> None:
        self._reader = Reader(key, parse, shape)
        self._shards = shards

    def __call__(self, element: Any) -> int:
        """The shard."""
        value = self._reader.value(element)
        decision = decision_of(value)
        named = key_id(self._reader.key(element, value)) if decision is None else decision.key_id
        return shard_of(named, self._shards)


class Shard:
    """What a worker holds of a shard between its turns."""

    __slots__ = (
        "asked",
        "beat",
        "changed",
        "done",
        "effects",
        "held",
        "names",
        "next",
        "pages",
        "parked",
        "pending",
        "settled",
        "tick",
        "waiting",
    )

    def __init__(self, pages: Pages, names: Names) -> None:
        self.pages = pages
        pages.busy = self.keys_with_journals
        self.names = names
        self.next = 0  # the number of the next input
        self.pending: dict[int, list[Any]] = {}
        self.done: deque[Run] = deque()
        self.asked: deque[Any] = deque()  # requests that are shown with the next turn
        self.effects: dict[int, Effect] = {}  # that were asked for and are not over
        self.settled: deque[Settled] = deque()  # what the state is told of them with the next turn
        self.tick = 0  # when the next tick is due: milliseconds, 0: there is none
        self.beat = 0  # the period in which beacons were set last
        self.changed = False
        self.waiting = 0  # inputs behind others of their key, or parked
        # Inputs at whose turn too much was in flight; each has its key's lane.
        self.parked: deque[tuple[RunInput, Journal | None]] = deque()
        self.held = 0  # runs that wait for somebody's decision

    def keys_with_journals(self) -> set[str]:
        """The keys whose runs are under way and have recorded calls."""
        return {key_id(decode(kept[0])) for kept in self.pending.values() if kept[3] is not None}
