"""Embeddings: batches, encodings, and answers that are none."""

from __future__ import annotations

import asyncio
import base64
import struct

import pytest

from headrace.errors import ModelError, ResourceError
from headrace_openai import OpenAIEmbeddingModel

from .replies import Embeddings


@pytest.fixture
def embed(opened_embeddings):
    """Embeds texts once."""

    def once(texts, **arguments):
        async def run():
            async with opened_embeddings(**arguments) as model:
                return await model.embed(texts)

        return asyncio.run(run())

    return once


@pytest.fixture
def failure(embed):
    """The error of embedding texts."""

    def fail(texts=("a", "b"), **arguments) -> ModelError:
        with pytest.raises(ModelError) as caught:
            embed(texts, **arguments)
        assert caught.value.__context__ is None
        return caught.value

    return fail


def listed(*vectors, indexes=True):
    """The body of an answer."""
    data = [
        {"embedding": vector, **({"index": at} if indexes else {})}
        for at, vector in enumerate(vectors)
    ]
    return {"data": data}


class TestVectors:
    @pytest.mark.parametrize("encoding", ["base64", "float"])
    def test_are_those_of_the_texts_in_their_order(self, provider, embed, encoding):
        texts = ["rain", "sun", "rain", "雨"]

        vectors = embed(texts, encoding=encoding)

        assert vectors == [Embeddings().vector(text, 8) for text in texts]
        assert provider.bodies == [{"model": "embed", "input": texts, "encoding_format": encoding}]
        assert provider.paths == ["/v1/embeddings"]

    @pytest.mark.parametrize("asked", ["base64", "float"])
    @pytest.mark.parametrize("given", ["base64", "float"])
    def test_are_read_in_either_encoding_whatever_was_asked(self, provider, embed, asked, given):
        packed = base64.b64encode(struct.pack("<2f", 0.5, -0.25)).decode()
        provider.raw(200, listed(packed if given == "base64" else [0.5, -0.25]))

        assert embed(["a"], encoding=asked) == [[0.5, -0.25]]

    def test_may_be_shorter(self, provider, embed):
        [vector] = embed(["a"], dimensions=3)

        assert len(vector) == 3
        assert provider.bodies[0]["dimensions"] == 3

    def test_without_indexes_are_in_order(self, provider, embed):
        provider.raw(200, listed([1.0], [2.0], indexes=False))

        assert embed(["a", "b"]) == [[1.0], [2.0]]

    def test_of_whole_numbers_are_floats(self, provider, embed):
        provider.raw(200, listed([1, 0]))

        [vector] = embed(["a"])

        assert [type(value) for value in vector] == [float, float]

    def test_of_no_text_ask_nobody(self, provider, embed):
        assert embed([]) == []
        assert provider.bodies == []


class TestBatches:
    def test_have_no_more_texts_than_the_provider_takes(self, provider, embed):
        texts = [str(n) for n in range(5000)]

        vectors = embed(texts)

        assert [len(request["input"]) for request in provider.bodies] == [2048, 2048, 904]
        assert [text for request in provider.bodies for text in request["input"]] == texts
        assert vectors[4999] == Embeddings().vector("4999", 8)

    def test_have_no_more_texts_than_asked(self, provider, embed):
        embed(["a", "b", "c"], batch_size=2)

        assert [request["input"] for request in provider.bodies] == [["a", "b"], ["c"]]

    def test_have_no_more_bytes_than_the_provider_takes_tokens(self, provider, embed):
        embed(["ü" * 60_000] * 5)

        assert [len(request["input"]) for request in provider.bodies] == [2, 2, 1]

    def test_of_one_text_may_be_longer(self, provider, embed):
        embed(["a", "b" * 9, "c", "d"], batch_bytes=5)

        assert [request["input"] for request in provider.bodies] == [
            ["a"],
            ["b" * 9],
            ["c", "d"],
        ]

    def test_give_nothing_where_one_of_them_fails(self, provider, embed):
        provider.reply(Embeddings())
        provider.fail(429, "slow", retry_after="3")

        with pytest.raises(ModelError) as caught:
            embed(["a", "b"], batch_size=1)

        assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 3)


class TestPrefixes:
    def test_stand_before_texts_and_questions(self, provider, opened_embeddings):
        async def run():
            async with opened_embeddings(text_prefix="passage: ", query_prefix="query: ") as model:
                await model.embed(["a"])
                return await model.embed_query("b")

        assert asyncio.run(run()) == Embeddings().vector("query: b", 8)
        assert [request["input"] for request in provider.bodies] == [["passage: a"], ["query: b"]]


class TestOptions:
    def test_go_along_with_every_request(self, provider, embed):
        provider.unknown = {"truncate"}

        embed(["a"], options={"user": "u", "truncate": "END"})

        assert provider.bodies[0]["user"] == "u"
        assert provider.bodies[0]["truncate"] == "END"

    @pytest.mark.parametrize(
        "name", ["model", "input", "dimensions", "encoding_format", "extra_body", "timeout"]
    )
    def test_cannot_be_what_the_arguments_say(self, name):
        with pytest.raises(ResourceError, match=f"{name} is not an option"):
            OpenAIEmbeddingModel("m", options={name: 1})


class TestFailures:
    @pytest.mark.parametrize(
        ("status", "message", "code", "meant"),
        [
            (429, "slow", None, "rate_limited"),
            (503, "later", None, "overloaded"),
            (504, "late", None, "timeout"),
            (401, "no", "invalid_api_key", "unauthorised"),
            (400, "maximum context length is 8192 tokens", None, "context_too_long"),
            (400, "'$.input' is invalid", "invalid_value", "bad_request"),
        ],
    )
    def test_have_their_code(self, provider, failure, status, message, code, meant):
        provider.fail(status, message, code)

        assert failure().code == meant
        assert len(provider.bodies) == 1

    @pytest.mark.parametrize("cut", ["cut before", "cut inside"])
    def test_of_the_connection(self, provider, failure, cut):
        provider.answers.append(cut)

        assert failure().code == "connection"

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "body"),
            (b"not json", "body"),
            (b"{}", "data"),
            (listed(), "0 vectors for 2"),
            (listed([1.0]), "1 vectors for 2"),
            (listed([1.0], [1.0], [1.0]), "3 vectors for 2"),
            ({"data": [{"embedding": [1.0], "index": 0}] * 2}, "indexes"),
            ({"data": [{"embedding": [1.0], "index": n} for n in (1, 2)]}, "indexes"),
            ({"data": [{"embedding": [1.0], "index": 0}, {"embedding": [1.0]}]}, "indexes"),
            (listed([1.0], []), "empty"),
            (listed([1.0], [1.0, 2.0]), "has 2 numbers"),
            (listed([1.0], ["x"]), "data.1"),
            (listed([1.0], None), "data.1"),
            (b'{"data": [{"embedding": [NaN]}, {"embedding": [1.0]}]}', "finite"),
            (b'{"data": [{"embedding": [1e999]}, {"embedding": [1.0]}]}', "finite"),
            (listed("AAAA", "AAAAAA=="), "base64"),
            (listed("!", "!"), "base64"),
            (listed("", ""), "empty"),
            (listed("AADAfw==", "AADAfw=="), "finite"),
            ({"error": {"message": "upstream died"}}, "upstream died"),
        ],
    )
    def test_of_an_answer_that_is_no_list_of_vectors(self, provider, failure, body, why):
        provider.raw(200, body)

        error = failure()

        assert (error.code, error.retryable) == ("bad_response", True)
        assert why in str(error)

    def test_of_another_length_than_before(self, provider, opened_embeddings):
        provider.raw(200, listed([1.0, 2.0]))
        provider.raw(200, listed([1.0]))

        async def run():
            async with opened_embeddings() as model:
                await model.embed(["a"])
                await model.embed(["a"])

        with pytest.raises(ModelError, match="has 1 numbers, and those before have 2"):
            asyncio.run(run())

    def test_of_an_answer_with_two_lengths_leave_the_model_as_it_was(
        self, provider, opened_embeddings
    ):
        provider.raw(200, listed([1.0], [1.0, 2.0]))
        provider.raw(200, listed([1.0, 2.0], [3.0, 4.0]))

        async def run():
            async with opened_embeddings() as model:
                with pytest.raises(ModelError):
                    await model.embed(["a", "b"])
                return await model.embed(["a", "b"])

        assert asyncio.run(run()) == [[1.0, 2.0], [3.0, 4.0]]

    def test_of_a_server_that_passes_over_the_dimensions_are_not_tried_again(
        self, provider, failure
    ):
        provider.raw(200, listed([1.0, 2.0]))

        error = failure(["a"], dimensions=1)

        assert (error.code, error.retryable) == ("bad_request", False)
        assert "dimensions asks for 1" in str(error)

    def test_of_an_answer_that_does_not_end(self, provider, failure):
        provider.raw(200, b" " * (3 * 2**20))

        assert "longer than" in str(failure())

    def test_of_a_text_that_is_none(self, provider, failure):
        error = failure(["\ud800"])

        assert error.code == "bad_request"
        assert provider.bodies == []

    def test_show_no_secret(self, provider, failure, key):
        provider.fail(400, f"Bearer {key}")

        assert key not in str(failure())


class TestSettings:
    def test_faults_are_told_all_at_once(self):
        with pytest.raises(ResourceError) as caught:
            OpenAIEmbeddingModel(
                " ", dimensions=0, encoding="int8", batch_size=2049, batch_bytes=0, base_url="x"
            )

        for part in ("model is", "dimensions", "encoding", "batch_size", "batch_bytes", "base_url"):
            assert part in str(caught.value)

    def test_it_needs_opening(self):
        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(OpenAIEmbeddingModel("m").embed(["a"]))
