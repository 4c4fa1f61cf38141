"""What a chat request becomes in chat completions."""

from __future__ import annotations

import base64

import pytest

from headrace.chat import ChatRequest, Image, Message, OutputSchema, ToolCall, ToolSpec
from headrace.errors import ModelError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
DOT = Image.from_bytes(PNG)
WEATHER = ToolSpec(name="weather", description="Tells the weather.")
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
def sent(provider, ask):
    """What is sent for a request."""
    provider.answer({"content": "x"})

    def send(request, **arguments):
        ask(request, **arguments)
        return provider.bodies[-1]

    return send


@pytest.fixture
def refused(provider, ask):
    """The error of a request that is not sent."""
    provider.answer({"content": "x"})

    def fail(request, **arguments):
        with pytest.raises(ModelError) as caught:
            ask(request, **arguments)
        assert provider.bodies == []
        assert caught.value.code == "bad_request"
        return str(caught.value)

    return fail


class TestImages:
    def test_bytes_go_as_a_data_address_after_the_text(self, sent):
        body = sent(of(Message(role="user", content="What is this?", images=(DOT,))))

        text, image = body["messages"][0]["content"]
        assert text == {"type": "text", "text": "What is this?"}
        head, _, data = image["image_url"]["url"].partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data) == PNG

    def test_an_address_goes_as_it_is(self, sent):
        image = Image(url="https://example.org/dot.png")

        body = sent(of(Message(role="user", images=(image,))))

        assert body["messages"][0]["content"] == [
            {"type": "image_url", "image_url": {"url": "https://example.org/dot.png"}}
        ]

    def test_of_tools_follow_all_results_of_the_turn_and_name_their_calls(self, sent):
        calls = (ToolCall(id="a", name="draw"), ToolCall(id="b", name="draw"))
        body = sent(
            of(
                Message(role="user", content="Draw."),
                Message(role="assistant", tool_calls=calls),
                Message(role="tool", content="one", tool_call_id="a", images=(DOT,)),
                Message(role="tool", content="two", tool_call_id="b"),
                Message(role="user", content="And?"),
            )
        )

        roles = [message["role"] for message in body["messages"]]
        assert roles == ["user", "assistant", "tool", "tool", "user", "user"]
        text, image = body["messages"][4]["content"]
        assert "call a" in text["text"]
        assert image["type"] == "image_url"

    @pytest.mark.parametrize("role", ["system", "assistant"])
    def test_of_others_are_refused(self, refused, role):
        assert "images" in refused(of(Message(role=role, images=(DOT,))))


class TestForms:
    def test_a_form_goes_as_a_strict_schema(self, sent):
        body = sent(hello(output=OutputSchema(name="place", json_schema=CITY)))

        assert body["response_format"] == {
            "type": "json_schema",
            "json_schema": {"name": "place", "schema": CITY, "strict": True},
        }

    def test_a_form_without_strict_words_goes_as_it_is_and_says_so(self, sent):
        free = {"type": "object", "additionalProperties": {"type": "integer"}}

        body = sent(hello(output=OutputSchema(json_schema=free)))

        assert body["response_format"]["json_schema"] == {
            "name": "output",
            "schema": free,
            "strict": False,
        }

    def test_a_server_without_forms_is_not_structured_and_is_sent_none(self, refused):
        assert "structured" in refused(
            hello(output=OutputSchema(json_schema=CITY)), structured=False
        )


class TestToolChoice:
    @pytest.mark.parametrize(
        ("choice", "meant"),
        [
            ("none", "none"),
            ("required", "required"),
            ("weather", {"type": "function", "function": {"name": "weather"}}),
        ],
    )
    def test_goes_in_the_providers_words(self, sent, choice, meant):
        assert sent(hello(tools=(WEATHER,), tool_choice=choice))["tool_choice"] == meant

    def test_is_left_out_where_it_is_the_providers_own(self, sent):
        assert "tool_choice" not in sent(hello(tools=(WEATHER,)))

    def test_none_without_tools_is_left_out_too(self, sent):
        assert "tool_choice" not in sent(hello(tool_choice="none"))

    @pytest.mark.parametrize("choice", ["required", "clock"])
    def test_of_a_tool_that_is_not_offered_is_refused(self, refused, choice):
        assert choice in refused(hello(tool_choice=choice))


class TestLimits:
    def test_go_in_the_providers_words(self, sent):
        body = sent(hello(max_tokens=5, temperature=0, stop=("a", "b")))

        assert body["max_completion_tokens"] == 5
        assert body["temperature"] == 0
        assert body["stop"] == ["a", "b"]

    def test_of_tokens_go_in_an_older_servers_words(self, sent):
        body = sent(hello(max_tokens=5), max_tokens_option="max_tokens")

        assert body["max_tokens"] == 5
        assert "max_completion_tokens" not in body

    def test_of_the_request_win_over_the_models(self, sent):
        body = sent(
            hello(max_tokens=5, temperature=1, stop=("a",)),
            temperature=0,
            options={"max_tokens": 9, "max_completion_tokens": 9, "stop": "b"},
        )

        assert (body["max_completion_tokens"], body["temperature"], body["stop"]) == (5, 1, ["a"])
        assert "max_tokens" not in body

    @pytest.mark.parametrize(
        ("field", "option"),
        [
            ({"max_tokens": 5}, {"max_tokens": 6}),
            ({"max_tokens": 5}, {"max_completion_tokens": 6}),
            ({"temperature": 0}, {"temperature": 1}),
            ({"stop": ("a",)}, {"stop": "b"}),
            ({"output": OutputSchema(json_schema=CITY)}, {"response_format": {"type": "text"}}),
        ],
    )
    def test_that_an_option_of_the_request_says_again_are_refused(self, refused, field, option):
        assert "twice" in refused(hello(**field, options=option))

    @pytest.mark.parametrize(
        "option", [{"max_tokens": 6}, {"stop": "b"}, {"response_format": {"type": "json_object"}}]
    )
    def test_may_be_options_where_the_request_says_nothing(self, sent, option):
        assert sent(hello(options=option)).items() >= option.items()


class TestReasoning:
    THOUGHT = Message(role="assistant", content="Rain.", reasoning="Clouds, so rain.")

    def test_is_not_sent_back(self, sent):
        body = sent(of(self.THOUGHT, Message(role="user", content="Sure?")))

        assert body["messages"][0] == {"role": "assistant", "content": "Rain."}

    def test_is_sent_back_to_a_server_that_wants_it(self, provider, ask):
        provider.answer({"content": "x"})
        # Not of the vendor's types: this is the word of compatible servers.
        with pytest.raises(ModelError, match="reasoning_content"):
            ask(of(self.THOUGHT), reasoning_field="reasoning_content")

        [message] = provider.bodies[-1]["messages"]
        assert message["reasoning_content"] == "Clouds, so rain."
        provider.faults.clear()


class TestMarks:
    def test_of_the_cache_need_nothing(self, sent):
        marked = Message(role="system", content="Long.", cache=True)

        body = sent(of(marked, Message(role="user", content="Short.")))

        assert body["messages"][0] == {"role": "system", "content": "Long."}

    def test_of_other_providers_are_left_alone(self, sent):
        foreign = Message(role="assistant", content="x", native={"anthropic": {"blocks": []}})

        assert sent(of(foreign))["messages"] == [{"role": "assistant", "content": "x"}]
