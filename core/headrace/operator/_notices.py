"""What the actions of a run did with memory, as events for those that subscribe to them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from headrace.errors import HeadraceError, NonDeterminismError
from headrace.memory import DELETED, MEMBER, path_of
from headrace.memory_events import (
    MEMORY_EVENTS,
    MemoryEvent,
    MemoryReadEvent,
    MemoryWrittenEvent,
)
from headrace.values import dumps, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.config import RuntimeConfig
    from headrace.operator._branch import Branch
    from headrace.operator._context import RunContext
    from headrace.plan import AgentPlan

__all__ = ["kind_of", "noticed_kinds", "notices_of", "tell"]

_LOG = logging.getLogger("headrace.memory")


def kind_of(event: MemoryEvent) -> str:
    """The kind of an event, as the setting ``memory_events`` names it."""
    return type(event).event_type.rpartition(".")[2]


def noticed_kinds(config: RuntimeConfig, plan: AgentPlan) -> frozenset[str]:
    """The kinds that are switched on and that an action triggers on."""
    if not config.memory_events:
        return frozenset()
    on = frozenset(config.memory_events)
    if MemoryEvent.event_type in plan.actions_by_event:
        return on
    prefix = f"{MemoryEvent.event_type}."
    return frozenset(kind for kind in on if prefix + kind in plan.actions_by_event)


def notices_of(context: RunContext, action: str, kinds: frozenset[str]) -> list[MemoryEvent]:
    """What an action did with memory: each thing once, in an order that no speed changes."""
    root, found = context.short_term_root, list[MemoryEvent]()
    if "read" in kinds:
        found += [
            MemoryReadEvent(action=action, path=path_of(full[len(root) :]), found=there)
            for full, there in context.memory_reads
        ]
    if "written" in kinds:
        found += [
            MemoryWrittenEvent(
                action=action, path=path_of(full[len(root) :]), deleted=cell is DELETED
            )
            for full, cell in (context.memory_changes or {}).items()
            if MEMBER not in full[len(root) :]  # a sub-agent's, which is told its own actions
        ]
    found += [event.model_copy(update={"action": action}) for event in context.told]
    place = {kind: number for number, kind in enumerate(MEMORY_EVENTS)}
    ordered = {(place[type(event)], dumps(encode(event))): event for event in found}
    return [ordered[key] for key in sorted(ordered)]


async def tell(branch: Branch, notices: Sequence[tuple[MemoryEvent, str | None]]) -> None:
    """Tells what was done with memory, one after the other; nobody is told of what follows.

    One whose handling fails leaves nothing, and fails nothing else.
    """
    from headrace.operator._action_task import ActionFailure

    noticed, branch.noticed, branch.quiet = branch.noticed, frozenset(), True
    ending = branch.ending
    for event, member in notices:
        before = dict(branch.changes), dict(branch.sensory), branch.outputs[:], branch.effects[:]
        event_id = f"{branch.run.id}/{branch.path}memory/{branch.next_step}"
        try:
            await branch.handle([(event, event_id, member)])
        except (ActionFailure, HeadraceError) as failed:
            error = failed.error if isinstance(failed, ActionFailure) else failed
            if isinstance(error, NonDeterminismError):
                raise
            branch.changes, branch.sensory, branch.outputs, branch.effects = before
            branch.ending = ending
            _LOG.warning(
                "what an event of memory set off has failed, and is dropped (run %s, %s)",
                branch.run.id,
                type(event).event_type,
                exc_info=error,
            )
    branch.noticed, branch.quiet = noticed, False
