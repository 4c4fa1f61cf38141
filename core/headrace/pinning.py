"""Pins: what toolsets whose tools somebody else decides on offered when a job was built.

A server can change its tools behind a job's back, and a description is read by a model. So what a
server offers is looked up where the plan is made to travel, becomes part of it, and is held against
what the server says on the worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import HeadraceError, ResourceError
from headrace.interfaces import Toolset
from headrace.references import find

if TYPE_CHECKING:
    from headrace.plan import AgentPlan, ResourceProvider

__all__ = ["pin_plan"]


async def pin_plan(plan: AgentPlan) -> AgentPlan:
    """The plan with pins of its toolsets, where those have some (``Toolset.pin``).

    Toolsets that have none are not built. The plan's own bytes are the same where nothing is
    pinned.

    Raises:
        ResourceError: A toolset cannot say what it offers; the text names it.
    """
    tools = plan.resource_providers.get("tools", {})
    pinned = {name: await _pinned(tool) for name, tool in tools.items()}
    if pinned == tools:
        return plan
    providers = {**plan.resource_providers, "tools": pinned}
    return plan.model_copy(update={"resource_providers": providers})


async def _pinned(provider: ResourceProvider) -> ResourceProvider:
    if provider.target is None or "parameters" in provider.arguments:
        return provider
    kind = find(provider.target)
    if not (isinstance(kind, type) and issubclass(kind, Toolset)) or kind.pin is Toolset.pin:
        return provider
    try:
        pin = await kind(**provider.arguments).pin()
    except HeadraceError as error:
        raise ResourceError(
            f"the tools of {provider.name!r} cannot be looked up, to be pinned: {error}"
        ) from error
    return provider if pin is None else provider.model_copy(update={"pinned": pin})
