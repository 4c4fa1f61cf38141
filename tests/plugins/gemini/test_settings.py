"""What the models are set up with: the server, headers, keys, and when the client is loaded."""

from __future__ import annotations

import asyncio
import sys
from typing import ClassVar

import pytest
from tests.model_plugins import Life

from headrace.chat import ChatRequest, Message
from headrace.errors import ResourceError
from headrace_gemini import GeminiChatModel, GeminiEmbeddingModel

HELLO = ChatRequest(messages=(Message(role="user", content="hello"),))
NETWORK = """
import httpx
made = []
class Mine(httpx.AsyncClient):
    async def send(self, request, **more):
        made.append(str(request.url))
        return await super().send(request, **more)
def client():
    return Mine(headers={"x-mine": "yes"}, follow_redirects=True)
def other():
    return "no client"
def breaks():
    raise OSError("no certificates")
"""


@pytest.fixture
def headers(provider, ask):
    """The headers of one request."""

    def send(**arguments: object) -> dict[str, str]:
        provider.says("x")
        ask(HELLO, **arguments)
        sent: dict[str, str] = provider.headers[-1]
        return sent

    return send


class TestServer:
    def test_is_the_workers_where_none_is_given(self, headers, provider, monkeypatch):
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", provider.url)

        headers(base_url=None)

        assert len(provider.bodies) == 1

    def test_given_wins_over_the_workers(self, headers, provider, monkeypatch, unused_port):
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", f"http://127.0.0.1:{unused_port}")

        headers()

        assert len(provider.bodies) == 1

    def test_may_have_a_path_and_another_version(self, headers, provider):
        headers(base_url=f"{provider.url}/gateway", api_version="v1")

        assert provider.paths == ["/gateway/v1/models/gemini-3-test:generateContent"]

    def test_is_googles_where_nobody_says(self):
        async def where() -> str:
            model = GeminiChatModel("m")
            await model.open()
            client = model._client
            assert client is not None
            await model.close()
            return client.host

        assert asyncio.run(where()) == "generativelanguage.googleapis.com"

    @pytest.mark.parametrize("address", ["ftp://x", "https://user:pass@host"])
    def test_of_the_worker_that_is_none_is_named_and_not_shown(self, monkeypatch, address):
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", address)

        with pytest.raises(ResourceError, match="GOOGLE_GEMINI_BASE_URL") as caught:
            asyncio.run(GeminiChatModel("m").open())

        assert address not in str(caught.value)

    def test_is_asked_as_the_plan_says_whatever_the_workers_variables(
        self, headers, provider, monkeypatch
    ):
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "elsewhere")
        monkeypatch.setenv("GOOGLE_API_KEY", "another-key")

        sent = headers()

        assert provider.paths == ["/v1beta/models/gemini-3-test:generateContent"]
        assert "another-key" not in str(sent)


class TestKeys:
    def test_go_along_where_their_variable_is_named(self, headers, key, monkeypatch):
        monkeypatch.setenv("OTHER_KEY", "other-key\n")

        assert headers()["x-goog-api-key"] == key
        assert headers(api_key_env="OTHER_KEY")["x-goog-api-key"] == "other-key"

    def test_do_not_go_along_where_none_is_asked_for(self, headers, key, monkeypatch):
        monkeypatch.setenv("GOOGLE_API_KEY", key)

        sent = headers(api_key_env=None)

        assert "x-goog-api-key" not in sent
        assert key not in str(sent)

    def test_may_be_headers_of_any_name(self, headers, key, monkeypatch):
        monkeypatch.setenv("GATEWAY", key)

        sent = headers(
            api_key_env=None, secret_headers={"X-Goog-Api-Key": "GATEWAY", "X-G": "GATEWAY"}
        )

        assert (sent["x-goog-api-key"], sent["x-g"]) == (key, key)

    @pytest.mark.parametrize("kind", [GeminiChatModel, GeminiEmbeddingModel])
    def test_that_are_missing_are_named_when_the_model_is_opened(self, kind, monkeypatch):
        monkeypatch.delenv("GATEWAY", raising=False)
        model = kind("m", secret_headers={"X-G": "GATEWAY"}, api_key_env="NOT_SET")

        with pytest.raises(ResourceError, match="GATEWAY and NOT_SET"):
            asyncio.run(model.open())


class TestHeaders:
    def test_go_along_with_every_request(self, headers):
        assert headers(headers={"X-Team": "blue"})["x-team"] == "blue"


class TestProxies:
    def test_of_the_environment_are_used(self, provider, ask, monkeypatch):
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTP_PROXY", provider.url)
        provider.says("through the proxy")

        assert ask(HELLO, base_url="http://gemini.invalid").text == "through the proxy"


class TestOwnClient:
    @pytest.fixture(autouse=True)
    def network(self, tmp_path, monkeypatch):
        (tmp_path / "gemini_network.py").write_text(NETWORK)
        monkeypatch.syspath_prepend(tmp_path)
        yield
        sys.modules.pop("gemini_network", None)

    def test_sends_all_requests(self, headers, provider, key):
        sent = headers(http_client="gemini_network:client")

        from gemini_network import made  # type: ignore[import-not-found]

        assert (sent["x-mine"], sent["x-goog-api-key"]) == ("yes", key)
        assert made == [f"{provider.url}{provider.paths[0]}"]

    def test_follows_no_redirect_either(self, provider, ask):
        provider.raw(307, b"", location=f"{provider.url}/elsewhere")

        with pytest.raises(Exception, match="is not followed"):
            ask(HELLO, http_client="gemini_network:client")

        assert len(provider.paths) == 1

    def test_serves_embeddings_too(self, embed, provider):
        embed(["x"], http_client="gemini_network:client")

        assert provider.headers[0]["x-mine"] == "yes"

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("gemini_network:other", "made a str, not a httpx.AsyncClient"),
            ("gemini_network:breaks", "no certificates"),
            ("gemini_network:missing", "has no missing"),
            ("no_such_module:client", "cannot be imported"),
        ],
    )
    def test_that_cannot_be_made_is_told_when_the_model_is_opened(self, name, why):
        with pytest.raises(ResourceError, match=why):
            asyncio.run(GeminiChatModel("m", http_client=name).open())


class TestFaults:
    def test_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            GeminiChatModel(
                "",
                base_url="ftp://x",
                api_version="a/b",
                temperature=1,
                thinking={"thinkingLevel": "LOW"},
                api_key_env="sk secret in the plan",
                options={"temperature": 2, "tools": [], "thinkingConfig": {}, "model": "x"},
                headers={"X-Goog-Api-Key": "secret", "X-B": "a\r\nb"},
                http_client="no reference",
            )

        text = str(caught.value)
        for part in ("model is empty", "http://", "api_version", "api_key_env", "X-B"):
            assert part in text
        for part in ("temperature is given twice", "thinking is given twice"):
            assert part in text
        for part in ("tools is not an option", "model is not an option", "x-goog-api-key"):
            assert part in text
        assert "module:function" in text
        assert "secret in the plan" not in text


class TestLife(Life):
    models: ClassVar = {
        ("chat_models", "gemini"): (GeminiChatModel, "m"),
        ("embedding_models", "gemini"): (GeminiEmbeddingModel, "m"),
    }
    client: ClassVar = {"google.genai", "httpx", "pydantic"}
