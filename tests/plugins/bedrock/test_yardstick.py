"""The loopback server is only worth something if it is strict: this holds it to that."""

from __future__ import annotations

import copy

import botocore.eventstream
import pytest

from .framing import event, exception

CONVERSE = "/model/eu.amazon.nova-lite-v1%3A0/converse"
TITAN = "/model/amazon.titan-embed-text-v2%3A0/invoke"
COHERE = "/model/cohere.embed-v4%3A0/invoke"
GOOD = {
    "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "x"},
                {"image": {"format": "png", "source": {"bytes": "aGk="}}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "t", "signature": "c2ln"}}},
                {"toolUse": {"toolUseId": "a", "name": "t", "input": {}}},
            ],
        },
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "a", "content": [{"text": "y"}]}}],
        },
    ],
    "inferenceConfig": {"temperature": 1, "maxTokens": 5},
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}],
        "toolChoice": {"tool": {"name": "t"}},
    },
}


def test_good_requests_are_accepted(check):
    assert check(CONVERSE, GOOD) == []
    assert check(f"{CONVERSE}-stream", GOOD) == []
    assert check(TITAN, {"inputText": "x", "dimensions": 256}) == []
    assert check(COHERE, {"texts": ["x"], "input_type": "search_query"}) == []


@pytest.mark.parametrize(
    "spoil",
    [
        # what AWS's model of the service refuses
        lambda r: r.update(surprise=1),
        lambda r: r.update(messages="x"),
        lambda r: r["inferenceConfig"].update(temperature=2),
        lambda r: r["inferenceConfig"].update(temperature="1"),
        lambda r: r["inferenceConfig"].update(maxTokens=0),
        lambda r: r["inferenceConfig"].update(maxTokens=True),
        lambda r: r["messages"][0].update(role="human"),
        lambda r: r["messages"][0]["content"][0].update(surprise=1),
        lambda r: r["messages"][0]["content"][1]["image"].update(format="tiff"),
        lambda r: r["messages"][0]["content"][1]["image"]["source"].update(bytes=""),
        lambda r: r["messages"][0]["content"][1]["image"].update(source={}),
        lambda r: r["messages"][1]["content"][1]["toolUse"].pop("input"),
        lambda r: r["messages"][1]["content"][1]["toolUse"].update(name="no name"),
        lambda r: r["messages"][2]["content"][0]["toolResult"].update(status="bad"),
        lambda r: r["toolConfig"].update(tools=[]),
        lambda r: r["toolConfig"]["tools"][0]["toolSpec"].update(description=""),
        lambda r: r["toolConfig"].update(toolChoice={"none": {}}),
        lambda r: r["toolConfig"].update(toolChoice={"any": {}, "auto": {}}),
        lambda r: r["system"][0].update(text=""),
        # what the service refuses beyond it
        lambda r: r.pop("messages"),
        lambda r: r["messages"].pop(0),
        lambda r: r["messages"][0].update(content=[]),
        lambda r: r["messages"].insert(0, r["messages"][0]),
        lambda r: r["messages"][0]["content"][0].update(text=" "),
        lambda r: r["messages"][0]["content"][0].update(cachePoint={"type": "default"}),
        lambda r: r["messages"][2]["content"][0]["toolResult"].update(toolUseId="b"),
        lambda r: r["messages"].pop(),
        lambda r: r.pop("toolConfig"),
        lambda r: r["toolConfig"]["toolChoice"]["tool"].update(name="u"),
        lambda r: r["system"].extend([{"cachePoint": {"type": "default"}}] * 4),
    ],
    ids=range(30),
)
def test_spoilt_request_is_refused(check, spoil):
    request = copy.deepcopy(GOOD)
    spoil(request)

    assert check(CONVERSE, request)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (TITAN, {}),
        (TITAN, {"inputText": ""}),
        (TITAN, {"inputText": "x", "dimensions": "8"}),
        (TITAN, {"inputText": "x", "texts": ["x"]}),
        (COHERE, {"texts": [], "input_type": "search_query"}),
        (COHERE, {"texts": ["x"] * 97, "input_type": "search_query"}),
        (COHERE, {"texts": ["x"]}),
        (COHERE, {"texts": ["x"], "input_type": "search_query", "inputText": "x"}),
    ],
)
def test_spoilt_request_of_vectors_is_refused(check, path, body):
    assert check(path, body)


def test_frames_are_read_by_awss_own_reader():
    reader = botocore.eventstream.EventStreamBuffer()
    reader.add_data(event("messageStart", {"role": "assistant"}) + exception("x", message="y"))

    told, failed = [message.to_response_dict() for message in reader]

    assert (told["status_code"], told["headers"][":event-type"]) == (200, "messageStart")
    assert told["body"] == b'{"role": "assistant"}'
    assert (failed["status_code"], failed["headers"][":exception-type"]) == (400, "x")
