"""From a chat request to the parameters of the vendor's ``chat``."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError
from headrace_ollama._json import json_fault
from headrace_ollama._options import beside_options
from headrace_ollama._schemas import tool_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.chat import ChatRequest, Image, Message, OutputSchema

__all__ = ["request_parameters"]


def request_parameters(
    model: str, request: ChatRequest, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What ``chat`` of the vendor's client takes.

    Args:
        model: The model.
        request: What is asked.
        settings: The options of model and request together.

    Raises:
        ModelError: ``bad_request``: the request says something that Ollama has no word for.
    """
    options, beside = beside_options(settings)
    if request.max_tokens is not None:
        options["num_predict"] = request.max_tokens
    if request.temperature is not None:
        options["temperature"] = request.temperature
    if request.stop:
        options["stop"] = list(request.stop)
    messages = _messages(request)
    tools = _tools(request)
    if request.output is not None:
        _tell_form(messages, request.output)
    parameters: dict[str, Any] = {"tools": tools, "options": options, **beside}
    # Ollama holds an answer to its form from the first token on: no tool could be called any more.
    if request.output is not None and not tools:
        parameters["format"] = request.output.json_schema
    written = [{**message, "images": None} for message in messages]
    if fault := json_fault([written, parameters]):
        raise ModelError(f"the request cannot be written as JSON: {fault}", code="bad_request")
    return {"model": model, "messages": messages, **parameters}


def _tools(request: ChatRequest) -> list[dict[str, Any]]:
    if request.tool_choice == "none":
        return []
    if request.tool_choice != "auto":
        raise ModelError(
            f"ollama cannot be made to call a tool (tool_choice {request.tool_choice!r}): it knows "
            "auto and none",
            code="bad_request",
        )
    return [tool_of(spec) for spec in request.tools]


def _messages(request: ChatRequest) -> list[dict[str, Any]]:
    """The messages; results stand in the order of their calls, as nothing else joins the two."""
    made: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    order: dict[str, int] = {}
    results: list[tuple[int, dict[str, Any]]] = []
    for at, message in enumerate(request.messages):
        if message.role == "tool":
            call = message.tool_call_id
            if call is None or call not in names:
                raise ModelError(
                    f"message {at} is a tool's and answers no call of the messages before it "
                    f"(tool_call_id {call!r})",
                    code="bad_request",
                )
            told = {"role": "tool", "content": message.content, "tool_name": names[call]}
            results.append((order[call], told | _images(message, at)))
            continue
        made += [told for _, told in sorted(results, key=lambda result: result[0])]
        results = []
        made.append(_message(message, at))
        names |= {call.id: call.name for call in message.tool_calls}
        order |= {call.id: number for number, call in enumerate(message.tool_calls)}
    return made + [told for _, told in sorted(results, key=lambda result: result[0])]


def _message(message: Message, at: int) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        if message.role != "assistant":
            raise ModelError(
                f"message {at} calls tools and is a {message.role}'s: only an assistant's may",
                code="bad_request",
            )
        told["tool_calls"] = [
            {"function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.reasoning and message.role == "assistant":
        told["thinking"] = message.reasoning
    return told | _images(message, at)


def _images(message: Message, at: int) -> dict[str, list[bytes]]:
    if not message.images:
        return {}
    return {"images": [_bytes(image, at) for image in message.images]}


def _bytes(image: Image, at: int) -> bytes:
    """The bytes of an image.

    Never its text: the vendor's client opens a file of that name, if there is one, and sends it.
    """
    if image.data is None:
        raise ModelError(
            f"message {at} has an image of a url, and ollama fetches none: give its bytes "
            "(Image.from_bytes)",
            code="bad_request",
        )
    try:
        return base64.b64decode(image.data, validate=True)
    except (binascii.Error, ValueError):
        why = f"message {at} has an image whose data is not base64"
    raise ModelError(why, code="bad_request")


def _tell_form(messages: list[dict[str, Any]], form: OutputSchema) -> None:
    """Tells the model the form in words: by itself, Ollama only keeps it from writing others."""
    schema = json.dumps(form.json_schema, ensure_ascii=False, separators=(",", ":"))
    words = f"When you give your answer, give one JSON value of this JSON schema:\n{schema}"
    if messages[0]["role"] == "system":
        messages[0] = {**messages[0], "content": f"{messages[0]['content']}\n\n{words}"}
    else:
        messages.insert(0, {"role": "system", "content": words})
