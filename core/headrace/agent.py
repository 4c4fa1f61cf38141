"""What an author writes: an ``Agent`` class, its actions, tools, prompts and resources."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from headrace.approvals import Approval
from headrace.config import RuntimeConfig
from headrace.events import Event
from headrace.prompt_files import located
from headrace.prompts import Prompt
from headrace.sub_agents import SubAgent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.errors import Fault
    from headrace.hidden import Source
    from headrace.plan import Providers
    from headrace.policy import FailurePolicy

__all__ = [
    "CONNECTIONS",
    "ActionDeclaration",
    "Agent",
    "AgentBuilder",
    "ToolDeclaration",
    "Use",
    "action",
    "prompt",
    "tool",
    "use",
]

Function = TypeVar("Function", bound=Callable[..., Any])
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
        triggers=_triggers(events, when),
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
            approval=_rule(approval),
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
            self.actions.append((declaration.name or name, declared, _place(value)))
        tools = (m["__headrace_tool__"] for m in marks if "__headrace_tool__" in m)
        if declared_tool := next(tools, None):
            label = declared_tool.name or name
            self.tools.append((label, replace(declared_tool, function=value), _place(value)))
        if any("__headrace_prompt__" in m for m in marks):
            self.prompts[name] = value


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
            _triggers(events, when),
            blocking,
            on_failure,
            timeout,
            name,
            function,
            settings or {},
            on_condition_error,
        )
        label = name or str(getattr(function, "__name__", repr(function)))
        self._definition.actions.append((label, declaration, _place(function)))
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
            name, description, timeout, function, _rule(approval), on_error, dict(hidden or {})
        )
        label = name or str(getattr(function, "__name__", repr(function)))
        self._definition.tools.append((label, declaration, _place(function)))
        return self

    def resource(self, name: str, resource: Use | Prompt | SubAgent, /) -> AgentBuilder:
        """Adds a resource, a prompt, a connection or a sub-agent."""
        self._definition.declare(name, resource)
        return self


def _triggers(
    events: tuple[EventLike, ...], when: str | None
) -> tuple[tuple[EventLike, str | None], ...]:
    """What sets an action off: a condition without an event is asked of every event."""
    if not events and when is not None:
        events = (Event,)
    return tuple((event, when) for event in events)


def _rule(approval: Approval | bool) -> Approval | None:  # noqa: FBT001 - an argument's value
    if isinstance(approval, Approval):
        return approval
    return Approval() if approval else None


def _plain(value: Any) -> Any:
    return value.__func__ if isinstance(value, (staticmethod, classmethod)) else value


def _place(function: Any) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if code is None:
        return repr(function)
    return f"{code.co_filename}:{code.co_firstlineno}"
