"""Embeddings by InvokeModel, in the words of each family of models."""

from __future__ import annotations

import asyncio

import pytest

from headrace.errors import ModelError

COHERE = "cohere.embed-multilingual-v3"
BAD = {"embedding": [0.5, float("nan")]}


@pytest.fixture
def failure(embed):
    """The error of embedding two texts."""

    def fail(texts=("a", "b"), **arguments):
        with pytest.raises(ModelError) as caught:
            embed(list(texts), **arguments)
        assert caught.value.__context__ is None
        return caught.value

    return fail


def question(opened_embedder, **arguments):
    async def ask():
        async with opened_embedder(**arguments) as model:
            return await model.embed_query("q")

    return asyncio.run(ask())


class TestTitan:
    def test_is_asked_for_each_text(self, embed, provider):
        vectors = embed(["a", "b"])

        assert provider.bodies == [{"inputText": "a"}, {"inputText": "b"}]
        assert provider.paths == ["/model/amazon.titan-embed-text-v2%3A0/invoke"] * 2
        assert provider.headers[0]["content-type"] == "application/json"
        assert [len(vector) for vector in vectors] == [32, 32]

    def test_gives_vectors_of_the_length_that_is_asked_for(self, embed, provider):
        [vector] = embed(["a"], dimensions=8)

        assert provider.bodies == [{"inputText": "a", "dimensions": 8}]
        assert len(vector) == 8

    def test_has_prefixes_for_texts_and_questions(self, embed, opened_embedder, provider):
        prefixes = {"text_prefix": "passage: ", "query_prefix": "query: "}
        embed(["a"], **prefixes)
        question(opened_embedder, **prefixes)

        assert [body["inputText"] for body in provider.bodies] == ["passage: a", "query: q"]


class TestCohere:
    def test_is_asked_for_many_texts_at_once(self, embed, provider):
        vectors = embed([f"text {n}" for n in range(100)], model=COHERE)

        assert [len(body["texts"]) for body in provider.bodies] == [96, 4]
        assert provider.bodies[0]["input_type"] == "search_document"
        assert len(vectors) == 100

    def test_is_told_what_is_a_question(self, opened_embedder, provider):
        question(opened_embedder, model=COHERE)

        assert provider.bodies[0]["input_type"] == "search_query"

    def test_gives_vectors_of_the_length_that_is_asked_for(self, embed, provider):
        [vector] = embed(["a"], model="cohere.embed-v4:0", dimensions=8)

        assert provider.bodies[0]["output_dimension"] == 8
        assert len(vector) == 8

    def test_is_told_by_its_family_where_the_name_does_not_say_it(self, embed, provider):
        arn = "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abcdefghijkl"

        embed(["a"], model=arn, family="cohere")

        assert provider.bodies[0]["texts"] == ["a"]

    def test_is_understood_as_its_older_models_answer(self, embed, provider):
        provider.raw(200, {"id": "e", "texts": ["a"], "embeddings": [[0.5, 1]]})

        assert embed(["a"], model=COHERE) == [[0.5, 1.0]]


class TestAnswers:
    @pytest.mark.parametrize(
        "body",
        [
            b"<html>",
            b"{}",
            b"5",
            b'{"embedding": 5}',
            b'{"embedding": []}',
            b'{"embedding": [0, 0]}',
            b'{"embedding": [true, 1]}',
            b'{"embedding": [NaN, 1]}',
            b'{"embedding": [1e999, 1]}',
            b'{"embedding": [' + b"9" * 400 + b"]}",
            b'{"embeddings": {"int8": [[1]]}}',
            b'{"embedding": ' + b"[" * 3000,
        ],
        ids=range(12),
    )
    def test_that_hold_no_vector_are_a_bad_response(self, provider, failure, body):
        provider.raw(200, body)

        assert failure().code == "bad_response"

    def test_of_another_number_than_texts_are_a_bad_response(self, provider, failure):
        provider.raw(200, {"embeddings": [[0.5]]})

        assert "1 vectors for 2 texts" in str(failure(model=COHERE))

    def test_of_different_lengths_are_a_bad_response(self, provider, failure):
        provider.raw(200, {"embedding": [0.5]})
        provider.raw(200, {"embedding": [0.5, 0.5]})

        assert "different lengths" in str(failure())

    def test_of_another_length_than_was_asked_for_are_a_bad_request(self, provider, failure):
        provider.raw(200, {"embedding": [0.5]})

        error = failure(dimensions=8)

        assert error.code == "bad_request"
        assert "not of 8" in str(error)

    def test_that_tell_an_error_have_its_code(self, provider, failure):
        provider.error(429, "ThrottlingException", "slow", retry_after="3")

        error = failure()

        assert (error.code, error.retry_after) == ("rate_limited", 3.0)

    @pytest.mark.parametrize("cut", ["cut before", "cut inside"])
    def test_that_are_cut_are_a_broken_connection(self, provider, failure, cut):
        provider.answers.append(cut)

        assert failure().code == "connection"


def test_texts_that_are_no_json_are_a_bad_request(failure):
    assert failure(["\ud800"]).code == "bad_request"
