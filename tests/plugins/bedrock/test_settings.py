"""What the models are set up with: who asks, where, with which headers; when AWS's is loaded."""

# ruff: noqa: S106 - names of variables, no passwords
from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from tests.model_plugins import Life

from headrace.chat import ChatRequest, Message
from headrace.errors import ModelError, ResourceError
from headrace_bedrock import BedrockChatModel, BedrockEmbeddingModel

HELLO = ChatRequest(messages=(Message(role="user", content="hello"),))
HERE = {"region": "eu-west-1"}


@pytest.fixture
def headers(provider, ask):
    """The headers of one request."""

    def send(**arguments):
        provider.says("x")
        ask(HELLO, **arguments)
        return provider.headers[-1]

    return send


def opens(**arguments):
    """The error of a model that cannot be opened."""

    async def open_it():
        model = BedrockChatModel("m", **arguments)
        try:
            await model.open()
        finally:
            await model.close()

    with pytest.raises(ResourceError) as caught:
        asyncio.run(open_it())
    return str(caught.value)


class TestCredentials:
    def test_are_the_workers_where_nobody_says(self, headers):
        sent = headers()["authorization"]

        assert sent.startswith("AWS4-HMAC-SHA256 Credential=AKIATEST0123456789AB/")
        assert "/eu-west-1/bedrock/aws4_request" in sent

    def test_may_be_those_of_a_profile(self, headers, monkeypatch, tmp_path):
        (tmp_path / "credentials").write_text(
            "[blue]\naws_access_key_id = AKIABLUE\naws_secret_access_key = blue-secret\n"
        )
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

        assert "Credential=AKIABLUE/" in headers(profile="blue")["authorization"]

    def test_may_be_variables_that_the_plan_names(self, headers, monkeypatch):
        monkeypatch.setenv("BLUE_KEY", "AKIABLUE")
        monkeypatch.setenv("BLUE_SECRET", "blue-secret\n")
        monkeypatch.setenv("BLUE_TOKEN", "blue-token")

        sent = headers(
            access_key_env="BLUE_KEY", secret_key_env="BLUE_SECRET", session_token_env="BLUE_TOKEN"
        )

        assert "Credential=AKIABLUE/" in sent["authorization"]
        assert sent["x-amz-security-token"] == "blue-token"

    def test_that_the_plan_names_win_over_a_key_of_the_workers(self, headers, monkeypatch):
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "another-key")
        monkeypatch.setenv("BLUE_KEY", "AKIABLUE")
        monkeypatch.setenv("BLUE_SECRET", "blue-secret")

        sent = headers(access_key_env="BLUE_KEY", secret_key_env="BLUE_SECRET")

        assert "Credential=AKIABLUE/" in sent["authorization"]

    @pytest.mark.parametrize("other", ["", "another-key"])
    def test_may_be_a_key_of_bedrocks_own(self, headers, monkeypatch, other):
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", other)
        monkeypatch.setenv("BEDROCK_KEY", "bedrock-key")

        assert headers(api_key_env="BEDROCK_KEY")["authorization"] == "Bearer bedrock-key"

    def test_may_be_a_key_of_the_workers(self, headers, monkeypatch):
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "workers-key")

        assert headers()["authorization"] == "Bearer workers-key"

    def test_of_bedrocks_own_are_in_no_error(self, provider, ask, monkeypatch):
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "workers-key")
        provider.error(403, "AccessDeniedException", "not workers-key")

        with pytest.raises(ModelError, match=r"not \*\*\*"):
            ask(HELLO)

    def test_are_none_for_a_server_that_asks_for_none(self, headers, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)

        assert "authorization" not in headers(signed=False)

    def test_may_be_in_a_header_of_any_name(self, headers, monkeypatch):
        monkeypatch.setenv("GATEWAY", "gateway-key")

        sent = headers(
            signed=False, secret_headers={"Authorization": "GATEWAY", "X-Key": "GATEWAY"}
        )

        assert (sent["authorization"], sent["x-key"]) == ("gateway-key", "gateway-key")

    def test_that_the_worker_lacks_are_told_when_the_model_is_opened(self, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)

        error = opens(**HERE)

        assert "the worker has no credentials" in error
        assert "api_key_env" in error

    def test_of_a_profile_that_is_none_are_told_when_the_model_is_opened(self):
        assert "blue" in opens(profile="blue", **HERE)

    @pytest.mark.parametrize("kind", [BedrockChatModel, BedrockEmbeddingModel])
    def test_whose_variables_are_not_set_are_named(self, kind, monkeypatch):
        monkeypatch.delenv("GATEWAY", raising=False)
        model = kind("titan", secret_headers={"X-G": "GATEWAY"}, api_key_env="NOT_SET", **HERE)

        with pytest.raises(ResourceError, match="NOT_SET and GATEWAY"):
            asyncio.run(model.open())


class TestServer:
    def test_is_the_workers_where_none_is_given(self, headers, provider, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", provider.url)

        headers(base_url=None)

        assert len(provider.bodies) == 1

    def test_given_wins_over_the_workers(self, headers, provider, monkeypatch, unused_port):
        url = f"http://127.0.0.1:{unused_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url)

        headers()

        assert len(provider.bodies) == 1

    def test_may_have_a_path(self, headers, provider):
        headers(base_url=f"{provider.url}/gateway")

        assert provider.paths == ["/gateway/model/eu.amazon.nova-lite-v1%3A0/converse"]

    @pytest.mark.parametrize("said", ["argument", "worker", "profile"])
    def test_is_the_regions_where_nobody_says(self, monkeypatch, tmp_path, said):
        (tmp_path / "config").write_text("[default]\nregion = eu-central-1\n")
        if said == "worker":
            monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        elif said == "profile":
            monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

        async def where():
            model = BedrockChatModel("m", region="eu-central-1" if said == "argument" else None)
            await model.open()
            host = model.client.host
            await model.close()
            return host

        assert asyncio.run(where()) == "bedrock-runtime.eu-central-1.amazonaws.com"

    @pytest.mark.parametrize("region", [None, "eu/../other.example"])
    def test_without_a_region_is_told_when_the_model_is_opened(self, region):
        assert "region" in opens(region=region)

    def test_behind_a_proxy_of_the_environment_is_asked_through_it(
        self, provider, ask, monkeypatch
    ):
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTP_PROXY", provider.url)
        provider.says("through the proxy")

        answer = ask(HELLO, base_url="http://bedrock.invalid")

        assert answer.text == "through the proxy"
        assert provider.paths[0].startswith("http://bedrock.invalid/model/")


class TestHeaders:
    def test_go_along_with_every_request(self, headers):
        assert headers(headers={"X-Team": "blue"})["x-team"] == "blue"

    def test_go_along_with_embeddings_too(self, embed, provider):
        embed(["x"], headers={"X-Team": "blue"})

        assert provider.headers[0]["x-team"] == "blue"


class TestFaults:
    def test_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            BedrockChatModel(
                "",
                region=" ",
                base_url="ftp://x",
                profile="blue",
                access_key_env="AKIA secret in the plan",
                session_token_env="TOKEN",
                signed=False,
                temperature=1,
                reasoning_effort="low",
                cache_marks=5,
                options={
                    "temperature": 2,
                    "effort": "high",
                    "toolConfig": {},
                    "model": "x",
                    "additionalModelRequestFields": {"tools": []},
                },
                headers={"X-Amz-Security-Token": "secret", "X-B": "a\r\nb"},
            )

        text = str(caught.value)
        for part in ("model is empty", "region is empty", "http://", "X-B", "cache_marks"):
            assert part in text
        for part in ("access_key_env: this is no name", "one of them is missing"):
            assert part in text
        for part in ("temperature is given twice", "reasoning_effort is given twice"):
            assert part in text
        for part in ("toolConfig is not an option", "model is not an option"):
            assert part in text
        assert "additionalModelRequestFields.tools is not an option" in text
        assert "x-amz-security-token is a secret" in text
        assert "profile and access_key_env and signed=False exclude each other" in text
        assert "secret in the plan" not in text

    def test_of_the_embedding_model_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            BedrockEmbeddingModel("arn:x", dimensions=0, session_token_env="TOKEN")

        for part in ("family is missing", "dimensions must be", "access_key_env, which is missing"):
            assert part in str(caught.value)

    def test_of_a_family_that_is_none_are_told(self):
        with pytest.raises(ResourceError, match="neither cohere nor titan"):
            BedrockEmbeddingModel("titan", family="olympus")


class TestLife(Life):
    models: ClassVar = {
        ("chat_models", "bedrock"): (BedrockChatModel, "m"),
        ("embedding_models", "bedrock"): (BedrockEmbeddingModel, "titan"),
    }
    client: ClassVar = {"aiobotocore", "botocore", "aiohttp"}
