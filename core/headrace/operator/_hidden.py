"""The values of tools' hidden parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.hidden import FromConfig, FromMemory, descend
from headrace.values import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.hidden import Source
    from headrace.memory import Memory
    from headrace.operator._context import RunContext

__all__ = ["filled_in"]


def filled_in(
    context: RunContext, sources: Mapping[str, Source]
) -> tuple[dict[str, Any], dict[str, Source]]:
    """The values that are there, and the sources of those that are not."""
    values: dict[str, Any] = {}
    missing: dict[str, Source] = {}
    for name, source in sources.items():
        try:
            values[name] = _value(context, source)
        except (KeyError, ValueError):  # no such name, or none that memory could have
            missing[name] = source
    return values, missing


def _value(context: RunContext, source: Source) -> Any:
    if isinstance(source, FromMemory):
        return _remembered(context.short_term, source.path)
    run, task = context._run, context._task  # noqa: SLF001 - one part with the context
    first, _, rest = source.path.partition(".")
    parts = rest.split(".") if rest else []
    if isinstance(source, FromConfig):
        if source.path in context.config:
            return context.config[source.path]
        return descend(
            decode(run.operator.plan.parameters_of(task.action.spec.member)[first]), parts
        )
    if first == "sensory":
        return _remembered(context.sensory, rest)
    if first == "input":
        return descend(decode(task.branch.value), parts)
    if first == "agent":
        name, member = run.operator.plan.name, task.action.spec.member
        return name if member is None else f"{name}.{member}"
    value = getattr(context, first)
    if value is None and first == "timestamp":
        raise KeyError(first)
    return value


def _remembered(memory: Memory, path: str) -> Any:
    """What a path names: a name with dots, else a path of names, else a part of a value."""
    if path in memory:
        return memory[path]
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        if (name := tuple(parts[:end])) in memory:
            return descend(memory[name], parts[end:])
    raise KeyError(path)
