"""Vectors over real HTTP, held to the client's own types."""

from __future__ import annotations

import asyncio
import json

import pytest

from headrace.errors import ModelError, ResourceError
from headrace_ollama import OllamaEmbeddingModel


@pytest.fixture
def failure(embed):
    """The error of one call."""

    def fail(texts: list[str], **arguments: object) -> ModelError:
        with pytest.raises(ModelError) as caught:
            embed(texts, **arguments)
        return caught.value

    return fail


def vectors(*made: list[float]) -> dict[str, object]:
    return {"model": "embed-test", "embeddings": list(made)}


class TestRequests:
    def test_hold_the_texts_and_refuse_to_cut_them(self, provider, embed):
        embed(["Grüße", ""])

        assert provider.paths == ["/api/embed"]
        assert provider.bodies == [
            {"model": "embed-test", "input": ["Grüße", ""], "truncate": False, "options": {}}
        ]

    def test_hold_what_the_model_was_set_up_with(self, provider, embed):
        embed(["x"], dimensions=8, truncate=True, keep_alive=-1, options={"num_ctx": 2048})

        assert provider.bodies == [
            {
                "model": "embed-test",
                "input": ["x"],
                "truncate": True,
                "dimensions": 8,
                "keep_alive": -1,
                "options": {"num_ctx": 2048},
            }
        ]

    def test_hold_as_many_texts_as_a_batch_has(self, provider, embed):
        embed([str(number) for number in range(7)], batch=3)

        assert [body["input"] for body in provider.bodies] == [
            ["0", "1", "2"],
            ["3", "4", "5"],
            ["6"],
        ]

    def test_are_not_made_for_no_text(self, provider, embed):
        assert embed([]) == []
        assert provider.bodies == []

    def test_put_what_the_model_was_trained_with_before_texts_and_questions(
        self, provider, opened_embedder
    ):
        async def both():
            prefixes = {"text_prefix": "search_document: ", "query_prefix": "search_query: "}
            async with opened_embedder(**prefixes) as model:
                await model.embed(["the sky"])
                await model.embed_query("what?")

        asyncio.run(both())

        assert [body["input"] for body in provider.bodies] == [
            ["search_document: the sky"],
            ["search_query: what?"],
        ]


class TestVectors:
    def test_are_in_the_order_of_their_texts(self, provider, embed):
        texts = ["a", "b", "c", "d", "e"]

        assert embed(texts, batch=2) == [embed([text])[0] for text in texts]

    def test_of_whole_numbers_are_floats(self, provider, embed):
        provider.raw(200, vectors([0, 1]))

        assert [type(value) for value in embed(["x"])[0]] == [float, float]

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (vectors([1.0]), "1 vectors for 2 texts"),
            (vectors([1.0], [1.0], [1.0]), "3 vectors for 2 texts"),
            (vectors([1.0], [1.0, 2.0]), "different lengths"),
            (vectors([], []), "points nowhere"),
            (vectors([0.0, 0.0], [1.0, 0.0]), "points nowhere"),
            (b'{"embeddings": [[NaN], [1.0]]}', "points nowhere"),
            (b'{"embeddings": [[1e999], [1.0]]}', "points nowhere"),
            ({"embeddings": [["x"], [1.0]]}, "embeddings.0.0"),
            ({"embedding": [1.0]}, "embeddings"),
            (b"[]", "mapping"),
            (b"", "JSON"),
        ],
    )
    def test_that_are_wrong_are_a_bad_response(self, provider, failure, answer, why):
        provider.raw(200, answer)

        error = failure(["x", "y"])

        assert (error.code, error.retryable) == ("bad_response", True)
        assert why in str(error)

    def test_of_another_length_than_asked_for_are_not_asked_for_again(self, provider, failure):
        # Older servers take no notice of it.
        provider.raw(200, vectors([1.0, 2.0, 3.0]))

        error = failure(["x"], dimensions=2)

        assert (error.code, error.retryable) == ("bad_request", False)
        assert "length 3, not of 2" in str(error)


class TestFailures:
    @pytest.mark.parametrize(
        ("status", "words", "code"),
        [
            (400, "the input length exceeds the context length", "context_too_long"),
            (500, "input length exceeds maximum context length", "context_too_long"),
            (400, "input exceeds maximum context length and cannot be truncated further", None),
            (404, "model 'embed-test' not found", "bad_request"),
            (503, "server busy, please try again.", "overloaded"),
            (401, "unauthorized", "unauthorised"),
        ],
    )
    def test_have_their_codes(self, provider, failure, status, words, code):
        provider.raw(status, {"error": words})

        assert failure(["x"]).code == (code or "context_too_long")

    def test_of_a_model_that_is_not_there_say_how_to_get_it(self, provider, failure):
        provider.raw(404, {"error": "model 'embed-test' not found"})

        assert "ollama pull embed-test" in str(failure(["x"]))

    def test_of_the_connection_are_told_as_such(self, provider, failure):
        provider.cut()

        assert failure(["x"]).code == "connection"

    def test_of_texts_that_cannot_be_written_are_a_bad_request(self, provider, failure):
        error = failure(["\ud800"])

        assert error.code == "bad_request"
        assert provider.bodies == []

    def test_hold_no_secret(self, provider, failure, key, monkeypatch):
        monkeypatch.setenv("PROXY_KEY", key)
        provider.raw(401, {"error": f"bad key {key}"})

        error = failure(["x"], api_key_env="PROXY_KEY")

        assert provider.headers[0]["authorization"] == f"Bearer {key}"
        assert key not in str(error)


class TestSettings:
    def test_that_are_wrong_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            OllamaEmbeddingModel(
                " ",
                host="ftp://x",
                dimensions=0,
                batch=0,
                keep_alive=1,
                options={"keep_alive": 2, "think": True, "input": "x"},
                headers={"Authorization": "Bearer secret"},
            )

        text = str(caught.value)
        for part in ("model is empty", "host", "dimensions", "batch", "keep_alive", "think"):
            assert part in text
        assert "input is not an option" in text
        assert "Authorization is a secret" in text
        assert "Bearer" not in text

    def test_are_of_no_use_before_it_is_opened(self):
        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(OllamaEmbeddingModel("m").embed(["x"]))

    def test_are_json(self):
        arguments = {"model": "m", "dimensions": 8, "options": {"num_ctx": 8}, "batch": 2}

        assert OllamaEmbeddingModel(**json.loads(json.dumps(arguments)))
