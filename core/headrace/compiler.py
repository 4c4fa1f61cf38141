"""From an agent's definition to its plan, with every fault that can be known before it runs."""

from __future__ import annotations

import difflib
import importlib.metadata
import inspect
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ValidationError

from headrace import prompt_files, sends
from headrace.agent import Agent, AgentBuilder, Use
from headrace.conditions import check_condition
from headrace.config import RuntimeConfig
from headrace.connections import Connections
from headrace.errors import Fault, MemoryValueError, PlanError, PluginError, ResourceError, placed
from headrace.events import (
    ChatDeltaEvent,
    ChatRequestEvent,
    ChatResponseEvent,
    Event,
    InputEvent,
    JoinRequestEvent,
    JoinResponseEvent,
    NamedEvent,
    OutputEvent,
    RetrievalRequestEvent,
    RetrievalResponseEvent,
    ToolRequestEvent,
    ToolResponseEvent,
)
from headrace.hidden import FromConfig, hidden_parameters
from headrace.lost import lost
from headrace.memory_events import MEMORY_EVENTS, MemoryEvent
from headrace.models._checking import check_models, read_policy
from headrace.plan import ActionSpec, AgentPlan, ResourceProvider, Trigger
from headrace.plugins import Kind, discover
from headrace.prompt_checks import check_prompts
from headrace.prompts import Prompt, is_source, made_prompt
from headrace.references import find, reference, unimportable
from headrace.settings import flattened, nearest, said_in_code, secret_name
from headrace.settings._values import plain
from headrace.sub_agents import SubAgent, compile_sub_agent, differing_values, grafted
from headrace.teams import Team
from headrace.tools import given_parameters, tool_spec
from headrace.values import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.agent import ActionDeclaration, Definition, ToolDeclaration
    from headrace.hidden import Source
    from headrace.plugins import PluginSet
    from headrace.teams import AgentLike

__all__ = ["BUILT_IN_EVENTS", "compile_agent", "core_version"]

_BUILT_IN: tuple[type[Event], ...] = (
    Event,
    InputEvent,
    OutputEvent,
    NamedEvent,
    ChatRequestEvent,
    ChatDeltaEvent,
    ChatResponseEvent,
    ToolRequestEvent,
    ToolResponseEvent,
    JoinRequestEvent,
    JoinResponseEvent,
    RetrievalRequestEvent,
    RetrievalResponseEvent,
    MemoryEvent,
    *MEMORY_EVENTS,
)
BUILT_IN_EVENTS = {event.event_type: event for event in _BUILT_IN}


def core_version() -> str:
    """The version of headrace-core that runs."""
    return importlib.metadata.version("headrace-core")


def compile_agent(agent: AgentLike, *, plugins: PluginSet | None = None) -> AgentPlan:
    """Compiles an agent; see ``AgentPlan.from_agent``."""
    if isinstance(agent, Team):
        return agent.compile(plugins)
    if isinstance(agent, type) or not isinstance(agent, (Agent, AgentBuilder)):
        what = agent.__name__ if isinstance(agent, type) else type(agent).__name__
        hint = f"make one: {what}()" if isinstance(agent, type) else "subclass headrace.Agent"
        raise PlanError(what, [Fault(what, "this is not an Agent instance", hint)])
    return _Compilation(agent.definition(), plugins).plan()


class _Compilation:
    """One compilation: the definition, and the faults found so far."""

    def __init__(self, definition: Definition, plugins: PluginSet | None) -> None:
        self.definition = definition
        self.faults: list[Fault] = []
        self._plugins = plugins
        self._needs_self = False
        self._inner: dict[str, AgentPlan] = {}

    def plan(self) -> AgentPlan:
        definition = self.definition
        if not definition.name.strip():
            self.fault(definition.name, "the agent needs a name")
        config = self.config()
        values = self.values()
        actions = self.actions()
        providers = self.providers()
        parameters = self.parameters()
        by_event: dict[str, list[str]] = {}
        for spec in actions.values():
            for trigger in spec.triggers:
                names = by_event.setdefault(trigger.event, [])
                if spec.name not in names:
                    names.append(spec.name)
        if not {"input", "event"} & by_event.keys():
            self.fault(
                definition.name,
                "no action is triggered by the input, so inputs would be dropped",
                "mark one with @action(InputEvent)",
            )
        self.faults += sends.check(definition.actions, by_event)
        if self.faults:
            raise PlanError(definition.name, placed(self.faults, definition.places))
        agent_class = type(definition.agent) if definition.agent and self._needs_self else None
        plan = AgentPlan(
            name=definition.name,
            description=definition.description,
            agent_class=reference(agent_class) if agent_class else None,
            parameters=parameters,
            actions=actions,
            actions_by_event={event: tuple(names) for event, names in sorted(by_event.items())},
            resource_providers=providers,
            config=config,
            values=values,
            value_models=()
            if definition.value_model is None
            else (reference(definition.value_model),),
            origins=dict.fromkeys(
                sorted(said_in_code(definition.config, plain(definition.values))), "code"
            ),
            core_version=core_version(),
        )
        if faults := differing_values(plan, self._inner, definition.name):
            raise PlanError(definition.name, faults)
        return grafted(plan, self._inner)

    def fault(self, where: str, message: str, hint: str = "") -> None:
        self.faults.append(Fault(where, message, hint))

    # ------------------------------------------------------------ settings
    def config(self) -> RuntimeConfig:
        config = self.definition.config
        if isinstance(config, RuntimeConfig):
            return config
        try:
            return RuntimeConfig.model_validate(config)
        except ValidationError as error:
            for found in error.errors():
                place = ".".join(str(part) for part in found["loc"])
                known = difflib.get_close_matches(place, RuntimeConfig.model_fields, 1)
                self.fault(
                    f"config.{place}", found["msg"], f"did you mean {known[0]}?" if known else ""
                )
            return RuntimeConfig()

    def values(self) -> dict[str, Any]:
        """The project's own values: the defaults of their model, and what the code says."""
        definition = self.definition
        model = definition.value_model
        where = f"{definition.name}.values"
        said = dict(definition.values)
        if model is not None:
            if why := unimportable(model):
                self.fault(where, why)
            defaults = {
                name: field.get_default(call_default_factory=True)
                for name, field in model.model_fields.items()
                if not field.is_required()
            }
            self.check_values(model, said, where)
            said = {**defaults, **said}
        return self.stored_values(said, where)

    def check_values(self, model: type[BaseModel], said: dict[str, Any], where: str) -> None:
        for name in said:
            if name not in model.model_fields:
                self.fault(
                    where,
                    f"{model.__name__} has no value {name!r}",
                    nearest(name, model.model_fields),
                )
        try:
            model.model_validate(
                {name: one for name, one in said.items() if name in model.model_fields}
            )
        except ValidationError as error:
            for found in error.errors():
                if found["type"] != "missing":  # a layer may say it yet
                    place = ".".join(str(part) for part in found["loc"])
                    self.fault(f"{where}.{place}", found["msg"])

    def stored_values(self, said: Mapping[str, Any], where: str) -> dict[str, Any]:
        stored: dict[str, Any] = {}
        for name, value in sorted(said.items()):
            for leaf, one in flattened({name: plain(value)}).items():
                if secret_name(leaf) and isinstance(one, str) and one:
                    self.fault(
                        f"{where}.{leaf}",
                        "this looks like a secret, which would stand in the plan",
                        f"name the environment variable that holds it: {leaf}_env",
                    )
            try:
                stored[name] = encode(plain(value))
            except MemoryValueError as error:
                self.fault(f"{where}.{name}", f"this cannot be part of a plan: {error}")
        return stored

    def parameters(self) -> dict[str, Any]:
        agent = self.definition.agent
        values = dict(self.definition.parameters)
        if agent is not None:
            values |= {name: getattr(agent, name) for name in type(agent).model_fields}
        stored: dict[str, Any] = {}
        for name, value in sorted(values.items()):
            try:
                stored[name] = encode(value)
            except MemoryValueError as error:
                self.fault(
                    f"{self.definition.name}.{name}",
                    f"this parameter cannot be part of a plan: {error}",
                    "give the parameter as data, and make live objects in a resource",
                )
        if agent is not None and (why := unimportable(type(agent))) and self._needs_self:
            self.fault(self.definition.name, why)
        return stored

    # ------------------------------------------------------------ actions
    def actions(self) -> dict[str, ActionSpec]:
        specs: dict[str, ActionSpec] = {}
        places: dict[str, str] = {}
        for name, declaration, place in self.definition.actions:
            if name in specs:
                self.fault(
                    f"{name} ({place})",
                    f"the action's name is taken by the one at {places[name]}",
                    "give one of them another name: @action(..., name=...)",
                )
                continue
            places[name] = place
            specs[name] = self.action(name, declaration, f"{name} ({place})")
        return specs

    def action(self, name: str, declaration: ActionDeclaration, where: str) -> ActionSpec:
        function: Any = declaration.function
        why = unimportable(function)
        if why:
            self.fault(where, why)
        mode: Literal["async", "sync", "blocking"] = "sync"
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
            self.fault(where, "an action sends events by ctx.send, it does not yield them")
        elif inspect.iscoroutinefunction(inspect.unwrap(function)):
            mode = "async"
            if declaration.blocking:
                self.fault(
                    where, "blocking=True is for def actions, and this is async", "leave it out"
                )
        elif declaration.blocking:
            mode = "blocking"
        returned = inspect.signature(function).return_annotation if callable(function) else None
        if returned not in (inspect.Signature.empty, None, "None"):
            self.fault(
                where,
                f"the action returns {returned}, which would be lost",
                "send it (ctx.send(...)), and annotate the action with -> None",
            )
        else:
            for message, hint in lost(function, mode):
                self.fault(where, message, hint)
        self.check_parameters(function, where)
        if declaration.on_condition_error not in {None, "fail", "skip"}:
            wrong = declaration.on_condition_error
            self.fault(where, f"on_condition_error is 'fail' or 'skip', got {wrong!r}")
        if not declaration.triggers:
            self.fault(where, "nothing triggers this action", "name an event: @action(InputEvent)")
        triggers = tuple(self.trigger(event, when, where) for event, when in declaration.triggers)
        if declaration.timeout is not None and declaration.timeout <= 0:
            self.fault(where, f"the timeout must be above 0 seconds, got {declaration.timeout}")
        return ActionSpec.model_construct(
            input_model=self.input_model(declaration, where),
            name=name,
            function="" if why else reference(function),
            mode=mode,
            triggers=triggers,
            policy=declaration.policy,
            timeout=declaration.timeout,
            settings=self.stored_values(declaration.settings, where),
            on_condition_error=declaration.on_condition_error,
        )

    def input_model(self, declaration: ActionDeclaration, where: str) -> str | None:
        """The class that an action has its inputs read as: ``InputEvent[Order]``."""
        kinds = [
            kind.__pydantic_generic_metadata__["args"][0]
            for kind, _ in declaration.triggers
            if isinstance(kind, type)
            and issubclass(kind, InputEvent)
            and kind.__pydantic_generic_metadata__["args"]
        ]
        if not kinds:
            return None
        if any(kind is not kinds[0] for kind in kinds):
            self.fault(where, "its inputs are read as two classes", "name one: InputEvent[Order]")
        if not isinstance(kinds[0], type):
            self.fault(where, f"{kinds[0]!r} is no class", "name a model: InputEvent[Order]")
            return None
        if why := unimportable(kinds[0]):
            self.fault(where, why)
            return None
        return reference(kinds[0])

    def trigger(self, event: Any, when: str | None, where: str) -> Trigger:
        kind: Any = None
        if isinstance(event, str):
            if event in BUILT_IN_EVENTS:
                kind = BUILT_IN_EVENTS[event]
            elif ":" in event:
                try:
                    kind = find(event)
                except ResourceError as error:
                    self.fault(where, f"the event {error}")
            elif not event.strip():
                self.fault(where, "the name of an event is empty")
            else:
                kind = NamedEvent
        elif isinstance(event, type) and issubclass(event, Event):
            kind = event
        else:
            self.fault(where, f"{event!r} is neither an event class nor an event's name")
        if kind is not None and not (isinstance(kind, type) and issubclass(kind, Event)):
            self.fault(where, f"{event!r} names no event class")
            kind = None
        if kind is OutputEvent:
            self.fault(
                where,
                "outputs leave the run and trigger nothing",
                "send an event of your own beside the output",
            )
        if when is not None:
            for fault in check_condition(when, kind):
                self.fault(where, fault)
        named = kind is None or kind is NamedEvent
        return Trigger(
            event=event
            if named and isinstance(event, str)
            else (kind.event_type if kind is not None else repr(event)),
            when=when,
        )

    def check_parameters(self, function: Callable[..., Any], where: str) -> None:
        needed = 2 + self.bind(function, where)
        try:
            inspect.signature(function).bind(*range(needed))
        except TypeError:
            self.fault(
                where,
                f"an action takes (event, ctx), this one takes {inspect.signature(function)}",
                "write it as: def name(self, event: InputEvent, ctx: Context) -> None",
            )
        except ValueError:
            self.fault(where, "the function has no signature that could be read")

    def bind(self, function: Callable[..., Any], where: str) -> int:
        """How many arguments binding gives: 1 for a method of the agent's class."""
        owner, dot, name = getattr(function, "__qualname__", "").rpartition(".")
        if not dot or owner.endswith(">"):
            return 0
        agent = self.definition.agent
        if agent is not None:
            for base in type(agent).__mro__:
                if base.__qualname__ == owner and base.__module__ == function.__module__:
                    if isinstance(inspect.getattr_static(base, name, None), staticmethod):
                        return 0
                    self._needs_self = True
                    return 1
        self.fault(
            where,
            f"{function.__qualname__} is a method, and the agent is not of its class",
            f"start from the class: AgentBuilder({owner}, ...), or use a function of a module",
        )
        return 1

    # ------------------------------------------------------------ resources
    def providers(self) -> dict[str, dict[str, ResourceProvider]]:
        found: dict[str, dict[str, ResourceProvider]] = {}
        definition = self.definition
        connections = Connections(definition.name, definition.connections, self.plugins)

        def put(provider: ResourceProvider | None, where: str) -> None:
            if provider is None:
                return
            if provider.name in found.setdefault(provider.kind, {}):
                self.fault(where, f"two {provider.kind} are called {provider.name!r}")
            found[provider.kind][provider.name] = provider

        for name, declared in self.definition.resources.items():
            where = f"{self.definition.name}.{name}"
            if isinstance(declared, Prompt):
                put(self.prompt(name, declared), where)
            elif isinstance(declared, SubAgent):
                put(self.sub_agent(name, declared, where), where)
            else:
                put(self.used(name, declared, where, connections), where)
        for name, function in self.definition.prompts.items():
            where = f"{self.definition.name}.{name}"
            try:
                made = function(self.definition.agent)
                put(self.prompt(name, made if isinstance(made, Prompt) else Prompt(made)), where)
            except Exception as error:  # noqa: BLE001 - the author's code may raise anything
                self.fault(where, f"the prompt cannot be made: {type(error).__name__}: {error}")
        for name, tool, place in self.definition.tools:
            put(self.tool(name, tool, f"{name} ({place})"), f"{name} ({place})")
        self.faults += connections.faults
        self.faults += check_models(self.definition.name, found)
        for kind, some in found.items():
            for name in some:
                if name.partition(".")[0] in self._inner and "." in name:
                    self.fault(
                        f"{self.definition.name}.{name}",
                        f"these {kind} have a name that is a sub-agent's",
                        "give one of them another name",
                    )
                elif kind == "tools" and name in self._inner:
                    self.fault(
                        f"{self.definition.name}.{name}",
                        "a tool and a sub-agent have one name, and models call both by it",
                        "give one of them another name",
                    )
        self.faults += check_prompts(definition.name, definition.actions, found)
        for check in definition.checks:
            self.faults += check(found)
        if "vector_stores" in found or "tools" in found:
            from headrace.retrieval._checking import check_retrieval

            self.faults += check_retrieval(self.definition.name, found)
        return {kind: dict(sorted(found[kind].items())) for kind in sorted(found)}

    def sub_agent(self, name: str, declared: SubAgent, where: str) -> ResourceProvider | None:
        plan, provider, faults = compile_sub_agent(name, declared, self._plugins, where)
        self.faults += faults
        if plan is not None:
            self._inner[name] = plan
        return provider

    def prompt(self, name: str, prompt: Prompt) -> ResourceProvider:
        return ResourceProvider(kind="prompts", name=name, arguments=prompt.model_dump(mode="json"))

    def tool(self, name: str, tool: ToolDeclaration, where: str) -> ResourceProvider | None:
        function: Any = tool.function
        if why := unimportable(function):
            self.fault(where, why)
            return None
        self.bind(function, where)
        if tool.on_error not in {None, "tell", "fail"}:
            self.fault(where, f"on_error is 'tell' or 'fail', got {tool.on_error!r}")
            return None
        try:
            hidden = self.hidden(tool, where)
            spec = tool_spec(name, tool.description, function, hidden)
        except Exception as error:  # noqa: BLE001 - types are the author's, and so what they raise
            self.fault(
                where,
                f"no schema can be made of the tool's parameters: {error}",
                "give every parameter a JSON-like type; ctx is the run's context and needs none",
            )
            return None
        arguments = spec.model_dump(mode="json")
        if tool.timeout is not None:
            arguments["timeout"] = float(tool.timeout)
        if given := given_parameters(function):
            arguments["given"] = dict(given)
        context = next((one for one, what in given.items() if what == "context"), None)
        if context is not None and inspect.iscoroutinefunction(inspect.unwrap(function)):
            for message, hint in lost(function, None, context):
                self.fault(where, message, hint)
        if hidden:
            arguments["hidden"] = {parameter: str(source) for parameter, source in hidden.items()}
        for parameter in sorted(given.keys() & hidden):
            self.fault(
                where,
                f"the parameter {parameter!r} is given by the runtime for its type or name, and "
                f"comes from {hidden[parameter]}",
                "drop one of the two",
            )
        return ResourceProvider(
            kind="tools",
            name=name,
            target=reference(function),
            arguments=arguments,
            approval=tool.approval,
            on_error=tool.on_error,
        )

    def hidden(self, tool: ToolDeclaration, where: str) -> dict[str, Source]:
        """The tool's hidden parameters; whether they can be filled in is looked at too."""
        function: Any = tool.function
        hidden, faults = hidden_parameters(function, tool.hidden)
        for text in faults:
            self.fault(where, text)
        known = self.config_names()
        for parameter, source in hidden.items():
            first = source.path.partition(".")[0]
            if not isinstance(source, FromConfig) or first in known:
                continue
            # The project and its environment may say further values; a slip is a slip.
            if near := difflib.get_close_matches(first, known, 1, 0.8):
                self.fault(
                    where,
                    f"the parameter {parameter!r} comes from {source}, and there is no {first!r}",
                    f"did you mean {near[0]!r}?",
                )
        return hidden

    def config_names(self) -> set[str]:
        """The names of values and parameters that the agent's own code says."""
        definition = self.definition
        known = {*definition.parameters, *definition.values}
        for model in (definition.value_model, type(definition.agent)):
            known |= set(getattr(model, "model_fields", ()))
        return known

    def plugins(self) -> PluginSet:
        """The plugins to choose from."""
        if self._plugins is None:
            self._plugins = discover()
        return self._plugins

    def used(
        self, name: str, declared: Use, where: str, connections: Connections
    ) -> ResourceProvider | None:
        kinds = sorted(kind.value for kind in Kind)
        if declared.kind not in kinds:
            near = difflib.get_close_matches(declared.kind, kinds, 1)
            known = f"did you mean {near[0]!r}?" if near else f"kinds: {', '.join(kinds)}"
            self.fault(where, f"there is no kind of plugin called {declared.kind!r}", known)
            return None
        declared, connection = connections.joined(declared, where)
        try:
            arguments = encode(dict(sorted(declared.arguments.items())))
        except MemoryValueError as error:
            self.fault(
                where,
                f"its arguments cannot be part of a plan: {error}",
                "give data; the plugin makes the live object on the worker",
            )
            return None
        policy, faults = read_policy(declared, where)
        self.faults += faults
        if declared.approval is not None and declared.kind != "tools":
            self.fault(where, "only tools have calls to approve: leave out with_approval(...)")
        if declared.on_error is not None and declared.kind != "tools":
            self.fault(where, "only tools have calls that fail: leave out with_on_error(...)")
        elif declared.on_error not in {None, "tell", "fail"}:
            self.fault(where, f"on_error is 'tell' or 'fail', got {declared.on_error!r}")
            return None
        if (declared.kind, declared.target) == ("prompts", prompt_files.TARGET):
            try:
                return self.prompt(name, prompt_files.read_prompt(declared.arguments))
            except ResourceError as error:
                self.fault(where, str(error))
                return None
        provided: dict[str, Any] = {"target": declared.target}
        if ":" in declared.target:
            try:
                found = find(declared.target)
                if declared.kind == "prompts" and not is_source(found):
                    return self.prompt(name, made_prompt(found, declared.arguments, name))
                if why := unimportable(found):
                    self.fault(where, why)
            except ResourceError as error:
                self.fault(where, str(error))
        else:
            try:
                plugin = self.plugins().get(declared.kind, declared.target)
            except PluginError as error:
                self.fault(where, str(error))
                return None
            provided = {
                "plugin": declared.target,
                "target": plugin.value,
                "distribution": plugin.distribution,
                "version": plugin.version,
            }
        connections.check(connection, declared, provided.get("distribution"), where)
        return ResourceProvider(
            kind=declared.kind,
            name=name,
            arguments=arguments,
            connection=connection.name if connection is not None else None,
            policy=policy,
            approval=declared.approval,
            on_error=declared.on_error,
            prompt=declared.prompt,
            **provided,
        )
