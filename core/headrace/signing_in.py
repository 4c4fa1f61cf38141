"""Tools that a person signs in for, once, where they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.interfaces import Toolset
from headrace.references import find

if TYPE_CHECKING:
    from headrace.plan import AgentPlan

__all__ = ["toolsets_signed_in_for"]


def toolsets_signed_in_for(plan: AgentPlan) -> dict[str, Toolset]:
    """The plan's toolsets that a person has to have signed in for, by their names; none is open.

    Raises:
        ResourceError: One cannot be built.
    """
    found: dict[str, Toolset] = {}
    for name, provider in plan.resource_providers.get("tools", {}).items():
        if provider.target is None or "parameters" in provider.arguments:
            continue
        kind = find(provider.target)
        if isinstance(kind, type) and issubclass(kind, Toolset):
            if kind.sign_in is Toolset.sign_in:
                continue
            toolset = kind(**provider.arguments)
            if toolset.signs_in:
                found[name] = toolset
    return found
