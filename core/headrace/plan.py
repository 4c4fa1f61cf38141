"""The compiled form of an agent: plain data, the same bytes for the same agent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from headrace._cel import compile_cel
from headrace.approvals import Approval
from headrace.config import RuntimeConfig
from headrace.errors import PlanVersionError
from headrace.models.policy import ModelPolicy
from headrace.policy import FailurePolicy

if TYPE_CHECKING:
    from headrace.plugins import PluginSet
    from headrace.teams import AgentLike

__all__ = [
    "FORMAT",
    "ActionSpec",
    "AgentPlan",
    "Member",
    "Providers",
    "ResourceProvider",
    "Route",
    "Trigger",
]

FORMAT = 1
"""The version of the plan's format that this code writes; it reads this and all older ones."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trigger(_Frozen):
    """What sets off an action."""

    event: str
    """The event type."""
    when: str | None = None
    """A condition (CEL) on ``event`` and ``key``; ``None``: always."""


class ActionSpec(_Frozen):
    """One action."""

    name: str
    """Its name, unique in the agent."""
    function: str
    """Where the function is: ``module:qualified.name``."""
    mode: Literal["async", "sync", "blocking"]
    """Runs on the event loop, at once in the operator's thread, or in the pool of threads."""
    triggers: tuple[Trigger, ...]
    """What sets it off; it runs once for an event that several of them match."""
    policy: FailurePolicy | None = None
    """What follows a failure; ``None``: the agent's ``failure`` setting."""
    timeout: float | None = None
    """Seconds an attempt may take; ``None``: the agent's ``action_timeout`` setting."""
    on_condition_error: Literal["fail", "skip"] | None = None
    """What follows a condition that fails; ``None``: the agent's ``condition_errors`` setting."""
    member: str | None = None
    """Of a team: the member whose action it is."""
    input_model: str | None = None
    """The class that inputs are read as for it, ``module:Class``; ``None``: as they came."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Values of its own, in stored form; ``ctx.config`` has them before the agent's."""


class ResourceProvider(_Frozen):
    """How a worker builds one resource."""

    kind: str
    """The kind of plugin, such as ``chat_models``."""
    name: str
    """The name that actions use."""
    plugin: str | None = None
    """The plugin's name; ``None`` for the project's own code and for data."""
    target: str | None = None
    """What is called or built: ``module:qualified.name``; ``None`` for data."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the target; for prompts the prompt, for tools what the model is told."""
    distribution: str | None = None
    """The distribution that provides it, ``None`` for the project's own code."""
    version: str | None = None
    """That distribution's version."""
    connection: str | None = None
    """The connection that it goes over; what that says stands in the arguments and the policy."""
    policy: ModelPolicy | None = None
    """Of a model: how it is asked; ``None``: as ``ModelPolicy()`` says."""
    approval: Approval | None = None
    """Of a tool or toolset: which calls wait for somebody's decision."""
    on_error: Literal["tell", "fail"] | None = None
    """Of tools: what follows a call that fails; ``None``: the setting ``tool_errors``."""
    prompt: str | None = None
    """Of a chat model: the prompt of the agent that its conversations begin with."""
    pinned: dict[str, Any] | None = None
    """Of a toolset: what it offered when the job was built (``headrace.pinning``)."""


Providers = Mapping[str, Mapping[str, ResourceProvider]]
"""For each kind the resources by name."""


class Member(_Frozen):
    """A member of a team, or a sub-agent."""

    agent: str
    """The agent's name."""
    agent_class: str | None = None
    """The class whose instance its actions are bound to."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """The agent's fields, in stored form."""
    value_model: str | None = None
    """The model that types its values."""
    config: RuntimeConfig | None = None
    """Of a sub-agent: its settings; ``None``: those of what it is in."""
    start: str | None = None
    """Of a sub-agent that is a team: the member that gets its inputs."""


class Route(_Frozen):
    """Where a team sends what one of its members puts out."""

    source: str
    """The member."""
    to: str | None = None
    """The member that gets it as an input; ``None``: it leaves the team."""
    when: str | None = None
    """A condition (CEL) on ``output``, ``key`` and ``rounds`` (how often this run went this way
    already); ``None``: always."""

    @field_validator("when")
    @classmethod
    def _readable(cls, source: str | None) -> str | None:
        if source is not None:
            variables, _ = compile_cel(source)
            if unknown := sorted({*variables} - {"output", "key", "rounds"}):
                raise ValueError(
                    f"it uses {', '.join(unknown)}; it knows only output, key and rounds"
                )
        return source


class AgentPlan(_Frozen):
    """An agent, compiled. Made by ``AgentPlan.from_agent``; JSON both ways, byte for byte."""

    format: int = FORMAT
    """Version of this format."""
    name: str
    """The agent's name."""
    description: str = ""
    """What the agent is for."""
    agent_class: str | None = None
    """The class whose instance its actions are bound to; ``None`` where none needs one."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """The agent's fields, in stored form (``headrace.values``)."""
    actions: dict[str, ActionSpec]
    """The actions by name, in the order in which they start."""
    actions_by_event: dict[str, tuple[str, ...]]
    """For each event type the actions that it triggers, in plan order."""
    resource_providers: dict[str, dict[str, ResourceProvider]] = Field(default_factory=dict)
    """For each kind the resources by name."""
    config: RuntimeConfig = RuntimeConfig()
    """Settings of the operator."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Values of the project's own, in stored form; ``ctx.config`` has them."""
    value_models: tuple[str, ...] = ()
    """The pydantic models that type them: ``module:Class``."""
    origins: dict[str, Literal["cluster", "project", "environment", "code", "set"]] = Field(
        default_factory=dict
    )
    """For each setting and value that is not a default, the layer that said it."""
    members: dict[str, Member] = Field(default_factory=dict)
    """The members of a team, and sub-agents (those of sub-agents too, as ``agent.agent``); their
    actions and resources are named ``member.name``."""
    routes: tuple[Route, ...] = ()
    """Of a team: where outputs of its members go."""
    start: str | None = None
    """Of a team: the member that gets the inputs."""
    core_version: str
    """The version of headrace-core that compiled it."""

    @classmethod
    def from_agent(cls, agent: AgentLike, *, plugins: PluginSet | None = None) -> AgentPlan:
        """Compiles an agent.

        Args:
            agent: An instance of a subclass of ``Agent``, an ``AgentBuilder``, or what YAML gave.
            plugins: The plugins to choose from; those of this environment where ``None``.

        Raises:
            PlanError: With all faults that were found, each with its place.
        """
        from headrace.compiling import compile_agent

        return compile_agent(agent, plugins=plugins)

    @property
    def identity(self) -> str:
        """What state, memory and run ids belong to: the setting ``job``, or the agent's name."""
        return self.config.job or self.name

    @property
    def digest(self) -> str:
        """SHA-256 of the plan's canonical JSON, in hexadecimal."""
        data = self.model_dump(mode="json")
        text = json.dumps(data, sort_keys=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def distributions(self) -> dict[str, str]:
        """The distributions that a worker must have, with their versions, the core's included."""
        found = {
            provider.distribution: provider.version or ""
            for providers in self.resource_providers.values()
            for provider in providers.values()
            if provider.distribution
        }
        return dict(sorted({**found, "headrace-core": self.core_version}.items()))

    @property
    def agent_classes(self) -> list[str]:
        """The classes whose instances actions are bound to, and those that type values."""
        found = [self.agent_class, *(member.agent_class for member in self.members.values())]
        found += self.value_models
        return [one for one in found if one is not None]

    def parameters_of(self, member: str | None) -> dict[str, Any]:
        """The parameters of the agent (``None``), or of a team's member, in stored form."""
        return self.parameters if member is None else self.members[member].parameters

    @property
    def owners(self) -> tuple[str | None, ...]:
        """Whose resources and actions there are: the agent's own (``None``), and its members'."""
        return (*((None,) if self.start is None else ()), *self.members)

    def owner(self, name: str) -> str | None:
        """The member whose resource has a name; ``None``: it is the agent's own."""
        if not self.members:
            return None
        parts = name.split(".")
        for end in range(len(parts) - 1, 0, -1):
            if (member := ".".join(parts[:end])) in self.members:
                return member
        return None

    def config_of(self, member: str | None) -> RuntimeConfig:
        """The settings of the agent (``None``), or of a sub-agent or a team's member."""
        while member:
            config = self.members[member].config if member in self.members else None
            if config is not None:
                return config
            member = member.rpartition(".")[0]
        return self.config

    def start_of(self, member: str) -> str:
        """Who gets the inputs of a sub-agent: itself, or where it is a team one of its members."""
        return self.members[member].start or member

    def resources_of(self, member: str | None) -> dict[str, dict[str, ResourceProvider]]:
        """The resources of the agent (``None``), or of a member under its own names."""
        if not self.members:
            return self.resource_providers if member is None else {}
        own = "" if member is None else f"{member}."
        return {
            kind: {
                name.removeprefix(own): provider
                for name, provider in providers.items()
                if self.owner(name) == member
            }
            for kind, providers in self.resource_providers.items()
        }

    @property
    def action_store(self) -> tuple[str | None, str] | None:
        """Whose the resource is that keeps finished calls, and its name; ``None``: there is none.

        Calls of members and sub-agents are in the journal of their run: one store has them all.
        """
        for owner in (None, *self.members):
            for name in self.resources_of(owner).get("action_stores", {}):
                return owner, name
        return None

    @property
    def modules(self) -> frozenset[str]:
        """The modules that hold the agent's own code; ``__main__`` is one of them for a script."""
        references = [spec.function for spec in self.actions.values()]
        references += [
            provider.target
            for providers in self.resource_providers.values()
            for provider in providers.values()
            if provider.target and not provider.distribution
        ]
        references += self.agent_classes
        return frozenset(reference.partition(":")[0] for reference in references)

    @model_validator(mode="before")
    @classmethod
    def _read_format(cls, data: Any, _info: ValidationInfo) -> Any:
        if isinstance(data, dict):
            found = data.get("format", FORMAT)
            if not isinstance(found, int) or not 1 <= found <= FORMAT:
                raise PlanVersionError(
                    f"this plan has format {found!r}; headrace-core here reads formats 1 to "
                    f"{FORMAT}. Compile the agent again with this version, or install the "
                    f"headrace-core that wrote it ({data.get('core_version', 'unknown')})."
                )
        return data
