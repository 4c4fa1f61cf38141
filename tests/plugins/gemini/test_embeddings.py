"""Vectors over real HTTP, held to the client's own types."""

from __future__ import annotations

import asyncio

import pytest

from headrace.errors import ModelError, ResourceError
from headrace_gemini import GeminiEmbeddingModel


@pytest.fixture
def failure(embed):
    """The error of one call."""

    def fail(texts: list[str], **arguments: object) -> ModelError:
        with pytest.raises(ModelError) as caught:
            embed(texts, **arguments)
        return caught.value

    return fail


def vectors(*made: list[float]) -> dict[str, object]:
    return {"embeddings": [{"values": one} for one in made]}


class TestRequests:
    @pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
    def test_hold_each_text_as_a_content_of_its_own(self, provider, embed, model):
        embed(["Grüße", "x"], model=model)

        assert provider.paths == [f"/v1beta/models/{model}:batchEmbedContents"]
        assert provider.bodies == [
            {
                "requests": [
                    {"model": f"models/{model}", "content": {"parts": [{"text": text}]}}
                    for text in ("Grüße", "x")
                ]
            }
        ]

    def test_hold_what_texts_and_questions_are_for(self, provider, opened_embedder):
        async def both():
            told = {"text_task": "RETRIEVAL_DOCUMENT", "query_task": "RETRIEVAL_QUERY"}
            prefixes = {"text_prefix": "document: ", "query_prefix": "query: "}
            async with opened_embedder(dimensions=8, **told, **prefixes) as model:
                await model.embed(["the sky"])
                return await model.embed_query("what?")

        assert len(asyncio.run(both())) == 8
        first, second = (body["requests"][0] for body in provider.bodies)
        assert (first["taskType"], first["outputDimensionality"]) == ("RETRIEVAL_DOCUMENT", 8)
        assert first["content"]["parts"] == [{"text": "document: the sky"}]
        assert second["taskType"] == "RETRIEVAL_QUERY"
        assert second["content"]["parts"] == [{"text": "query: what?"}]

    def test_hold_as_many_texts_as_a_batch_has(self, provider, embed):
        embed([str(number) for number in range(7)], batch=3)

        assert [len(body["requests"]) for body in provider.bodies] == [3, 3, 1]

    def test_are_not_made_for_no_text(self, provider, embed):
        assert embed([]) == []
        assert provider.bodies == []


class TestVectors:
    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (vectors([1.0]), "1 vectors for 2 texts"),
            (vectors([1.0], [1.0, 2.0]), "different lengths"),
            (vectors([], []), "points nowhere"),
            (vectors([0.0], [1.0]), "points nowhere"),
            (b'{"embeddings": [{"values": [NaN]}, {"values": [1.0]}]}', "points nowhere"),
            ({"embeddings": [{"values": ["x"]}]}, "embeddings.0.values"),
            ({}, "0 vectors"),
            (b"", "0 vectors"),
            (b"<html>", "JSON"),
        ],
    )
    def test_that_are_wrong_are_a_bad_response(self, provider, failure, answer, why):
        provider.raw(200, answer)

        error = failure(["x", "y"])

        assert (error.code, error.retryable) == ("bad_response", True)
        assert why in str(error)

    def test_of_another_length_than_asked_for_are_not_asked_for_again(self, provider, failure):
        provider.raw(200, vectors([1.0, 2.0, 3.0]))

        error = failure(["x"], dimensions=2)

        assert (error.code, error.retryable) == ("bad_request", False)


class TestFailures:
    @pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (503, "overloaded")])
    def test_have_their_codes(self, provider, failure, status, code):
        provider.error(status, "no")

        assert failure(["x"]).code == code

    def test_of_the_connection_are_told_as_such(self, provider, failure):
        provider.cut()

        assert failure(["x"]).code == "connection"

    def test_of_texts_that_cannot_be_written_are_a_bad_request(self, provider, failure):
        assert failure(["\ud800"]).code == "bad_request"
        assert provider.bodies == []

    def test_hold_no_secret(self, provider, failure, key):
        provider.error(400, f"API key not valid: {key}")

        error = failure(["x"])

        assert error.code == "unauthorised"
        assert key not in str(error)


class TestSettings:
    def test_that_are_wrong_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            GeminiEmbeddingModel(" ", base_url="ftp://x", dimensions=0, batch=101)

        text = str(caught.value)
        for part in ("model is empty", "base_url", "dimensions", "batch must be 1 to 100"):
            assert part in text

    def test_are_of_no_use_before_it_is_opened(self):
        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(GeminiEmbeddingModel("m").embed(["x"]))
