"""What an author writes: an ``Agent`` class, its actions, tools and prompts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from headrace.config import RuntimeConfig
from headrace.declarations import (
    ActionDeclaration,
    Definition,
    ToolDeclaration,
    Use,
    approval_of,
    triggers_of,
)
from headrace.prompt_files import located
from headrace.prompts import Prompt
from headrace.sub_agents import SubAgent

if TYPE_CHECKING:
    from headrace.approvals import Approval
    from headrace.declarations import EventLike, OnConditionError, OnError
    from headrace.hidden import Source
    from headrace.policy import FailurePolicy

__all__ = ["Agent", "action", "prompt", "tool"]

Function = TypeVar("Function", bound=Callable[..., Any])


def action(
    *events: EventLike,
    when: str | None = None,
    blocking: bool = False,
    on_failure: FailurePolicy | None = None,
    timeout: float | None = None,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    on_condition_error: OnConditionError | None = None,
) -> Callable[[Function], Function]:
    """Marks a method as an action.

    Args:
        *events: Event classes, or names of event types, that trigger it; where there are none,
            ``when`` is asked of every event.
        when: A condition in CEL on ``event`` (its fields), ``event_type`` and ``key``, such as
            ``"event.severity > 2"``.
        blocking: For a ``def`` that waits for something: it runs in a bounded pool of threads.
        on_failure: What follows a failure; as the agent's settings say where ``None``.
        timeout: Seconds that one attempt may take.
        name: The action's name; the method's where ``None``. An action of a subclass replaces the
            one of the same name.
        settings: Values of this action's own: ``ctx.config`` has them before the agent's.
        on_condition_error: What follows a condition that fails on an event: ``"fail"`` fails the
            run, ``"skip"`` does not trigger the action, with a warning; as the agent's
            ``condition_errors`` setting says where ``None``.
    """
    declaration = ActionDeclaration(
        triggers=triggers_of(events, when),
        blocking=blocking,
        policy=on_failure,
        timeout=timeout,
        name=name,
        settings=settings or {},
        on_condition_error=on_condition_error,
    )

    def mark(function: Function) -> Function:
        marks = (*getattr(function, "__headrace_actions__", ()), declaration)
        function.__headrace_actions__ = marks  # type: ignore[attr-defined]
        return function

    return mark


def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    approval: Approval | bool = False,
    on_error: OnError | None = None,
    hidden: Mapping[str, Source] | None = None,
) -> Callable[[Function], Function]:
    """Marks a method (or a function for ``AgentBuilder.tool``) as a tool that models may call.

    The schema comes from the types, the description from the docstring. Hidden from the model are
    a parameter called ``ctx`` or of the type ``Context`` (the run's context), one of the type
    ``Memory`` (the key's short-term memory), one of the type ``LongTermMemory``, and those whose
    type says where their value comes from (``headrace.hidden``).

    Args:
        name: The tool's name; the function's where ``None``.
        description: What the model is told; the docstring where ``None``.
        timeout: Seconds that a call may take.
        approval: Whether calls wait until somebody has said yes; an ``Approval`` says which.
        on_error: What follows a call that fails: ``"tell"`` tells who called it, ``"fail"`` fails
            the run; as the agent's ``tool_errors`` setting says where ``None``.
        hidden: Where the values of further hidden parameters come from, by their names.
    """

    def mark(function: Function) -> Function:
        declaration = ToolDeclaration(
            name,
            description,
            timeout,
            approval=approval_of(approval),
            on_error=on_error,
            hidden=dict(hidden or {}),
        )
        function.__headrace_tool__ = declaration  # type: ignore[attr-defined]
        return function

    return mark


def prompt(function: Function) -> Function:
    """Marks a method that gives a ``Prompt`` (or its text); it is asked once, at compile time."""
    function.__headrace_prompt__ = True  # type: ignore[attr-defined]
    return function


class Agent(BaseModel):
    """The base of agents. Fields are the agent's parameters; they are part of the plan.

    ::

        class Echo(Agent):
            prefix: str = ""
            model = use("chat_models", "scripted", policy="policy.yaml")

            @action(InputEvent)
            async def echo(self, event: InputEvent, ctx: Context) -> None:
                ctx.send(OutputEvent(output=self.prefix + event.input))
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", ignored_types=(Use, Prompt, SubAgent), protected_namespaces=()
    )

    agent_name: ClassVar[str | None] = None
    """The agent's name in plans and logs; the class's name where ``None``."""
    config: ClassVar[RuntimeConfig | Mapping[str, Any]] = RuntimeConfig()
    """Settings of the runtime."""
    values: ClassVar[type[BaseModel] | BaseModel | Mapping[str, Any]] = {}
    """Values of the project's own, which actions and tools read by ``ctx.config``.

    A pydantic model types them, and its defaults are what projects, environments and ``--set`` may
    say otherwise; what an instance or a mapping says, only ``--set`` may.
    """

    def resources(self) -> Mapping[str, Use | Prompt | SubAgent]:
        """Resources that depend on the agent's fields, by name; for subclasses to override."""
        return {}

    def definition(self) -> Definition:
        """Everything that the class declares, in order: bases first, then the class's body."""
        found = Definition(
            name=self.agent_name or type(self).__name__,
            description=inspect.cleandoc(type(self).__doc__ or "")
            if type(self).__doc__ != Agent.__doc__
            else "",
            config=self.config,
            agent=self,
        )
        found.take_values(self.values)
        names: dict[str, None] = {}
        for base in reversed(type(self).__mro__):
            if issubclass(base, Agent):
                names.update(dict.fromkeys(vars(base)))
        for name in names:
            owners = [base for base in type(self).__mro__ if name in vars(base)]
            value, *overridden = (vars(base)[name] for base in owners)
            found.add(name, located(value, owners[0]), *overridden)
        for name, resource in self.resources().items():
            found.declare(name, located(resource, type(self)))
        return found
