"""A Gemini server on loopback that holds requests to the vendor's types and rules (``rules.py``).

It stands in for the models only: what they say, the test puts there. Embeddings it makes of the
letters of a text, so that each text has a vector of its own. What breaks a rule is answered with
400, as the provider does, and fails the test.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import pytest
from google.genai import types
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
from headrace_gemini import GeminiChatModel, GeminiEmbeddingModel

from .rules import camel, faults_of

KEY = "AIzaTest-0123456789abcdefghijklmnop"
CHAT = "gemini-3-test"
EMBED = "gemini-embedding-test"
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
SIGNED = "c2lnbmF0dXJl"
STREAM = ":streamGenerateContent"


class Provider(Loopback, ChatBackend):
    """The server; bodies are kept by the names of the reference."""

    # ---------------------------------------------------- what the conformance class asks for
    def model(self) -> GeminiChatModel:
        return GeminiChatModel(CHAT, base_url=self.url)

    def answer(self, *responses: ChatResponse) -> None:
        for response in responses:
            calls = [self.call(call.name, **call.arguments) for call in response.message.tool_calls]
            if calls:
                calls[0]["thoughtSignature"] = SIGNED
            text = [{"text": response.text}] if response.text else []
            self.says(
                *text,
                *calls,
                reason="MAX_TOKENS" if response.finish_reason == "length" else "STOP",
                usage={
                    "promptTokenCount": response.usage.input_tokens,
                    "candidatesTokenCount": response.usage.output_tokens,
                },
            )

    def fail(self, code: str, retry_after: float | None = None) -> None:
        status, words = {
            "rate_limited": (429, "You exceeded your current quota."),
            "overloaded": (503, "The model is overloaded. Please try again later."),
            "timeout": (504, "Deadline expired before operation could complete."),
            "context_too_long": (
                400,
                "The input token count (1048577) exceeds the maximum number of tokens allowed "
                "(1048576).",
            ),
            "bad_request": (400, "Invalid value at 'generation_config.temperature'"),
            "unauthorised": (400, "API key not valid. Please pass a valid API key."),
        }[code]
        headers = {} if retry_after is None else {"retry_after": str(retry_after)}
        self.error(status, words, **headers)

    def tool_choice(self, body: dict[str, Any]) -> Any:
        return body.get("toolConfig")

    # ---------------------------------------------------- answers
    @staticmethod
    def call(name: str, call_id: str | None = None, **arguments: Any) -> dict[str, Any]:
        """A part that calls a tool."""
        named = {} if call_id is None else {"id": call_id}
        return {"functionCall": {**named, "name": name, "args": arguments}}

    def says(self, *parts: Any, reason: str = "STOP", usage: Any = None, **more: Any) -> None:
        """Answers with parts, at once or in pieces, as the request wants; texts become parts."""
        made = [{"text": part} if isinstance(part, str) else part for part in parts]
        body = {
            "candidates": [
                {
                    "content": {"role": "model", "parts": made},
                    "finishReason": reason,
                    "index": 0,
                    **more,
                }
            ],
            "usageMetadata": {
                "promptTokenCount": 11,
                "candidatesTokenCount": 7,
                "totalTokenCount": 18,
                **(usage or {}),
            },
            "modelVersion": "gemini-3-test-001",
            "responseId": "r1",
        }
        valid(body)
        self.answers.append(body)

    def error(self, status: int, words: str, details: Any = (), **headers: str) -> None:
        """Answers with an error, in the vendor's form."""
        told = {"code": status, "message": words, "status": STATUS.get(status, "UNKNOWN")}
        self.raw(status, {"error": {**told, "details": list(details)}}, **headers)

    def events(self, *listed: Any, end: str = "") -> None:
        """Answers a stream with these events; then ends, or as ``end`` says: ``cut``."""
        data = b"".join(one if isinstance(one, bytes) else event(one) for one in listed)
        self.answers.append(streamed(data, end))

    # ---------------------------------------------------- the server's side
    def read(self, data: bytes) -> dict[str, Any]:
        return camel(json.loads(data))

    def tell(self, text: str) -> None:
        self.says(text)

    def faults_in(self, path: str, body: dict[str, Any], headers: Any) -> list[str]:
        asked_well = not path.endswith(STREAM) or self.queries[-1] == {"alt": ["sse"]}
        return faults_of(path, body) if asked_well else ["a stream is asked for with alt=sse"]

    def refusal(self, why: str) -> Answer:
        return as_json(400, {"error": {"code": 400, "message": why, "status": STATUS[400]}})

    def sent(self, answer: Any, path: str, body: dict[str, Any]) -> Answer:
        if path.endswith(STREAM):
            return streamed(b"".join(map(event, in_parts(answer))))
        return as_json(200, answer)

    def unprompted(self, path: str, body: dict[str, Any]) -> Any:
        return embedded(body)


def valid(answer: dict[str, Any]) -> None:
    """Holds an answer to the vendor's types."""
    types.GenerateContentResponse.model_validate_json(json.dumps(answer), strict=True)


def event(value: Any) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\r\n\r\n"


def streamed(data: bytes, end: Any = "") -> Answer:
    """Events on their way."""
    return Answer(headers={"content-type": "text/event-stream"}, pieces=cut_up(data, 7), end=end)


def in_parts(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer as the server streams it: pieces of text, calls, and a last part with the sums."""
    [candidate] = answer["candidates"]
    pieces: list[dict[str, Any]] = []
    for part in candidate["content"]["parts"]:
        if "text" in part and part.keys() <= {"text", "thought"}:
            text = part["text"]
            pieces += [{**part, "text": text[at : at + 4]} for at in range(0, len(text), 4)]
        else:
            pieces.append(part)
    base = {"modelVersion": answer["modelVersion"], "responseId": "r1"}
    beside = {name: value for name, value in candidate.items() if name != "content"}
    beside.pop("finishReason")
    made = []
    for number, piece in enumerate(pieces or [{"text": ""}]):
        last = number == max(0, len(pieces) - 1)
        one = {**beside, "content": {"role": "model", "parts": [piece]}}
        end = {"finishReason": candidate["finishReason"]} if last else {}
        sums = {"usageMetadata": answer["usageMetadata"]} if last else {}
        made.append({"candidates": [{**one, **end}], **sums, **base})
        beside.pop("logprobsResult", None)  # told once
    for one in made:
        valid(one)
    return made


def embedded(body: dict[str, Any]) -> dict[str, Any]:
    """A vector for each text, of its own letters."""
    vectors = []
    for request in body["requests"]:
        text = "".join(part["text"] for part in request["content"]["parts"])
        digest = hashlib.shake_256(text.encode()).digest(request.get("outputDimensionality", 32))
        vectors.append({"values": [value / 255 - 0.5 for value in digest]})
    answer = {"embeddings": vectors}
    types.EmbedContentResponse.model_validate_json(json.dumps(answer), strict=True)
    return answer


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """A key, no proxy, and nothing else that the client would read."""
    for name in (*os.environ,):
        if name.startswith(("GOOGLE_", "GEMINI_")) or name.upper() in {"HTTP_PROXY", "ALL_PROXY"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@pytest.fixture
def provider():
    """A server that listens; at the end, no request may have broken the provider's rules."""
    with serving(Provider()) as made:
        yield made


@pytest.fixture
def opened(provider):
    """``async with opened(...) as model``: a chat model of the server, open."""
    return opener(GeminiChatModel, model=CHAT, base_url=provider.url)


@pytest.fixture
def opened_embedder(provider):
    """The same, of the embedding model."""
    return opener(GeminiEmbeddingModel, model=EMBED, base_url=provider.url)


@pytest.fixture
def key():
    """The API key."""
    return KEY


@pytest.fixture
def check():
    """What is wrong with a request: ``check(path, body)``."""
    return faults_of
