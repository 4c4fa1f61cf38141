"""Azure: its addresses, its key, and what its content filter says."""

from __future__ import annotations

import asyncio

import pytest

from headrace.chat import ChatRequest, Message
from headrace.errors import ModelError, ResourceError
from headrace_openai import OpenAIChatModel, OpenAIEmbeddingModel, OpenAIResponsesModel

from .replies import Completion, Responded, event, said

HELLO = ChatRequest(messages=(Message(role="user", content="hello"),))
VERSION = "2025-03-01-preview"
FILTERED = {
    "error": {
        "message": "The response was filtered.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {
                "hate": {"filtered": True, "severity": "medium"},
                "jailbreak": {"filtered": True, "detected": True},
                "violence": {"filtered": False, "severity": "safe"},
            },
        },
    }
}


@pytest.fixture
def azure(provider):
    """What makes a model one of Azure's."""
    return {"base_url": None, "azure_endpoint": provider.root, "api_version": VERSION}


class TestAddress:
    @pytest.mark.parametrize("given", [{}, {"azure_deployment": "my.deployment-1"}])
    def test_of_chat_completions_names_the_deployment(self, provider, ask, azure, given):
        provider.answer({"content": "x"})

        ask(HELLO, **azure, **given)

        name = given.get("azure_deployment", "gpt-test")
        assert provider.paths == [f"/openai/deployments/{name}/chat/completions"]
        assert provider.queries == [{"api-version": [VERSION]}]

    def test_of_a_stream_is_the_same(self, provider, stream, azure):
        provider.answer({"content": "x"})

        assert stream(HELLO, **azure)[0].text == "x"
        assert provider.paths == ["/openai/deployments/gpt-test/chat/completions"]

    @pytest.mark.parametrize("given", [{}, {"azure_deployment": "mine"}])
    def test_of_responses_does_not_and_the_body_does(self, provider, respond, azure, given):
        provider.reply(Responded(said("x")))

        respond(HELLO, **azure, **given)

        assert provider.paths == ["/openai/responses"]
        assert provider.queries == [{"api-version": [VERSION]}]
        assert provider.bodies[0]["model"] == given.get("azure_deployment", "gpt-test")

    def test_of_embeddings_names_the_deployment(self, provider, opened_embeddings, azure):
        async def run():
            async with opened_embeddings(**azure, azure_deployment="mine") as model:
                return await model.embed(["x"])

        [vector] = asyncio.run(run())

        assert len(vector) == 8
        assert provider.paths == ["/openai/deployments/mine/embeddings"]

    def test_of_the_newer_form_is_a_base_url(self, provider, ask, key):
        provider.answer({"content": "x"})

        ask(HELLO, base_url=f"{provider.root}/openai/v1/", api_key_env="AZURE_OPENAI_API_KEY")

        assert provider.paths == ["/openai/v1/chat/completions"]
        assert provider.headers[0]["authorization"] == f"Bearer azure-{key}"


class TestKey:
    def test_is_azures_own_and_goes_in_its_header(self, provider, ask, azure, key):
        provider.answer({"content": "x"})

        ask(HELLO, **azure)

        assert provider.headers[0]["api-key"] == f"azure-{key}"

    def test_may_be_in_another_variable(self, provider, ask, azure, monkeypatch):
        monkeypatch.setenv("OTHER", "other-key")
        provider.answer({"content": "x"})

        ask(HELLO, **azure, api_key_env="OTHER")

        assert provider.headers[0]["api-key"] == "other-key"

    def test_goes_though_the_worker_has_a_token_of_another(
        self, provider, ask, azure, key, monkeypatch
    ):
        monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "token-of-somebody")
        provider.answer({"content": "x"})

        ask(HELLO, **azure)

        assert provider.headers[0]["api-key"] == f"azure-{key}"
        assert "token-of-somebody" not in str(provider.headers)

    def test_that_is_missing_is_named(self, monkeypatch):
        monkeypatch.delenv("AZURE_OPENAI_API_KEY")
        model = OpenAIChatModel("m", azure_endpoint="https://r.example", api_version=VERSION)

        with pytest.raises(ResourceError, match="AZURE_OPENAI_API_KEY"):
            asyncio.run(model.open())

    def test_is_in_no_error(self, provider, ask, azure, key):
        provider.fail(401, f"Access denied: azure-{key}", "401")

        with pytest.raises(ModelError) as caught:
            ask(HELLO, **azure)

        assert caught.value.code == "unauthorised"
        assert key not in str(caught.value)


class TestFilter:
    def test_of_the_prompt_says_what_it_found(self, provider, ask, azure):
        provider.raw(400, FILTERED)

        with pytest.raises(ModelError) as caught:
            ask(HELLO, **azure)

        assert caught.value.code == "content_filtered"
        assert "filtered: hate (medium), jailbreak" in str(caught.value)
        assert "violence" not in str(caught.value)

    def test_is_known_by_its_inner_code_too(self, provider, respond, azure):
        inner = {"code": "ResponsibleAIPolicyViolation"}
        provider.raw(400, {"error": {"message": "no", "code": "bad", "innererror": inner}})

        with pytest.raises(ModelError) as caught:
            respond(HELLO, **azure)

        assert caught.value.code == "content_filtered"

    def test_of_the_prompt_in_a_stream_says_so(self, provider, stream, azure):
        provider.stream(event(FILTERED))

        with pytest.raises(ModelError, match="hate") as caught:
            stream(HELLO, **azure)

        assert caught.value.code == "content_filtered"

    def test_of_the_answer_cuts_it_short(self, provider, ask, azure):
        provider.reply(Completion({"content": "It is", "finish_reason": "content_filter"}))

        assert ask(HELLO, **azure).finish_reason == "content_filter"

    @pytest.mark.parametrize(
        "inner",
        [None, "text", [], {"content_filter_result": []}, {"content_filter_result": {"hate": 5}}],
    )
    def test_that_says_nothing_is_still_one(self, provider, ask, azure, inner):
        told = {"message": "no", "code": "content_filter", "innererror": inner}
        provider.raw(400, {"error": told})

        with pytest.raises(ModelError) as caught:
            ask(HELLO, **azure)

        assert caught.value.code == "content_filtered"


@pytest.mark.parametrize("kind", [OpenAIChatModel, OpenAIResponsesModel, OpenAIEmbeddingModel])
class TestFaults:
    def test_are_told_all_at_once(self, kind):
        with pytest.raises(ResourceError) as caught:
            kind("a/b", azure_endpoint="ftp://x", base_url="https://y.example/v1")

        for part in ("azure_endpoint must", "exclude each other", "api_version", "no name of a"):
            assert part in str(caught.value)

    @pytest.mark.parametrize("name", ["api_version", "azure_deployment"])
    def test_of_what_is_azures_without_azure(self, kind, name):
        with pytest.raises(ResourceError, match=f"{name} is Azure's"):
            kind("m", **{name: "x"})

    @pytest.mark.parametrize("name", ["../other", ".."])
    def test_of_a_deployment_that_would_lead_elsewhere(self, kind, name):
        with pytest.raises(ResourceError, match="azure_deployment is no name"):
            kind(
                "m",
                azure_endpoint="https://r.example",
                api_version=VERSION,
                azure_deployment=name,
            )
