"""What is wrong with an agent's action stores, found while compiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.plan import AgentPlan, ResourceProvider

__all__ = ["check_action_stores", "check_team_stores"]

_KIND = "action_stores"


def check_action_stores(
    agent: str,
    found: Mapping[str, Mapping[str, ResourceProvider]],
    inner: Mapping[str, AgentPlan],
) -> Iterator[Fault]:
    """An agent has one at most, and its sub-agents none: their calls are kept with its own.

    Args:
        agent: The agent's name.
        found: Its resources, by kind and name.
        inner: The plans of its sub-agents.
    """
    names = list(found.get(_KIND, {}))
    for name in names[1:]:
        yield Fault(
            f"{agent}.{name}",
            f"this is a second action store: the calls of a run are kept in one, {names[0]!r}",
            "leave one of them out",
        )
    for name, plan in inner.items():
        if plan.action_store is not None:
            yield Fault(
                f"{agent}.{name}",
                "this sub-agent declares an action store: its calls are kept with those of the "
                "agent that asks it",
                f"declare it in {agent}, and leave it out there",
            )


def check_team_stores(team: str, plans: Mapping[str, AgentPlan]) -> Iterator[Fault]:
    """The members of a team have one action store, if any: that of their runs.

    Args:
        team: The team's name.
        plans: The plans of its members.
    """
    with_one = [name for name, plan in plans.items() if plan.action_store is not None]
    for name in with_one[1:]:
        yield Fault(
            f"{team}.{name}",
            f"this is a second action store: {with_one[0]!r} declares that of the team",
            "leave one of them out",
        )
