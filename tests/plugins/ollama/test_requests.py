"""Requests over real HTTP, held to the client's own types."""

from __future__ import annotations

import base64
import json

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
        "properties": {"city": {"type": "string", "description": "Its name."}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
REPORT = OutputSchema(
    name="report", json_schema={"type": "object", "properties": {"sky": {"type": "string"}}}
)
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(24)
DONE = ChatResponse(message=Message(role="assistant", content="x"))


def hello(**more) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"),), **more)


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

    def send(request: ChatRequest) -> ModelError:
        with pytest.raises(ModelError) as caught:
            ask(request)
        assert provider.bodies == []
        assert caught.value.code == "bad_request"
        return caught.value

    return send


class TestMessages:
    def test_go_as_they_are(self, sent, provider):
        body = sent(
            ChatRequest(
                messages=(
                    Message(role="system", content="Be brief."),
                    Message(role="user", content="Wie geht's? 👋"),
                    Message(role="assistant", content="Gut."),
                    Message(role="user", content="Und?"),
                )
            )
        )

        assert body == {
            "model": "llama-test",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Wie geht's? 👋"},
                {"role": "assistant", "content": "Gut."},
                {"role": "user", "content": "Und?"},
            ],
            "tools": [],
            "options": {},
            "stream": False,
        }
        assert provider.paths == ["/api/chat"]

    def test_of_the_assistant_take_their_reasoning_along(self, sent):
        thought = Message(role="assistant", content="Rain.", reasoning="It is autumn.")

        body = sent(ChatRequest(messages=(*hello().messages, thought, *hello().messages)))

        assert body["messages"][1] == {
            "role": "assistant",
            "content": "Rain.",
            "thinking": "It is autumn.",
        }

    def test_of_others_that_call_tools_are_refused(self, refused):
        message = Message(role="user", tool_calls=(ToolCall(id="a", name="t"),))

        assert "only an assistant's may" in str(refused(ChatRequest(messages=(message,))))


class TestImages:
    def test_are_sent_as_base64(self, sent):
        message = Message(role="user", content="What?", images=(Image.from_bytes(PIXEL),))

        body = sent(ChatRequest(messages=(message,)))

        assert [base64.b64decode(image) for image in body["messages"][0]["images"]] == [PIXEL]

    def test_of_a_tool_are_sent_with_its_result(self, sent):
        call = Message(role="assistant", tool_calls=(ToolCall(id="a", name="camera"),))
        result = Message(role="tool", tool_call_id="a", images=(Image.from_bytes(PIXEL),))

        body = sent(ChatRequest(messages=(*hello().messages, call, result)))

        assert body["messages"][2]["tool_name"] == "camera"
        assert len(body["messages"][2]["images"]) == 1

    def test_are_never_taken_for_the_name_of_a_file(self, sent, tmp_path, monkeypatch):
        # The client reads a file of that name and sends it, where it is given the text itself.
        monkeypatch.chdir(tmp_path)
        (tmp_path / "c2VjcmV0").write_bytes(b"what the file holds")
        message = Message(role="user", images=(Image(data="c2VjcmV0"),))

        body = sent(ChatRequest(messages=(message,)))

        assert base64.b64decode(body["messages"][0]["images"][0]) == b"secret"

    def test_of_a_url_are_refused(self, refused):
        message = Message(role="user", images=(Image(url="https://example.org/a.png"),))

        assert "fetches none" in str(refused(ChatRequest(messages=(message,))))

    def test_that_are_no_base64_are_refused(self, refused):
        message = Message(role="user", images=(Image(data="/etc/passwd."),))

        assert "not base64" in str(refused(ChatRequest(messages=(message,))))


class TestTools:
    def test_are_offered(self, sent):
        body = sent(hello(tools=(WEATHER, ToolSpec(name="noop"))))

        assert body["tools"] == [
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "Tells the weather.",
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string", "description": "Its name."}},
                        "required": ["city"],
                    },
                },
            },
            {
                "type": "function",
                "function": {
                    "name": "noop",
                    "parameters": {"type": "object", "properties": {}, "required": []},
                },
            },
        ]

    def test_are_not_offered_where_none_may_be_called(self, sent):
        assert sent(hello(tools=(WEATHER,), tool_choice="none"))["tools"] == []

    @pytest.mark.parametrize("choice", ["required", "weather"])
    def test_cannot_be_forced(self, refused, choice):
        error = refused(hello(tools=(WEATHER,), tool_choice=choice))

        assert "cannot be made to call a tool" in str(error)

    def test_results_go_back_by_the_tools_name(self, sent):
        calls = (ToolCall(id="a", name="weather", arguments={"city": "Bern"}),)

        body = sent(
            ChatRequest(
                messages=(
                    *hello().messages,
                    Message(role="assistant", tool_calls=calls),
                    Message(role="tool", content="rain", tool_call_id="a"),
                ),
                tools=(WEATHER,),
            )
        )

        assert body["messages"][1:] == [
            {
                "role": "assistant",
                "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Bern"}}}],
            },
            {"role": "tool", "content": "rain", "tool_name": "weather"},
        ]

    def test_results_go_back_in_the_order_of_their_calls(self, sent):
        calls = tuple(ToolCall(id=name, name="weather") for name in "abc")
        results = (
            Message(role="tool", content=f"result of {name}", tool_call_id=name) for name in "cab"
        )

        body = sent(
            ChatRequest(
                messages=(*hello().messages, Message(role="assistant", tool_calls=calls), *results)
            )
        )

        told = [message["content"] for message in body["messages"] if message["role"] == "tool"]
        assert told == ["result of a", "result of b", "result of c"]

    @pytest.mark.parametrize("call", [None, "other"])
    def test_results_without_a_call_are_refused(self, refused, call):
        calls = Message(role="assistant", tool_calls=(ToolCall(id="a", name="t"),))
        result = Message(role="tool", content="x", tool_call_id=call)

        error = refused(ChatRequest(messages=(*hello().messages, calls, result)))

        assert "answers no call" in str(error)


class TestForm:
    def test_is_kept_to_by_the_server(self, sent):
        assert sent(hello(output=REPORT))["format"] == REPORT.json_schema

    def test_is_told_to_the_model_too(self, sent):
        system, user = sent(hello(output=REPORT))["messages"]

        assert json.dumps(REPORT.json_schema, separators=(",", ":")) in system["content"]
        assert user["content"] == "hello"

    def test_is_told_after_the_instructions(self, sent):
        system = Message(role="system", content="Be brief.")

        body = sent(ChatRequest(messages=(system, *hello().messages), output=REPORT))

        assert [message["role"] for message in body["messages"]] == ["system", "user"]
        assert body["messages"][0]["content"].startswith("Be brief.\n\n")

    def test_is_told_only_while_tools_may_be_called(self, sent):
        # The server would hold the answer to the form from its first token on.
        body = sent(hello(output=REPORT, tools=(WEATHER,)))

        assert "format" not in body
        assert "sky" in body["messages"][0]["content"]


class TestOptions:
    def test_go_along_with_every_request(self, sent):
        body = sent(
            hello(),
            temperature=0.5,
            think="low",
            keep_alive="10m",
            options={"num_ctx": 16384, "seed": 7},
        )

        assert body["options"] == {"temperature": 0.5, "num_ctx": 16384, "seed": 7}
        assert (body["think"], body["keep_alive"]) == ("low", "10m")

    def test_of_the_request_win(self, sent):
        body = sent(
            hello(options={"seed": 1, "think": False, "keep_alive": -1}),
            think=True,
            keep_alive=60,
            options={"seed": 7},
        )

        assert (body["options"], body["think"], body["keep_alive"]) == ({"seed": 1}, False, -1)

    def test_have_ollamas_names(self, sent):
        body = sent(hello(max_tokens=9, temperature=0, stop=("END",)))

        assert body["options"] == {"num_predict": 9, "temperature": 0, "stop": ["END"]}

    def test_that_the_request_says_itself_win_over_those_of_the_model(self, sent):
        body = sent(
            hello(max_tokens=9, temperature=0.1), temperature=0.9, options={"num_predict": 99}
        )

        assert body["options"] == {"num_predict": 9, "temperature": 0.1}

    def test_that_the_client_does_not_know_reach_the_server(self, sent, provider):
        provider.unknown = {"min_p"}

        assert sent(hello(), options={"min_p": 0.05})["options"] == {"min_p": 0.05}

    @pytest.mark.parametrize("name", ["messages", "tools", "stream", "format", "options"])
    def test_cannot_be_what_the_request_says_itself(self, refused, name):
        assert f"{name} is not an option" in str(refused(hello(options={name: 1})))

    def test_name_the_model_of_one_request(self, sent):
        assert sent(hello(options={"model": "other", "seed": 1}))["model"] == "other"

    @pytest.mark.parametrize("name", ["", 3])
    def test_that_name_no_model_are_refused(self, refused, name):
        assert "model must be a name" in str(refused(hello(options={"model": name})))

    @pytest.mark.parametrize("name", ["num_predict", "temperature", "stop"])
    def test_do_not_say_again_what_the_request_says(self, refused, name):
        request = hello(max_tokens=9, temperature=0.1, stop=("END",), options={name: 1})

        assert f"{name} is given twice" in str(refused(request))

    @pytest.mark.parametrize("options", [{"think": 3}, {"keep_alive": [1]}])
    def test_of_the_wrong_kind_are_refused(self, refused, options):
        assert "must be" in str(refused(hello(options=options)))

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
