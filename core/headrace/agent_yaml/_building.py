"""From what files say to agents and teams."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from headrace.agent_builder import AgentBuilder
from headrace.agent_yaml._faults import nearest
from headrace.agent_yaml._files import read_files, read_text
from headrace.agent_yaml._linking import LinkedAgent, link
from headrace.approvals import Approval
from headrace.declarations import CONNECTIONS, Use
from headrace.errors import Fault, PlanError, ResourceError
from headrace.hidden import Source, read_source
from headrace.prompt_files import TARGET, beside
from headrace.prompts import Prompt
from headrace.references import find
from headrace.sub_agents import SubAgent, sub_agent
from headrace.teams import Team, route
from headrace.typed import made_of_typed, read_typed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.agent_yaml._files import Part, Read
    from headrace.agent_yaml._form import YamlPrompt, YamlResource, YamlSubAgent, YamlTool
    from headrace.agent_yaml._linking import Linked, LinkedTeam
    from headrace.config import RuntimeConfig
    from headrace.models.policy import ModelPolicy

__all__ = ["load_agent", "load_agents", "parse_agent"]

_READY = {
    name: f"headrace.agents:{name}" for name in ("ChatAgent", "PlanExecuteAgent", "ReActAgent")
}
"""Classes that need no module."""


def load_agent(
    *paths: str | Path, name: str | None = None, parameters: Mapping[str, str] | None = None
) -> AgentBuilder | Team:
    """Reads an agent or a team from YAML files that belong together.

    Args:
        *paths: The files. A name may be in one of them only.
        name: Which agent or team; it may be left out where there is one.
        parameters: Values in the place of those that the file says, as typed: JSON, or a text.

    Raises:
        PlanError: With all faults, each with file, line and column.
    """
    return _made(read_files(paths), name, parameters or {})


def load_agents(*paths: str | Path) -> dict[str, AgentBuilder | Team]:
    """Reads all agents and teams of YAML files that belong together, by name.

    Raises:
        PlanError: With all faults, each with file, line and column.
    """
    files = read_files(paths)
    made: dict[str, AgentBuilder | Team] = {}
    faults: list[Fault] = []
    for name, linked in link(files).items():
        try:
            made[name] = _built(linked, {})
        except PlanError as error:
            faults += [one for one in error.faults if str(one) not in map(str, faults)]
    if faults:
        raise PlanError(files[0].where, faults)
    return made


def parse_agent(
    data: bytes | str, where: str = "agent.yaml", name: str | None = None
) -> AgentBuilder | Team:
    """Reads an agent or a team from a text; as ``load_agent``."""
    return _made([read_text(data, where)], name, {})


def _made(
    files: Sequence[Read], name: str | None, parameters: Mapping[str, str]
) -> AgentBuilder | Team:
    found = link(files)
    where = files[0].where
    if name is not None and name not in found:
        fault = Fault(where, f"there is no agent {name!r}", nearest(name, found))
        raise PlanError(where, [fault])
    if name is None and len(found) > 1:
        hint = f"say which: {where}:{next(iter(found))}"
        fault = Fault(where, f"there are several agents: {', '.join(found)}", hint)
        raise PlanError(where, [fault])
    if not found:
        fault = Fault(files[0].place(), "the agent needs a name", "write: name: my-agent")
        raise PlanError(where, [fault])
    return _built(found[name if name is not None else next(iter(found))], parameters)


def _built(linked: Linked, parameters: Mapping[str, str]) -> AgentBuilder | Team:
    if isinstance(linked, LinkedAgent):
        return _Building(linked, parameters).build()
    return _team(linked, parameters)


def _team(linked: LinkedTeam, parameters: Mapping[str, str]) -> Team:
    team = linked.part.value
    faults = [
        Fault(f"--param {name}", f"{linked.name} is a team, and its members have the parameters")
        for name in parameters
    ]
    members: dict[str, Any] = {}
    for name, member in linked.members.items():
        try:
            members[name] = _Building(member, {}).build()
        except PlanError as error:
            faults += error.faults
    routes = []
    for number, one in enumerate(team.routes):
        try:
            routes.append(route(one.source, one.to, when=one.when))
        except ValueError as error:
            told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            faults.append(Fault(linked.part.place("routes", number, "when"), told))
    if faults:
        raise PlanError(linked.name, faults)
    made = Team(
        linked.name,
        routes=routes,
        start=team.start,
        description=team.description,
        config=None if team.config is None else _said(team.config),
        values=team.values,
        **members,
    )
    made.places = {
        linked.name: linked.part.place(),
        f"{linked.name}: config": linked.part.place("config"),
        **{f"{linked.name}.{name}": linked.part.place("members", name) for name in members},
        **{
            f"{linked.name}: route {number + 1}": linked.part.place("routes", number)
            for number in range(len(routes))
        },
    }
    return made


class _Building:
    """Builds one agent."""

    def __init__(self, linked: LinkedAgent, typed: Mapping[str, str]) -> None:
        self.linked = linked
        self.part = linked.part
        self.typed = typed
        self.faults: list[Fault] = []

    def build(self) -> AgentBuilder:
        """The agent.

        Raises:
            PlanError: With all that is wrong with it.
        """
        linked, parsed = self.linked, self.part.value
        # Where the class is at fault, all else is looked at with an agent that stands for it.
        builder = self.builder() or AgentBuilder(linked.name)
        for part in linked.actions:
            action, function = part.value, self.find(part.value.function, part.place("function"))
            events = (action.on,) if isinstance(action.on, str) else action.on
            if function is not None:
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
        for each in linked.tools:
            tool, function = each.value, self.find(each.value.function, each.place("function"))
            if function is not None:
                builder.tool(
                    function,
                    name=tool.name,
                    description=tool.description,
                    timeout=tool.timeout,
                    approval=tool.approval,
                    on_error=tool.on_error,
                    hidden=self.hidden(each),
                )
        for name, over in linked.connections.items():
            said = over.value
            builder.resource(
                name, Use(CONNECTIONS, said.use, said.arguments, _settings(said.policy))
            )
        for name, resource in linked.resources.items():
            folder = Path(resource.read.where).parent
            builder.resource(name, beside(_used(resource.value), folder))
        for name, prompt in linked.prompts.items():
            if (made := self.prompt(prompt)) is not None:
                builder.resource(name, made)
        for name, (asked, agent) in linked.sub_agents.items():
            if (sub := self.sub_agent(asked.value, agent)) is not None:
                builder.resource(name, sub)
        if self.faults:
            raise PlanError(linked.name, self.faults)
        if parsed.config is not None:
            builder.configure(**_said(parsed.config))
        builder.values(**parsed.values)
        builder.definition().places = self.places(builder.definition().name)
        return builder

    def builder(self) -> AgentBuilder | None:
        parsed = self.part.value
        if parsed.agent_class is None:
            values = self.parameters(parsed.parameters)
            return AgentBuilder(self.linked.name, description=parsed.description, **values)
        place = self.part.place("class")
        if ":" not in parsed.agent_class and parsed.agent_class not in _READY:
            hint = nearest(parsed.agent_class, _READY)
            self.fault(place, f"{parsed.agent_class!r} is no class: write module:Class", hint)
            return None
        kind = self.find(_READY.get(parsed.agent_class, parsed.agent_class), place)
        if kind is None:
            return None
        make = functools.partial(AgentBuilder, kind, description=parsed.description)
        try:
            builder = made_of_typed(make, self.typed, parsed.parameters)
        except ValidationError as error:
            for each in error.errors():
                self.wrong_parameter(each, kind)
            return None
        if self.part.path or parsed.name:
            builder.definition().name = self.linked.name
        return builder

    def parameters(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters that no class types: those of the file, or as they were typed."""
        values = dict(said)
        for name, text in self.typed.items():
            if name not in said:
                self.fault(f"--param {name}", "there is no such parameter", nearest(name, said))
            values[name] = text if isinstance(said.get(name), str) else read_typed(text)
        return values

    def wrong_parameter(self, error: Any, kind: Any) -> None:
        path = error["loc"]
        name = str(path[0]) if path else ""
        typed = name in self.typed
        place = f"--param {name}" if typed else self.part.place("parameters", *path)
        text, hint = error["msg"], ""
        if error["type"] == "extra_forbidden":
            text, hint = "there is no such parameter", nearest(str(path[-1]), kind.model_fields)
        self.fault(place, f"{name}: {text}" if name and not typed else text, hint)

    def hidden(self, tool: Part[YamlTool]) -> dict[str, Source]:
        found: dict[str, Source] = {}
        for name, text in tool.value.hidden.items():
            try:
                found[name] = read_source(text)
            except ValueError as error:
                self.fault(tool.place("hidden", name), str(error))
        return found

    def prompt(self, part: Part[YamlPrompt | str]) -> Prompt | Use | None:
        prompt = part.value
        if isinstance(prompt, str):
            return Prompt(prompt)
        if sum(one is not None for one in (prompt.text, prompt.messages, prompt.file)) != 1:
            self.fault(part.place(), "a prompt has either a text or messages, or a file")
            return None
        if prompt.file is not None:
            role = {} if prompt.role is None else {"role": prompt.role}
            read = Use("prompts", TARGET, {"path": prompt.file, **role})
            return beside(read, Path(part.read.where).parent)
        return Prompt(prompt.text) if prompt.text is not None else Prompt(messages=prompt.messages)

    def sub_agent(self, asked: YamlSubAgent, linked: Linked | None) -> SubAgent | None:
        agent: AgentBuilder | Team | str = asked.agent
        if linked is not None:
            try:
                agent = _built(linked, {})
            except PlanError as error:
                self.faults += error.faults
                return None
        return sub_agent(
            agent,
            description=asked.description,
            input=asked.input,
            timeout=asked.timeout,
            many=asked.many,
            one_at_a_time=asked.one_at_a_time,
            **({} if asked.config is None else _said(asked.config)),
        )

    def find(self, name: str, place: str) -> Any:
        try:
            return find(name)
        except ResourceError as error:
            self.fault(place, str(error))
            return None

    def fault(self, place: str, message: str, hint: str = "") -> None:
        self.faults.append(Fault(place, message, hint))

    def places(self, agent: str) -> dict[str, str]:
        """Where the parts stand, by what faults of compiling call them."""
        linked = self.linked
        found = {agent: self.part.place(), "config": self.part.place("config")}
        for name in self.part.value.parameters:
            found[f"{agent}.{name}"] = self.part.place("parameters", name)
        named: tuple[Mapping[str, Part[Any]], ...] = (
            linked.connections,
            linked.resources,
            linked.prompts,
        )
        for parts in named:
            found |= {f"{agent}.{name}": part.place() for name, part in parts.items()}
        found |= {
            f"{agent}.{name}": asked.place() for name, (asked, _) in linked.sub_agents.items()
        }
        functions: list[Part[Any]] = [*linked.tools, *linked.actions]
        for one in functions:
            name = one.value.name or one.value.function.rpartition(":")[2].rpartition(".")[2]
            found[name] = one.place()
        return found


def _used(resource: YamlResource) -> Use:
    used = Use(
        resource.kind,
        resource.use,
        resource.arguments,
        _settings(resource.policy),
        connection=resource.connection,
        prompt=resource.prompt,
    )
    if rule := resource.approval:
        used = replace(used, approval=Approval() if rule is True else rule)
    if resource.on_error is not None:
        used = used.with_on_error(resource.on_error)
    return used


def _settings(policy: ModelPolicy | None) -> dict[str, Any] | None:
    """What a policy says, without what it leaves as it is."""
    return None if policy is None else policy.model_dump(exclude_unset=True)


def _said(config: RuntimeConfig) -> dict[str, Any]:
    """What settings say, without what they leave as it is."""
    return {name: getattr(config, name) for name in config.model_fields_set}
