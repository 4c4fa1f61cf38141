"""An Ollama server on loopback that holds requests to the client's own types, strictly.

It stands in for the models only: what they say, the test puts there. Embeddings it makes of the
letters of a text, so that each text has a vector of its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import ollama._types as vendor
import pytest
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator
from tests.loopback import (
    Answer,
    Loopback,
    as_json,
    cut_up,
    opener,
    serving,
)

from headrace.chat import ChatResponse
from headrace.testing import ChatBackend
from headrace_ollama import OllamaChatModel, OllamaEmbeddingModel

KEY = "olk-test-0123456789abcdef"


def strict_validator(kind: Any) -> SchemaValidator:
    """A validator of the client's type that refuses unknown keys.

    Where the type takes any mapping beside a model of its own, it must be the model. Of models only
    the fields are kept: a class brings a validator of its own along, which is lenient.
    """

    def strict(node: Any) -> Any:
        if isinstance(node, list):
            return [strict(item) for item in node]
        if not isinstance(node, dict):
            return node
        if node.get("type") == "model":
            named = {"ref": node["ref"]} if "ref" in node else {}
            return {**strict(node["schema"]), **named}
        made = {key: value if key == "metadata" else strict(value) for key, value in node.items()}
        if made.get("type") == "model-fields":
            made["extra_behavior"] = "forbid"
        elif made.get("type") == "union":
            models = [
                choice
                for choice in made["choices"]
                if isinstance(choice, dict) and choice["type"] in {"model-fields", "definition-ref"}
            ]
            made["choices"] = models or made["choices"]
        return made

    return SchemaValidator(strict(TypeAdapter(kind).core_schema))


REQUESTS = {
    "/api/chat": strict_validator(vendor.ChatRequest),
    "/api/embed": strict_validator(vendor.EmbedRequest),
}
ANSWERS = {
    "/api/chat": strict_validator(vendor.ChatResponse),
    "/api/embed": strict_validator(vendor.EmbedResponse),
}


def check_request(path: str, body: dict[str, Any]) -> None:
    """Holds a request to the client's types.

    On the wire an image is its base64, which is not how its type is built: it is looked at apart.
    """
    body = json.loads(json.dumps(body))
    for message in body.get("messages", []):
        for image in message.pop("images", []):
            base64.b64decode(image, validate=True)
    REQUESTS[path].validate_json(json.dumps(body), strict=True)


class Provider(Loopback, ChatBackend):
    """The server."""

    # ---------------------------------------------------- what the conformance class asks for
    def model(self) -> OllamaChatModel:
        return OllamaChatModel("llama-test", host=self.url)

    def answer(self, *responses: ChatResponse) -> None:
        for response in responses:
            message = response.message
            calls = [
                {"function": {"name": call.name, "arguments": call.arguments}}
                for call in message.tool_calls
            ]
            self.says(
                {
                    "role": "assistant",
                    "content": message.content,
                    **({"tool_calls": calls} if calls else {}),
                },
                done_reason="length" if response.finish_reason == "length" else "stop",
                prompt_eval_count=response.usage.input_tokens,
                eval_count=response.usage.output_tokens,
            )

    def fail(self, code: str, retry_after: float | None = None) -> None:
        status, words = {
            "rate_limited": (429, "you have reached your hourly usage limit"),
            "overloaded": (
                503,
                "server busy, please try again.  maximum pending requests exceeded",
            ),
            "timeout": (504, "timed out waiting for the model to load"),
            "context_too_long": (400, "prompt too long; exceeded max context length by 12 tokens"),
            "bad_request": (400, '"llama-test" does not support thinking'),
            "unauthorised": (401, "unauthorized"),
        }[code]
        headers = {} if retry_after is None else {"retry_after": str(retry_after)}
        self.raw(status, {"error": words}, **headers)

    # ---------------------------------------------------- answers
    def says(self, message: dict[str, Any], **more: Any) -> None:
        """Answers with a message, whole or in parts, as the request wants it."""
        body = {
            "model": "llama-test:latest",
            "created_at": "2026-08-01T10:00:00.000000001Z",
            "message": message,
            "done": True,
            "done_reason": "stop",
            "total_duration": 5_000_000,
            "prompt_eval_count": 11,
            "eval_count": 7,
            **more,
        }
        body = {name: value for name, value in body.items() if value is not None}
        ANSWERS["/api/chat"].validate_json(json.dumps(body), strict=True)
        self.answers.append(body)

    def lines(self, *lines: Any) -> None:
        """Answers a stream with these lines."""
        data = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        self.answers.append(streamed(b"\n".join(data)))

    # ---------------------------------------------------- the server's side
    def tell(self, text: str) -> None:
        self.says({"role": "assistant", "content": text})

    def faults_in(self, path: str, body: dict[str, Any], headers: Any) -> list[str]:
        try:
            check_request(endpoint(path), body)
        except (ValueError, KeyError) as error:
            return [str(error)]
        return []

    def refusal(self, why: str) -> Answer:
        return as_json(400, {"error": why})

    def sent(self, answer: Any, path: str, body: dict[str, Any]) -> Answer:
        if body.get("stream"):
            lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in in_parts(answer))
            return streamed("".join(lines).encode())
        return as_json(200, answer)

    def unprompted(self, path: str, body: dict[str, Any]) -> Any:
        return embedded(body)

    def known(self, body: dict[str, Any]) -> dict[str, Any]:
        options = {n: v for n, v in body.get("options", {}).items() if n not in self.unknown}
        return {**body, "options": options}


def endpoint(path: str) -> str:
    """What is asked, whatever stands before it."""
    return "/api/" + path.rpartition("/api/")[2]


def streamed(data: bytes) -> Answer:
    """Lines on their way."""
    return Answer(headers={"content-type": "application/x-ndjson"}, pieces=cut_up(data, 7))


def in_parts(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer as the server streams it: pieces of text, calls, and a last part with the sums."""
    message = answer["message"]
    base = {"model": answer["model"], "created_at": answer["created_at"], "done": False}
    text, thinking = message.get("content", ""), message.get("thinking", "")
    parts = [{"content": "", "thinking": thinking[i : i + 4]} for i in range(0, len(thinking), 4)]
    parts += [{"content": text[i : i + 4]} for i in range(0, len(text), 4)]
    parts += [{"content": "", "tool_calls": [call]} for call in message.get("tool_calls", [])]
    lines = [{**base, "message": {"role": "assistant", **part}} for part in parts]
    lines.append({**answer, "message": {"role": "assistant", "content": ""}})
    for line in lines:
        ANSWERS["/api/chat"].validate_json(json.dumps(line), strict=True)
    return lines


def embedded(body: dict[str, Any]) -> dict[str, Any]:
    """A vector for each text, of its own letters."""
    length = body.get("dimensions", 32)
    vectors = []
    for text in body["input"]:
        digest = hashlib.shake_256(text.encode()).digest(length)
        vectors.append([value / 255 - 0.5 for value in digest])
    answer = {
        "model": body["model"],
        "embeddings": vectors,
        "total_duration": 5,
        "prompt_eval_count": 3,
    }
    ANSWERS["/api/embed"].validate_json(json.dumps(answer), strict=True)
    return answer


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No proxy, and nothing else that the client would read."""
    for name in ("OLLAMA_HOST", "OLLAMA_API_KEY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def provider():
    """A server that listens; at the end, no request may have broken the client's types."""
    with serving(Provider()) as made:
        yield made


@pytest.fixture
def opened(provider):
    """``async with opened(...) as model``: a chat model of the server, open."""
    return opener(OllamaChatModel, model="llama-test", host=provider.url)


@pytest.fixture
def opened_embedder(provider):
    """The same, of the embedding model."""
    return opener(OllamaEmbeddingModel, model="embed-test", host=provider.url)


@pytest.fixture
def key():
    """A key."""
    return KEY


@pytest.fixture
def request_check():
    """What requests are held to: ``request_check(path, body)`` raises ``ValueError``."""
    return check_request
