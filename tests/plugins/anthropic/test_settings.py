"""What the model is set up with: options, headers, keys, and what of the worker it heeds."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import ClassVar

import pytest
from tests.model_plugins import Life

from headrace.chat import ChatRequest, Message
from headrace.errors import ModelError, ResourceError
from headrace_anthropic import AnthropicChatModel

REFUSED = (
    "messages",
    "system",
    "tools",
    "tool_choice",
    "stream",
    "betas",
    "extra_body",
    "extra_headers",
    "extra_query",
    "timeout",
)


def hello(**options) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"),), options=options)


class TestOptions:
    def test_go_along_with_every_request(self, provider, ask):
        provider.answer("x")

        ask(hello(), options={"service_tier": "standard_only", "metadata": {"user_id": "u"}})

        sent = provider.bodies[0]
        assert (sent["service_tier"], sent["metadata"]) == ("standard_only", {"user_id": "u"})

    def test_of_the_request_win(self, provider, ask):
        provider.answer("x")

        ask(hello(service_tier="auto"), options={"service_tier": "standard_only"})

        assert provider.bodies[0]["service_tier"] == "auto"

    def test_of_the_request_name_its_model(self, provider, ask):
        provider.answer("x")

        ask(hello(model="claude-other"))

        assert provider.bodies[0]["model"] == "claude-other"

    @pytest.mark.parametrize("name", ["", " ", 3])
    def test_of_the_request_that_name_no_model_are_refused(self, provider, ask, name):
        with pytest.raises(ModelError, match="model must be a name"):
            ask(hello(model=name))

        assert provider.bodies == []

    @pytest.mark.parametrize("name", ["max_tokens", "temperature", "stop_sequences"])
    def test_of_the_request_do_not_say_again_what_it_says(self, provider, ask, name):
        said = {"max_tokens": 5, "temperature": 0.5, "stop": ("END",)}

        with pytest.raises(ModelError, match=f"{name} is given twice") as caught:
            ask(hello(**{name: 1}).model_copy(update=said))

        assert caught.value.code == "bad_request"
        assert provider.bodies == []

    def test_of_the_model_cannot_be_its_name(self):
        with pytest.raises(ResourceError, match="model is not an option"):
            AnthropicChatModel("m", options={"model": "other"})

    def test_of_the_request_may_set_its_limit(self, provider, ask):
        provider.answer("x")

        ask(hello(max_tokens=5), max_tokens=100)

        assert provider.bodies[0]["max_tokens"] == 5

    def test_that_the_vendors_client_does_not_know_reach_the_server(self, provider, ask):
        provider.unknown = {"mcp_servers", "guided_choice"}
        provider.answer("x")

        ask(hello(guided_choice=["a"]), options={"mcp_servers": []})

        sent = provider.bodies[0]
        assert (sent["mcp_servers"], sent["guided_choice"]) == ([], ["a"])

    @pytest.mark.parametrize("name", REFUSED)
    def test_of_the_request_cannot_be_what_it_says_itself(self, provider, ask, name):
        with pytest.raises(ModelError, match=f"{name} is not an option") as caught:
            ask(hello(**{name: 1}))

        assert caught.value.code == "bad_request"
        assert provider.bodies == []

    @pytest.mark.parametrize("name", REFUSED)
    def test_of_the_model_cannot_be_what_a_request_says_itself(self, name):
        with pytest.raises(ResourceError, match=f"{name} is not an option"):
            AnthropicChatModel("m", options={name: 1})


class TestOwnClient:
    NETWORK = """
import httpx2
def client():
    return httpx2.AsyncClient(headers={"x-mine": "yes"}, follow_redirects=True)
def other():
    return "no client"
"""

    @pytest.fixture(autouse=True)
    def network(self, tmp_path, monkeypatch):
        (tmp_path / "anthropic_network.py").write_text(self.NETWORK)
        monkeypatch.syspath_prepend(tmp_path)
        yield
        sys.modules.pop("anthropic_network", None)

    def test_sends_the_requests(self, provider, ask, key):
        provider.answer("x")

        ask(hello(), http_client="anthropic_network:client")

        sent = provider.headers[0]
        assert (sent["x-mine"], sent["authorization"]) == ("yes", f"Bearer {key}")

    def test_follows_no_redirect_either(self, provider, ask):
        provider.raw(307, b"", location=f"{provider.url}/elsewhere")

        with pytest.raises(ModelError):
            ask(hello(), http_client="anthropic_network:client")

        assert len(provider.paths) == 1

    def test_that_cannot_be_made_is_told_when_the_model_is_opened(self):
        model = AnthropicChatModel("m", http_client="anthropic_network:other")

        with pytest.raises(ResourceError, match="made a str, not a httpx2"):
            asyncio.run(model.open())

    def test_that_is_no_reference_is_a_fault(self):
        with pytest.raises(ResourceError, match="module:function"):
            AnthropicChatModel("m", http_client="client")


class TestHeaders:
    def test_go_along_with_every_request(self, provider, ask, key):
        provider.answer("x")

        ask(hello(), headers={"X-Team": "blue"})

        assert provider.headers[0]["x-team"] == "blue"
        assert provider.headers[0]["authorization"] == f"Bearer {key}"

    def test_of_betas_are_one(self, provider, ask):
        provider.answer("x")

        ask(hello(), betas=["context-1m-2025-08-07", "fast-mode-2026-02-01"])

        sent = provider.headers[0]["anthropic-beta"]
        assert sent == "context-1m-2025-08-07,fast-mode-2026-02-01"

    def test_of_betas_are_none_without_any(self, provider, ask):
        provider.answer("x")

        ask(hello())

        assert "anthropic-beta" not in provider.headers[0]


class TestKeys:
    def test_are_found_by_the_name_of_their_variable(self, provider, ask, monkeypatch):
        monkeypatch.setenv("OTHER_KEY", "sk-other\n")
        provider.answer("x")

        ask(hello(), api_key_env="OTHER_KEY")

        assert provider.headers[0]["authorization"] == "Bearer sk-other"

    def test_may_be_none_and_then_none_is_sent(self, provider, ask, monkeypatch):
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        provider.answer("x")

        ask(hello(), api_key_env=None)

        assert not {"authorization", "x-api-key"} & provider.headers[0].keys()

    @pytest.mark.parametrize("header", ["x-api-key", "Authorization"])
    def test_may_go_in_another_header(self, provider, ask, header, key):
        provider.answer("x")

        ask(hello(), api_key_env=None, secret_headers={header: "ANTHROPIC_API_KEY"})

        sent = {name: value for name, value in provider.headers[0].items() if key in value}
        assert sent == {header.lower(): key}

    @pytest.mark.parametrize("value", [None, "", " \n"])
    def test_that_are_missing_are_named_when_the_model_is_opened(self, monkeypatch, value):
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        monkeypatch.delenv("GATEWAY", raising=False)
        if value is not None:
            monkeypatch.setenv("ANTHROPIC_API_KEY", value)
        model = AnthropicChatModel("m", secret_headers={"X-G": "GATEWAY"})

        with pytest.raises(ResourceError, match="GATEWAY and ANTHROPIC_API_KEY"):
            asyncio.run(model.open())

    @pytest.mark.parametrize("value", ["sk one", "sk\u00e9", "sk\nX-Evil: 1"])
    def test_that_no_header_can_carry_are_refused_unprinted(self, monkeypatch, value):
        monkeypatch.setenv("ANTHROPIC_API_KEY", value)

        with pytest.raises(ResourceError, match="ANTHROPIC_API_KEY") as caught:
            asyncio.run(AnthropicChatModel("m").open())

        assert value not in str(caught.value)


class TestWorker:
    """What the vendor's client would take from the worker that the plan says nothing of."""

    def test_says_the_server_where_the_plan_does_not(self, provider, monkeypatch):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", provider.url)
        provider.answer("x")

        async def ask() -> None:
            model = AnthropicChatModel("claude-test")
            await model.open()
            await model.chat(hello())
            await model.close()

        asyncio.run(ask())

        assert len(provider.bodies) == 1

    def test_does_not_say_the_server_where_the_plan_does(self, provider, ask, monkeypatch):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
        provider.answer("x")

        assert ask(hello()).text == "x"

    @pytest.mark.parametrize("api_key_env", ["ANTHROPIC_API_KEY", None])
    def test_gives_no_token(self, provider, ask, monkeypatch, api_key_env):
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "stray-token")
        provider.answer("x")

        ask(hello(), api_key_env=api_key_env)

        assert "stray-token" not in str(provider.headers[0])

    def test_gives_no_headers(self, provider, ask, monkeypatch, key):
        stray = "X-Stray: 1\nAuthorization: Bearer stray\nanthropic-version: 2000-01-01"
        monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", stray)
        provider.answer("x")

        ask(hello())

        sent = provider.headers[0]
        assert "x-stray" not in sent
        assert sent["authorization"] == f"Bearer {key}"
        assert sent["anthropic-version"] == "2026-10-21"

    def test_gives_no_profile_of_a_file(self, provider, ask, monkeypatch, tmp_path):
        profile = {
            "version": 1,
            "base_url": "http://127.0.0.1:9",
            "organization_id": "stray",
            "authentication": {"type": "user_oauth", "client_id": "stray"},
        }
        (tmp_path / "configs").mkdir()
        (tmp_path / "configs" / "default.json").write_text(json.dumps(profile), encoding="utf-8")
        monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
        provider.answer("x")

        ask(hello(), api_key_env=None)

        assert "authorization" not in provider.headers[0]

    def test_has_no_say_in_traces(self, monkeypatch):
        monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "content")

        async def tracer() -> object:
            model = AnthropicChatModel("m")
            await model.open()
            made = model._client._client._tracer
            await model.close()
            return made

        assert asyncio.run(tracer()) is None


class TestFaults:
    def test_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            AnthropicChatModel(
                "",
                max_tokens=0,
                temperature=1,
                base_url="ftp://x",
                api_key_env="sk-secret-in-the-plan",
                betas=["two words"],
                options={"temperature": 2, "max_tokens": 5, "stream": True},
                headers={"Authorization": "Bearer secret", "X-B": "a\r\nb", "Anthropic-Beta": "x"},
            )

        text = str(caught.value)
        for part in (
            "model is empty",
            "max_tokens must be a whole number",
            "http://",
            "api_key_env",
            "betas must be a list of names",
            "temperature is given in options",
            "max_tokens is given in options",
            "stream is not an option",
            "X-B",
            "Authorization is a secret",
            "anthropic-beta is given by betas",
        ):
            assert part in text

    def test_show_no_secret(self):
        with pytest.raises(ResourceError) as caught:
            AnthropicChatModel(
                "m", api_key_env="sk-secret-in-the-plan", headers={"x-api-key": "sk-other"}
            )

        assert "sk-" not in str(caught.value)

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            ({"max_tokens": True}, "max_tokens must be a whole number"),
            ({"max_tokens": "5"}, "max_tokens must be a whole number"),
            ({"betas": "one"}, "betas must be a list"),
            ({"thinking": {}}, "thinking must be as the provider writes it"),
            ({"thinking": "adaptive"}, "thinking must be as the provider writes it"),
            (
                {"thinking": {"type": "enabled", "budget_tokens": 8192}},
                r"budget_tokens \(8192\) must be less than max_tokens \(8192\)",
            ),
            (
                {"thinking": {"type": "adaptive"}, "options": {"thinking": {"type": "adaptive"}}},
                "thinking is given in options",
            ),
        ],
    )
    def test_of_one_argument_say_what_it_must_be(self, arguments, why):
        with pytest.raises(ResourceError, match=why):
            AnthropicChatModel("m", **arguments)

    @pytest.mark.parametrize(
        "url", ["http://", "x", "https://user:secret@host/v1", "http://[", "//host"]
    )
    def test_of_addresses_show_no_password(self, url):
        with pytest.raises(ResourceError, match="base_url") as caught:
            AnthropicChatModel("m", base_url=url)

        assert "secret@" not in str(caught.value)


class TestLife(Life):
    models: ClassVar = {("chat_models", "anthropic"): (AnthropicChatModel, "m")}
    client: ClassVar = {"anthropic", "httpx", "httpx2"}
