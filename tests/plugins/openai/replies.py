"""What the provider of the tests answers: bodies and events that the vendor's types accept."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from abc import ABC, abstractmethod
from typing import Any

from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseContentPartDoneEvent,
    ResponseCreatedEvent,
    ResponseFailedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionCallArgumentsDoneEvent,
    ResponseIncompleteEvent,
    ResponseInProgressEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseReasoningSummaryTextDeltaEvent,
    ResponseReasoningTextDeltaEvent,
    ResponseRefusalDeltaEvent,
    ResponseTextDeltaEvent,
)

EVENTS = {
    kind.model_fields["type"].annotation.__args__[0]: kind
    for kind in (
        ResponseCompletedEvent,
        ResponseContentPartAddedEvent,
        ResponseContentPartDoneEvent,
        ResponseCreatedEvent,
        ResponseFailedEvent,
        ResponseFunctionCallArgumentsDeltaEvent,
        ResponseFunctionCallArgumentsDoneEvent,
        ResponseIncompleteEvent,
        ResponseInProgressEvent,
        ResponseOutputItemAddedEvent,
        ResponseOutputItemDoneEvent,
        ResponseReasoningSummaryTextDeltaEvent,
        ResponseReasoningTextDeltaEvent,
        ResponseRefusalDeltaEvent,
        ResponseTextDeltaEvent,
    )
}
"""The vendor's types of events, by the name that each goes by."""


def valid(kind: Any, body: dict[str, Any]) -> dict[str, Any]:
    """The body, which is what the vendor says that it is."""
    kind.model_validate_json(json.dumps(body), strict=True)
    return body


def event(body: Any, name: str = "") -> bytes:
    """A server-sent event."""
    data = json.dumps(body, ensure_ascii=False).encode()
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"


def pieces(text: str) -> list[str]:
    """A text in the small parts in which models write."""
    return [text[at : at + 4] for at in range(0, len(text), 4)]


class Reply(ABC):
    """An answer that can be asked for whole or in parts."""

    @abstractmethod
    def body(self, request: dict[str, Any]) -> dict[str, Any]:
        """The whole."""

    @abstractmethod
    def events(self, request: dict[str, Any]) -> list[bytes]:
        """The parts."""


class Completion(Reply):
    """A chat completion, of choices: the message's entries and its ``finish_reason``."""

    def __init__(self, *choices: dict[str, Any], **more: Any) -> None:
        self.choices = choices
        self.more = more

    def body(self, request: dict[str, Any]) -> dict[str, Any]:
        listed = [
            {
                "index": at,
                "finish_reason": choice.get("finish_reason", "stop"),
                "logprobs": None,
                "message": {
                    "role": "assistant",
                    "content": None,
                    "refusal": None,
                    **{name: value for name, value in choice.items() if name != "finish_reason"},
                },
            }
            for at, choice in enumerate(self.choices)
        ]
        whole = {
            **self.head("chat.completion"),
            "choices": listed,
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
            **self.more,
        }
        return valid(ChatCompletion, whole)

    def events(self, request: dict[str, Any]) -> list[bytes]:
        whole = self.body(request)
        listed: list[dict[str, Any]] = []
        for choice in whole["choices"]:
            deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
            message = choice["message"]
            for name in ("reasoning_content", "reasoning", "content", "refusal"):
                deltas += [{name: piece} for piece in pieces(message.get(name) or "")]
            for at, call in enumerate(message.get("tool_calls") or ()):
                function = {"name": call["function"]["name"], "arguments": ""}
                deltas.append({"tool_calls": [{**call, "index": at, "function": function}]})
                deltas += [
                    {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}
                    for piece in pieces(call["function"]["arguments"])
                ]
            listed += [
                {"index": choice["index"], "delta": delta, "finish_reason": None}
                for delta in deltas
            ]
            end = {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
            listed.append(end)
        chunks = [{**self.chunk(whole), "choices": [choice]} for choice in listed]
        if (request.get("stream_options") or {}).get("include_usage"):
            chunks.append({**self.chunk(whole), "choices": [], "usage": whole["usage"]})
        return [event(valid(ChatCompletionChunk, one)) for one in chunks] + [b"data: [DONE]\n\n"]

    def chunk(self, whole: dict[str, Any]) -> dict[str, Any]:
        return {**self.head("chat.completion.chunk"), "model": whole["model"]}

    def head(self, kind: str) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": kind,
            "created": 1_700_000_000,
            "model": "gpt-test-2026",
        }


def said(text: str, **more: Any) -> dict[str, Any]:
    """A message among the items of a response."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
        **more,
    }


def refused(text: str) -> dict[str, Any]:
    """A message that refuses, among the items of a response."""
    return said("", content=[{"type": "refusal", "refusal": text}])


def called(call_id: str, name: str, arguments: str, **more: Any) -> dict[str, Any]:
    """A call among the items of a response."""
    return {
        "id": f"fc_{call_id}",
        "type": "function_call",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": "completed",
        **more,
    }


def thought(*summary: str, sealed: str | None = "gAAAA-sealed", **more: Any) -> dict[str, Any]:
    """Reasoning among the items of a response."""
    return {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in summary],
        "encrypted_content": sealed,
        **more,
    }


class Responded(Reply):
    """A response, of items."""

    def __init__(self, *items: dict[str, Any], **more: Any) -> None:
        self.items = items
        self.more = more

    def body(self, request: dict[str, Any]) -> dict[str, Any]:
        whole = {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_700_000_000,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "model": "gpt-test-2026",
            "output": list(self.items),
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "store": False,
            "usage": {
                "input_tokens": 11,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 7,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 18,
            },
            **self.more,
        }
        return valid(Response, whole)

    def events(self, request: dict[str, Any]) -> list[bytes]:
        whole = self.body(request)
        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        begun |= {"error": None, "incomplete_details": None}
        bodies: list[dict[str, Any]] = [
            {"type": "response.created", "response": begun},
            {"type": "response.in_progress", "response": begun},
        ]
        for at, item in enumerate(whole["output"]):
            place = {"item_id": item["id"], "output_index": at}
            bodies.append({"type": "response.output_item.added", "output_index": at, "item": item})
            bodies += [{**place, **body} for body in self.deltas(item)]
            bodies.append({"type": "response.output_item.done", "output_index": at, "item": item})
        bodies.append({"type": f"response.{whole['status']}", "response": whole})
        numbered = [{**body, "sequence_number": at} for at, body in enumerate(bodies)]
        return [event(valid(EVENTS[body["type"]], body), body["type"]) for body in numbered]

    def deltas(self, item: dict[str, Any]) -> list[dict[str, Any]]:
        if item["type"] == "function_call":
            kind = "response.function_call_arguments"
            parts = [{"type": f"{kind}.delta", "delta": p} for p in pieces(item["arguments"])]
            end = {"arguments": item["arguments"], "name": item["name"]}
            return [*parts, {"type": f"{kind}.done", **end}]
        if item["type"] == "reasoning":
            summary = [
                {
                    "type": "response.reasoning_summary_text.delta",
                    "summary_index": at,
                    "delta": piece,
                }
                for at, part in enumerate(item["summary"])
                for piece in pieces(part["text"])
            ]
            return summary + [
                {"type": "response.reasoning_text.delta", "content_index": at, "delta": piece}
                for at, part in enumerate(item.get("content", ()))
                for piece in pieces(part["text"])
            ]
        found: list[dict[str, Any]] = []
        for at, part in enumerate(item["content"]):
            place = {"content_index": at}
            name = "refusal" if part["type"] == "refusal" else "text"
            kind = "refusal" if name == "refusal" else "output_text"
            logprobs = {} if name == "refusal" else {"logprobs": []}
            found.append({"type": "response.content_part.added", **place, "part": part})
            found += [
                {"type": f"response.{kind}.delta", **place, **logprobs, "delta": piece}
                for piece in pieces(part[name])
            ]
            found.append({"type": "response.content_part.done", **place, "part": part})
        return found


class Embeddings(Reply):
    """A vector for each text, which has nothing to do with its meaning, in another order."""

    def __init__(self, length: int = 8, **more: Any) -> None:
        self.length = length
        self.more = more

    def vector(self, text: str, length: int) -> list[float]:
        """The text's own vector, each number a fraction that 32 bits hold exactly."""
        drawn = hashlib.shake_256(text.encode()).digest(length)
        return [(byte - 127.5) / 128 for byte in drawn]

    def body(self, request: dict[str, Any]) -> dict[str, Any]:
        length = request.get("dimensions", self.length)
        data = [
            {"object": "embedding", "index": at, "embedding": self.vector(text, length)}
            for at, text in enumerate(request["input"])
        ]
        tokens = sum(map(len, request["input"]))
        whole = {
            "object": "list",
            "model": "embed-test-2026",
            "data": data[::-1],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
        valid(CreateEmbeddingResponse, whole)
        if request.get("encoding_format") == "base64":
            for one in data:
                packed = struct.pack(f"<{length}f", *one["embedding"])
                one["embedding"] = base64.b64encode(packed).decode()
        return {**whole, **self.more}

    def events(self, request: dict[str, Any]) -> list[bytes]:
        raise NotImplementedError("embeddings are not streamed")
