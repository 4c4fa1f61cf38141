"""From a chat request to the parameters of a chat completion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError

if TYPE_CHECKING:
    from headrace.chat import ChatRequest, Message, ToolSpec

__all__ = ["request_parameters"]


def request_parameters(model: str, request: ChatRequest) -> dict[str, Any]:
    """The typed parameters: model, messages, and tools where there are some.

    Raises:
        ModelError: ``bad_request``: a message says something that the provider has no word for.
    """
    parameters: dict[str, Any] = {
        "model": model,
        "messages": [_message(message, at) for at, message in enumerate(request.messages)],
    }
    if request.tools:  # an empty list is refused by the provider
        parameters["tools"] = [_tool(spec) for spec in request.tools]
    return parameters


def _message(message: Message, at: int) -> dict[str, Any]:
    if message.role == "tool":
        if message.tool_call_id is None:
            raise ModelError(
                f"message {at} is a tool's and does not say which call it answers (tool_call_id)",
                code="bad_request",
            )
        return {"role": "tool", "content": message.content, "tool_call_id": message.tool_call_id}
    if not message.tool_calls:
        return {"role": message.role, "content": message.content}
    if message.role != "assistant":
        raise ModelError(
            f"message {at} calls tools and is a {message.role}'s: only an assistant's may",
            code="bad_request",
        )
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {
                "name": call.name,
                "arguments": json.dumps(call.arguments, ensure_ascii=False),
            },
        }
        for call in message.tool_calls
    ]
    said = {"content": message.content} if message.content else {}
    return {"role": "assistant", **said, "tool_calls": calls}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    described = {"description": spec.description} if spec.description else {}
    function = {"name": spec.name, **described, "parameters": spec.parameters}
    return {"type": "function", "function": function}
