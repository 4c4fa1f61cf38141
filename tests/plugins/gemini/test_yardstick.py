"""The loopback server is only worth something if it is strict: this holds it to that."""

from __future__ import annotations

import copy

import pytest

CHAT = "/v1beta/models/gemini-3-test:generateContent"
EMBED = "/v1beta/models/e:batchEmbedContents"
GOOD = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "x"}]},
        {
            "role": "model",
            "parts": [
                {"text": "t", "thought": True},
                {"functionCall": {"id": "a", "name": "t", "args": {}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "t"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "a", "name": "t", "response": {"output": "y"}}},
                {"functionResponse": {"name": "t", "response": {"output": "z"}}},
            ],
        },
    ],
    "tools": [
        {"functionDeclarations": [{"name": "t", "parametersJsonSchema": {"type": "object"}}]}
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["t"]}},
    "generationConfig": {"temperature": 1, "responseMimeType": "application/json"},
}
GOOD_TEXTS = {"requests": [{"model": "models/e", "content": {"parts": [{"text": "x"}]}}]}


def test_good_requests_are_accepted(check):
    assert check(CHAT, GOOD) == []
    assert check(EMBED, GOOD_TEXTS) == []


@pytest.mark.parametrize(
    "spoil",
    [
        # what the vendor's types refuse
        lambda r: r.pop("contents"),
        lambda r: r.update(surprise=1),
        lambda r: r.update(model="m"),
        lambda r: r["generationConfig"].update(surprise=1),
        lambda r: r["generationConfig"].update(temperature="1"),
        lambda r: r["contents"][0].update(surprise=1),
        lambda r: r["contents"][0]["parts"][0].update(surprise=1),
        lambda r: r["contents"][1]["parts"][1]["functionCall"].update(arguments={}),
        lambda r: r["contents"][2]["parts"][0]["functionResponse"].update(response="y"),
        lambda r: r["tools"][0]["functionDeclarations"][0].update(strict=True),
        lambda r: r["toolConfig"]["functionCallingConfig"].update(surprise=1),
        # what the provider refuses beyond them
        lambda r: r.update(contents=[]),
        lambda r: r["contents"].pop(0),
        lambda r: r["contents"][0].update(role="human"),
        lambda r: r["contents"][0].update(parts=[]),
        lambda r: r["contents"].insert(0, r["contents"][0]),
        lambda r: r["contents"][0]["parts"][0].update(text=""),
        lambda r: r["contents"][0]["parts"][0].update(inlineData={"data": "aGk="}),
        lambda r: r["contents"][1]["parts"][1].pop("thoughtSignature"),
        lambda r: r["contents"][2]["parts"].pop(),
        lambda r: r["contents"][2]["parts"].reverse(),
        lambda r: r["contents"][2]["parts"][0]["functionResponse"].update(id="b"),
        lambda r: r["toolConfig"]["functionCallingConfig"].update(allowedFunctionNames=["u"]),
        lambda r: r["toolConfig"]["functionCallingConfig"].update(mode="NONE"),
        lambda r: r.pop("tools"),
        lambda r: r["generationConfig"].update(responseMimeType="x", responseJsonSchema={}),
    ],
)
def test_spoilt_request_is_refused(check, spoil):
    request = copy.deepcopy(GOOD)
    spoil(request)

    assert check(CHAT, request)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.update(requests=[]),
        lambda r: r.update(requests=r["requests"] * 101),
        lambda r: r["requests"][0].update(model="models/f"),
        lambda r: r["requests"][0].update(surprise=1),
        lambda r: r["requests"][0].update(outputDimensionality="8"),
        lambda r: r["requests"][0]["content"].update(surprise=1),
    ],
)
def test_spoilt_request_of_vectors_is_refused(check, spoil):
    request = copy.deepcopy(GOOD_TEXTS)
    spoil(request)

    assert check(EMBED, request)
