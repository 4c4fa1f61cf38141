"""An agent's resources without a run: for commands that look after what they keep."""

from __future__ import annotations

import asyncio
import functools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from headrace.operator._eager import Deadlines
from headrace.operator._resources import Resources
from headrace.references import find

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from headrace.plan import AgentPlan

__all__ = ["resources_alone"]


@asynccontextmanager
async def resources_alone(plan: AgentPlan, member: str | None = None) -> AsyncIterator[Resources]:
    """The resources of an agent, built as they are asked for, and closed at the end.

    Args:
        plan: The agent.
        member: Of a team, the member.
    """
    deadlines = Deadlines(asyncio.get_running_loop())
    resources = Resources(plan, member, functools.partial(find), None, deadlines)
    try:
        yield resources
    finally:
        await resources.close()
        deadlines.close()
