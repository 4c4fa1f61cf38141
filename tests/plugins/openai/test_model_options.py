"""Options that people use: the model of a request, its reasoning, strict tools, probabilities."""

from __future__ import annotations

import asyncio
import sys

import pytest

from headrace.chat import ChatRequest, Message, OutputSchema, ToolSpec
from headrace.errors import ModelError, ResourceError
from headrace_openai import OpenAIChatModel, OpenAIEmbeddingModel, OpenAIResponsesModel

from .replies import Responded, event, said

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolSpec(name="weather", parameters=CITY)
ANY = ToolSpec(name="any", parameters={"type": "object", "additionalProperties": {}})
TOKENS = [{"token": "x", "logprob": -0.25, "bytes": [120], "top_logprobs": []}]
NETWORK = """
from openai import DefaultAsyncHttpxClient
def client():
    return DefaultAsyncHttpxClient(headers={"x-mine": "yes"}, follow_redirects=True)
def other():
    return "no client"
"""
BOTH = [OpenAIChatModel, OpenAIResponsesModel]


def hello(**more) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"),), **more)


@pytest.fixture(params=["chat", "responses"])
def sent(request, provider, ask, respond):
    """What is sent for a request, by each of the two interfaces."""

    def send(asked: ChatRequest, **arguments):
        if request.param == "chat":
            provider.answer({"content": "x"})
            ask(asked, **arguments)
        else:
            provider.reply(Responded(said("x")))
            respond(asked, **arguments)
        return provider.bodies[-1]

    return send


class TestModel:
    def test_of_a_request_is_asked(self, sent):
        assert sent(hello(options={"model": "other"}))["model"] == "other"

    def test_that_answers_nameless_is_the_one_that_was_asked(self, provider, ask):
        provider.raw(200, {"choices": [{"message": {"content": "x"}}]})

        assert ask(hello(options={"model": "other"})).model == "other"

    def test_that_answers_nameless_is_so_in_the_responses_interface_too(self, provider, respond):
        body = {"status": "completed", "output": [said("x")]}
        provider.raw(200, body)

        assert respond(hello(options={"model": "other"})).model == "other"

    @pytest.mark.parametrize("name", ["", " ", 3])
    def test_of_a_request_that_is_no_name_is_refused(self, provider, ask, name):
        with pytest.raises(ModelError, match="model must be a name") as caught:
            ask(hello(options={"model": name}))

        assert caught.value.code == "bad_request"
        assert provider.bodies == []

    def test_of_a_request_is_on_azure_the_deployment(self, provider, ask):
        provider.answer({"content": "x"})
        azure = {"base_url": None, "azure_endpoint": provider.root, "api_version": "2025-03-01"}

        ask(hello(options={"model": "other"}), **azure)

        assert "/deployments/other/" in provider.paths[0]

    def test_of_a_request_cannot_change_the_path_on_azure(self, provider, ask):
        azure = {"base_url": None, "azure_endpoint": provider.root, "api_version": "2025-03-01"}

        with pytest.raises(ModelError, match="no name of a deployment"):
            ask(hello(options={"model": "../other"}), **azure)

        assert provider.bodies == []

    @pytest.mark.parametrize("kind", BOTH)
    def test_is_no_option_of_a_model(self, kind):
        with pytest.raises(ResourceError, match="model is not an option"):
            kind("m", options={"model": "other"})


class TestReasoningEffort:
    def test_is_said_in_the_words_of_the_interface(self, sent):
        body = sent(hello(), reasoning_effort="low")

        assert body.get("reasoning_effort", body.get("reasoning")) in ("low", {"effort": "low"})

    def test_goes_beside_what_else_is_said_of_reasoning(self, provider, respond):
        provider.reply(Responded(said("x")))

        respond(hello(), reasoning_effort="low", options={"reasoning": {"summary": "auto"}})

        assert provider.bodies[0]["reasoning"] == {"summary": "auto", "effort": "low"}

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            (OpenAIChatModel, {"reasoning_effort": "high"}),
            (OpenAIResponsesModel, {"reasoning": {"effort": "high"}}),
        ],
    )
    def test_is_given_once(self, kind, options):
        with pytest.raises(ResourceError, match="reasoning_effort is given twice"):
            kind("m", reasoning_effort="low", options=options)


class TestPassedThrough:
    """Options by the provider's names, which add to what is typed and never change it."""

    FULL = {  # noqa: RUF012 - what a request may say itself
        "max_tokens": 9,
        "temperature": 0.1,
        "stop": ("END",),
        "output": OutputSchema(json_schema=CITY),
    }

    @pytest.mark.parametrize(
        ("option", "field"),
        [
            ("max_tokens", "max_tokens"),
            ("max_completion_tokens", "max_tokens"),
            ("temperature", "temperature"),
            ("stop", "stop"),
            ("response_format", "output"),
        ],
    )
    def test_do_not_say_again_what_the_request_says(self, provider, ask, option, field):
        said_twice = f"{option} is given twice: as an option and as the request's {field}"

        with pytest.raises(ModelError, match=said_twice) as caught:
            ask(hello(**self.FULL, options={option: 1}))

        assert caught.value.code == "bad_request"
        assert provider.bodies == []

    @pytest.mark.parametrize(
        ("option", "field"),
        [("max_output_tokens", "max_tokens"), ("temperature", "temperature")],
    )
    def test_of_responses_do_not_say_again_what_the_request_says(
        self, provider, respond, option, field
    ):
        with pytest.raises(ModelError, match=f"{option} is given twice.*{field}"):
            respond(hello(max_tokens=9, temperature=0.1, options={option: 1}))

        assert provider.bodies == []

    @pytest.mark.parametrize("option", ["max_tokens", "max_completion_tokens"])
    def test_of_the_model_give_way_to_what_the_request_says(self, provider, ask, option):
        provider.answer({"content": "x"})

        ask(hello(max_tokens=9, temperature=0.1), temperature=0.9, options={option: 99})

        said_once = {"max_completion_tokens": 9, "temperature": 0.1}
        assert {n: v for n, v in provider.bodies[0].items() if n not in {"messages", "model"}} == (
            said_once
        )

    def test_of_the_model_give_way_in_the_responses_interface_too(self, provider, respond):
        provider.reply(Responded(said("x")))

        respond(hello(max_tokens=9, temperature=0.1), options={"max_output_tokens": 99})

        assert provider.bodies[0]["max_output_tokens"] == 9

    @pytest.mark.parametrize("kind", BOTH)
    def test_of_the_model_do_not_say_again_what_its_arguments_say(self, kind):
        with pytest.raises(ResourceError, match="temperature is given twice"):
            kind("m", temperature=0.1, options={"temperature": 0.9})


class TestProject:
    def test_goes_along_with_the_organisation(self, sent, provider):
        sent(hello(), organization="org-1", project="proj-1")

        headers = provider.headers[-1]
        assert headers["openai-organization"] == "org-1"
        assert headers["openai-project"] == "proj-1"


class TestStrictTools:
    def test_are_asked_for_where_strict_mode_has_words(self, sent):
        tools = sent(hello(tools=(WEATHER, ANY)), strict_tools=True)["tools"]

        weather, free = (tool.get("function", tool) for tool in tools)
        assert weather["strict"] is True
        assert weather["parameters"]["additionalProperties"] is False
        assert not free.get("strict")
        assert free["parameters"] == ANY.parameters

    def test_are_not_asked_for_by_themselves(self, sent):
        [tool] = sent(hello(tools=(WEATHER,)))["tools"]

        assert not tool.get("function", tool).get("strict")


class TestProbabilities:
    def test_are_kept_beside_the_answer_and_not_sent_back(self, provider, ask):
        told = {"content": TOKENS}
        provider.raw(200, {"choices": [{"message": {"content": "x"}, "logprobs": told}]})

        message = ask(hello(), options={"logprobs": True}).message

        assert message.native == {"openai": {"logprobs": told}}
        assert provider.bodies[0]["logprobs"] is True
        ask(ChatRequest(messages=(message, *hello().messages)))
        assert provider.bodies[1]["messages"][0] == {"role": "assistant", "content": "x"}

    def test_of_a_stream_are_all_of_its_chunks(self, provider, stream):
        chunks = [
            {"choices": [{"delta": {"content": "x"}, "logprobs": {"content": TOKENS}}]},
            {"choices": [{"delta": {"content": "x"}, "logprobs": {"content": TOKENS}}]},
            {"choices": [{"delta": {}, "logprobs": None, "finish_reason": "stop"}]},
        ]
        provider.stream(*map(event, chunks), b"data: [DONE]\n\n")

        response, _ = stream(hello(), options={"logprobs": True})

        assert response.message.native == {"openai": {"logprobs": {"content": TOKENS * 2}}}


class TestOwnClient:
    @pytest.fixture(autouse=True)
    def network(self, tmp_path, monkeypatch):
        (tmp_path / "openai_network.py").write_text(NETWORK)
        monkeypatch.syspath_prepend(tmp_path)
        yield
        sys.modules.pop("openai_network", None)

    def test_sends_the_requests(self, sent, provider, key):
        sent(hello(), http_client="openai_network:client")

        headers = provider.headers[-1]
        assert (headers["x-mine"], headers["authorization"]) == ("yes", f"Bearer {key}")

    def test_follows_no_redirect_either(self, provider, ask):
        provider.raw(307, b"", location=f"{provider.url}/elsewhere")

        with pytest.raises(ModelError):
            ask(hello(), http_client="openai_network:client")

        assert len(provider.paths) == 1

    @pytest.mark.parametrize("kind", [*BOTH, OpenAIEmbeddingModel])
    def test_that_cannot_be_made_is_told_when_the_model_is_opened(self, kind):
        with pytest.raises(ResourceError, match="made a str, not a"):
            asyncio.run(kind("m", http_client="openai_network:other").open())

    @pytest.mark.parametrize("kind", [*BOTH, OpenAIEmbeddingModel])
    def test_that_is_no_reference_is_a_fault(self, kind):
        with pytest.raises(ResourceError, match="module:function"):
            kind("m", http_client="client")
