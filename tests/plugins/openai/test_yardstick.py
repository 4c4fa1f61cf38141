"""The loopback provider is only worth something if it is strict: this holds it to that."""

from __future__ import annotations

import json

import pytest

GOOD = {
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


def test_good_request_is_accepted(requests_validator):
    requests_validator.validate_json(json.dumps(GOOD), strict=True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.pop("model"),
        lambda r: r.update(stream=True),
        lambda r: r.update(temperature="hot"),
        lambda r: r.update(surprise=1),
        lambda r: r["messages"][0].update(surprise=1),
        lambda r: r["messages"][0].update(role="human"),
        lambda r: r["messages"][1]["tool_calls"][0].update(surprise=1),
        lambda r: r["messages"][1]["tool_calls"][0]["function"].update(arguments={}),
        lambda r: r["messages"][2].pop("tool_call_id"),
        lambda r: r["tools"][0]["function"].pop("name"),
        lambda r: r["tools"][0]["function"].update(surprise=1),
    ],
)
def test_spoilt_request_is_refused(requests_validator, spoil):
    request = json.loads(json.dumps(GOOD))
    spoil(request)
    with pytest.raises(ValueError, match="validation error"):
        requests_validator.validate_json(json.dumps(request), strict=True)
