"""Amazon Bedrock on loopback: it holds requests to AWS's own model of the service (``rules.py``).

It stands in for the models only: what they say, the test puts there. Embeddings it makes of the
letters of a text, so that each text has a vector of its own. What breaks a rule is answered with
400, as the service does, and fails the test.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import pytest
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
from headrace_bedrock import BedrockChatModel, BedrockEmbeddingModel

from .framing import event, exception
from .rules import EVENTS, OPERATIONS, asked, faults_of, shape_faults

KEY = "AKIATEST0123456789AB"
SECRET = "secret/of+the/key0123456789abcdefghijklmn"  # noqa: S105 - nobody's
CHAT = "eu.amazon.nova-lite-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-multilingual-v3"
REASONS = {"length": "max_tokens", "tool_calls": "tool_use", "stop": "end_turn"}


class Provider(Loopback, ChatBackend):
    """The service."""

    # ---------------------------------------------------- what the conformance class asks for
    def model(self) -> BedrockChatModel:
        return BedrockChatModel(CHAT, region="eu-west-1", base_url=self.url, structured=True)

    def answer(self, *responses: ChatResponse) -> None:
        for response in responses:
            calls = [
                self.call(call.id, call.name, **call.arguments)
                for call in response.message.tool_calls
            ]
            usage = response.usage
            self.says(
                *([response.text] if response.text else []),
                *calls,
                reason=REASONS[response.finish_reason],
                usage={"inputTokens": usage.input_tokens, "outputTokens": usage.output_tokens},
            )

    def fail(self, code: str, retry_after: float | None = None) -> None:
        status, name, words = {
            "rate_limited": (429, "ThrottlingException", "Too many requests, please wait."),
            "overloaded": (503, "ServiceUnavailableException", "Bedrock is unable to process it."),
            "timeout": (408, "ModelTimeoutException", "Model has timed out."),
            "context_too_long": (
                400,
                "ValidationException",
                "The model returned the following errors: Input is too long for requested model.",
            ),
            "bad_request": (
                400,
                "ValidationException",
                "The provided model identifier is invalid.",
            ),
            "unauthorised": (
                403,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
        }[code]
        headers = {} if retry_after is None else {"retry_after": str(retry_after)}
        self.error(status, name, words, **headers)

    def tool_choice(self, body: dict[str, Any]) -> Any:
        return body.get("toolConfig")

    # ---------------------------------------------------- answers
    @staticmethod
    def call(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
        """A block that calls a tool."""
        return {"toolUse": {"toolUseId": call_id, "name": name, "input": arguments}}

    @staticmethod
    def thought(text: str, signature: str | None = "c2lnbmVk") -> dict[str, Any]:
        """A block of reasoning."""
        signed = {} if signature is None else {"signature": signature}
        return {"reasoningContent": {"reasoningText": {"text": text, **signed}}}

    def says(self, *blocks: Any, reason: str = "", usage: Any = None, **more: Any) -> None:
        """Answers with blocks, at once or in events, as the request wants; texts become blocks."""
        content = [{"text": block} if isinstance(block, str) else block for block in blocks]
        called = any("toolUse" in block for block in content)
        read = {"inputTokens": 11, "outputTokens": 7, **(usage or {})}
        body = {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": reason or ("tool_use" if called else "end_turn"),
            "usage": {**read, "totalTokens": sum(read.values())},
            "metrics": {"latencyMs": 5},
            **more,
        }
        valid(OPERATIONS["converse"].output_shape, body)
        self.answers.append(body)

    def error(self, status: int, name: str, words: str, **headers: str) -> None:
        """Answers with an error, in the service's form."""
        told = f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"
        self.raw(status, {"message": words}, **{"x-amzn-ErrorType": told, **headers})

    def events(self, *frames: Any, end: str = "", size: int = 7) -> None:
        """Answers a stream with these frames; then ends, or is ``cut`` or ``held``."""
        made = (one if isinstance(one, bytes) else framed(one) for one in frames)
        self.answers.append(streamed(b"".join(made), end, size))

    @staticmethod
    def exception(name: str, **body: Any) -> bytes:
        """An error inside of a stream."""
        return exception(name, **body)

    # ---------------------------------------------------- the server's side
    def tell(self, text: str) -> None:
        self.says(text)

    def faults_in(self, path: str, body: dict[str, Any], headers: Any) -> list[str]:
        return faults_of(path, body)

    def refusal(self, why: str) -> Answer:
        return Answer(
            400, {"x-amzn-errortype": "ValidationException"}, json.dumps({"message": why}).encode()
        )

    def sent(self, answer: Any, path: str, body: dict[str, Any]) -> Answer:
        if asked(path)[1] == "converse-stream":
            return streamed(b"".join(map(framed, in_events(answer))))
        return as_json(200, answer)

    def unprompted(self, path: str, body: dict[str, Any]) -> Any:
        return embedded(asked(path)[0], body)


def valid(shape: Any, body: Any) -> None:
    """Holds an answer to AWS's model of the service."""
    assert shape_faults(shape, json.loads(json.dumps(body))) == []


def framed(told: dict[str, Any]) -> bytes:
    """An event, by its name."""
    [(name, body)] = told.items()
    return event(name, body)


def streamed(data: bytes, end: Any = "", size: int = 7) -> Answer:
    """Events on their way."""
    kind = {"content-type": "application/vnd.amazon.eventstream"}
    return Answer(headers=kind, pieces=cut_up(data, size), end=end)


def in_events(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer as the service streams it; each event valid for AWS's model."""
    made: list[dict[str, Any]] = [{"messageStart": {"role": "assistant"}}]
    for at, block in enumerate(answer["output"]["message"]["content"]):
        where = {"contentBlockIndex": at}
        if use := block.get("toolUse"):
            named = {name: use[name] for name in ("toolUseId", "name")}
            made.append({"contentBlockStart": {"start": {"toolUse": named}, **where}})
            # The service sends no argument at all as no text.
            written = json.dumps(use["input"], ensure_ascii=False) if use["input"] else ""
            deltas = [{"toolUse": {"input": piece}} for piece in pieces(written)]
        elif reasoning := block.get("reasoningContent"):
            told = reasoning.get("reasoningText", {})
            deltas = [
                {"reasoningContent": {"text": piece}} for piece in pieces(told.get("text", ""))
            ]
            beside = {name: told.get(name) for name in ("signature",)}
            beside |= {name: reasoning.get(name) for name in ("redactedContent",)}
            deltas += [{"reasoningContent": {n: v}} for n, v in beside.items() if v is not None]
        else:
            deltas = [{"text": piece} for piece in pieces(block["text"])]
        made += [{"contentBlockDelta": {"delta": delta, **where}} for delta in deltas]
        made.append({"contentBlockStop": where})
    fields = "additionalModelResponseFields"
    beside = {fields: answer[fields]} if fields in answer else {}
    made.append({"messageStop": {"stopReason": answer["stopReason"], **beside}})
    sums = {name: answer[name] for name in ("usage", "metrics", "trace") if name in answer}
    made.append({"metadata": sums})
    for one in made:
        valid(EVENTS, one)
    return made


def pieces(text: str) -> list[str]:
    """A text in the small parts in which models write."""
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def embedded(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """A vector for each text, of its own letters, in the words of the model's family."""
    length = body.get("dimensions", body.get("output_dimension", 32))

    def vector(text: str) -> list[float]:
        return [value / 255 - 0.5 for value in hashlib.shake_256(text.encode()).digest(length)]

    if "titan" in model:
        made = vector(body["inputText"])
        return {"embedding": made, "embeddingsByType": {"float": made}, "inputTextTokenCount": 3}
    vectors = [vector(text) for text in body["texts"]]
    typed = "embedding_types" in body
    return {
        "id": "e1",
        "response_type": "embeddings_by_type" if typed else "embeddings_floats",
        "embeddings": {"float": vectors} if typed else vectors,
        "texts": body["texts"],
    }


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """A key, no proxy, and nothing else that AWS's client would read."""
    for name in (*os.environ,):
        if name.startswith("AWS_") or name.upper() in {"HTTP_PROXY", "ALL_PROXY"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@pytest.fixture
def provider():
    """The service, listening; at the end, no request may have broken its rules."""
    with serving(Provider()) as made:
        yield made


@pytest.fixture
def opened(provider):
    """``async with opened(...) as model``: a chat model of the service, open."""
    return opener(BedrockChatModel, model=CHAT, region="eu-west-1", base_url=provider.url)


@pytest.fixture
def opened_embedder(provider):
    """The same, of the embedding model."""
    return opener(BedrockEmbeddingModel, model=TITAN, region="eu-west-1", base_url=provider.url)


@pytest.fixture
def secret():
    """The secret of the worker's key."""
    return SECRET


@pytest.fixture
def check():
    """What is wrong with a request: ``check(path, body)``."""
    return faults_of
