"""Answers damaged in any way are an error of headrace, or an answer: never anything else."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.chat import ChatResponse
from headrace.errors import ModelError
from headrace.providers import Secrets
from headrace.values import decode, encode
from headrace_openai._chat_answers import read_answer
from headrace_openai._chat_stream import ChatStream
from headrace_openai._events import EventReader
from headrace_openai._responses_answers import ResponseStream, read_response
from headrace_openai._vectors import read_vectors

from .replies import Completion, Embeddings, Responded, called, said, thought

CLIENT = SimpleNamespace(host="host", secrets=Secrets(["sk-secret"]))
CALL = {"id": "a", "type": "function", "function": {"name": "t", "arguments": '{"a": "ü"}'}}
COMPLETION = Completion({"content": "Grüße", "reasoning": "Hm.", "tool_calls": [CALL]})
RESPONSE = Responded(thought("Hm."), said("Grüße"), called("a", "t", '{"a": "ü"}'))
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}


def whole(reply, **request):
    return json.dumps(reply.body(request), ensure_ascii=False).encode()


def streamed(kind):
    """A reader of a whole stream."""

    def read(body):
        collected = kind("m", CLIENT, lambda _: None)
        events = EventReader()
        any(collected.take(data) for data in events.feed(body))
        return collected.response(1)

    return read


READERS = {
    "completion": (whole(COMPLETION), lambda body: read_answer(body, "m", 1, CLIENT)),
    "completion's stream": (b"".join(COMPLETION.events(STREAMED)), streamed(ChatStream)),
    "response": (whole(RESPONSE), lambda body: read_response(body, "m", 1, CLIENT)),
    "response's stream": (b"".join(RESPONSE.events(STREAMED)), streamed(ResponseStream)),
    "embeddings": (
        whole(Embeddings(), input=["a", "b"]),
        lambda body: read_vectors(body, 2, CLIENT),
    ),
    "embeddings in base64": (
        whole(Embeddings(), input=["a", "b"], encoding_format="base64"),
        lambda body: read_vectors(body, 2, CLIENT),
    ),
}
OTHERS = st.sampled_from([None, True, 0, -1, 1e400, "", "x", [], [None], {}, {"a": None}])


def outcome(read, body):
    """What is read, which a journal can keep; or the error."""
    found = None
    try:
        found = read(body)
    except ModelError as error:
        found = error
    if isinstance(found, ModelError):
        assert found.__context__ is None
    if isinstance(found, ChatResponse):
        assert decode(encode(found)) == found
    return found


@pytest.mark.parametrize("name", READERS)
def test_an_undamaged_answer_is_read(name):
    body, read = READERS[name]

    assert not isinstance(outcome(read, body), ModelError)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_bytes_that_are_lost_or_changed_raise_nothing_else(name, data):
    body, read = READERS[name]
    begin = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(begin, min(len(body), begin + 40)))

    outcome(read, body[:begin] + data.draw(st.binary(max_size=3)) + body[end:])


@pytest.mark.parametrize("name", ["completion", "response", "embeddings"])
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_values_that_are_others_raise_nothing_else(name, data):
    body, read = READERS[name]
    answer = json.loads(body)
    places = list(walk(answer))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(OTHERS)

    outcome(read, json.dumps(answer).encode())


def walk(value):
    """Every place within a value."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from walk(value[key])
