"""From a chat request to the parameters of a chat completion."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError
from headrace_openai._forms import strict_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.chat import ChatRequest, Image, Message, OutputSchema, ToolSpec

__all__ = ["check_messages", "image_url", "json_schema", "json_text", "request_parameters"]


def request_parameters(
    model: str,
    request: ChatRequest,
    *,
    max_tokens_option: str,
    reasoning_field: str | None,
    strict_tools: bool,
) -> dict[str, Any]:
    """The typed parameters: model and messages, and what else the request says.

    Args:
        model: The model's name.
        request: What is asked.
        max_tokens_option: What the server calls the limit of an answer.
        reasoning_field: What the server calls an assistant's reasoning, where it wants it back.
        strict_tools: Whether the server is to keep calls to the schemas of tools.

    Raises:
        ModelError: ``bad_request``: the request says something that the provider has no word for.
    """
    check_messages(request)
    parameters: dict[str, Any] = {
        "model": model,
        "messages": list(_messages(request.messages, reasoning_field)),
    }
    if request.tools:  # an empty list is refused by the provider, and a choice without tools too
        parameters["tools"] = [_tool(spec, strict=strict_tools) for spec in request.tools]
        if request.tool_choice in ("none", "required"):
            parameters["tool_choice"] = request.tool_choice
        elif request.tool_choice != "auto":
            function = {"name": request.tool_choice}
            parameters["tool_choice"] = {"type": "function", "function": function}
    if request.output is not None:
        form = json_schema(request.output)
        parameters["response_format"] = {"type": "json_schema", "json_schema": form}
    if request.max_tokens is not None:
        parameters[max_tokens_option] = request.max_tokens
    if request.temperature is not None:
        parameters["temperature"] = request.temperature
    if request.stop:
        parameters["stop"] = list(request.stop)
    return parameters


def check_messages(request: ChatRequest) -> None:
    """Refuses what no provider of these interfaces has a word for.

    Raises:
        ModelError: ``bad_request``.
    """
    for at, message in enumerate(request.messages):
        where = f"message {at}"
        if message.role == "tool" and message.tool_call_id is None:
            fault = f"{where} is a tool's and does not say which call it answers (tool_call_id)"
        elif message.tool_calls and message.role != "assistant":
            fault = f"{where} calls tools and is a {message.role}'s: only an assistant's may"
        elif message.images and message.role not in ("user", "tool"):
            fault = f"{where} shows images and is {message.role}'s: only a user's or a tool's may"
        else:
            continue
        raise ModelError(fault, code="bad_request")
    offered = {spec.name for spec in request.tools}
    if request.tool_choice not in {"auto", "none", *offered} and not (
        request.tool_choice == "required" and offered
    ):
        raise ModelError(
            f"tool_choice is {request.tool_choice}, and no such tool is offered", code="bad_request"
        )


def image_url(image: Image) -> str:
    """An image as an address; its bytes stand in it, where it has some."""
    return image.url or f"data:{image.media_type};base64,{image.data}"


def json_schema(output: OutputSchema) -> dict[str, Any]:
    """The form of an answer, strict where strict mode can say it."""
    strict = strict_schema(output.json_schema)
    return {
        "name": output.name,
        "schema": output.json_schema if strict is None else strict,
        "strict": strict is not None,
    }


def json_text(value: Any) -> str:
    """A value as a model is shown it: JSON with its letters as they are."""
    return json.dumps(value, ensure_ascii=False)


def _messages(messages: Iterable[Message], reasoning_field: str | None) -> Iterator[dict[str, Any]]:
    for tools, run in groupby(messages, lambda message: message.role == "tool"):
        if not tools:
            for message in run:
                yield _message(message, reasoning_field)
            continue
        shown: list[dict[str, Any]] = []
        for message in run:
            yield {
                "role": "tool",
                "content": message.content,
                "tool_call_id": message.tool_call_id,
            }
            if message.images:
                shown.append(_text(f"What the tool call {message.tool_call_id} shows:"))
                shown += [_image(image) for image in message.images]
        # A tool's message holds text only, and nothing may stand between the results of a turn.
        if shown:
            yield {"role": "user", "content": shown}


def _message(message: Message, reasoning_field: str | None) -> dict[str, Any]:
    if message.images:
        text = [_text(message.content)] if message.content else []
        parts = [*text, *(_image(image) for image in message.images)]
        return {"role": message.role, "content": parts}
    if message.role != "assistant":
        return {"role": message.role, "content": message.content}
    said: dict[str, Any] = {"role": "assistant"}
    if message.content or not message.tool_calls:
        said["content"] = message.content
    if reasoning_field is not None and message.reasoning:
        said[reasoning_field] = message.reasoning
    if message.tool_calls:
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json_text(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return said


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image(image: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": image_url(image)}}


def _tool(spec: ToolSpec, *, strict: bool) -> dict[str, Any]:
    described = {"description": spec.description} if spec.description else {}
    function: dict[str, Any] = {"name": spec.name, **described, "parameters": spec.parameters}
    if strict and (schema := strict_schema(spec.parameters)) is not None:
        function |= {"parameters": schema, "strict": True}
    return {"type": "function", "function": function}
