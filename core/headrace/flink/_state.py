"""A shard's state in Flink: read at its first turn in a worker, written in its turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.flink._pages import Pages
from headrace.flink._pyflink import MapStateDescriptor, Types, ValueStateDescriptor
from headrace.flink._shards import Shard
from headrace.operator import Effect, Journal, Names, RunInput
from headrace.values import decode, encode, key_id

if TYPE_CHECKING:
    from headrace.flink._pyflink import RuntimeContext
    from headrace.plan import AgentPlan
    from headrace.values import Stored

__all__ = ["ShardState", "keep", "pending_runs"]


class ShardState:
    """The state of the shard at hand: memory in pages, pending inputs, names of runs, effects.

    Args:
        context: Flink's.
        plan: The agent.
    """

    def __init__(self, context: RuntimeContext, plan: AgentPlan) -> None:
        pickled = Types.PICKLED_BYTE_ARRAY()
        self._plan = plan
        self._pages = context.get_map_state(MapStateDescriptor("pages", Types.INT(), pickled))
        self._large = context.get_map_state(MapStateDescriptor("large", Types.STRING(), pickled))
        self._count = context.get_state(ValueStateDescriptor("page-count", Types.INT()))
        self._pending = context.get_state(ValueStateDescriptor("pending", pickled))
        self._sequence = context.get_state(ValueStateDescriptor("sequence", Types.LONG()))
        self._names = context.get_state(ValueStateDescriptor("names", pickled))
        self._outbox = context.get_map_state(MapStateDescriptor("outbox", Types.LONG(), pickled))

    def read(self, number: int) -> Shard:
        """The shard at hand, as it is in the state."""
        config = self._plan.config
        pages = Pages(
            self._pages,
            self._large,
            shards=config.shards,
            count=self._count.value() or 1,
            page_bytes=config.page_bytes,
        )
        shard = Shard(pages, Names(self._plan.identity, self._names.value(), number))
        shard.pending = dict(self._pending.value() or {})
        for kept, stored in sorted(self._outbox.items()):
            shard.effects[kept] = effect = Effect.read(stored)
            effect.number, effect.again = kept, True
        shard.next = max([self._sequence.value() or 0, *(one + 1 for one in shard.pending)])
        return shard

    @property
    def known(self) -> bool:
        """Whether the shard at hand has any state."""
        said = (self._sequence.value(), self._names.value())
        return any(one is not None for one in said) or not self._pages.is_empty()

    def count(self, shard: Shard) -> None:
        """Notes that the shard has more pages."""
        self._count.update(shard.pages.count)

    def hold(self, effect: Effect) -> None:
        """Keeps an effect, or what is known of it by now; in a turn of its shard."""
        self._outbox.put(effect.number, effect.stored())

    def drop(self, effect: Effect) -> None:
        """Drops an effect that is over; in a turn of its shard."""
        self._outbox.remove(effect.number)

    def write(self, shard: Shard) -> None:
        """Writes what changed, but for pages; in a turn of the shard."""
        if shard.names.changed:
            self._names.update(shard.names.stored())
        if shard.changed:
            shard.changed = False
            if shard.pending:
                self._pending.update(shard.pending)
            else:
                self._pending.clear()
            self._sequence.update(shard.next)


def keep(shard: Shard, item: RunInput, journal: Journal | None) -> None:
    """Notes an input whose run has not ended."""
    stored: Stored = None if journal is None else journal.stored()
    kept = [encode(item.key), item.value, item.timestamp, stored, item.named()]
    shard.pending[item.sequence] = kept
    shard.changed = True


def pending_runs(shard: Shard) -> list[tuple[RunInput, Journal | None]]:
    """The inputs whose runs had not ended, in their order, with their journals."""
    found = []
    for sequence, (key, value, timestamp, journal, *name) in sorted(shard.pending.items()):
        own = decode(key)
        item = RunInput(own, key_id(own), value, sequence, timestamp, shard.names, *name)
        item.again = True
        found.append((item, None if journal is None else Journal(journal)))
    return found
