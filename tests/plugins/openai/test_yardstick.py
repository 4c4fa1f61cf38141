"""The loopback provider is only worth something if it is strict: this holds it to that."""

from __future__ import annotations

import json

import pytest

from .provider import check_request

CHAT = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "x"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "t", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "content": "r", "tool_call_id": "a"},
    ],
    "tools": [{"type": "function", "function": {"name": "t"}}],
}
RESPONSE = {
    "model": "m",
    "input": [
        {"type": "message", "role": "user", "content": "x"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"},
        {"type": "function_call", "call_id": "a", "name": "t", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "r"},
    ],
    "tools": [{"type": "function", "name": "t", "parameters": {}, "strict": False}],
    "store": False,
}
EMBEDDING = {"model": "m", "input": ["x"], "encoding_format": "base64"}


def copied(body):
    return json.loads(json.dumps(body))


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat/completions", CHAT),
        ("chat/completions", {**CHAT, "stream": True}),
        ("responses", RESPONSE),
        ("responses", {**RESPONSE, "stream": True}),
        ("embeddings", EMBEDDING),
    ],
)
def test_a_good_request_is_accepted(endpoint, body):
    check_request(endpoint, body)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.pop("model"),
        lambda r: r.update(stream="yes"),
        lambda r: r.update(temperature="hot"),
        lambda r: r.update(surprise=1),
        lambda r: r["messages"][0].update(surprise=1),
        lambda r: r["messages"][0].update(role="human"),
        lambda r: r["messages"][0].update(content=[{"type": "image_url", "image_url": "u"}]),
        lambda r: r["messages"][1]["tool_calls"][0].update(surprise=1),
        lambda r: r["messages"][1]["tool_calls"][0]["function"].update(arguments={}),
        lambda r: r["messages"][2].pop("tool_call_id"),
        lambda r: r["messages"].pop(),
        lambda r: r["messages"].pop(1),
        lambda r: r["messages"].insert(2, {"role": "user", "content": "between"}),
        lambda r: r["tools"][0]["function"].pop("name"),
        lambda r: r["tools"][0]["function"].update(surprise=1),
        lambda r: r.update(tool_choice="sometimes"),
        lambda r: (r.pop("tools"), r.update(tool_choice="none")),
    ],
)
def test_a_spoilt_chat_request_is_refused(spoil):
    body = copied(CHAT)

    spoil(body)

    with pytest.raises(ValueError, match=r"validation error|call|tool_choice"):
        check_request("chat/completions", body)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.update(surprise=1),
        lambda r: r.update(store="no"),
        lambda r: r["input"][0].update(role="human"),
        lambda r: r["input"][0].update(content=[{"type": "text", "text": "x"}]),
        lambda r: r["input"][1].pop("summary"),
        lambda r: r["input"][1].update(surprise=1),
        lambda r: r["input"][2].update(arguments={}),
        lambda r: r["input"].pop(2),
        lambda r: r.update(input=r["input"][:2]),
        lambda r: r["tools"][0].pop("name"),
        lambda r: r["tools"][0].update(function={"name": "t"}),
        lambda r: r.update(text={"format": {"type": "json_schema", "name": "x"}}),
    ],
)
def test_a_spoilt_request_for_a_response_is_refused(spoil):
    body = copied(RESPONSE)

    spoil(body)

    with pytest.raises(ValueError, match=r"validation error|call|reasoning"):
        check_request("responses", body)


@pytest.mark.parametrize("texts", [[], [""], ["x"] * 2049, [1.5], "x" * 0])
def test_a_spoilt_request_for_embeddings_is_refused(texts):
    with pytest.raises(ValueError, match=r"validation error|texts"):
        check_request("embeddings", {**EMBEDDING, "input": texts})
