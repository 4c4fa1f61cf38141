"""Requests over real HTTP, held to the provider's own types and rules."""

from __future__ import annotations

import base64

import pytest

from headrace.chat import (
    ChatRequest,
    ChatResponse,
    Image,
    Message,
    OutputSchema,
    ToolCall,
    ToolSpec,
)
from headrace.errors import ModelError

WEATHER = ToolSpec(
    name="weather",
    description="Tells the weather.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string", "minLength": 1}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
REPORT = OutputSchema(
    name="report", json_schema={"type": "object", "properties": {"sky": {"type": "string"}}}
)
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(24)
DONE = ChatResponse(message=Message(role="assistant", content="x"))
NO_SIGNATURE = "skip_thought_signature_validator"


def hello(**more) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"),), **more)


def user(text: str) -> dict[str, object]:
    return {"role": "user", "parts": [{"text": text}]}


@pytest.fixture
def sent(provider, ask):
    """The body that a request becomes."""

    def send(request: ChatRequest, **arguments: object) -> dict[str, object]:
        provider.answer(DONE)
        ask(request, **arguments)
        return provider.bodies[-1]

    return send


@pytest.fixture
def refused(provider, ask):
    """The error of a request that is not sent."""

    def send(request: ChatRequest, **arguments: object) -> ModelError:
        with pytest.raises(ModelError) as caught:
            ask(request, **arguments)
        assert provider.bodies == []
        assert caught.value.code == "bad_request"
        return caught.value

    return send


class TestMessages:
    def test_go_as_turns_with_the_system_instruction_beside_them(self, sent, provider):
        body = sent(
            ChatRequest(
                messages=(
                    Message(role="system", content="Be brief."),
                    Message(role="user", content="Wie geht's? 👋"),
                    Message(role="assistant", content="Gut."),
                    Message(role="system", content="Be briefer."),
                    Message(role="user", content="Und?"),
                )
            )
        )

        assert body["systemInstruction"] == {
            "parts": [{"text": "Be brief."}, {"text": "Be briefer."}]
        }
        assert body["contents"] == [
            user("Wie geht's? 👋"),
            {"role": "model", "parts": [{"text": "Gut."}]},
            user("Und?"),
        ]
        assert provider.paths == ["/v1beta/models/gemini-3-test:generateContent"]

    def test_of_one_role_become_one_turn(self, sent):
        messages = (Message(role="user", content="One."), Message(role="user", content="Two."))

        body = sent(ChatRequest(messages=messages))

        assert body["contents"] == [{"role": "user", "parts": [{"text": "One."}, {"text": "Two."}]}]

    def test_without_text_are_left_out(self, sent):
        messages = (
            Message(role="system", content=""),
            *hello().messages,
            Message(role="assistant", content=""),
            Message(role="user", content="Well?"),
        )

        body = sent(ChatRequest(messages=messages))

        assert "systemInstruction" not in body
        assert body["contents"] == [
            {"role": "user", "parts": [{"text": "hello"}, {"text": "Well?"}]}
        ]

    def test_that_are_all_empty_are_refused(self, refused):
        assert "nothing to ask" in str(refused(ChatRequest(messages=(Message(role="user"),))))

    def test_of_others_that_call_tools_are_refused(self, refused):
        message = Message(role="user", tool_calls=(ToolCall(id="a", name="t"),))

        assert "only an assistant's may" in str(refused(ChatRequest(messages=(message,))))


class TestImages:
    def test_are_sent_as_their_bytes(self, sent):
        message = Message(role="user", content="What?", images=(Image.from_bytes(PIXEL),))

        _, shown = sent(ChatRequest(messages=(message,)))["contents"][0]["parts"]

        assert shown["inlineData"]["mimeType"] == "image/png"
        assert base64.urlsafe_b64decode(shown["inlineData"]["data"]) == PIXEL

    def test_of_an_address_are_sent_as_it(self, sent):
        picture = Image(url="https://example.org/a.jpg", media_type="image/jpeg")
        message = Message(role="user", images=(picture,))

        [part] = sent(ChatRequest(messages=(message,)))["contents"][0]["parts"]

        assert part == {
            "fileData": {"fileUri": "https://example.org/a.jpg", "mimeType": "image/jpeg"}
        }

    def test_of_a_tool_are_sent_in_its_result(self, sent):
        call = Message(role="assistant", tool_calls=(ToolCall(id="a", name="camera"),))
        result = Message(role="tool", tool_call_id="a", images=(Image.from_bytes(PIXEL),))

        body = sent(ChatRequest(messages=(*hello().messages, call, result)))

        [part] = body["contents"][2]["parts"]
        [shown] = part["functionResponse"]["parts"]
        assert base64.urlsafe_b64decode(shown["inlineData"]["data"]) == PIXEL

    def test_of_others_are_refused(self, refused):
        message = Message(role="system", images=(Image.from_bytes(PIXEL),))

        assert "shows images" in str(refused(ChatRequest(messages=(message,))))

    def test_that_are_no_base64_are_refused(self, refused):
        message = Message(role="user", images=(Image(data="/etc/passwd.!"),))

        assert "inlineData" in str(refused(ChatRequest(messages=(message,))))


class TestTools:
    def test_are_offered_with_their_whole_schema(self, sent):
        body = sent(hello(tools=(WEATHER, ToolSpec(name="noop"))))

        assert body["tools"] == [
            {
                "functionDeclarations": [
                    {
                        "name": "weather",
                        "description": "Tells the weather.",
                        "parametersJsonSchema": WEATHER.parameters,
                    },
                    {
                        "name": "noop",
                        "parametersJsonSchema": {"type": "object", "properties": {}},
                    },
                ]
            }
        ]
        assert "toolConfig" not in body

    @pytest.mark.parametrize(
        ("choice", "mode"),
        [
            ("none", {"mode": "NONE"}),
            ("required", {"mode": "ANY"}),
            ("weather", {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
        ],
    )
    def test_are_chosen_as_asked_for(self, sent, choice, mode):
        body = sent(hello(tools=(WEATHER,), tool_choice=choice))

        assert body["toolConfig"] == {"functionCallingConfig": mode}

    @pytest.mark.parametrize(
        ("tools", "choice"), [((WEATHER,), "other"), ((), "required"), ((), "weather")]
    )
    def test_that_are_not_offered_cannot_be_chosen(self, refused, tools, choice):
        assert "no such tool" in str(refused(hello(tools=tools, tool_choice=choice)))

    def test_results_go_back_in_the_order_of_their_calls(self, sent):
        calls = tuple(ToolCall(id=name, name=f"tool_{name}") for name in "abc")
        results = (
            Message(role="tool", content=f"result of {name}", tool_call_id=name) for name in "cab"
        )

        body = sent(
            ChatRequest(
                messages=(*hello().messages, Message(role="assistant", tool_calls=calls), *results)
            )
        )

        told = [part["functionResponse"] for part in body["contents"][2]["parts"]]
        assert told == [
            {"id": name, "name": f"tool_{name}", "response": {"output": f"result of {name}"}}
            for name in "abc"
        ]

    @pytest.mark.parametrize("call", [None, "other"])
    def test_results_without_a_call_are_refused(self, refused, call):
        calls = Message(role="assistant", tool_calls=(ToolCall(id="a", name="t"),))
        result = Message(role="tool", content="x", tool_call_id=call)

        error = refused(ChatRequest(messages=(*hello().messages, calls, result)))

        assert "answers no call" in str(error)

    @pytest.mark.parametrize(
        ("model", "signed"),
        [("gemini-3-test", True), ("gemini-2.5-test", False), ("models/gemini-2.5-test", False)],
    )
    def test_calls_of_another_model_need_no_signature(self, sent, model, signed):
        calls = (ToolCall(id="a", name="t"), ToolCall(id="b", name="t"))
        results = (Message(role="tool", content="x", tool_call_id=name) for name in "ab")
        said = Message(role="assistant", tool_calls=calls)

        body = sent(ChatRequest(messages=(*hello().messages, said, *results)), model=model)

        first, second = body["contents"][1]["parts"]
        told = first.get("thoughtSignature", "")
        assert (base64.urlsafe_b64decode(told).decode() == NO_SIGNATURE) is signed
        assert "thoughtSignature" not in second


class TestForm:
    def test_is_kept_to_by_the_provider(self, sent):
        assert sent(hello(output=REPORT))["generationConfig"] == {
            "responseMimeType": "application/json",
            "responseJsonSchema": REPORT.json_schema,
        }

    def test_goes_along_with_tools(self, sent):
        body = sent(hello(output=REPORT, tools=(WEATHER,)))

        assert body["generationConfig"]["responseJsonSchema"] == REPORT.json_schema
        assert len(body["tools"]) == 1

    def test_is_no_business_of_a_model_that_cannot(self, refused):
        assert "not structured" in str(refused(hello(output=REPORT), structured=False))


class TestOptions:
    def test_go_where_the_provider_has_them(self, sent):
        unsafe = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}

        body = sent(
            hello(),
            temperature=0.5,
            thinking={"thinkingLevel": "LOW", "includeThoughts": True},
            options={"topP": 0.9, "seed": 7, "safetySettings": [unsafe]},
        )

        assert body["generationConfig"] == {
            "temperature": 0.5,
            "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True},
            "topP": 0.9,
            "seed": 7,
        }
        assert body["safetySettings"] == [unsafe]

    def test_of_the_request_win(self, sent):
        body = sent(hello(options={"seed": 1}), options={"seed": 7, "topK": 3})

        assert body["generationConfig"] == {"seed": 1, "topK": 3}

    def test_of_the_request_may_change_how_the_model_thinks(self, sent):
        asked = hello(options={"thinkingConfig": {"thinkingBudget": 0}})

        body = sent(asked, thinking={"thinkingLevel": "HIGH"})

        assert body["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 0}}

    def test_name_the_model_of_one_request(self, sent, provider):
        sent(hello(options={"model": "gemini-3-other"}))

        assert provider.paths == ["/v1beta/models/gemini-3-other:generateContent"]

    @pytest.mark.parametrize("name", ["", " ", 3, None])
    def test_that_name_no_model_are_refused(self, refused, name):
        assert "model must be a name" in str(refused(hello(options={"model": name})))

    def test_that_the_request_says_itself_win_over_those_of_the_model(self, sent):
        body = sent(
            hello(max_tokens=9, temperature=0.1, stop=("END",)),
            temperature=0.9,
            options={"maxOutputTokens": 99, "stopSequences": ["x"]},
        )

        assert body["generationConfig"] == {
            "maxOutputTokens": 9,
            "temperature": 0.1,
            "stopSequences": ["END"],
        }

    @pytest.mark.parametrize(
        ("option", "field"),
        [
            ("maxOutputTokens", "max_tokens"),
            ("max_output_tokens", "max_tokens"),
            ("temperature", "temperature"),
            ("stopSequences", "stop"),
        ],
    )
    def test_do_not_say_again_what_the_request_says(self, refused, option, field):
        request = hello(max_tokens=9, temperature=0.1, stop=("END",), options={option: 1})

        assert f"{option} is given twice: as an option and as the request's {field}" in str(
            refused(request)
        )

    @pytest.mark.parametrize(
        "name", ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig"]
    )
    def test_cannot_be_what_the_request_says_itself(self, refused, name):
        assert f"{name} is not an option" in str(refused(hello(options={name: {}})))

    def test_that_the_client_does_not_know_reach_the_server(self, sent, provider):
        provider.unknown = {"newThing"}

        assert sent(hello(), options={"newThing": {"x": 1}})["newThing"] == {"x": 1}

    def test_of_the_wrong_kind_are_refused(self, refused):
        error = refused(hello(options={"topP": "much", "seed": 1.5}))

        assert "topP" in str(error)
        assert "seed" in str(error)
        assert "much" not in str(error)

    def test_that_only_googles_cloud_has_are_refused(self, refused):
        assert "audio_timestamp" in str(refused(hello(options={"audioTimestamp": True})))

    @pytest.mark.parametrize("value", [float("nan"), object(), "\ud800"])
    def test_that_are_no_json_are_refused(self, refused, value):
        request = hello().model_copy(update={"options": {"x": value}})

        assert "cannot be written as JSON" in str(refused(request))


class TestUnsendable:
    def test_text_is_a_bad_request(self, refused):
        half = hello().messages[0].model_copy(update={"content": "\ud800"})

        error = refused(ChatRequest.model_construct(**{**dict(hello()), "messages": (half,)}))

        assert "cannot be written as JSON" in str(error)

    def test_arguments_are_a_bad_request(self, refused):
        call = ToolCall(id="a", name="t", arguments={"x": float("inf")})
        message = Message(role="assistant", tool_calls=(call,))

        error = refused(ChatRequest(messages=(*hello().messages, message)))

        assert "cannot be written as JSON" in str(error)
