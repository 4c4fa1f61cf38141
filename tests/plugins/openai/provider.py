"""A provider on loopback that holds requests to the vendor's own types, as strictly as can be.

It stands in for the models' intelligence only: what they say is put there by the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.embedding_create_params import EmbeddingCreateParams
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator
from tests.loopback import Answer, Loopback, as_json

from .replies import Completion, Embeddings, Reply


def strict_validator(kind: Any) -> SchemaValidator:
    """A validator of the vendor's type that refuses unknown keys and reads iterables to the end."""

    def strict(node: Any) -> Any:
        if isinstance(node, list):
            return [strict(item) for item in node]
        if not isinstance(node, dict):
            return node
        node = {key: value if key == "metadata" else strict(value) for key, value in node.items()}
        if node.get("type") == "typed-dict":
            node["extra_behavior"] = "forbid"
        elif node.get("type") == "generator":
            node["type"] = "list"
        return node

    return SchemaValidator(strict(TypeAdapter(kind).core_schema))


REQUESTS = {
    ("chat/completions", False): strict_validator(CompletionCreateParamsNonStreaming),
    ("chat/completions", True): strict_validator(CompletionCreateParamsStreaming),
    ("responses", False): strict_validator(ResponseCreateParamsNonStreaming),
    ("responses", True): strict_validator(ResponseCreateParamsStreaming),
    ("embeddings", False): strict_validator(EmbeddingCreateParams),
}
"""What requests are held to, by endpoint and whether they ask for a stream."""


def check_request(endpoint: str, body: dict[str, Any]) -> None:
    """Refuses what the provider would: by its types, and by the rules that they cannot say.

    Raises:
        ValueError: With all that is wrong.
    """
    validator = REQUESTS[endpoint, body.get("stream") is True]
    validator.validate_json(json.dumps(body), strict=True)
    if endpoint == "chat/completions":
        _check_results(body["messages"])
    elif endpoint == "responses":
        _check_items(body["input"])
    elif not body["input"] or len(body["input"]) > 2048 or "" in body["input"]:
        raise ValueError("input: 1 to 2048 texts, none of them empty")
    if "tool_choice" in body and not body.get("tools"):
        raise ValueError("tool_choice is only allowed with tools")


def _check_results(messages: list[dict[str, Any]]) -> None:
    """Each call is answered right after it, and nothing else is."""
    due: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in due:
                raise ValueError(f"no call {message['tool_call_id']} waits for a result")
            due.remove(message["tool_call_id"])
            continue
        if due:
            raise ValueError(f"calls without a result: {sorted(due)}")
        due = {call["id"] for call in message.get("tool_calls", ())}
    if due:
        raise ValueError(f"calls without a result: {sorted(due)}")


def _check_items(items: list[dict[str, Any]]) -> None:
    """Results follow their calls, and reasoning is followed by what it led to."""
    called = set()
    for item, following in zip(items, [*items[1:], None], strict=True):
        if item["type"] == "function_call":
            called.add(item["call_id"])
        elif item["type"] == "function_call_output" and item["call_id"] not in called:
            raise ValueError(f"no tool call found for the output {item['call_id']}")
        elif item["type"] == "reasoning" and (
            following is None or following["type"] not in {"reasoning", "message", "function_call"}
        ):
            raise ValueError("reasoning was provided without its required following item")


class Provider(Loopback):
    """The server; ``url`` is its address as ``base_url``, ``root`` as ``azure_endpoint``."""

    path = "/v1"

    def reply(self, *replies: Reply) -> None:
        """Answers with what the vendor's types accept, whole or streamed as it is asked."""
        self.answers += replies

    def answer(self, *choices: dict[str, Any], **more: Any) -> None:
        """Answers with a chat completion."""
        self.reply(Completion(*choices, **more))

    def fail(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        """Answers with an error, in the vendor's form."""
        error = {"message": message, "type": "error", "param": None, "code": code}
        self.raw(status, {"error": error}, **headers)

    def stream(self, *pieces: bytes, cut: bool = False, held: bool = False) -> None:
        """Answers with a stream of just these pieces.

        It ends well, or with a cut of the connection, or is held open.
        """
        end: Any = "cut" if cut else "held" if held else ""
        self.answers.append(streamed(pieces, end))

    def tell(self, text: str) -> None:
        self.answer({"content": text})

    def faults_in(self, path: str, body: dict[str, Any], headers: Any) -> list[str]:
        try:
            check_request(endpoint(path), body)
        except ValueError as error:
            return [str(error)]
        return []

    def refusal(self, why: str) -> Answer:
        return as_json(400, {"error": {"message": why}})

    def sent(self, answer: Reply, path: str, body: dict[str, Any]) -> Answer:
        if body.get("stream"):
            return streamed(answer.events(body))
        return as_json(200, answer.body(body))

    def unprompted(self, path: str, body: dict[str, Any]) -> Any:
        return Embeddings()


def endpoint(path: str) -> str:
    """What is asked, whatever stands before it."""
    return next(name for name, _ in REQUESTS if path.endswith(f"/{name}"))


def streamed(pieces: Iterable[bytes], end: Any = "") -> Answer:
    """Events on their way."""
    kind = {"content-type": "text/event-stream; charset=utf-8"}
    return Answer(headers=kind, pieces=tuple(pieces), end=end)
