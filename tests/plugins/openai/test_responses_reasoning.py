"""Reasoning that only the provider can read: kept, and sent back for as long as it is true."""

from __future__ import annotations

import pytest
from openai.types.responses import ResponseOutputMessageParam

from headrace.chat import ChatRequest, ChatResponse, Message, ToolCall, ToolSpec
from headrace.values import decode, encode

from .replies import Responded, called, said, thought

WEATHER = ToolSpec(name="weather")
QUESTION = Message(role="user", content="Weather?")
THOUGHT = thought("Clouds, so rain.", sealed="gAAAA-sealed", status=None, content=[])
CALL = called("a", "weather", '{"city":"Zürich"}')


@pytest.fixture
def message(provider, respond):
    """What the model says with reasoning; as a journal gives it back."""

    def say(*items, **more) -> Message:
        provider.answers[:] = [Responded(*items, **more)]
        request = ChatRequest(messages=(QUESTION,), tools=(WEATHER,))
        response: ChatResponse = decode(encode(respond(request)))
        return response.message

    return say


@pytest.fixture
def sent_back(provider, respond):
    """The items between the question and what follows, when a message goes back."""

    def send(message: Message, **arguments):
        provider.answers[:] = [Responded(said("x"))]
        results = [
            Message(role="tool", content="rain", tool_call_id=call.id)
            for call in message.tool_calls
        ]
        request = ChatRequest(messages=(QUESTION, message, *results), tools=(WEATHER,))
        respond(request, **arguments)
        items = provider.bodies[-1]["input"][1:]
        return items[: len(items) - len(results)]

    return send


def kinds(items):
    return [item["type"] for item in items]


def test_it_goes_back_as_it_came_without_what_is_null(message, sent_back):
    answer = message(THOUGHT, said("Looking."), CALL)

    items = sent_back(answer)

    assert items == [
        {name: value for name, value in THOUGHT.items() if value is not None},
        said("Looking."),
        CALL,
    ]
    assert items[0]["encrypted_content"] == "gAAAA-sealed"


def test_an_answer_without_it_keeps_nothing(message):
    assert message(said("Looking."), CALL).native == {}


def test_open_reasoning_goes_back_too(message, sent_back):
    open_thought = thought(content=[{"type": "reasoning_text", "text": "Hm."}], sealed=None)

    answer = message(open_thought, said("Rain."))

    assert kinds(sent_back(answer)) == ["reasoning", "message"]


def test_reasoning_that_only_has_a_name_stays_behind(message, sent_back):
    answer = message(thought("Clouds.", sealed=None), said("Rain."))

    assert answer.reasoning == "Clouds."
    assert kinds(sent_back(answer)) == ["message"]


@pytest.mark.skipif(
    "phase" not in ResponseOutputMessageParam.__annotations__,
    reason="this version of the client has no phases, so its types refuse them",
)
def test_a_message_of_a_phase_is_kept_though_there_is_no_reasoning(message, sent_back):
    answer = message(said("Rain.", phase="final_answer"))

    assert sent_back(answer) == [said("Rain.", phase="final_answer")]


@pytest.mark.parametrize(
    "change",
    [
        {"content": "Another text."},
        {"tool_calls": ()},
        {"tool_calls": (ToolCall(id="a", name="weather", arguments={"city": "Bern"}),)},
        {"tool_calls": (ToolCall(id="z", name="weather", arguments={"city": "Zürich"}),)},
        {"tool_calls": (ToolCall(id="a", name="clock", arguments={"city": "Zürich"}),)},
    ],
)
def test_it_stays_behind_where_the_message_was_changed(message, sent_back, change):
    answer = message(THOUGHT, said("Looking."), CALL).model_copy(update=change)

    assert "reasoning" not in kinds(sent_back(answer))


def test_it_stays_behind_where_another_server_is_asked(message, sent_back, provider):
    answer = message(THOUGHT, said("Rain."))

    items = sent_back(answer, base_url=provider.url.replace("127.0.0.1", "localhost"))

    assert items == [{"type": "message", "role": "assistant", "content": "Rain."}]


def test_reasoning_that_led_to_nothing_stays_behind(message, sent_back):
    answer = message(
        THOUGHT, status="incomplete", incomplete_details={"reason": "max_output_tokens"}
    )

    assert kinds(sent_back(answer)) == ["message"]


@pytest.mark.parametrize(
    "native",
    [
        None,
        5,
        {},
        {"server": "127.0.0.1"},
        {"server": "127.0.0.1", "output": None},
        {"server": "127.0.0.1", "output": []},
        {"server": "127.0.0.1", "output": [5]},
        {"server": "127.0.0.1", "output": [{"type": 5}]},
        {"server": "127.0.0.1", "output": [{"type": "function_call"}]},
        {"server": "127.0.0.1", "output": {"0": {"type": "message"}}},
    ],
)
def test_what_is_no_reasoning_is_passed_over(sent_back, native):
    answer = Message(role="assistant", content="Rain.", native={"openai-responses": native})

    assert sent_back(answer) == [{"type": "message", "role": "assistant", "content": "Rain."}]


def test_a_streamed_answer_keeps_the_same(provider, respond, respond_streamed):
    provider.reply(Responded(THOUGHT, said("Rain."), CALL))
    request = ChatRequest(messages=(QUESTION,), tools=(WEATHER,))

    streamed, _ = respond_streamed(request)

    assert streamed == respond(request)
    assert streamed.message.native
