"""From a chat request to the parameters of Converse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError
from headrace_bedrock._forms import text_format
from headrace_bedrock._json import json_fault
from headrace_bedrock._messages import conversation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.chat import ChatRequest, ToolSpec

__all__ = ["FIELDS", "TYPED", "additional_faults", "chat_parameters"]

TYPED = frozenset(
    {
        *("modelId", "messages", "system", "toolConfig", "inferenceConfig", "outputConfig"),
        *("promptVariables",),
    }
)
"""Options that are told in another way, or that would change what an answer is."""
FIELDS = {
    "max_tokens": ("maxTokens",),
    "stop": ("stopSequences",),
    "temperature": ("temperature",),
}
"""The options that say the same as a field of a request."""
_INFERENCE = frozenset({"maxTokens", "stopSequences", "temperature", "topP"})
_ADDITIONAL = "additionalModelRequestFields"
_TYPED_OF_MODELS = frozenset(
    {
        *("messages", "system", "prompt", "model", "modelId", "stream", "tools", "tool_choice"),
        *("toolConfig", "inferenceConfig", "max_tokens", "maxTokens", "max_gen_len"),
        *("temperature", "stop", "stop_sequences", "stopSequences"),
    }
)
"""What models of the service call what the request says itself."""


def additional_faults(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the fields that are handed on to the model itself."""
    fields = options.get(_ADDITIONAL)
    if fields is None:
        return []
    if not isinstance(fields, dict):
        return [f"{_ADDITIONAL} are none: give a mapping"]
    return [
        f"{_ADDITIONAL}.{name} is not an option: it is set by the request and the agent"
        for name in fields
        if name in _TYPED_OF_MODELS
    ]


def chat_parameters(
    request: ChatRequest,
    model: str,
    options: Mapping[str, Any],
    *,
    strict_tools: bool,
    cache_marks: int,
) -> dict[str, Any]:
    """The parameters of Converse and of ConverseStream.

    Args:
        request: What is asked.
        model: The model.
        options: The options of model and request together, by the service's names.
        strict_tools: Whether the service is to keep calls to the schemas of tools.
        cache_marks: How many marks for the cache the model takes.

    Raises:
        ModelError: ``bad_request``: the request says something that the service has no word for.
    """
    if faults := additional_faults(options):
        raise ModelError(f"options: {'; '.join(faults)}", code="bad_request")
    tools = _tools(request, strict=strict_tools)
    system, turns = conversation(request.messages, tools=bool(tools), marks=cache_marks)
    beside = {name: value for name, value in options.items() if name not in {*_INFERENCE, "effort"}}
    parts = {
        "system": system,
        "inferenceConfig": {
            **{name: value for name, value in options.items() if name in _INFERENCE},
            **_fields(request),
        },
        "toolConfig": tools,
        "outputConfig": {
            **({"effort": options["effort"]} if "effort" in options else {}),
            **({"textFormat": text_format(request.output)} if request.output else {}),
        },
    }
    given = {name: value for name, value in parts.items() if value}
    parameters = {"modelId": model, "messages": turns, **beside, **given}
    if fault := json_fault(parameters):
        raise ModelError(f"the request cannot be written as JSON: {fault}", code="bad_request")
    return parameters


def _fields(request: ChatRequest) -> dict[str, Any]:
    """The request's own settings that are given."""
    fields: dict[str, Any] = {
        "maxTokens": request.max_tokens,
        "temperature": request.temperature,
        "stopSequences": list(request.stop) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _tools(request: ChatRequest, *, strict: bool) -> dict[str, Any]:
    """The tools and which of them is to be called.

    The service has no word for "no tool": then none is offered, so that none can be called.
    """
    choice = request.tool_choice
    offered = {spec.name for spec in request.tools}
    if choice not in {"auto", "none", *offered} and not (choice == "required" and offered):
        raise ModelError(
            f"tool_choice is {choice}, and no such tool is offered", code="bad_request"
        )
    if not offered or choice == "none":
        return {}
    tools = {"tools": [_tool(spec, strict=strict) for spec in request.tools]}
    if choice == "auto":
        return tools
    return {
        **tools,
        "toolChoice": {"any": {}} if choice == "required" else {"tool": {"name": choice}},
    }


def _tool(spec: ToolSpec, *, strict: bool) -> dict[str, Any]:
    described = {"description": spec.description} if spec.description else {}
    kept_to = {"strict": True} if strict else {}
    schema = {"type": "object", **spec.parameters}
    return {
        "toolSpec": {"name": spec.name, **described, "inputSchema": {"json": schema}, **kept_to}
    }
