"""The loopback server is only worth something if it is strict: this holds it to that."""

from __future__ import annotations

import json

import pytest

CHAT = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "x", "images": ["eA=="]},
        {
            "role": "assistant",
            "thinking": "hm",
            "tool_calls": [{"function": {"name": "t", "arguments": {}}}],
        },
        {"role": "tool", "content": "r", "tool_name": "t"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "t",
                "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
            },
        }
    ],
    "options": {"num_ctx": 5, "stop": ["x"]},
    "format": {"type": "object"},
    "think": "low",
    "keep_alive": "1m",
    "stream": True,
}
EMBED = {"model": "m", "input": ["x"], "truncate": False, "dimensions": 3, "options": {}}


@pytest.mark.parametrize(("path", "body"), [("/api/chat", CHAT), ("/api/embed", EMBED)])
def test_good_request_is_accepted(request_check, path, body):
    request_check(path, body)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.pop("model"),
        lambda r: r.update(model=""),
        lambda r: r.update(surprise=1),
        lambda r: r.update(stream="yes"),
        lambda r: r.update(think=3),
        lambda r: r.update(format="yaml"),
        lambda r: r["options"].update(surprise=1),
        lambda r: r["options"].update(num_ctx="5"),
        lambda r: r["options"].update(stop="x"),
        lambda r: r["messages"][0].update(surprise=1),
        lambda r: r["messages"][0].update(images=["not base64!"]),
        lambda r: r["messages"][0].pop("role"),
        lambda r: r["messages"][1]["tool_calls"][0].update(id="a"),
        lambda r: r["messages"][1]["tool_calls"][0]["function"].update(arguments="{}"),
        lambda r: r["messages"][2].update(tool_call_id="a"),
        lambda r: r["tools"][0]["function"].update(surprise=1),
        lambda r: r["tools"][0]["function"]["parameters"].update(additionalProperties=False),
        lambda r: r["tools"][0]["function"]["parameters"]["properties"]["a"].update(minLength=1),
    ],
)
def test_spoilt_request_for_an_answer_is_refused(request_check, spoil):
    body = json.loads(json.dumps(CHAT))
    spoil(body)

    with pytest.raises(ValueError, match=r"validation error|base64"):
        request_check("/api/chat", body)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.pop("input"),
        lambda r: r.update(input=[1]),
        lambda r: r.update(truncate="no"),
        lambda r: r.update(dimensions="3"),
        lambda r: r.update(stream=False),
        lambda r: r["options"].update(surprise=1),
    ],
)
def test_spoilt_request_for_vectors_is_refused(request_check, spoil):
    body = json.loads(json.dumps(EMBED))
    spoil(body)

    with pytest.raises(ValueError, match="validation error"):
        request_check("/api/embed", body)
