"""A provider on loopback that holds requests to the vendor's types and rules (``rules.py``).

What breaks one is answered with 400, as the provider does, and fails the test.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter
from tests.loopback import Answer, Loopback, as_json, cut_up, opener, serving

from headrace_anthropic import AnthropicChatModel

from .rules import faults_of

KEY = "sk-ant-test-0123456789abcdef"
EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
VARIABLES = (
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CONFIG_DIR",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_LOG",
    "ANTHROPIC_PROFILE",
)


class Provider(Loopback):
    """The server."""

    def answer(self, *blocks: Any, **more: Any) -> None:
        """Answers with a message, which the vendor's types accept; texts become blocks."""
        body = message(*blocks, **more)
        Message.model_validate_json(json.dumps(body), strict=True)
        self.answers.append(body)

    def fail(self, status: int, text: str, kind: str = "api_error", **headers: str) -> None:
        """Answers with an error, in the vendor's form."""
        error = {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}
        self.raw(status, error, **headers)

    def events(self, *listed: Any, end: str = "") -> None:
        """Answers with these events; then ends, or as ``end`` says: ``cut`` or ``held``."""
        data = b"".join(one if isinstance(one, bytes) else event(one) for one in listed)
        self.answers.append(streamed(data, end))

    def tell(self, text: str) -> None:
        self.answer(text)

    def faults_in(self, path: str, body: dict[str, Any], headers: Any) -> list[str]:
        return faults_of(body, headers["anthropic-version"])

    def refusal(self, why: str) -> Answer:
        return as_json(
            400, {"type": "error", "error": {"type": "invalid_request_error", "message": why}}
        )

    def sent(self, answer: Any, path: str, body: dict[str, Any]) -> Answer:
        if body.get("stream"):
            return streamed(b"".join(map(event, parts(answer))))
        return as_json(200, answer)

    @staticmethod
    def parts(*blocks: Any, **more: Any) -> list[dict[str, Any]]:
        """The events of a message."""
        return parts(message(*blocks, **more))

    @staticmethod
    def call(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
        """A block that calls a tool."""
        return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}

    @staticmethod
    def thought(text: str, signature: str = "c2lnbmVk") -> dict[str, Any]:
        """A block of thinking."""
        return {"type": "thinking", "thinking": text, "signature": signature}


def streamed(data: bytes, end: Any = "") -> Answer:
    """Events on their way, never cut where one ends."""
    kind = {"content-type": "text/event-stream; charset=utf-8"}
    return Answer(headers=kind, pieces=cut_up(data, 61), end=end)


def message(*blocks: Any, **more: Any) -> dict[str, Any]:
    """The body of a message."""
    content = [{"type": "text", "text": b} if isinstance(b, str) else b for b in blocks]
    called = any(block["type"] == "tool_use" for block in content)
    usage = {
        "input_tokens": 11,
        "output_tokens": 7,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "service_tier": "standard",
        **more.pop("usage", {}),
    }
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test-2026",
        "content": content,
        "stop_reason": "tool_use" if called else "end_turn",
        "stop_sequence": None,
        "usage": usage,
        **more,
    }


def parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The events that the provider streams a message as; each valid for the vendor's types."""
    end = {name: body.get(name) for name in ("stop_reason", "stop_sequence", "stop_details")}
    start = {
        **body,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }
    start["usage"] = {**body["usage"], "output_tokens": 1}
    made: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(body["content"]):
        empty = dict(block)
        deltas: list[dict[str, Any]] = []
        if block["type"] == "text":
            empty["text"] = ""
            deltas = [{"type": "text_delta", "text": piece} for piece in halves(block["text"])]
            cited = block.get("citations") or ()
            deltas += [{"type": "citations_delta", "citation": each} for each in cited]
            empty |= {"citations": None} if "citations" in block else {}
        elif block["type"] == "thinking":
            empty |= {"thinking": "", "signature": ""}
            said = halves(block["thinking"])
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in said]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        elif block["type"] in {"tool_use", "server_tool_use"}:
            empty["input"] = {}
            written = ["", *halves(json.dumps(block["input"]) if block["input"] else "")]
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in written]
        made.append({"type": "content_block_start", "index": index, "content_block": empty})
        made += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        made.append({"type": "content_block_stop", "index": index})
    told = {"output_tokens": body["usage"]["output_tokens"]}
    if details := body["usage"].get("output_tokens_details"):
        told["output_tokens_details"] = details
    made.append({"type": "message_delta", "delta": end, "usage": told})
    made.append({"type": "message_stop"})
    for one in made:
        EVENTS.validate_json(json.dumps(one), strict=True)
    return [made[0], {"type": "ping"}, *made[1:]]


def halves(text: str) -> list[str]:
    return [piece for piece in (text[: len(text) // 2], text[len(text) // 2 :]) if piece]


def event(value: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """A key, no proxy, and nothing else that the vendor's client would read."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


@pytest.fixture
def provider():
    """A provider that listens; at the end, no request may have broken the vendor's types."""
    with serving(Provider()) as made:
        yield made


@pytest.fixture
def opened(provider):
    """``async with opened(...) as model``: a model of the provider, open."""
    return opener(AnthropicChatModel, model="claude-test", base_url=provider.url)


@pytest.fixture
def key():
    """The API key."""
    return KEY


@pytest.fixture
def check():
    """What is wrong with a request, for a version of the interface."""
    return faults_of
