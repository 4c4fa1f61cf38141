"""Names of a set of files: each is there once, and each that is used is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.agent_yaml._faults import nearest
from headrace.agent_yaml._files import Part
from headrace.agent_yaml._form import (
    YamlAction,
    YamlAgent,
    YamlConnection,
    YamlPrompt,
    YamlResource,
    YamlSubAgent,
    YamlTeam,
    YamlTool,
)
from headrace.agent_yaml._reading import NAME
from headrace.errors import Fault, PlanError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.agent_yaml._files import Read

__all__ = ["Linked", "LinkedAgent", "LinkedTeam", "link"]

T = TypeVar("T")
Prompted = YamlPrompt | str


@dataclass
class LinkedAgent:
    """An agent, with all that it names in the place of the names."""

    name: str
    part: Part[YamlAgent]
    actions: list[Part[YamlAction]] = field(default_factory=list)
    tools: list[Part[YamlTool]] = field(default_factory=list)
    connections: dict[str, Part[YamlConnection]] = field(default_factory=dict)
    resources: dict[str, Part[YamlResource]] = field(default_factory=dict)
    prompts: dict[str, Part[Prompted]] = field(default_factory=dict)
    sub_agents: dict[str, tuple[Part[YamlSubAgent], Linked | None]] = field(default_factory=dict)
    """With each the agent of the files that it is; ``None``: one in Python."""


@dataclass
class LinkedTeam:
    """A team, with its members by the names that routes use."""

    name: str
    part: Part[YamlTeam]
    members: dict[str, LinkedAgent] = field(default_factory=dict)


Linked = LinkedAgent | LinkedTeam


def link(files: Sequence[Read]) -> dict[str, Linked]:
    """The agents and teams of files by name, each with what it uses.

    Raises:
        PlanError: With every name that is there twice, or not at all, in all of the files.
    """
    linking = _Linking(files)
    found = linking.linked()
    if linking.faults:
        raise PlanError(files[0].where, linking.faults)
    return found


class _Linking:
    def __init__(self, files: Sequence[Read]) -> None:
        self.faults: list[Fault] = []
        self._agents: dict[str, Part[YamlAgent]] = {}
        self._teams: dict[str, Part[YamlTeam]] = {}
        self._actions: dict[str, Part[YamlAction]] = {}
        self._tools: dict[str, Part[YamlTool]] = {}
        self._connections: dict[str, Part[YamlConnection]] = {}
        self._resources: dict[str, Part[YamlResource]] = {}
        self._prompts: dict[str, Part[Prompted]] = {}
        for read in files:
            self._take(read)

    # ------------------------------------------------------------ what there is
    def _take(self, read: Read) -> None:
        content = read.content
        whole = content.name is not None or content.agent_class is not None
        for name, agent in content.agents.items():
            part = Part(agent, read, ("agents", name))
            if agent.name is not None:
                self._fault(part.place("name"), f"the agent is called {name!r} already, by its key")
            self._put(self._agents, name, part, "agent")
        for name, team in content.teams.items():
            self._put(self._teams, name, Part(team, read, ("teams", name)), "team")
            if name in self._agents:
                place = self._agents[name].named
                self._fault(read.place("teams", name), f"{name!r} is an agent, too, at {place}")
        if whole:
            if content.agents or content.teams:
                self._fault(
                    read.place("name" if content.name is not None else "class"),
                    "a file has one agent, or agents: and teams:",
                    "write this agent under agents:, too",
                )
                return
            own = content.name or str(content.agent_class).rpartition(":")[2].rpartition(".")[2]
            self._put(self._agents, own, Part(content, read, ()), "agent")
            return
        for one in ("description", "parameters", "config", "values"):
            if one in content.model_fields_set:
                text = f"{one} is an agent's, and the agent needs a name"
                self._fault(read.place(one, NAME), text, "write: name: my-agent")
        self._take_shared(read)

    def _take_shared(self, read: Read) -> None:
        content = read.content
        for sort, named, found in (
            ("actions", content.actions, self._actions),
            ("tools", content.tools, self._tools),
        ):
            for number, one in enumerate(named):
                path = (sort, number)
                if isinstance(one, str):
                    self._fault(read.place(*path), f"what files share of {sort} is written out")
                else:
                    name = one.name or _last(one.function)
                    self._put(found, name, Part(one, read, path), sort[:-1])
        for name, connection in content.connections.items():
            part = Part(connection, read, ("connections", name))
            self._put(self._connections, name, part, "connection")
        for name, resource in _written(content.resources).items():
            there = ("resources", name)
            if isinstance(resource, str):
                self._fault(read.place(*there), "what files share is written out")
            else:
                self._put(self._resources, name, Part(resource, read, there), "resource")
        for name, prompt in _written(content.prompts).items():
            self._put(self._prompts, name, Part(prompt, read, ("prompts", name)), "prompt")
        for sort in ("resources", "prompts"):
            if not isinstance(getattr(content, sort), dict):
                self._fault(read.place(sort), "what files share is written out, by name")

    def _put(self, found: dict[str, Any], name: str, part: Part[Any], sort: str) -> None:
        if name in found:
            self._fault(
                part.named,
                f"the {sort} {name!r} is there already, at {found[name].named}",
                "give one of them another name, or leave out one of the files",
            )
        else:
            found[name] = part

    # ------------------------------------------------------------ what is used
    def linked(self) -> dict[str, Linked]:
        """All agents and teams."""
        agents = {name: self._agent(name, part) for name, part in self._agents.items()}
        for name, part in self._resources.items():
            self._connection(part, {}, {}, f"resource {name!r}")
        teams = {name: self._team(name, part, agents) for name, part in self._teams.items()}
        found: dict[str, Linked] = {**agents, **teams}
        for agent in agents.values():
            self._sub_agents_of(agent, found)
        for name, one in found.items():
            if _leads_to(one, name):
                self._fault(one.part.place(), f"{name!r} is a sub-agent of itself")
        return found

    def _sub_agents_of(self, made: LinkedAgent, agents: Mapping[str, Linked]) -> None:
        named = made.part.value.sub_agents
        for key, one in named.items() if isinstance(named, dict) else enumerate(named):
            path = (*made.part.path, "sub_agents", key)
            value = YamlSubAgent(agent=one) if isinstance(one, str) else one
            name = str(key) if isinstance(named, dict) else value.agent
            part = Part(value, made.part.read, path)
            place = part.place() if isinstance(one, str) else part.place("agent")
            if value.agent not in agents and ":" not in value.agent:
                text = f"there is no agent {value.agent!r}"
                self._fault(place, text, nearest(value.agent, agents))
            elif name in made.resources or name in made.prompts or name in made.sub_agents:
                self._fault(part.place(), f"{name!r} is there twice in this agent")
            else:
                made.sub_agents[name] = (part, agents.get(value.agent))

    def _agent(self, name: str, part: Part[YamlAgent]) -> LinkedAgent:
        agent, read, path = part.value, part.read, part.path
        made = LinkedAgent(name, part)
        for number, action in enumerate(agent.actions):
            where = read.place(*path, "actions", number)
            if not isinstance(action, str):
                made.actions.append(Part(action, read, (*path, "actions", number)))
            elif (shared := self._known(action, self._actions, "action", where)) is not None:
                made.actions.append(shared)
        for number, tool in enumerate(agent.tools):
            where = read.place(*path, "tools", number)
            if not isinstance(tool, str):
                made.tools.append(Part(tool, read, (*path, "tools", number)))
            elif self._is_toolset(tool):
                self._add(made.resources, tool, self._resources[tool], where)
            elif (known := self._known(tool, self._tools, "tool", where)) is not None:
                made.tools.append(known)
        for own, connection in agent.connections.items():
            there = Part(connection, read, (*path, "connections", own))
            if own in self._connections:
                self._fault(
                    there.named,
                    f"the connection {own!r} is there already, at {self._connections[own].named}",
                )
            made.connections[own] = there
        self._resources_of(made)
        self._prompts_of(made)
        self._further(made)
        self._connections_of(made)
        for one, prompt in made.prompts.items():
            if one in made.resources:
                self._fault(prompt.named, f"{one!r} is a resource of this agent, too")
        return made

    def _resources_of(self, made: LinkedAgent) -> None:
        agent, read, path = made.part.value, made.part.read, made.part.path
        for number, one in enumerate(agent.resources if _is_list(agent.resources) else ()):
            place = read.place(*path, "resources", number)
            if (known := self._known(one, self._resources, "resource", place)) is not None:
                self._add(made.resources, one, known, place)
        for name, resource in _written(agent.resources).items():
            place = read.place(*path, "resources", name)
            if isinstance(resource, str):
                shared = self._known(resource, self._resources, "resource", place)
            else:
                shared = Part(resource, read, (*path, "resources", name))
            if shared is not None:
                self._add(made.resources, name, shared, place)

    def _connections_of(self, made: LinkedAgent) -> None:
        used: dict[str, Part[YamlConnection]] = {}
        for name, found in made.resources.items():
            if not self._is_shared(found):
                self._connection(found, made.connections, used, f"resource {name!r}")
            elif (over := found.value.connection) in self._connections:
                used[str(over)] = self._connections[str(over)]
        made.connections = {**made.connections, **used}

    def _prompts_of(self, made: LinkedAgent) -> None:
        agent, read, path = made.part.value, made.part.read, made.part.path
        for number, one in enumerate(agent.prompts if _is_list(agent.prompts) else ()):
            place = read.place(*path, "prompts", number)
            if (known := self._known(one, self._prompts, "prompt", place)) is not None:
                self._add(made.prompts, one, known, place)
        for name, prompt in _written(agent.prompts).items():
            self._add(
                made.prompts,
                name,
                Part(prompt, read, (*path, "prompts", name)),
                read.place(*path, "prompts", name),
            )

    def _further(self, made: LinkedAgent) -> None:
        """Takes along what shared models name: their prompts, and the models they fall back on."""
        waiting = [part for part in made.resources.values() if self._is_shared(part)]
        while waiting:
            model = waiting.pop().value
            prompt, fallback = model.prompt, model.policy.fallback if model.policy else None
            if prompt in self._prompts and prompt not in made.prompts:
                made.prompts[prompt] = self._prompts[prompt]
            if fallback in self._resources and fallback not in made.resources:
                made.resources[fallback] = self._resources[fallback]
                waiting.append(made.resources[fallback])

    def _connection(
        self,
        part: Part[YamlResource],
        own: Mapping[str, Part[YamlConnection]],
        used: dict[str, Part[YamlConnection]],
        what: str,
    ) -> None:
        """Looks up the connection of a resource."""
        name = part.value.connection
        if name is None or name in own:
            return
        if name in self._connections:
            used[name] = self._connections[name]
            return
        hint = nearest(name, [*own, *self._connections], otherwise="write it under connections:")
        self._fault(
            part.place("connection"),
            f"the {what} goes over a connection {name!r}, which no file has",
            hint,
        )

    def _team(
        self, name: str, part: Part[YamlTeam], agents: Mapping[str, LinkedAgent]
    ) -> LinkedTeam:
        team = part.value
        made = LinkedTeam(name, part)
        named = team.members
        members = named if isinstance(named, dict) else {one: one for one in named}
        for number, (label, agent) in enumerate(members.items()):
            place = part.place("members", label if isinstance(named, dict) else number)
            if agent in agents:
                made.members[label] = agents[agent]
            else:
                self._fault(place, f"there is no agent {agent!r}", nearest(agent, agents))
        ends: list[tuple[str | None, tuple[Any, ...]]] = [(team.start, ("start",))]
        for number, one in enumerate(team.routes):
            ends += [(one.source, ("routes", number, "from")), (one.to, ("routes", number, "to"))]
        for end, path in ends:
            if end is not None and end not in members:
                self._fault(
                    part.place(*path), f"{end!r} is no member of the team", nearest(end, members)
                )
        return made

    # ------------------------------------------------------------ names
    def _is_shared(self, part: Part[YamlResource]) -> bool:
        return any(part is one for one in self._resources.values())

    def _is_toolset(self, name: str) -> bool:
        part = self._resources.get(name)
        return name not in self._tools and part is not None and part.value.kind == "tools"

    def _known(
        self, name: str, shared: Mapping[str, Part[T]], sort: str, place: str
    ) -> Part[T] | None:
        if name in shared:
            return shared[name]
        self._fault(
            place,
            f"no file has a shared {sort} {name!r}",
            nearest(name, shared, otherwise=f"write it under {sort}s:, beside agents:"),
        )
        return None

    def _add(self, found: dict[str, Part[T]], name: str, part: Part[T], place: str) -> None:
        if name in found:
            self._fault(place, f"{name!r} is there twice in this agent")
        found[name] = part

    def _fault(self, where: str, message: str, hint: str = "") -> None:
        self.faults.append(Fault(where, message, hint))


def _leads_to(one: Linked, name: str) -> bool:
    """Whether an agent of a name is asked by another, or by those that it asks."""
    seen: set[str] = set()
    waiting = [one]
    while waiting:
        asking = waiting.pop()
        parts = asking.members.values() if isinstance(asking, LinkedTeam) else [asking]
        for agent in parts:
            for _, asked in agent.sub_agents.values():
                if asked is not None and asked.name not in seen:
                    seen.add(asked.name)
                    waiting.append(asked)
    return name in seen


def _last(function: str) -> str:
    """The name of a function, without its module and class."""
    return function.rpartition(":")[2].rpartition(".")[2]


def _is_list(named: Any) -> bool:
    return not isinstance(named, dict)


def _written(named: Any) -> Mapping[str, Any]:
    return named if isinstance(named, dict) else {}
