"""What the model is set up with: the server, headers, keys, and when the client is loaded."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from tests.model_plugins import Life

from headrace.chat import ChatRequest, Message
from headrace.errors import ResourceError
from headrace_ollama import OllamaChatModel, OllamaEmbeddingModel

HELLO = ChatRequest(messages=(Message(role="user", content="hello"),))


@pytest.fixture
def headers(provider, ask):
    """The headers of one request."""

    def send(**arguments: object) -> dict[str, str]:
        provider.says({"role": "assistant", "content": "x"})
        ask(HELLO, **arguments)
        sent: dict[str, str] = provider.headers[-1]
        return sent

    return send


class TestHost:
    def test_is_the_workers_where_none_is_given(self, headers, provider, monkeypatch):
        monkeypatch.setenv("OLLAMA_HOST", provider.url)

        headers(host=None)

        assert len(provider.bodies) == 1

    def test_given_wins_over_the_workers(self, headers, provider, monkeypatch, unused_port):
        monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{unused_port}")

        headers()

        assert len(provider.bodies) == 1

    @pytest.mark.parametrize("form", ["127.0.0.1:{}", "127.0.0.1:{}/", ":{}", " 127.0.0.1:{}\n"])
    def test_of_the_worker_may_have_any_form_that_ollama_takes(
        self, headers, provider, monkeypatch, form
    ):
        port = provider.url.rpartition(":")[2]
        monkeypatch.setenv("OLLAMA_HOST", form.format(port))

        headers(host=None)

        assert len(provider.bodies) == 1

    def test_may_have_a_path(self, headers, provider):
        headers(host=f"{provider.url}/ollama")

        assert provider.paths == ["/ollama/api/chat"]

    @pytest.mark.parametrize("value", [None, "", " "])
    def test_is_ollamas_own_where_the_worker_has_none(self, monkeypatch, value):
        if value is not None:
            monkeypatch.setenv("OLLAMA_HOST", value)
        model = OllamaChatModel("m")

        async def where():
            await model.open()
            url = model._client._client._client.base_url
            await model.close()
            return str(url)

        assert asyncio.run(where()) == "http://127.0.0.1:11434"

    @pytest.mark.parametrize(
        "host",
        [
            "",
            "http://",
            "ftp://x",
            "https://user:pass@host",
            "user:pass@host",
            "http://[",
            "x:port",
        ],
    )
    def test_that_is_none_is_refused(self, host):
        with pytest.raises(ResourceError, match="host") as caught:
            OllamaChatModel("m", host=host)

        assert "pass@" not in str(caught.value)

    @pytest.mark.parametrize("host", ["ftp://x", "https://user:pass@host", "x:port"])
    def test_of_the_worker_that_is_none_is_named_and_not_shown(self, monkeypatch, host):
        monkeypatch.setenv("OLLAMA_HOST", host)

        with pytest.raises(ResourceError, match="OLLAMA_HOST") as caught:
            asyncio.run(OllamaChatModel("m").open())

        assert host not in str(caught.value)


class TestKeys:
    def test_go_along_where_their_variable_is_named(self, headers, key, monkeypatch):
        monkeypatch.setenv("PROXY_KEY", f"{key}\n")

        assert headers(api_key_env="PROXY_KEY")["authorization"] == f"Bearer {key}"

    def test_of_the_workers_environment_do_not_go_along_by_themselves(
        self, headers, key, monkeypatch
    ):
        # The client would send this one to whichever server.
        monkeypatch.setenv("OLLAMA_API_KEY", key)

        sent = headers()

        assert "authorization" not in sent
        assert key not in str(sent)

    def test_may_be_headers_of_any_name(self, headers, key, monkeypatch):
        monkeypatch.setenv("GATEWAY", key)

        assert headers(secret_headers={"X-Gateway": "GATEWAY"})["x-gateway"] == key

    def test_may_be_the_whole_header(self, headers, key, monkeypatch):
        monkeypatch.setenv("GATEWAY", key)

        assert headers(secret_headers={"Authorization": "GATEWAY"})["authorization"] == key

    @pytest.mark.parametrize("kind", [OllamaChatModel, OllamaEmbeddingModel])
    def test_that_are_missing_are_named_when_the_model_is_opened(self, kind, monkeypatch):
        monkeypatch.delenv("GATEWAY", raising=False)
        model = kind("m", secret_headers={"X-G": "GATEWAY"}, api_key_env="NOT_SET")

        with pytest.raises(ResourceError, match="GATEWAY and NOT_SET"):
            asyncio.run(model.open())


class TestHeaders:
    def test_go_along_with_every_request(self, headers):
        assert headers(headers={"X-Team": "blue"})["x-team"] == "blue"

    def test_do_not_ask_for_a_compressed_answer(self, headers):
        assert headers()["accept-encoding"] == "identity"


class TestProxies:
    def test_of_the_environment_are_used(self, provider, ask, monkeypatch):
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTP_PROXY", provider.url)
        provider.says({"role": "assistant", "content": "through the proxy"})

        assert ask(HELLO, host="http://ollama.invalid").text == "through the proxy"
        assert provider.paths == ["http://ollama.invalid/api/chat"]


class TestFaults:
    def test_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            OllamaChatModel(
                "",
                host="ftp://x",
                temperature=1,
                think=[1],
                api_key_env="sk secret in the plan",
                options={"temperature": 2, "stream": True},
                headers={"Authorization": "Bearer secret", "X-B": "a\r\nb"},
                secret_headers={"authorization": "TOKEN"},
            )

        text = str(caught.value)
        for part in ("model is empty", "http://", "api_key_env", "temperature is given twice"):
            assert part in text
        for part in ("stream is not an option", "think must be", "X-B"):
            assert part in text
        assert "Authorization is given twice" in text
        assert "secret in the plan" not in text
        assert "Bearer" not in text


class TestLife(Life):
    models: ClassVar = {
        ("chat_models", "ollama"): (OllamaChatModel, "m"),
        ("embedding_models", "ollama"): (OllamaEmbeddingModel, "m"),
    }
    client: ClassVar = {"ollama", "httpx", "pydantic"}
