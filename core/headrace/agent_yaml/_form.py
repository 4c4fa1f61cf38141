"""The form of agents in YAML: the models that read it, and that its schema is made from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from headrace.approvals import Approval
from headrace.chat import Message
from headrace.config import RuntimeConfig
from headrace.models.policy import ModelPolicy
from headrace.policy import FailurePolicy

__all__ = [
    "YamlAction",
    "YamlAgent",
    "YamlConnection",
    "YamlFile",
    "YamlPrompt",
    "YamlResource",
    "YamlRoute",
    "YamlSubAgent",
    "YamlTeam",
    "YamlTool",
]


def _way(value: Any) -> str:
    """Whether something is named, or several things are, or it is written out."""
    if isinstance(value, (list, tuple)):
        return "names"
    return "name" if isinstance(value, str) else "written"


_EITHER = Discriminator(_way)
_Name = Annotated[str, Tag("name")]
_Names = Annotated[tuple[str, ...], Tag("names")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class YamlAction(_Model):
    """One action."""

    function: str
    """The function, ``module:name`` or ``module:Class.name``."""
    on: tuple[str, ...] | str = ()
    """Event types (``input``, ``incident.opened``) and event classes (``module:Class``); where it
    is left out, ``when`` is asked of every event."""
    name: str | None = None
    """The action's name; the function's where it is left out."""
    when: str | None = None
    """A condition (CEL) on ``event``, ``event_type`` and ``key``."""
    on_condition_error: Literal["fail", "skip"] | None = None
    """What follows a condition that fails: the run fails, or the action is not triggered."""
    blocking: bool = False
    """Runs in the pool of threads."""
    on_failure: FailurePolicy | None = None
    """What follows a failure."""
    timeout: float | None = None
    """Seconds that one attempt may take."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Values of its own, which it reads by ``ctx.config``."""


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
    on_error: Literal["tell", "fail"] | None = None
    """What follows a call that fails: who called it is told, or the run fails."""
    hidden: dict[str, str] = Field(default_factory=dict)
    """Parameters that no model sees: ``memory:PATH``, ``config:NAME`` or ``context:NAME``."""


class YamlResource(_Model):
    """One resource."""

    kind: str
    """The kind of plugin, such as ``chat_models``."""
    use: str
    """The plugin's name, or ``module:Class`` of the project."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """What it is built with."""
    connection: str | None = None
    """The connection that it goes over: what that says need not be said here."""
    policy: ModelPolicy | None = None
    """Of a model: how it is asked (limits, time-outs, retries, a fallback, prices)."""
    approval: Approval | bool = False
    """Of a toolset: whether calls wait until somebody has said yes, and which."""
    on_error: Literal["tell", "fail"] | None = None
    """Of a toolset: what follows a call that fails: who called it is told, or the run fails."""
    prompt: str | None = None
    """Of a chat model: the prompt that its conversations begin with."""


class YamlConnection(_Model):
    """One connection: what several resources of one provider have in common."""

    use: str
    """The name of a plugin of the provider, or ``module:Class`` of the project."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """What all that go over it are built with: an address, the variable with a key."""
    policy: ModelPolicy | None = None
    """How its models are asked: limits that they share, time-outs, retries."""


class YamlPrompt(_Model):
    """One prompt: a text, messages, or a file that holds one."""

    file: str | None = None
    """A text or YAML file, beside this one; it becomes part of the plan."""
    role: Literal["system", "user", "assistant"] | None = None
    """Of a file with a text: who speaks; the user where it is left out."""
    text: str | None = None
    """The text of one message of the user's."""
    messages: tuple[Message, ...] | None = Field(default=None, min_length=1)
    """The messages."""


class YamlSubAgent(_Model):
    """An agent that this one, or its model, may ask."""

    agent: str
    """The name of an agent or a team of the files, or ``module:name`` of one in Python."""
    description: str | None = None
    """What models are told that it is for; the agent's own where it is left out."""
    input: str | dict[str, Any] | None = None
    """The form of its inputs: ``module:Class`` or a JSON schema; a text where it is left out."""
    timeout: float | None = None
    """Seconds that one call of it may take."""
    many: bool = False
    """Whether it is asked for all that it puts out, as a list."""
    one_at_a_time: bool = False
    """Whether calls of it within one action go one after the other."""
    config: RuntimeConfig | None = None
    """Settings of the runtime that count in place of the agent's own."""


class YamlAgent(_Model):
    """One agent."""

    name: str | None = None
    """The agent's name; the class's where ``class`` is given."""
    description: str = ""
    """What it is for."""
    agent_class: str | None = Field(default=None, alias="class")
    """An ``Agent`` class to start from, ``module:Class``; or one of the ready ones by its name:
    ``ChatAgent``, ``ReActAgent``, ``PlanExecuteAgent``."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Its parameters."""
    config: RuntimeConfig | None = None
    """Settings of the runtime."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Values of the project's own, which actions and tools read by ``ctx.config``."""
    actions: tuple[Annotated[_Name | Annotated[YamlAction, Tag("written")], _EITHER], ...] = ()
    """The actions, in plan order: written out, or the names of those that the files share."""
    tools: tuple[Annotated[_Name | Annotated[YamlTool, Tag("written")], _EITHER], ...] = ()
    """The tools: written out, or the names of tools and toolsets that the files share."""
    connections: dict[str, YamlConnection] = Field(default_factory=dict)
    """The connections by name."""
    resources: Annotated[
        _Names
        | Annotated[
            dict[str, Annotated[_Name | Annotated[YamlResource, Tag("written")], _EITHER]],
            Tag("written"),
        ],
        _EITHER,
    ] = Field(default_factory=dict)
    """The resources by name: written out, or the name of one that the files share; or a list of
    names that the files share."""
    prompts: Annotated[
        _Names
        | Annotated[
            dict[str, Annotated[_Name | Annotated[YamlPrompt, Tag("written")], _EITHER]],
            Tag("written"),
        ],
        _EITHER,
    ] = Field(default_factory=dict)
    """The prompts by name: a text or messages; or a list of names that the files share."""
    sub_agents: Annotated[
        _Names
        | Annotated[
            dict[str, Annotated[_Name | Annotated[YamlSubAgent, Tag("written")], _EITHER]],
            Tag("written"),
        ],
        _EITHER,
    ] = Field(default_factory=dict)
    """The agents that this one, or its model as a tool, may ask, by name; or a list of agents."""


class YamlRoute(_Model):
    """A way from a member of a team to another, or out."""

    source: str = Field(alias="from")
    """The member whose outputs go this way."""
    to: str | None = None
    """The member that gets them as inputs; left out: they leave the team."""
    when: str | None = None
    """A condition (CEL) on ``output``, ``key`` and ``rounds``."""


class YamlTeam(_Model):
    """A team: agents that send each other what they put out, within one run."""

    description: str = ""
    """What it is for."""
    members: Annotated[_Names | Annotated[dict[str, str], Tag("written")], _EITHER]
    """The agents, by the names that routes use; or a list of agents."""
    routes: tuple[YamlRoute, ...] = ()
    """The ways between members."""
    start: str | None = None
    """The member that gets the inputs; the first one where it is left out."""
    config: RuntimeConfig | None = None
    """Settings of the runtime, for all members."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Values of the project's own, which all members read by ``ctx.config``."""


class YamlFile(YamlAgent):
    """A file: one agent, or several, with what they share."""

    agents: dict[str, YamlAgent] = Field(default_factory=dict)
    """Several agents by name; what stands beside them is there for all that name it."""
    teams: dict[str, YamlTeam] = Field(default_factory=dict)
    """Teams by name."""
