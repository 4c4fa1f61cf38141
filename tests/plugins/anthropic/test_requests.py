"""What is asked, as it goes over the wire: conversation, tools, pictures, limits, sampling."""

from __future__ import annotations

import pytest

from headrace.chat import ChatRequest, Image, Message, OutputSchema, ToolCall, ToolSpec
from headrace.errors import ModelError

WEATHER = ToolSpec(
    name="weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
CLOCK = ToolSpec(name="clock")
PNG = Image.from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(24))


def user(text: str, **more) -> Message:
    return Message(role="user", content=text, **more)


def system(text: str) -> Message:
    return Message(role="system", content=text)


def assistant(text: str = "", *calls: ToolCall) -> Message:
    return Message(role="assistant", content=text, tool_calls=calls)


def result(call_id: str, text: str, **more) -> Message:
    return Message(role="tool", content=text, tool_call_id=call_id, **more)


def said(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@pytest.fixture
def sent(provider, ask):
    """The body of the request that messages become."""

    def send(*messages: Message, model: dict | None = None, **more) -> dict:
        provider.answer("ok")
        ask(ChatRequest(messages=messages, **more), **(model or {}))
        return provider.bodies[-1]

    return send


class TestConversation:
    def test_goes_as_turns_of_blocks(self, sent, provider):
        body = sent(user("Wie geht's? 👋"), assistant("Gut."), user("Schön."))

        assert body == {
            "model": "claude-test",
            "max_tokens": 8192,
            "messages": [
                {"role": "user", "content": [said("Wie geht's? 👋")]},
                {"role": "assistant", "content": [said("Gut.")]},
                {"role": "user", "content": [said("Schön.")]},
            ],
        }
        assert provider.paths == ["/v1/messages"]

    def test_has_its_system_messages_in_the_system_prompt_in_order(self, sent):
        body = sent(system("Be brief."), user("Hello"), system("Be kind."))

        assert body["system"] == [said("Be brief."), said("Be kind.")]
        assert body["messages"] == [{"role": "user", "content": [said("Hello")]}]

    def test_of_system_messages_only_is_asked_as_the_users(self, sent):
        body = sent(system("Say how the weather is."), system("Be brief."))

        assert "system" not in body
        assert body["messages"] == [
            {"role": "user", "content": [said("Say how the weather is."), said("Be brief.")]}
        ]

    def test_joins_messages_of_one_role(self, sent):
        body = sent(user("One."), user("Two."), assistant("A."), assistant("B."), user("Three."))

        assert [(turn["role"], len(turn["content"])) for turn in body["messages"]] == [
            ("user", 2),
            ("assistant", 2),
            ("user", 1),
        ]

    def test_leaves_out_texts_that_say_nothing(self, sent):
        body = sent(system(" "), user("One."), assistant(""), user("\n"), user("Two."))

        assert "system" not in body
        assert body["messages"] == [{"role": "user", "content": [said("One."), said("Two.")]}]

    @pytest.mark.parametrize("messages", [(user(""),), (system(" "),), (assistant(),)])
    def test_of_nothing_is_a_bad_request_that_is_not_sent(self, provider, ask, messages):
        with pytest.raises(ModelError, match="nothing to ask") as caught:
            ask(ChatRequest(messages=messages))

        assert caught.value.code == "bad_request"
        assert provider.bodies == []

    @pytest.mark.parametrize(
        ("message", "why"),
        [
            (Message(role="tool", content="x"), "message 1 .*tool_call_id"),
            (user("x", tool_calls=(ToolCall(id="a", name="t"),)), "only an assistant's"),
            (Message(role="assistant", images=(PNG,)), "only a user's or a tool's"),
            (Message(role="system", images=(PNG,)), "only a user's or a tool's"),
            (
                user("x", images=(Image(data="AA==", media_type="image/tiff"),)),
                "image/tiff: the provider takes image/jpeg, image/png, image/gif, image/webp",
            ),
        ],
    )
    def test_with_an_impossible_message_is_a_bad_request_that_is_not_sent(
        self, provider, ask, message, why
    ):
        with pytest.raises(ModelError, match=why) as caught:
            ask(ChatRequest(messages=(user("Hello"), message)))

        assert caught.value.code == "bad_request"
        assert provider.bodies == []


class TestToolResults:
    CALLS = (
        ToolCall(id="a", name="weather", arguments={"city": "Zürich"}),
        ToolCall(id="b", name="clock"),
    )

    def test_go_into_one_turn_of_the_users_in_order_with_what_follows(self, sent):
        body = sent(
            user("Weather?"),
            assistant("Looking.", *self.CALLS),
            result("a", "rain"),
            result("b", "noon"),
            user("Well?"),
            tools=(WEATHER, CLOCK),
        )

        assert body["messages"][1:] == [
            {
                "role": "assistant",
                "content": [
                    said("Looking."),
                    {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Zürich"}},
                    {"type": "tool_use", "id": "b", "name": "clock", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": [said("rain")]},
                    {"type": "tool_result", "tool_use_id": "b", "content": [said("noon")]},
                    said("Well?"),
                ],
            },
        ]

    def test_that_are_empty_go_without_content(self, sent):
        body = sent(
            user("?"), assistant("", self.CALLS[1]), result("b", ""), tools=(WEATHER, CLOCK)
        )

        assert body["messages"][-1]["content"] == [{"type": "tool_result", "tool_use_id": "b"}]

    def test_of_calls_that_failed_say_so(self, sent):
        failed = result("b", "Error: it stands still").model_copy(update={"failed": True})
        body = sent(user("?"), assistant("", self.CALLS[1]), failed, tools=(CLOCK,))

        [block] = body["messages"][-1]["content"]
        assert block["is_error"] is True

    def test_may_show_images(self, sent):
        body = sent(
            user("?"),
            assistant("", self.CALLS[1]),
            result("b", "A chart.", images=(PNG,)),
            tools=(CLOCK,),
        )

        [block] = body["messages"][-1]["content"]
        assert [part["type"] for part in block["content"]] == ["text", "image"]

    def test_are_told_without_tools_beside_the_tools_that_were_called(self, sent):
        body = sent(user("?"), assistant("", *self.CALLS), result("a", "rain"), result("b", "noon"))

        assert [tool["name"] for tool in body["tools"]] == ["weather", "clock"]
        assert body["tool_choice"] == {"type": "none"}

    def test_of_another_providers_calls_keep_their_calls_though_ids_are_written_otherwise(
        self, sent
    ):
        call = ToolCall(id="functions.clock:0", name="clock")

        body = sent(user("?"), assistant("", call), result(call.id, "noon"), tools=(CLOCK,))

        [made] = body["messages"][1]["content"]
        [told] = body["messages"][2]["content"]
        assert made["id"] == told["tool_use_id"] != call.id


class TestTools:
    def test_are_offered_in_the_providers_form(self, sent):
        body = sent(user("?"), tools=(WEATHER, CLOCK))

        assert body["tools"] == [
            {
                "name": "weather",
                "description": "Tells the weather.",
                "input_schema": WEATHER.parameters,
            },
            {"name": "clock", "input_schema": {"type": "object", "properties": {}}},
        ]

    @pytest.mark.parametrize(
        ("choice", "told"),
        [
            ("auto", None),
            ("none", {"type": "none"}),
            ("required", {"type": "any"}),
            ("weather", {"type": "tool", "name": "weather"}),
        ],
    )
    def test_are_chosen_as_asked(self, sent, choice, told):
        body = sent(user("?"), tools=(WEATHER,), tool_choice=choice)

        assert body.get("tool_choice") == told

    @pytest.mark.parametrize("choice", ["auto", "none"])
    def test_are_not_spoken_of_where_there_are_none(self, sent, choice):
        body = sent(user("?"), tool_choice=choice)

        assert not {"tools", "tool_choice"} & body.keys()


class TestImages:
    def test_go_after_the_text_as_bytes_or_addresses(self, sent):
        address = Image(url="https://example.org/a.png")

        body = sent(user("Compare.", images=(PNG, address)))

        assert body["messages"][0]["content"] == [
            said("Compare."),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": PNG.data},
            },
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        ]

    def test_may_stand_alone(self, sent):
        body = sent(user("", images=(PNG,)))

        assert [block["type"] for block in body["messages"][0]["content"]] == ["image"]


class TestLimits:
    def test_of_the_request_win_over_the_models(self, sent):
        body = sent(user("?"), max_tokens=5, model={"max_tokens": 100})

        assert body["max_tokens"] == 5

    def test_of_the_model_hold_where_the_request_has_none(self, sent):
        assert sent(user("?"), model={"max_tokens": 100})["max_tokens"] == 100

    def test_stops_end_the_answer(self, sent):
        assert sent(user("?"), stop=("END.", "---"))["stop_sequences"] == ["END.", "---"]


class TestSampling:
    """The newer version of the interface refuses all sampling; the older one takes it."""

    def test_goes_with_the_version_that_takes_it(self, sent, provider):
        body = sent(user("?"), temperature=0.25)

        assert body["temperature"] == 0.25
        assert provider.headers[0]["anthropic-version"] == "2023-06-01"

    def test_is_left_alone_by_default_and_the_newer_version_asked(self, sent, provider):
        body = sent(user("?"))

        assert "temperature" not in body
        assert provider.headers[0]["anthropic-version"] == "2026-10-21"

    def test_of_the_request_wins_over_the_models(self, sent):
        assert sent(user("?"), temperature=0, model={"temperature": 1})["temperature"] == 0

    def test_of_the_model_holds_where_the_request_has_none(self, sent):
        assert sent(user("?"), model={"temperature": 0.5})["temperature"] == 0.5

    def test_may_be_an_option(self, sent, provider):
        assert sent(user("?"), options={"top_k": 3})["top_k"] == 3
        assert provider.headers[0]["anthropic-version"] == "2023-06-01"

    def test_leaves_a_version_that_the_model_names(self, sent, provider):
        provider.unknown = {"temperature"}

        sent(user("?"), temperature=1, model={"headers": {"Anthropic-Version": "2026-10-21"}})

        assert provider.headers[0]["anthropic-version"] == "2026-10-21"


class TestForms:
    FORM = OutputSchema(
        json_schema={
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        }
    )

    def test_go_into_the_output_config_beside_its_other_entries(self, sent):
        body = sent(
            user("?"), output=self.FORM, model={"options": {"output_config": {"effort": "low"}}}
        )

        assert body["output_config"]["effort"] == "low"
        assert body["output_config"]["format"]["type"] == "json_schema"

    def test_are_no_tools(self, sent):
        assert "tools" not in sent(user("?"), output=self.FORM)
