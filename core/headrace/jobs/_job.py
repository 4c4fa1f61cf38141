"""A job that an author writes: streams of any connector, with agents as steps between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.agent import Agent
    from headrace.plan import AgentPlan
    from headrace.teams import AgentLike

    Pipeline = Callable[[Any, Mapping[str, AgentPlan]], None]

__all__ = ["Job", "job"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Job:
    """A Flink job around agents; made by the decorator ``job``."""

    name: str
    """What it is called on the cluster."""
    agents: tuple[AgentLike, ...]
    """Its agents: they are compiled where the job is built."""
    pipeline: Pipeline
    """Puts the streams together; it gets the environment, and the agents' plans by name."""

    def __call__(self, environment: Any, plans: Mapping[str, AgentPlan]) -> None:
        """Puts the streams together."""
        self.pipeline(environment, plans)


def job(*agents: AgentLike | type[Agent], name: str | None = None) -> Callable[[Pipeline], Job]:
    """Makes a job of a function that puts streams together.

    ::

        @job(Echo(), name="echo")
        def echo(env, plans):
            stream = env.from_source(...)
            streams = process(stream, plans["Echo"], key=...)
            streams.output.sink_to(...)

    The function runs where the job is submitted, never on a worker. It must not execute the
    environment: whoever runs the job does.

    Args:
        agents: The agents that the function may use, each with a name of its own.
        name: What the job is called on the cluster; else the function's name.

    Raises:
        HeadraceError: There is no agent, or the name is none that a cluster shows well.
    """
    if not agents:
        raise HeadraceError("a job has at least one agent: @job(MyAgent())")
    made = tuple(one() if isinstance(one, type) else one for one in agents)

    def decorate(function: Pipeline) -> Job:
        called = name or str(getattr(function, "__name__", "job"))
        if not _NAME.fullmatch(called):
            raise HeadraceError(
                f"{called!r} is no name for a job: letters, digits, space, dot, dash and "
                "underscore, 100 at most"
            )
        return Job(called, made, function)

    return decorate
