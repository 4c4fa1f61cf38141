"""The loopback provider is only worth something if it is strict: this holds it to that."""

from __future__ import annotations

import copy

import pytest

MARK = {"type": "ephemeral"}
GOOD = {
    "model": "m",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": MARK}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "", "signature": "s"},
                {"type": "tool_use", "id": "a", "name": "t", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "content": [{"type": "text", "text": "y"}],
                },
                {"type": "text", "text": "z"},
            ],
        },
    ],
    "tools": [{"name": "t", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "any"},
}
NEW, OLD = "2026-10-21", "2023-06-01"


@pytest.mark.parametrize("more", [{}, {"stream": True}, {"thinking": {"type": "adaptive"}}])
def test_good_request_is_accepted(check, more):
    assert check({**GOOD, **more}, NEW) == []


def test_sampling_is_accepted_by_the_older_version(check):
    assert check({**GOOD, "temperature": 1}, OLD) == []


@pytest.mark.parametrize(
    "spoil",
    [
        # what the vendor's types refuse
        lambda r: r.pop("model"),
        lambda r: r.pop("max_tokens"),
        lambda r: r.update(max_tokens="5"),
        lambda r: r.update(stream="yes"),
        lambda r: r.update(surprise=1),
        lambda r: r.update(tool_choice={"type": "required"}),
        lambda r: r.update(output_config={"format": {"type": "json"}}),
        lambda r: r.update(thinking={"type": "adaptive", "surprise": 1}),
        lambda r: r["system"][0].update(surprise=1),
        lambda r: r["messages"][0].update(role="human"),
        lambda r: r["messages"][0].update(surprise=1),
        lambda r: r["messages"][0]["content"][0].update(surprise=1),
        lambda r: r["messages"][1]["content"][0].pop("signature"),
        lambda r: r["messages"][1]["content"][0].update(cache_control=MARK),
        lambda r: r["messages"][1]["content"][1].update(input="{}"),
        lambda r: r["messages"][2]["content"][0].pop("tool_use_id"),
        lambda r: r["messages"][2]["content"][0]["content"][0].update(surprise=1),
        lambda r: r["messages"][2]["content"].append({"type": "image", "source": {"url": "x"}}),
        lambda r: r["tools"][0].pop("name"),
        lambda r: r["tools"][0].update(parameters={}),
        # what the provider refuses beyond them
        lambda r: r.update(temperature=1),
        lambda r: r.update(messages=[]),
        lambda r: r["messages"].pop(0),
        lambda r: r["messages"].append(r["messages"][0]),
        lambda r: r["messages"][0].update(content=[]),
        lambda r: r["messages"][0]["content"][0].update(text=" "),
        lambda r: r["messages"][2]["content"].pop(0),
        lambda r: r["messages"][2]["content"].reverse(),
        lambda r: r["messages"][2]["content"][0].update(tool_use_id="b"),
        lambda r: r["messages"][2].update(
            content=[{"type": "text", "text": str(n), "cache_control": MARK} for n in range(4)]
        ),
        lambda r: r.pop("tools"),
        lambda r: r.update(thinking={"type": "enabled", "budget_tokens": 100}),
    ],
)
def test_spoilt_request_is_refused(check, spoil):
    request = copy.deepcopy(GOOD)
    spoil(request)

    faults = check(request, NEW)

    assert faults
