"""What requests become, held to AWS's own model of the service and to what it refuses beyond."""

from __future__ import annotations

import base64
import json

import pytest

from headrace.chat import ChatRequest, Image, Message, OutputSchema, ToolCall, ToolSpec
from headrace.errors import ModelError

PIXEL = Image.from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(24))
WEATHER = ToolSpec(
    name="weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
CLOCK = ToolSpec(name="clock")
ASKED = Message(role="user", content="Weather?")
CALLED = Message(
    role="assistant",
    content="I look.",
    tool_calls=(ToolCall(id="a", name="weather", arguments={"city": "Bern"}),),
)
RESULT = Message(role="tool", content="sleet", tool_call_id="a")


def hello(*messages, **more):
    return ChatRequest(messages=messages or (Message(role="user", content="hello"),), **more)


def form(schema):
    return OutputSchema(name="report", json_schema=schema)


@pytest.fixture
def sent(provider, ask):
    """The body of one request."""

    def send(request, **arguments):
        provider.says("x")
        ask(request, **arguments)
        return provider.bodies[-1]

    return send


@pytest.fixture
def refused(ask):
    """The error of a request that is not sent."""

    def refuse(request, **arguments):
        with pytest.raises(ModelError) as caught:
            ask(request, **arguments)
        assert caught.value.code == "bad_request"
        assert caught.value.__context__ is None
        return str(caught.value)

    return refuse


class TestConversation:
    def test_of_texts_becomes_turns(self, sent, provider):
        body = sent(
            hello(
                Message(role="system", content="Be brief."),
                ASKED,
                Message(role="user", content="In Bern?"),
                Message(role="assistant", content="Rain."),
                Message(role="system", content="In verse."),
                Message(role="user", content="And now?"),
            )
        )

        assert body == {
            "system": [{"text": "Be brief."}, {"text": "In verse."}],
            "messages": [
                {"role": "user", "content": [{"text": "Weather?"}, {"text": "In Bern?"}]},
                {"role": "assistant", "content": [{"text": "Rain."}]},
                {"role": "user", "content": [{"text": "And now?"}]},
            ],
        }
        assert provider.paths == ["/model/eu.amazon.nova-lite-v1%3A0/converse"]

    def test_of_a_stream_is_asked_elsewhere_with_the_same_body(self, provider, stream, sent):
        stream_of = hello(ASKED, max_tokens=9)
        provider.says("x")
        stream(stream_of)

        assert provider.bodies[-1] == sent(stream_of)
        assert provider.paths[0] == "/model/eu.amazon.nova-lite-v1%3A0/converse-stream"

    def test_of_system_messages_only_is_the_users(self, sent):
        body = sent(hello(Message(role="system", content="Say how the weather is.")))

        assert body == {
            "messages": [{"role": "user", "content": [{"text": "Say how the weather is."}]}]
        }

    def test_leaves_out_texts_that_are_blank(self, sent):
        body = sent(hello(Message(role="user", content=" "), ASKED))

        assert body["messages"][0]["content"] == [{"text": "Weather?"}]

    def test_of_nothing_is_refused(self, refused):
        assert "nothing to ask" in refused(hello(Message(role="user", content="\n")))

    def test_with_calls_and_results_keeps_them_together(self, sent):
        failed = Message(role="tool", content="no such city", tool_call_id="b", failed=True)
        twice = CALLED.model_copy(
            update={"tool_calls": (*CALLED.tool_calls, ToolCall(id="b", name="clock"))}
        )

        body = sent(hello(ASKED, twice, RESULT, failed, tools=(WEATHER, CLOCK)))

        assert body["messages"][1]["content"] == [
            {"text": "I look."},
            {"toolUse": {"toolUseId": "a", "name": "weather", "input": {"city": "Bern"}}},
            {"toolUse": {"toolUseId": "b", "name": "clock", "input": {}}},
        ]
        assert body["messages"][2]["content"] == [
            {"toolResult": {"toolUseId": "a", "content": [{"text": "sleet"}]}},
            {
                "toolResult": {
                    "toolUseId": "b",
                    "content": [{"text": "no such city"}],
                    "status": "error",
                }
            },
        ]

    def test_of_another_providers_calls_has_ids_that_the_service_takes(self, sent):
        foreign = "call/with spaces/" + "x" * 60
        call = ToolCall(id=foreign, name="weather")
        result = Message(role="tool", content="sleet", tool_call_id=foreign)

        body = sent(
            hello(ASKED, Message(role="assistant", tool_calls=(call,)), result, tools=(WEATHER,))
        )

        made = body["messages"][1]["content"][0]["toolUse"]["toolUseId"]
        assert made == body["messages"][2]["content"][0]["toolResult"]["toolUseId"]
        assert made.startswith("call_")

    @pytest.mark.parametrize("message", [RESULT, Message(role="tool", content="x")])
    def test_with_a_result_of_no_call_is_refused(self, refused, message):
        assert "answers no call" in refused(hello(ASKED, message, tools=(WEATHER,)))

    def test_with_an_empty_result_is_sent(self, sent):
        body = sent(
            hello(ASKED, CALLED, RESULT.model_copy(update={"content": ""}), tools=(WEATHER,))
        )

        assert body["messages"][2]["content"] == [{"toolResult": {"toolUseId": "a", "content": []}}]


class TestImages:
    def test_of_a_user_and_of_a_tool_are_bytes(self, sent):
        shown = ASKED.model_copy(update={"images": (PIXEL,)})
        given = RESULT.model_copy(update={"images": (PIXEL,)})

        body = sent(hello(shown, CALLED, given, tools=(WEATHER,)))

        image = {"image": {"format": "png", "source": {"bytes": PIXEL.data}}}
        assert body["messages"][0]["content"] == [{"text": "Weather?"}, image]
        [result] = body["messages"][2]["content"]
        assert result["toolResult"]["content"] == [{"text": "sleet"}, image]

    def test_of_an_address_are_read_from_s3_only(self, sent, refused):
        def at(url):
            image = Image(url=url, media_type="image/jpeg")
            return hello(ASKED.model_copy(update={"images": (image,)}))

        [_, image] = sent(at("s3://pictures/a.jpg"))["messages"][0]["content"]

        source = {"s3Location": {"uri": "s3://pictures/a.jpg"}}
        assert image == {"image": {"format": "jpeg", "source": source}}
        assert "s3:// only" in refused(at("https://example.com/a.jpg"))

    @pytest.mark.parametrize(
        "image",
        [Image(data="aGk=", media_type="image/tiff"), Image(data="no base64!"), Image(data="")],
    )
    def test_that_the_service_does_not_take_are_refused(self, refused, image):
        assert "message 0" in refused(hello(ASKED.model_copy(update={"images": (image,)})))

    @pytest.mark.parametrize("role", ["system", "assistant"])
    def test_are_a_users_or_a_tools(self, refused, role):
        assert "shows images" in refused(hello(ASKED, Message(role=role, images=(PIXEL,))))


class TestTools:
    def test_are_offered_with_their_schemas(self, sent):
        body = sent(hello(tools=(WEATHER, CLOCK)))

        assert body["toolConfig"] == {
            "tools": [
                {
                    "toolSpec": {
                        "name": "weather",
                        "description": "Tells the weather.",
                        "inputSchema": {"json": WEATHER.parameters},
                    }
                },
                {"toolSpec": {"name": "clock", "inputSchema": {"json": CLOCK.parameters}}},
            ]
        }

    def test_may_be_kept_to_by_the_service(self, sent):
        body = sent(hello(tools=(CLOCK,)), strict_tools=True)

        assert body["toolConfig"]["tools"][0]["toolSpec"]["strict"] is True

    @pytest.mark.parametrize(
        ("choice", "said"),
        [("auto", None), ("required", {"any": {}}), ("clock", {"tool": {"name": "clock"}})],
    )
    def test_may_be_forced(self, sent, choice, said):
        body = sent(hello(tools=(WEATHER, CLOCK), tool_choice=choice))

        assert body["toolConfig"].get("toolChoice") == said

    @pytest.mark.parametrize(
        ("tools", "choice"), [((), "required"), ((), "clock"), ((WEATHER,), "clock")]
    )
    def test_that_are_not_offered_cannot_be(self, refused, tools, choice):
        assert "no such tool is offered" in refused(hello(tools=tools, tool_choice=choice))

    def test_are_not_offered_where_none_may_be_called(self, sent):
        assert "toolConfig" not in sent(hello(tools=(WEATHER,), tool_choice="none"))

    @pytest.mark.parametrize("more", [{}, {"tools": (WEATHER,), "tool_choice": "none"}])
    def test_that_none_may_be_called_leaves_a_conversations_calls_in_words(self, sent, more):
        given = RESULT.model_copy(update={"images": (PIXEL,)})

        body = sent(hello(ASKED, CALLED, given, **more))

        assert "toolConfig" not in body
        [_, said, told] = body["messages"]
        assert said["content"][0] == {"text": "I look."}
        assert said["content"][1]["text"].endswith('weather with {"city": "Bern"}')
        assert told["content"][0] == {"text": "The tool weather gave: sleet"}
        assert "image" in told["content"][1]

    def test_that_failed_are_said_to_have_in_words_too(self, sent):
        body = sent(hello(ASKED, CALLED, RESULT.model_copy(update={"failed": True})))

        assert body["messages"][2]["content"] == [{"text": "The tool weather failed: sleet"}]


class TestForms:
    def test_go_along_closed_and_without_what_is_not_kept_to(self, sent):
        schema = {
            "type": "object",
            "properties": {
                "degrees": {"type": "integer", "minimum": 0},
                "places": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/Place"}},
                "sky": {"oneOf": [{"const": "rain"}, {"const": "sun"}]},
            },
            "required": ["degrees"],
            "$defs": {"Place": {"type": "object", "properties": {"name": {"type": "string"}}}},
        }

        body = sent(hello(output=form(schema)), structured=True)

        told = body["outputConfig"]["textFormat"]
        assert told["type"] == "json_schema"
        assert told["structure"]["jsonSchema"]["name"] == "report"
        assert json.loads(told["structure"]["jsonSchema"]["schema"]) == {
            "type": "object",
            "properties": {
                "degrees": {"type": "integer"},
                "places": {"type": "array", "items": {"$ref": "#/$defs/Place"}},
                "sky": {"anyOf": [{"const": "rain"}, {"const": "sun"}]},
            },
            "required": ["degrees"],
            "additionalProperties": False,
            "$defs": {
                "Place": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}},
                    "additionalProperties": False,
                }
            },
        }

    def test_keep_fields_that_are_called_like_words_of_the_schema(self, sent):
        schema = {"type": "object", "properties": {"pattern": {"type": "string", "pattern": "x"}}}

        told = sent(hello(output=form(schema)), structured=True)["outputConfig"]["textFormat"]

        made = json.loads(told["structure"]["jsonSchema"]["schema"])
        assert made["properties"] == {"pattern": {"type": "string"}}

    @pytest.mark.parametrize(
        "schema",
        [
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "object"},
            {"type": "object", "properties": {"x": True}},
        ],
    )
    def test_that_name_no_fields_are_refused_with_a_way_out(self, refused, schema):
        assert "structured=False" in refused(hello(output=form(schema)), structured=True)

    def test_are_the_runtimes_where_the_model_cannot(self, refused):
        assert "not structured" in refused(hello(output=form({"type": "object"})))


class TestCache:
    def test_marks_become_points_after_what_they_mark(self, sent):
        body = sent(
            hello(
                Message(role="system", content="Ten pages.", cache=True),
                ASKED.model_copy(update={"cache": True}),
                Message(role="user", content="In Bern?"),
            )
        )

        point = {"cachePoint": {"type": "default"}}
        assert body["system"] == [{"text": "Ten pages."}, point]
        assert body["messages"][0]["content"] == [{"text": "Weather?"}, point, {"text": "In Bern?"}]

    @pytest.mark.parametrize(("most", "left"), [(4, "bcde"), (1, "e"), (0, "")])
    def test_marks_are_the_last_ones_that_the_model_takes(self, sent, most, left):
        marked = [Message(role="user", content=letter, cache=True) for letter in "abcde"]

        [turn] = sent(hello(*marked), cache_marks=most)["messages"]

        content = turn["content"]
        followed = [
            one["text"]
            for one, after in zip(content, [*content[1:], {}], strict=True)
            if "cachePoint" in after and "text" in one
        ]
        assert "".join(followed) == left


class TestReasoning:
    def test_that_is_signed_or_sealed_goes_back_as_it_was(self, provider, ask):
        sealed = base64.b64encode(b"sealed").decode()
        blocks = [
            provider.thought("It is autumn."),
            {"reasoningContent": {"redactedContent": sealed}},
            {"text": "I look."},
            provider.call("a", "weather", city="Bern"),
        ]
        provider.says(*blocks)
        first = ask(hello(ASKED, tools=(WEATHER,))).message
        kept = Message.model_validate_json(first.model_dump_json())  # as a journal gives it back

        provider.answers.clear()
        provider.says("Rain.")
        ask(hello(ASKED, kept, RESULT, tools=(WEATHER,)))

        assert provider.bodies[-1]["messages"][1]["content"] == blocks

    def test_that_is_not_signed_stays_here(self, provider, ask):
        provider.says(provider.thought("Hm.", signature=None), "Rain.")
        first = ask(hello(ASKED)).message

        ask(hello(ASKED, first, ASKED))

        assert first.reasoning == "Hm."
        assert provider.bodies[-1]["messages"][1]["content"] == [{"text": "Rain."}]

    @pytest.mark.parametrize(
        "change",
        [
            {"content": "Sun."},
            {"native": {"bedrock": {"blocks": [{"text": 5}]}}},
            {"native": {"bedrock": {"blocks": [5]}}},
            {"native": {"bedrock": {"blocks": [{"text": "Rain."}, {"reasoningContent": 5}]}}},
            {"native": {"bedrock": "x"}},
            {"native": {"openai": {"blocks": []}}},
        ],
    )
    def test_of_a_message_that_was_changed_stays_here(self, provider, ask, change):
        provider.says(provider.thought("It is autumn."), "Rain.")
        first = ask(hello(ASKED)).message.model_copy(update=change)

        ask(hello(ASKED, first, ASKED))

        assert provider.bodies[-1]["messages"][1]["content"] == [{"text": first.content}]


class TestOptions:
    def test_go_where_the_service_has_them(self, sent):
        guardrail = {"guardrailIdentifier": "abc", "guardrailVersion": "1"}
        body = sent(
            hello(options={"topP": 0.5, "requestMetadata": {"team": "blue"}}),
            options={"topP": 0.9, "guardrailConfig": guardrail, "serviceTier": {"type": "flex"}},
            temperature=0.25,
            reasoning_effort="low",
        )

        assert body["inferenceConfig"] == {"topP": 0.5, "temperature": 0.25}
        assert body["guardrailConfig"] == guardrail
        assert body["serviceTier"] == {"type": "flex"}
        assert body["requestMetadata"] == {"team": "blue"}
        assert body["outputConfig"] == {"effort": "low"}

    def test_of_the_model_itself_are_handed_on(self, sent):
        thinking = {"thinking": {"type": "enabled", "budget_tokens": 2000}, "top_k": 5}

        body = sent(hello(options={"additionalModelRequestFields": thinking}))

        assert body["additionalModelRequestFields"] == thinking

    @pytest.mark.parametrize("name", ["messages", "tools", "max_tokens", "temperature", "system"])
    def test_of_the_model_itself_cannot_be_what_the_request_says(self, refused, name):
        request = hello(options={"additionalModelRequestFields": {name: 1}})

        assert f"additionalModelRequestFields.{name} is not an option" in refused(request)

    def test_of_the_model_itself_are_a_mapping(self, refused):
        assert "give a mapping" in refused(hello(options={"additionalModelRequestFields": "x"}))

    def test_name_the_model_of_one_request(self, sent, provider):
        arn = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.other-v1:0"

        sent(hello(options={"model": arn}))

        quoted = arn.replace(":", "%3A").replace("/", "%2F")
        assert provider.paths == [f"/model/{quoted}/converse"]

    def test_of_the_request_win_and_its_fields_over_both(self, sent):
        body = sent(
            hello(max_tokens=9, temperature=0.1, stop=("END",), options={"topP": 0.1}),
            temperature=0.9,
            options={"maxTokens": 99, "stopSequences": ["x"], "topP": 0.9},
        )

        assert body["inferenceConfig"] == {
            "maxTokens": 9,
            "temperature": 0.1,
            "stopSequences": ["END"],
            "topP": 0.1,
        }

    @pytest.mark.parametrize(
        ("option", "field"),
        [("maxTokens", "max_tokens"), ("temperature", "temperature"), ("stopSequences", "stop")],
    )
    def test_do_not_say_again_what_the_request_says(self, refused, option, field):
        request = hello(max_tokens=9, temperature=0.1, stop=("END",), options={option: 1})

        assert f"{option} is given twice: as an option and as the request's {field}" in refused(
            request
        )

    @pytest.mark.parametrize(
        "name",
        ["modelId", "messages", "system", "toolConfig", "inferenceConfig", "outputConfig"],
    )
    def test_cannot_be_what_the_request_says_itself(self, refused, name):
        assert f"{name} is not an option" in refused(hello(options={name: {}}))

    @pytest.mark.parametrize("options", [{"newThing": 1}, {"topP": "much"}])
    def test_that_the_client_does_not_take_are_refused(self, refused, options):
        assert next(iter(options)) in refused(hello(options=options))

    @pytest.mark.parametrize("value", [float("nan"), object(), "\ud800"])
    def test_that_are_no_json_are_refused(self, refused, value):
        request = hello().model_copy(
            update={"options": {"additionalModelRequestFields": {"x": value}}}
        )

        assert "cannot be written as JSON" in refused(request)


class TestUnsendable:
    def test_text_is_a_bad_request(self, refused):
        half = ASKED.model_copy(update={"content": "\ud800"})

        assert "cannot be written as JSON" in refused(
            ChatRequest.model_construct(**{**dict(hello()), "messages": (half,)})
        )

    def test_arguments_are_a_bad_request(self, refused):
        call = ToolCall(id="a", name="weather", arguments={"x": float("inf")})
        messages = (ASKED, Message(role="assistant", tool_calls=(call,)), RESULT)

        assert "cannot be written as JSON" in refused(hello(*messages, tools=(WEATHER,)))
