"""The shape of a policy file. What its texts mean is checked in ``_rules``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
)
from pydantic_core import core_schema

__all__ = ["CallShape", "FailShape", "PolicyShape", "RuleShape", "WhenShape"]

_TOOL_NAME = r"^[A-Za-z0-9_-]{1,64}$"


def _listed(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


class _OneOrMany:
    """Lets one thing stand for a list of it: most rules name one tool."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


_ToolName = Annotated[str, Field(pattern=_TOOL_NAME)]
_ToolNames = Annotated[tuple[_ToolName, ...], Field(min_length=1), _OneOrMany()]
_Round = Annotated[int, Field(ge=1, strict=True)]
_Rounds = Annotated[tuple[_Round, ...], Field(min_length=1), _OneOrMany()]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WhenShape(_Shape):
    """Conditions; all of those that are given must hold."""

    user: str | None = None
    """A regular expression to be found in the last message of the user."""
    system: str | None = None
    """A regular expression to be found in the system prompt."""
    any: str | None = None
    """A regular expression to be found in any message; the newest that has it counts."""
    result: str | None = None
    """A regular expression to be found in the last tool result."""
    called: _ToolNames | None = None
    """Tools that were all called in this conversation."""
    not_called: _ToolNames | None = None
    """Tools none of which was called in this conversation."""
    round: _Rounds | None = None
    """1 for the first answer to the last message of the user, 2 for the next one, and so on."""


class CallShape(_Shape):
    """A tool to call."""

    tool: _ToolName
    """Its name."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    """Its arguments by name; every text in them is a template."""


class FailShape(_Shape):
    """A failure, for tests."""

    code: Literal[
        "rate_limited",
        "overloaded",
        "timeout",
        "connection",
        "context_too_long",
        "refused",
        "bad_request",
        "unauthorised",
        "content_filtered",
        "bad_response",
        "unknown",
    ]
    """The code of the ``ModelError``."""
    message: str = "the policy says so"
    """Its text, a template."""
    retry_after: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Seconds that the caller is asked to wait."""


_Calls = Annotated[tuple[CallShape, ...], Field(min_length=1), _OneOrMany()]


class RuleShape(_Shape):
    """What to do, and when. It says one of ``call``, ``say`` and ``fail``."""

    name: str | None = Field(default=None, min_length=1)
    """What errors call the rule."""
    when: WhenShape = WhenShape()
    """The rule counts when all of this holds; always, where it is left out."""
    call: _Calls | None = None
    """The tool or the tools to call."""
    say: JsonValue = None
    """A text (a template), or a mapping or a list (of templates) to be said as JSON."""
    fail: FailShape | None = None
    """The failure to raise."""


class PolicyShape(_Shape):
    """A policy: of its rules, the first that counts says the answer."""

    name: str | None = Field(default=None, min_length=1)
    """What errors call the policy."""
    description: str = ""
    """For people."""
    rules: tuple[RuleShape, ...] = Field(min_length=1)
    """The rules, in the order in which they are tried."""
