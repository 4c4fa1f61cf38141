"""What an agent would do to the outside: its effects, asked for and not done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.local import IterableSource, ListSink, LocalEngine
from headrace.loops import outside_any_loop
from headrace.plan import AgentPlan
from headrace.references import find
from headrace.settings import settled_here
from headrace.values import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headrace.operator import Effect
    from headrace.teams import AgentLike

__all__ = ["AskedEffect", "effects_of"]


@dataclass(frozen=True, slots=True)
class AskedEffect:
    """An effect that an agent asked for by ``ctx.after_commit``."""

    function: Callable[..., Any]
    """The function; of a method of the agent's class, the plain function."""
    args: tuple[Any, ...]
    """Its arguments by place."""
    kwargs: dict[str, Any]
    """Those by name."""
    idempotency_key: str
    """Its key, equal each time that the same inputs are run."""
    key: Any
    """The stream's key of the run that asked."""


def effects_of(
    agent: AgentLike | AgentPlan,
    inputs: Iterable[Any],
    *,
    key: Callable[[Any], Any] | None = None,
) -> list[AskedEffect]:
    """Runs an agent over inputs, and gives the effects that it asks for; none of them is done.

    ::

        def test_who_buys_is_thanked():
            (effect,) = effects_of(Shop(), [{"who": "ada", "item": "plums"}])
            assert (effect.function, effect.args) == (send_mail, ("ada", "thank you for plums"))

    Args:
        agent: The agent, or its plan.
        inputs: Any iterable.
        key: Gives the key of an input; the input itself where ``None``.

    Raises:
        PlanError: The agent does not compile.
        JobFailedError: A run failed, and its policy is to fail the job.
    """
    plan = agent if isinstance(agent, AgentPlan) else AgentPlan.from_agent(agent)
    asked: list[AskedEffect] = []

    def take(effect: Effect) -> None:
        args, kwargs = decode(effect.arguments)
        function = find(effect.function)
        asked.append(AskedEffect(function, tuple(args), kwargs, effect.key, decode(effect.of)))

    engine = LocalEngine(settled_here(plan), key=key, output=ListSink(), effects=take)
    outside_any_loop(lambda: engine.run(IterableSource(inputs)))
    return asked
