"""What was done through a context beside calls: kept in a journal, and done again from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.memory import DELETED, Changes
from headrace.metrics import Measured
from headrace.operator._effects import Effect
from headrace.values import Stored, decode, encode

if TYPE_CHECKING:
    from headrace.operator._context import RunContext

__all__ = ["do_again", "done_by", "given_back", "kept"]


def done_by(context: RunContext) -> Stored:
    """What was done through a context, for a journal; ``None``: nothing."""
    memory, sensory = context.memory_changes, context.sensory_changes
    expiries = context.memory_expiries
    reads = [list(read) for read in context.memory_reads]
    sent = (context.told, context.events, context.outputs, context.held, context.measured)
    if not any((memory, sensory, expiries, reads, *sent)):
        return None
    held = [effect.stored() for effect in context.held]
    measured = {"metrics": context.measured.stored()} if context.measured else {}
    return {
        "memory": kept(memory or {}),
        "sensory": kept(sensory or {}),
        "expiries": dict(expiries or {}),
        "reads": reads,
        "told": [encode(event) for event in context.told],
        "events": [[encode(event), event_id, to] for event, event_id, to in context.events],
        "outputs": context.outputs,
        **({"held": held} if held else {}),
        **measured,
    }


def do_again(context: RunContext, done: Stored) -> None:
    """Does what ``done_by`` has kept through another context."""
    if done is None:
        return
    memory = context.short_term
    memory.changes.update(given_back(done["memory"]))
    memory.expiries.update(done.get("expiries", {}))
    if memory.reads is not None:
        memory.reads.update(dict.fromkeys(map(tuple, done.get("reads", ()))))
    context.told += [decode(event) for event in done.get("told", ())]
    context.sensory.changes.update(given_back(done["sensory"]))
    context.events += [(decode(event), named, to) for event, named, to in done["events"]]
    context.outputs += done["outputs"]
    context.held += [Effect.read(effect) for effect in done.get("held", ())]
    context.measure(Measured.of(done.get("metrics")))


def kept(changes: Changes) -> Stored:
    """Changes for a journal, which has no mark for a deletion."""
    gone = [name for name, cell in changes.items() if cell is DELETED]
    return {"set": {n: cell for n, cell in changes.items() if cell is not DELETED}, "gone": gone}


def given_back(kept: Stored) -> Changes:
    """What ``kept`` was made of."""
    return {**kept["set"], **dict.fromkeys(kept["gone"], DELETED)}
