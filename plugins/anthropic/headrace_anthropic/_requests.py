"""From a chat request to the body of a request to the Messages API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace_anthropic._messages import conversation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.chat import ChatRequest, ToolSpec

__all__ = ["api_version", "request_body"]

_VERSION = "2026-10-21"
_VERSION_THAT_SAMPLES = "2023-06-01"
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_MOST_MARKS = 4
_CHOICES = {"none": {"type": "none"}, "required": {"type": "any"}}


def request_body(request: ChatRequest, *, model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request.

    Args:
        request: What is asked.
        model: The model, as the provider calls it.
        options: The options of model and request together, beside what the request says itself.

    Raises:
        ModelError: ``bad_request``: the provider has no word for something in it.
    """
    given: dict[str, Any] = {**options, **_fields(request)}
    # A mark that the provider sets by itself is one of the four.
    marks = _MOST_MARKS - ("cache_control" in given)
    system, turns = conversation(request.messages, marks)
    body: dict[str, Any] = {"model": model, "messages": turns, **given}
    if system:
        body["system"] = system
    body |= _tools(request)
    if request.output is not None:
        from headrace_anthropic._forms import output_format

        config = given.get("output_config")
        form = {"format": output_format(request.output.json_schema)}
        body["output_config"] = {**config, **form} if isinstance(config, dict) else form
    return body


def api_version(body: Mapping[str, Any]) -> str:
    """The version of the provider's interface that takes a request.

    The newer one refuses all sampling parameters; those models that have them take them from the
    older one. The two do not differ in anything else that is asked for here (Anthropic's guide
    "Migrating to API version 2026-10-21").
    """
    return _VERSION_THAT_SAMPLES if _SAMPLING & body.keys() else _VERSION


def _fields(request: ChatRequest) -> dict[str, Any]:
    """The request's own settings that are given."""
    fields = {
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "stop_sequences": list(request.stop) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _tools(request: ChatRequest) -> dict[str, Any]:
    """The tools and which of them is to be called."""
    choice = request.tool_choice
    tools = [_tool(spec) for spec in request.tools]
    if not tools:
        # A conversation with calls is refused where it comes without any tool.
        calls = (call for message in request.messages for call in message.tool_calls)
        names = dict.fromkeys(call.name for call in calls)
        tools = [{"name": name, "input_schema": {"type": "object"}} for name in names]
        choice = "none" if tools and choice == "auto" else choice
    chosen = _CHOICES.get(choice, {"type": "tool", "name": choice})
    return {
        **({"tools": tools} if tools else {}),
        **({"tool_choice": chosen} if choice != "auto" and (tools or choice != "none") else {}),
    }


def _tool(spec: ToolSpec) -> dict[str, Any]:
    described = {"description": spec.description} if spec.description else {}
    return {"name": spec.name, **described, "input_schema": {"type": "object", **spec.parameters}}
