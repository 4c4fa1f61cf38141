"""From a file's content to an agent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from headrace.agent import CONNECTIONS, AgentBuilder, Use
from headrace.agent_yaml._form import YamlAgent, YamlPrompt, YamlTool
from headrace.agent_yaml._reading import Places, content_fault, place_of, plain, tree
from headrace.approvals import Approval
from headrace.errors import Fault, PlanError, ResourceError
from headrace.hidden import Source, read_source
from headrace.prompts import Prompt
from headrace.references import find

if TYPE_CHECKING:
    from headrace.models.policy import ModelPolicy

__all__ = ["load_agent", "parse_agent"]


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
    root = tree(data, where)
    places: Places = {}
    faults: list[Fault] = []
    content = plain(root, (), where, places, faults)
    if faults:
        raise PlanError(where, faults)
    try:
        parsed = YamlAgent.model_validate(content)
    except ValidationError as error:
        raise PlanError(
            where, [content_fault(each, places, where) for each in error.errors()]
        ) from None
    return _Building(parsed, places, where).build()


class _Building:
    def __init__(self, parsed: YamlAgent, places: Places, where: str) -> None:
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
                    settings=action.settings,
                    on_condition_error=action.on_condition_error,
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
                    on_error=tool.on_error,
                    hidden=self.hidden(tool, ("tools", number, "hidden")),
                )
        for name, connection in parsed.connections.items():
            if builder is not None:
                policy = _settings(connection.policy)
                builder.resource(
                    name, Use(CONNECTIONS, connection.use, connection.arguments, policy)
                )
        for name, resource in parsed.resources.items():
            if builder is not None:
                rule = resource.approval
                used = Use(
                    resource.kind,
                    resource.use,
                    resource.arguments,
                    _settings(resource.policy),
                    connection=resource.connection,
                    prompt=resource.prompt,
                )
                if rule:
                    used = replace(used, approval=Approval() if rule is True else rule)
                if resource.on_error is not None:
                    used = used.with_on_error(resource.on_error)
                builder.resource(name, used)
        for name, prompt in parsed.prompts.items():
            made = self.prompt(name, prompt)
            if made is not None and builder is not None:
                builder.resource(name, made)
        if self.faults or builder is None:
            raise PlanError(parsed.name or self.where, self.faults)
        if parsed.config is not None:
            said = parsed.config
            builder.configure(**{name: getattr(said, name) for name in said.model_fields_set})
        builder.values(**parsed.values)
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

    def hidden(self, tool: YamlTool, place: tuple[Any, ...]) -> dict[str, Source]:
        found: dict[str, Source] = {}
        for name, text in tool.hidden.items():
            try:
                found[name] = read_source(text)
            except ValueError as error:
                self.fault((*place, name), str(error))
        return found

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
        self.faults.append(Fault(place_of(place, self.places, self.where), message, hint))


def _settings(policy: ModelPolicy | None) -> dict[str, Any] | None:
    """What a policy says, without what it leaves as it is."""
    return None if policy is None else policy.model_dump(exclude_unset=True)
