"""What an agent declares, before it is checked: actions, tools, uses of plugins, and all of it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from headrace.approvals import Approval
from headrace.config import RuntimeConfig
from headrace.events import Event
from headrace.prompts import Prompt
from headrace.sub_agents import SubAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from headrace.agent import Agent
    from headrace.errors import Fault
    from headrace.hidden import Source
    from headrace.plan import Providers
    from headrace.policy import FailurePolicy

__all__ = [
    "CONNECTIONS",
    "ActionDeclaration",
    "Definition",
    "EventLike",
    "OnConditionError",
    "OnError",
    "ToolDeclaration",
    "Use",
    "approval_of",
    "place_of",
    "triggers_of",
    "use",
]

EventLike = type[Event] | str
OnError = Literal["tell", "fail"]
OnConditionError = Literal["fail", "skip"]
CONNECTIONS = "connections"
"""The kind of a ``use`` that is no resource, but what several resources have in common."""


@dataclass(frozen=True, slots=True)
class ActionDeclaration:
    """A function with what triggers it; made by ``@action`` and by ``AgentBuilder.action``."""

    triggers: tuple[tuple[EventLike, str | None], ...]
    blocking: bool = False
    policy: FailurePolicy | None = None
    timeout: float | None = None
    name: str | None = None
    function: Callable[..., Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    on_condition_error: OnConditionError | None = None


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    """A function that models may call; made by ``@tool``."""

    name: str | None = None
    description: str | None = None
    timeout: float | None = None
    function: Callable[..., Any] | None = None
    approval: Approval | None = None
    on_error: OnError | None = None
    hidden: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """A resource that an agent declares: which plugin (or class of the project), how it is set."""

    kind: str
    target: str
    arguments: dict[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] | None = None
    approval: Approval | None = None
    on_error: OnError | None = None
    connection: str | Use | None = None
    prompt: str | None = None

    def with_on_error(self, on_error: OnError) -> Use:
        """The same toolset, with what follows a call of it that fails.

        Args:
            on_error: ``"tell"`` tells who called it, ``"fail"`` fails the run.
        """
        return replace(self, on_error=on_error)

    def with_approval(self, *tools: str, **settings: Any) -> Use:
        """The same toolset, some of whose calls wait until somebody has said yes.

        ::

            shop = use("tools", "mcp", url="http://shop/mcp").with_approval(
                "refund", "delete_*", when="args.amount > 100", timeout=86_400
            )

        Args:
            *tools: Names or patterns of its tools; all of them where none is given.
            **settings: The others of ``Approval``.
        """
        return replace(self, approval=Approval(tools=tools or ("*",), **settings))

    def with_policy(self, **settings: Any) -> Use:
        """The same model, asked by a policy: limits, time-outs, retries, a fallback, prices.

        Of a connection: what all models over it have in common; those share its limits.

        ::

            model = use("chat_models", "openai", model="gpt-4.1").with_policy(
                requests_per_minute=600, timeout=30, fallback="small"
            )

        Args:
            **settings: Those of ``ModelPolicy``.
        """
        return replace(self, policy={**(self.policy or {}), **settings})

    def with_prompt(self, name: str) -> Use:
        """The same model, whose conversations begin with a prompt of the agent.

        ::

            tone = Prompt(messages=[Message(role="system", content="You speak {language}.")])
            model = use("chat_models", "openai", model="gpt-4.1").with_prompt("tone")

        Args:
            name: The prompt's name. It is filled for each request, those after tool calls included.
        """
        return replace(self, prompt=name)


def use(
    kind: str, target: str | type, /, *, connection: str | Use | None = None, **arguments: Any
) -> Use:
    """Declares a resource of an agent, or a connection that several resources go over.

    ::

        openai = use("connections", "openai", base_url="https://gate.example/v1")
        large = use("chat_models", "openai", connection="openai", model="gpt-4.1")

    Args:
        kind: The kind of plugin: ``"chat_models"``, ``"tools"``, ``"memory"``, ...; or
            ``"connections"``.
        target: The plugin's name, or the project's own class (or ``"module:Class"``).
        connection: The connection that it goes over, declared by the agent under this name, or
            itself: its arguments are the resource's where that does not say others, and models
            have its policy in common.
        **arguments: What the plugin is built with on the worker: JSON-like, no secrets.
    """
    if isinstance(target, type):
        target = f"{target.__module__}:{target.__qualname__}"
    return Use(kind, target, arguments, connection=connection)


@dataclass(slots=True)
class Definition:
    """An agent's declarations, before they are checked: what all three ways of writing give."""

    name: str
    description: str = ""
    config: RuntimeConfig | Mapping[str, Any] = field(default_factory=RuntimeConfig)
    agent: Agent | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    actions: list[tuple[str, ActionDeclaration, str]] = field(default_factory=list)
    tools: list[tuple[str, ToolDeclaration, str]] = field(default_factory=list)
    resources: dict[str, Use | Prompt | SubAgent] = field(default_factory=dict)
    connections: dict[str, Use] = field(default_factory=dict)
    prompts: dict[str, Callable[..., Any]] = field(default_factory=dict)
    checks: list[Callable[[Providers], Iterable[Fault]]] = field(default_factory=list)
    value_model: type[BaseModel] | None = None
    values: dict[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def take_values(self, given: type[BaseModel] | BaseModel | Mapping[str, Any]) -> None:
        """Takes the agent's own values: a model that types them, one of its instances, a table."""
        if isinstance(given, type):
            self.value_model = given
        elif isinstance(given, BaseModel):
            self.value_model = type(given)
            said = given.model_fields_set
            self.values |= {name: getattr(given, name) for name in said}
        else:
            self.values |= given

    def declare(self, name: str, resource: Use | Prompt | SubAgent) -> None:
        """Takes one of these; one that has the same name and sort goes."""
        if isinstance(resource, Use) and resource.kind == CONNECTIONS:
            self.connections[name] = resource
        else:
            self.resources[name] = resource

    def add(self, name: str, value: Any, *overridden: Any) -> None:
        """Takes one attribute of a class, if it declares something.

        A method that overrides an action or a tool is one too, also where it is not marked again.
        """
        value = _plain(value)
        if isinstance(value, (Use, Prompt, SubAgent)):
            self.declare(name, value)
        if not callable(value):
            return
        marks = [vars(_plain(each)) for each in (value, *overridden) if hasattr(each, "__dict__")]
        actions = next(
            (m["__headrace_actions__"] for m in marks if "__headrace_actions__" in m), ()
        )
        for declaration in actions:
            declared = replace(declaration, function=value)
            self.actions.append((declaration.name or name, declared, place_of(value)))
        tools = (m["__headrace_tool__"] for m in marks if "__headrace_tool__" in m)
        if declared_tool := next(tools, None):
            label = declared_tool.name or name
            self.tools.append((label, replace(declared_tool, function=value), place_of(value)))
        if any("__headrace_prompt__" in m for m in marks):
            self.prompts[name] = value


def triggers_of(
    events: tuple[EventLike, ...], when: str | None
) -> tuple[tuple[EventLike, str | None], ...]:
    """What sets an action off: a condition without an event is asked of every event."""
    if not events and when is not None:
        events = (Event,)
    return tuple((event, when) for event in events)


def approval_of(approval: Approval | bool) -> Approval | None:  # noqa: FBT001 - an argument's value
    """The rule that ``approval=`` stands for."""
    if isinstance(approval, Approval):
        return approval
    return Approval() if approval else None


def _plain(value: Any) -> Any:
    return value.__func__ if isinstance(value, (staticmethod, classmethod)) else value


def place_of(function: Any) -> str:
    """Where a function stands: ``file:line``."""
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if code is None:
        return repr(function)
    return f"{code.co_filename}:{code.co_firstlineno}"
