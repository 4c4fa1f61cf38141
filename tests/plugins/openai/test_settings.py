"""What the model is set up with: options, headers, keys, and when the vendor's client is loaded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

import pytest
from tests.model_plugins import Life

from headrace.chat import ChatRequest, Message
from headrace.errors import ModelError, ResourceError
from headrace_openai import OpenAIChatModel, OpenAIEmbeddingModel, OpenAIResponsesModel

PROJECT = Path(__file__).parents[3] / "plugins" / "openai" / "pyproject.toml"
MODELS = (OpenAIChatModel, OpenAIResponsesModel, OpenAIEmbeddingModel)


def hello(**options) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"),), options=options)


class TestOptions:
    def test_go_along_with_every_request(self, provider, ask):
        provider.answer({"content": "x"})
        ask(hello(), temperature=0.5, options={"seed": 7, "reasoning_effort": "low"})
        sent = provider.bodies[0]
        assert (sent["temperature"], sent["seed"], sent["reasoning_effort"]) == (0.5, 7, "low")

    def test_of_the_request_win(self, provider, ask):
        provider.answer({"content": "x"})
        ask(hello(temperature=0, top_p=1), temperature=0.5, options={"top_p": 0.5})
        assert (provider.bodies[0]["temperature"], provider.bodies[0]["top_p"]) == (0, 1)

    def test_that_the_vendors_client_does_not_know_reach_the_server(self, provider, ask):
        provider.unknown = {"top_k", "guided_choice"}
        provider.answer({"content": "x"})
        ask(hello(guided_choice=["a"]), options={"top_k": 3})
        assert provider.bodies[0]["top_k"] == 3
        assert provider.bodies[0]["guided_choice"] == ["a"]

    @pytest.mark.parametrize(
        "name",
        [
            "messages",
            "tools",
            "tool_choice",
            "functions",
            "function_call",
            "stream",
            "stream_options",
            "n",
            "extra_body",
            "extra_headers",
            "extra_query",
            "timeout",
        ],
    )
    def test_cannot_be_what_the_request_says_itself(self, provider, ask, name):
        with pytest.raises(ModelError, match=f"{name} is not an option") as caught:
            ask(hello(**{name: 1}))
        assert caught.value.code == "bad_request"
        assert provider.bodies == []
        with pytest.raises(ResourceError, match=f"{name} is not an option"):
            OpenAIChatModel("m", options={name: 1})


class TestHeaders:
    def test_go_along_with_every_request(self, provider, ask, key):
        provider.answer({"content": "x"})
        ask(hello(), headers={"X-Team": "blue"}, organization="org-1")
        headers = provider.headers[0]
        assert headers["x-team"] == "blue"
        assert headers["openai-organization"] == "org-1"
        assert headers["authorization"] == f"Bearer {key}"


class TestKeys:
    def test_are_found_by_the_name_of_their_variable(self, provider, ask, monkeypatch):
        monkeypatch.setenv("OTHER_KEY", "sk-other\n")
        provider.answer({"content": "x"})
        ask(hello(), api_key_env="OTHER_KEY")
        assert provider.headers[0]["authorization"] == "Bearer sk-other"

    def test_may_be_none(self, provider, ask, monkeypatch):
        monkeypatch.delenv("OPENAI_API_KEY")
        provider.answer({"content": "x"})
        assert ask(hello(), api_key_env=None).text == "x"

    @pytest.mark.parametrize("value", [None, "", " \n"])
    def test_that_are_missing_are_named_when_the_model_is_opened(self, monkeypatch, value):
        monkeypatch.delenv("OPENAI_API_KEY")
        monkeypatch.delenv("GATEWAY", raising=False)
        if value is not None:
            monkeypatch.setenv("OPENAI_API_KEY", value)
        model = OpenAIChatModel("m", secret_headers={"X-G": "GATEWAY"})
        with pytest.raises(ResourceError, match="GATEWAY and OPENAI_API_KEY"):
            asyncio.run(model.open())

    @pytest.mark.parametrize("value", ["sk one", "sk\u00e9", "sk\nX-Evil: 1"])
    def test_that_no_header_can_carry_are_refused_unprinted(self, monkeypatch, value):
        monkeypatch.setenv("OPENAI_API_KEY", value)
        with pytest.raises(ResourceError, match="OPENAI_API_KEY") as caught:
            asyncio.run(OpenAIChatModel("m").open())
        assert value not in str(caught.value)


class TestFaults:
    def test_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            OpenAIChatModel(
                "",
                base_url="ftp://x",
                api_key_env="sk-secret-in-the-plan",
                temperature=1,
                options={"temperature": 2, "stream": True},
                headers={"Authorization": "Bearer secret", "X-B": "a\r\nb"},
            )
        text = str(caught.value)
        for part in ("model is empty", "http://", "api_key_env", "twice", "stream", "X-B"):
            assert part in text
        assert "Authorization is a secret" in text
        assert "sk-secret" not in text
        assert "Bearer" not in text

    @pytest.mark.parametrize(
        "url", ["http://", "x", "https://user:secret@host/v1", "http://[", "//host"]
    )
    def test_of_addresses(self, url):
        with pytest.raises(ResourceError, match="base_url") as caught:
            OpenAIChatModel("m", base_url=url)
        assert "secret@" not in str(caught.value)

    def test_of_what_a_server_may_call_things(self):
        with pytest.raises(ResourceError) as caught:
            OpenAIChatModel("m", max_tokens_option="length", reasoning_field="content")
        assert "max_tokens_option" in str(caught.value)
        assert "reasoning_field" in str(caught.value)

    @pytest.mark.parametrize("model", MODELS)
    def test_name_the_model_that_is_missing(self, model):
        with pytest.raises(ResourceError, match="model is empty"):
            model(" ")

    def test_of_responses_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            OpenAIResponsesModel(
                "m", temperature=1, options={"temperature": 2, "store": True}, base_url="x"
            )
        for part in ("base_url", "twice", "store is not an option"):
            assert part in str(caught.value)


class TestLife(Life):
    models: ClassVar = {
        ("chat_models", "openai"): (OpenAIChatModel, "m"),
        ("chat_models", "openai-responses"): (OpenAIResponsesModel, "m"),
        ("embedding_models", "openai"): (OpenAIEmbeddingModel, "m"),
    }
    client: ClassVar = {"openai", "httpx", "httpx2"}
