"""Agents written in YAML: the same plan as the class or the builder gives.

::

    name: echo
    parameters: {prefix: "> "}
    resources:
      llm: {kind: chat_models, use: scripted, with: {policy: policy.yaml}}
    actions:
      - function: my_agent:echo
        on: [input]

The form is published as a JSON schema (``schema()``; ``agents schema`` prints it), generated from
the models that read it.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headrace.agent import AgentBuilder, Use
from headrace.approvals import Approval
from headrace.chat import Message, Prompt
from headrace.config import RuntimeConfig
from headrace.errors import Fault, PlanError, ResourceError
from headrace.models.policy import Breaker, ModelPolicy, Prices, RunBudget
from headrace.policy import FailurePolicy
from headrace.references import find

__all__ = ["YamlAgent", "load_agent", "parse_agent", "schema"]

MAX_BYTES = 1 << 20
"""The largest file that is read."""
_MAX_DEPTH = 50
_NAME = "?"  # ends the path of a name, as against that of its value
_COLLECTIONS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class YamlAction(_Model):
    """One action."""

    function: str
    """The function, ``module:name`` or ``module:Class.name``."""
    on: tuple[str, ...] | str
    """Event types (``input``, ``incident.opened``) and event classes (``module:Class``)."""
    name: str | None = None
    """The action's name; the function's where it is left out."""
    when: str | None = None
    """A condition (CEL) on ``event`` and ``key``."""
    blocking: bool = False
    """Runs in the pool of threads."""
    on_failure: FailurePolicy | None = None
    """What follows a failure."""
    timeout: float | None = None
    """Seconds that one attempt may take."""


class YamlTool(_Model):
    """One tool."""

    function: str
    """The function, ``module:name``."""
    name: str | None = None
    """The tool's name; the function's where it is left out."""
    description: str | None = None
    """What the model is told; the docstring where it is left out."""
    timeout: float | None = None
    """Seconds that a call may take."""
    approval: Approval | bool = False
    """Whether calls wait until somebody has said yes, and which."""


class YamlResource(_Model):
    """One resource."""

    kind: str
    """The kind of plugin, such as ``chat_models``."""
    use: str
    """The plugin's name, or ``module:Class`` of the project."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """What it is built with."""
    policy: ModelPolicy | None = None
    """Of a model: how it is asked (limits, time-outs, retries, a fallback, prices)."""
    approval: Approval | bool = False
    """Of a toolset: whether calls wait until somebody has said yes, and which."""


class YamlPrompt(_Model):
    """One prompt: a text, or messages."""

    text: str | None = None
    """The text of one message of the user's."""
    messages: tuple[Message, ...] | None = None
    """The messages."""


class YamlAgent(_Model):
    """One agent."""

    name: str | None = None
    """The agent's name; the class's where ``class`` is given."""
    description: str = ""
    """What it is for."""
    agent_class: str | None = Field(default=None, alias="class")
    """An ``Agent`` class to start from, ``module:Class``."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Its parameters."""
    config: RuntimeConfig | None = None
    """Settings of the runtime."""
    actions: tuple[YamlAction, ...] = ()
    """The actions, in plan order."""
    tools: tuple[YamlTool, ...] = ()
    """The tools."""
    resources: dict[str, YamlResource] = Field(default_factory=dict)
    """The resources by name."""
    prompts: dict[str, YamlPrompt | str] = Field(default_factory=dict)
    """The prompts by name."""


def schema() -> dict[str, Any]:
    """The JSON schema of the form."""
    made = YamlAgent.model_json_schema(by_alias=True)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "headrace agent"
    return made


def load_agent(path: str | Path) -> AgentBuilder:
    """Reads an agent from a YAML file.

    Raises:
        PlanError: With all faults, each with file, line and column.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        fault = Fault(str(path), f"cannot be read: {error.strerror}")
        raise PlanError(path.name, [fault]) from None
    return parse_agent(data, str(path))


def parse_agent(data: bytes | str, where: str = "agent.yaml") -> AgentBuilder:
    """The same from a text."""
    tree = _tree(data, where)
    places: dict[tuple[Any, ...], str] = {}
    faults: list[Fault] = []
    content = _plain(tree, (), where, places, faults)
    if faults:
        raise PlanError(where, faults)
    try:
        parsed = YamlAgent.model_validate(content)
    except ValidationError as error:
        raise PlanError(where, [_fault(each, places, where) for each in error.errors()]) from None
    return _Building(parsed, places, where).build()


class _Building:
    def __init__(self, parsed: YamlAgent, places: dict[tuple[Any, ...], str], where: str) -> None:
        self.parsed = parsed
        self.places = places
        self.where = where
        self.faults: list[Fault] = []

    def build(self) -> AgentBuilder:
        parsed = self.parsed
        builder = self.builder()
        for number, action in enumerate(parsed.actions):
            function = self.find(action.function, ("actions", number, "function"))
            events = (action.on,) if isinstance(action.on, str) else action.on
            if function is not None and builder is not None:
                builder.action(
                    function,
                    *events,
                    when=action.when,
                    blocking=action.blocking,
                    on_failure=action.on_failure,
                    timeout=action.timeout,
                    name=action.name,
                )
        for number, tool in enumerate(parsed.tools):
            function = self.find(tool.function, ("tools", number, "function"))
            if function is not None and builder is not None:
                builder.tool(
                    function,
                    name=tool.name,
                    description=tool.description,
                    timeout=tool.timeout,
                    approval=tool.approval,
                )
        for name, resource in parsed.resources.items():
            if builder is not None:
                policy = resource.policy
                settings = None if policy is None else policy.model_dump(exclude_unset=True)
                rule = resource.approval
                used = Use(resource.kind, resource.use, resource.arguments, settings)
                if rule:
                    used = replace(used, approval=Approval() if rule is True else rule)
                builder.resource(name, used)
        for name, prompt in parsed.prompts.items():
            made = self.prompt(name, prompt)
            if made is not None and builder is not None:
                builder.resource(name, made)
        if self.faults or builder is None:
            raise PlanError(parsed.name or self.where, self.faults)
        if parsed.config is not None:
            builder.configure(**parsed.config.model_dump(exclude_unset=True))
        return builder

    def builder(self) -> AgentBuilder | None:
        parsed = self.parsed
        if parsed.agent_class is None:
            if not parsed.name:
                self.fault((), "the agent needs a name", "write: name: my-agent")
                return None
            return AgentBuilder(parsed.name, description=parsed.description, **parsed.parameters)
        kind = self.find(parsed.agent_class, ("class",))
        if kind is None:
            return None
        try:
            builder = AgentBuilder(kind, description=parsed.description, **parsed.parameters)
        except ValidationError as error:
            for each in error.errors():
                self.fault(("parameters", *each["loc"]), each["msg"])
            return None
        if parsed.name:
            builder.definition().name = parsed.name
        return builder

    def prompt(self, name: str, prompt: YamlPrompt | str) -> Prompt | None:
        if isinstance(prompt, str):
            return Prompt(prompt)
        if (prompt.text is None) == (prompt.messages is None):
            self.fault(("prompts", name), "a prompt has either a text or messages")
            return None
        return Prompt(prompt.text) if prompt.text is not None else Prompt(messages=prompt.messages)

    def find(self, name: str, place: tuple[Any, ...]) -> Any:
        try:
            return find(name)
        except ResourceError as error:
            self.fault(place, str(error))
            return None

    def fault(self, place: tuple[Any, ...], message: str, hint: str = "") -> None:
        self.faults.append(Fault(_place(place, self.places, self.where), message, hint))


# ---------------------------------------------------------------- reading
def _tree(data: bytes | str, where: str) -> yaml.Node | None:
    if len(data) > MAX_BYTES:
        raise PlanError(where, [Fault(where, f"is larger than {MAX_BYTES} bytes")])
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(data, Loader=loader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                line = event.start_mark.line + 1 if event.start_mark else 1
                hint = "write the value out: anchors and aliases are not read"
                raise PlanError(where, [Fault(f"{where}:{line}", "uses an anchor or alias", hint)])
        node: yaml.Node | None = yaml.compose(data, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        raise PlanError(where, [Fault(place, f"is no YAML: {error.problem}")]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlanError(where, [Fault(where, f"is no YAML: {error}")]) from None
    return node


def _plain(
    node: yaml.Node | None,
    path: tuple[Any, ...],
    where: str,
    places: dict[tuple[Any, ...], str],
    faults: list[Fault],
) -> Any:
    """The content of a node, with the place of each part."""
    if node is None:
        return {}
    place = f"{where}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
    places[path] = place
    if len(path) > _MAX_DEPTH:
        faults.append(Fault(place, f"is nested deeper than {_MAX_DEPTH}"))
        return None
    if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
        faults.append(Fault(place, f"has the tag {node.tag}, which is not read"))
        return None
    if isinstance(node, yaml.MappingNode):
        content: dict[Any, Any] = {}
        here = (*path, _NAME)
        for name_node, value_node in node.value:
            name = _plain(name_node, here, where, places, faults)
            if isinstance(name, bool):
                name = name_node.value  # YAML 1.1 reads the key `on` as true
            if not isinstance(name, (str, int, float)):
                faults.append(Fault(places[here], f"{name!r} is no name"))
                continue
            if name in content:
                faults.append(Fault(places[here], f"{name!r} is there twice"))
            there = (*path, name)
            named = (*there, _NAME)
            places[named] = places[here]
            content[name] = _plain(value_node, there, where, places, faults)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(item, (*path, number), where, places, faults)
            for number, item in enumerate(node.value)
        ]
    constructor = yaml.constructor.SafeConstructor()
    try:
        return constructor.construct_object(node)
    except yaml.YAMLError:
        faults.append(Fault(place, f"has the tag {node.tag}, which is not read"))
        return None


def _fault(error: Any, places: dict[tuple[Any, ...], str], where: str) -> Fault:
    path: tuple[Any, ...] = tuple(error["loc"])
    label = ".".join(str(part) for part in path)
    message = f"{label}: {error['msg']}" if label else error["msg"]
    hint = ""
    if error["type"] == "extra_forbidden":
        message = f"{label}: there is no such field"
        near = difflib.get_close_matches(str(path[-1]), _field_names(), 1)
        hint = f"did you mean {near[0]}?" if near else ""
        path = (*path, _NAME)
    return Fault(_place(path, places, where), message, hint)


def _place(path: tuple[Any, ...], places: dict[tuple[Any, ...], str], where: str) -> str:
    """The place of the nearest part that the file has."""
    while path and path not in places:
        path = path[:-1]
    return places.get(path, where)


def _field_names() -> list[str]:
    models: tuple[type[BaseModel], ...] = (
        YamlAgent,
        YamlAction,
        YamlTool,
        YamlResource,
        YamlPrompt,
        RuntimeConfig,
        FailurePolicy,
        ModelPolicy,
        Breaker,
        Prices,
        RunBudget,
        Approval,
    )
    return sorted(
        {field.alias or name for model in models for name, field in model.model_fields.items()}
    )
