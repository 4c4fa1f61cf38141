"""From a chat request to the parameters of a response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError
from headrace_openai._chat_requests import check_messages, image_url, json_schema, json_text
from headrace_openai._forms import strict_schema
from headrace_openai._responses_items import kept_items

if TYPE_CHECKING:
    from headrace.chat import ChatRequest, Image, Message, ToolSpec

__all__ = ["request_parameters"]


def request_parameters(
    model: str, request: ChatRequest, *, host: str, keep_reasoning: bool, strict_tools: bool
) -> dict[str, Any]:
    """The typed parameters: model and input, and what else the request says.

    Args:
        model: The model's name.
        request: What is asked.
        host: The server, which reads only the reasoning that is its own.
        keep_reasoning: Whether the server is asked for reasoning that can be sent back.
        strict_tools: Whether the server is to keep calls to the schemas of tools.

    Raises:
        ModelError: ``bad_request``: the request says something that the provider has no word for.
    """
    check_messages(request)
    if request.stop:
        raise ModelError(
            "the responses interface has no texts that end an answer (stop)", code="bad_request"
        )
    parameters: dict[str, Any] = {
        "model": model,
        "input": [item for message in request.messages for item in _items(message, host)],
        "store": False,
    }
    if keep_reasoning:
        parameters["include"] = ["reasoning.encrypted_content"]
    if request.tools:
        parameters["tools"] = [_tool(spec, strict=strict_tools) for spec in request.tools]
        if request.tool_choice in ("none", "required"):
            parameters["tool_choice"] = request.tool_choice
        elif request.tool_choice != "auto":
            parameters["tool_choice"] = {"type": "function", "name": request.tool_choice}
    if request.output is not None:
        parameters["text"] = {"format": {"type": "json_schema", **json_schema(request.output)}}
    if request.max_tokens is not None:
        parameters["max_output_tokens"] = request.max_tokens
    if request.temperature is not None:
        parameters["temperature"] = request.temperature
    return parameters


def _items(message: Message, host: str) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [
            {
                "type": "function_call_output",
                "call_id": message.tool_call_id,
                "output": _content(message),
            }
        ]
    if message.role != "assistant":
        return [{"type": "message", "role": message.role, "content": _content(message)}]
    if (kept := kept_items(message, host)) is not None:
        return kept
    items: list[dict[str, Any]] = []
    if message.content or not message.tool_calls:
        items.append({"type": "message", "role": "assistant", "content": message.content})
    items += [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": json_text(call.arguments),
        }
        for call in message.tool_calls
    ]
    return items


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.content
    text = [{"type": "input_text", "text": message.content}] if message.content else []
    return [*text, *(_image(image) for image in message.images)]


def _image(image: Image) -> dict[str, Any]:
    return {"type": "input_image", "image_url": image_url(image), "detail": "auto"}


def _tool(spec: ToolSpec, *, strict: bool) -> dict[str, Any]:
    described = {"description": spec.description} if spec.description else {}
    schema = strict_schema(spec.parameters) if strict else None
    return {
        "type": "function",
        "name": spec.name,
        **described,
        "parameters": spec.parameters if schema is None else schema,
        # Strict is what this interface does where nothing is said, and most schemas are not.
        "strict": schema is not None,
    }
