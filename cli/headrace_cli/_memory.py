"""An agent's long-term memory, from the command line."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from headrace.interfaces import MemoryBackend
    from headrace.plan import AgentPlan

__all__ = ["line_of", "opened", "scope_of", "scope_options"]

Function = TypeVar("Function", bound="Callable[..., Any]")


def scope_options(function: Function) -> Function:
    """The options that say whose memories are meant."""
    for option in reversed(
        (
            click.option("--user", metavar="USER", help="Those of this person."),
            click.option("--key", metavar="KEY", help="Those of this key of the stream."),
            click.option("--set", "of_set", metavar="NAME", help="Those in this named set."),
            click.option("--all-agents", is_flag=True, help="Those of every agent in the store."),
            click.option("--member", metavar="NAME", help="Of a team, a sub-agent: whose."),
            click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE"),
        )
    ):
        function = option(function)
    return function


def scope_of(plan: AgentPlan, typed: dict[str, Any]) -> dict[str, str]:
    """The scope, or the part of one, that is meant."""
    from headrace.values import key_id

    member = typed["member"]
    if member not in plan.owners and not typed["all_agents"]:
        what = "is a team: its members" if plan.start is not None else "has sub-agents: they"
        if not plan.members:
            raise WrongUseError(f"{plan.name} is no team: leave out --member")
        raise WrongUseError(
            f"{plan.name} {what} remember for themselves",
            then=f"--member NAME, one of {', '.join(plan.members)}; or --all-agents",
        )
    agent = plan.identity if member is None else f"{plan.identity}.{member}"
    scope = {} if typed["all_agents"] else {"agent": agent}
    if typed["key"] is not None:
        scope["key"] = key_id(_key(typed["key"]))
    if typed["user"] is not None:
        scope["user"] = typed["user"]
    if typed["of_set"] is not None:
        scope["set"] = typed["of_set"]
    return scope


@asynccontextmanager
async def opened(plan: AgentPlan, member: str | None) -> AsyncIterator[MemoryBackend]:
    """The agent's memory, open.

    Raises:
        WrongUseError: It has none, or several.
    """
    from headrace.operator import resources_alone

    if member is None:
        member = plan.owners[0]
    async with resources_alone(plan, member) as resources:
        names = resources.names("memory")
        if len(names) != 1:
            raise WrongUseError(
                f"{plan.name} has {', '.join(names) or 'no'} memory",
                why="it is declared by use('memory', ...), once",
            )
        yield await resources.get("memory", names[0])


def line_of(item: Any) -> str:
    """A memory as a line of JSON."""
    return json.dumps(dict(item), ensure_ascii=False, default=str)


def _key(text: str) -> Any:
    """A key as typed: JSON where it is a number or more, else a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
