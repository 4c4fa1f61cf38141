"""What a chat request becomes in the responses interface."""

from __future__ import annotations

import base64

import pytest

from headrace.chat import ChatRequest, Image, Message, OutputSchema, ToolCall, ToolSpec
from headrace.errors import ModelError, ResourceError
from headrace_openai import OpenAIResponsesModel

from .replies import Responded, said

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
DOT = Image.from_bytes(PNG)
WEATHER = ToolSpec(
    name="weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def hello(**more) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"),), **more)


def of(*messages, **more) -> ChatRequest:
    return ChatRequest(messages=messages, **more)


@pytest.fixture
def sent(provider, respond):
    """What is sent for a request."""
    provider.reply(Responded(said("x")))

    def send(request, **arguments):
        respond(request, **arguments)
        return provider.bodies[-1]

    return send


@pytest.fixture
def refused(provider, respond):
    """The error of a request that is not sent."""
    provider.reply(Responded(said("x")))

    def fail(request, **arguments):
        with pytest.raises(ModelError) as caught:
            respond(request, **arguments)
        assert provider.bodies == []
        assert caught.value.code == "bad_request"
        return str(caught.value)

    return fail


def test_nothing_is_kept_at_the_provider_and_reasoning_comes_sealed(provider, sent):
    body = sent(hello())

    assert body == {
        "model": "gpt-test",
        "input": [{"type": "message", "role": "user", "content": "hello"}],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    assert provider.paths == ["/v1/responses"]


def test_a_model_without_reasoning_need_not_be_asked_for_it(sent):
    assert "include" not in sent(hello(), keep_reasoning=False)


def test_a_conversation_goes_as_items(sent):
    calls = (
        ToolCall(id="call_a", name="weather", arguments={"city": "Zürich"}),
        ToolCall(id="call_b", name="weather"),
    )
    body = sent(
        of(
            Message(role="system", content="Be brief.", cache=True),
            Message(role="user", content="Weather?"),
            Message(role="assistant", content="Looking.", tool_calls=calls, reasoning="Hm."),
            Message(role="tool", content="rain", tool_call_id="call_a"),
            Message(role="tool", content="", tool_call_id="call_b"),
            Message(role="assistant", content="Rain."),
            Message(role="user", content="Thanks."),
        )
    )

    assert body["input"] == [
        {"type": "message", "role": "system", "content": "Be brief."},
        {"type": "message", "role": "user", "content": "Weather?"},
        {"type": "message", "role": "assistant", "content": "Looking."},
        {
            "type": "function_call",
            "call_id": "call_a",
            "name": "weather",
            "arguments": '{"city": "Zürich"}',
        },
        {"type": "function_call", "call_id": "call_b", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_a", "output": "rain"},
        {"type": "function_call_output", "call_id": "call_b", "output": ""},
        {"type": "message", "role": "assistant", "content": "Rain."},
        {"type": "message", "role": "user", "content": "Thanks."},
    ]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Message(role="tool", content="x"), "tool_call_id"),
        (Message(role="user", tool_calls=(ToolCall(id="a", name="t"),)), "only an assistant"),
        (Message(role="assistant", images=(DOT,)), "images"),
    ],
)
def test_an_impossible_message_is_refused(refused, message, why):
    assert why in refused(of(message))


class TestImages:
    def test_of_a_user_follow_the_text(self, sent):
        body = sent(of(Message(role="user", content="What?", images=(DOT,))))

        text, image = body["input"][0]["content"]
        assert text == {"type": "input_text", "text": "What?"}
        head, _, data = image["image_url"].partition(",")
        assert (image["type"], head) == ("input_image", "data:image/png;base64")
        assert base64.b64decode(data) == PNG

    def test_of_a_tool_are_a_part_of_its_result(self, sent):
        address = Image(url="https://example.org/dot.png")
        body = sent(
            of(
                Message(role="assistant", tool_calls=(ToolCall(id="a", name="draw"),)),
                Message(role="tool", content="done", tool_call_id="a", images=(address,)),
            )
        )

        assert body["input"][1]["output"] == [
            {"type": "input_text", "text": "done"},
            {"type": "input_image", "image_url": "https://example.org/dot.png", "detail": "auto"},
        ]


class TestTools:
    def test_are_offered_and_not_strict(self, sent):
        body = sent(hello(tools=(WEATHER, ToolSpec(name="noop"))))

        assert body["tools"] == [
            {
                "type": "function",
                "name": "weather",
                "description": "Tells the weather.",
                "parameters": WEATHER.parameters,
                "strict": False,
            },
            {
                "type": "function",
                "name": "noop",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            },
        ]

    @pytest.mark.parametrize(
        ("choice", "meant"),
        [
            ("none", "none"),
            ("required", "required"),
            ("weather", {"type": "function", "name": "weather"}),
        ],
    )
    def test_may_have_to_be_called(self, sent, choice, meant):
        assert sent(hello(tools=(WEATHER,), tool_choice=choice))["tool_choice"] == meant

    def test_that_are_not_offered_cannot_be_forced(self, refused):
        assert "clock" in refused(hello(tools=(WEATHER,), tool_choice="clock"))


class TestForms:
    def test_go_as_a_strict_schema(self, sent):
        body = sent(hello(output=OutputSchema(name="place", json_schema=CITY)))

        assert body["text"] == {
            "format": {"type": "json_schema", "name": "place", "schema": CITY, "strict": True}
        }

    def test_go_beside_what_the_options_say_of_the_text(self, sent):
        body = sent(
            hello(output=OutputSchema(json_schema=CITY)), options={"text": {"verbosity": "low"}}
        )

        assert body["text"]["verbosity"] == "low"
        assert body["text"]["format"]["schema"] == CITY

    def test_are_no_options(self, refused):
        text = {"format": {"type": "text"}}
        assert "text.format" in refused(hello(options={"text": text}))
        with pytest.raises(ResourceError, match=r"text\.format"):
            OpenAIResponsesModel("m", options={"text": text})

    def test_are_not_sent_to_a_server_without_them(self, refused):
        form = OutputSchema(json_schema=CITY)
        assert "structured" in refused(hello(output=form), structured=False)


class TestOptions:
    def test_go_along_with_every_request(self, sent):
        body = sent(
            hello(options={"truncation": "auto"}),
            temperature=0.5,
            options={"reasoning": {"effort": "low"}, "truncation": "disabled"},
        )

        assert body["reasoning"] == {"effort": "low"}
        assert (body["temperature"], body["truncation"]) == (0.5, "auto")

    def test_of_the_model_give_way_to_the_requests_fields(self, sent):
        body = sent(
            hello(max_tokens=5, temperature=1), temperature=0, options={"max_output_tokens": 9}
        )

        assert (body["max_output_tokens"], body["temperature"]) == (5, 1)

    def test_of_the_request_must_not_say_its_fields_again(self, refused):
        assert "twice" in refused(hello(max_tokens=5, options={"max_output_tokens": 9}))

    @pytest.mark.parametrize(
        "name",
        [
            "background",
            "conversation",
            "include",
            "input",
            "instructions",
            "previous_response_id",
            "store",
            "stream",
            "tool_choice",
            "tools",
            "extra_body",
            "timeout",
        ],
    )
    def test_cannot_be_what_the_request_says_itself(self, refused, name):
        assert f"{name} is not an option" in refused(hello(options={name: 1}))
        with pytest.raises(ResourceError, match=f"{name} is not an option"):
            OpenAIResponsesModel("m", options={name: 1})
