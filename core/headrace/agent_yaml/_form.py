"""The form of agents in YAML: the models that read it, and that its schema is made from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from headrace.approvals import Approval
from headrace.chat import Message
from headrace.config import RuntimeConfig
from headrace.models.policy import Breaker, ModelPolicy, Prices, RunBudget
from headrace.policy import FailurePolicy

__all__ = [
    "YamlAction",
    "YamlAgent",
    "YamlConnection",
    "YamlPrompt",
    "YamlResource",
    "YamlTool",
    "field_names",
    "schema",
]


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
    """One prompt: a text, or messages."""

    text: str | None = None
    """The text of one message of the user's."""
    messages: tuple[Message, ...] | None = Field(default=None, min_length=1)
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
    values: dict[str, Any] = Field(default_factory=dict)
    """Values of the project's own, which actions and tools read by ``ctx.config``."""
    actions: tuple[YamlAction, ...] = ()
    """The actions, in plan order."""
    tools: tuple[YamlTool, ...] = ()
    """The tools."""
    connections: dict[str, YamlConnection] = Field(default_factory=dict)
    """The connections by name."""
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


def field_names() -> list[str]:
    """The names of all fields, for hints."""
    models: tuple[type[BaseModel], ...] = (
        YamlAgent,
        YamlAction,
        YamlTool,
        YamlResource,
        YamlConnection,
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
