"""An agent written by calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.config import RuntimeConfig
from headrace.declarations import (
    ActionDeclaration,
    Definition,
    ToolDeclaration,
    approval_of,
    place_of,
    triggers_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from headrace.agent import Agent
    from headrace.approvals import Approval
    from headrace.declarations import EventLike, OnConditionError, OnError, Use
    from headrace.hidden import Source
    from headrace.policy import FailurePolicy
    from headrace.prompts import Prompt
    from headrace.sub_agents import SubAgent

__all__ = ["AgentBuilder"]


class AgentBuilder:
    """Writes an agent by calls; gives the plan that the class with the same parts gives.

    ::

        agent = (
            AgentBuilder("echo", prefix="> ")
            .resource("model", use("chat_models", "scripted", policy="policy.yaml"))
            .action(echo, InputEvent)
        )
        plan = AgentPlan.from_agent(agent)

    ``AgentBuilder(Echo, prefix="> ")`` starts from a class: its methods may be actions, and its
    declarations count.
    """

    def __init__(
        self, agent: str | type[Agent], /, *, description: str = "", **parameters: Any
    ) -> None:
        if isinstance(agent, str):
            self._definition = Definition(agent, description, parameters=parameters)
        else:
            self._definition = agent(**parameters).definition()
            if description:
                self._definition.description = description

    def definition(self) -> Definition:
        """Everything that was declared."""
        return self._definition

    def configure(self, **settings: Any) -> AgentBuilder:
        """Sets settings of ``RuntimeConfig``."""
        config = self._definition.config
        before = (
            {name: getattr(config, name) for name in config.model_fields_set}
            if isinstance(config, RuntimeConfig)
            else dict(config)
        )
        self._definition.config = {**before, **settings}
        return self

    def values(
        self, model: type[BaseModel] | BaseModel | None = None, /, **said: Any
    ) -> AgentBuilder:
        """Declares values of the project's own, as ``Agent.values``."""
        if model is not None:
            self._definition.take_values(model)
        self._definition.take_values(said)
        return self

    def action(
        self,
        function: Callable[..., Any],
        /,
        *events: EventLike,
        when: str | None = None,
        blocking: bool = False,
        on_failure: FailurePolicy | None = None,
        timeout: float | None = None,
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        on_condition_error: OnConditionError | None = None,
    ) -> AgentBuilder:
        """Adds an action; the arguments are those of ``@action``.

        One function may be added several times, by several names and with settings of its own.
        """
        declaration = ActionDeclaration(
            triggers_of(events, when),
            blocking,
            on_failure,
            timeout,
            name,
            function,
            settings or {},
            on_condition_error,
        )
        label = name or str(getattr(function, "__name__", repr(function)))
        self._definition.actions.append((label, declaration, place_of(function)))
        return self

    def tool(
        self,
        function: Callable[..., Any],
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float | None = None,
        approval: Approval | bool = False,
        on_error: OnError | None = None,
        hidden: Mapping[str, Source] | None = None,
    ) -> AgentBuilder:
        """Adds a tool; the arguments are those of ``@tool``."""
        declaration = ToolDeclaration(
            name,
            description,
            timeout,
            function,
            approval_of(approval),
            on_error,
            dict(hidden or {}),
        )
        label = name or str(getattr(function, "__name__", repr(function)))
        self._definition.tools.append((label, declaration, place_of(function)))
        return self

    def resource(self, name: str, resource: Use | Prompt | SubAgent, /) -> AgentBuilder:
        """Adds a resource, a prompt, a connection or a sub-agent."""
        self._definition.declare(name, resource)
        return self
