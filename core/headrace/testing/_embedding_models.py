"""The conformance class of embedding models."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from headrace.testing._suite import Suite
from headrace.values import decode, encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from headrace.interfaces import EmbeddingModel

__all__ = ["EmbeddingModelSuite"]

T = TypeVar("T")

SENTENCES = (
    "Rain falls on the harbour.",
    "The invoice of March is overdue.",
    "A turbine turns in the mill.",
)
"""Texts without a word in common that matters."""

WRITINGS = (
    "Zürich, naïve, façade",
    "雨が港に降る",
    "الطقس جميل اليوم",
    "नमस्ते दुनिया",
    "rain 🌧️ and 👩‍👩‍👧‍👦",
    "two\nlines\tand a tab",
    "e\u0301 is not \u00e9",
)


class EmbeddingModelSuite(Suite):
    """What vector stores and memories rely on in an embedding model.

    ::

        class TestMyModel(EmbeddingModelSuite):
            @pytest.fixture
            def model(self):
                return MyModel("small")        # not yet open: the tests open and close it

    A stand-in for the model behind a server must give each text a vector of its own, the same each
    time.
    """

    tolerance = 1e-4
    """How far the cosine of one text's two vectors may be from 1: a model that runs in batches adds
    up in another order."""

    @pytest.fixture
    def model(self) -> EmbeddingModel:
        """Gives a model that is not yet open; to be overridden."""
        raise NotImplementedError("override the fixture `model`")

    # ------------------------------------------------------------ vectors
    def test_each_text_has_a_vector_and_they_are_in_order(self, model: EmbeddingModel) -> None:
        """If this fails: texts are found in place of others."""

        async def talk(model: EmbeddingModel) -> tuple[list[list[float]], list[list[float]]]:
            alone = [(await model.embed([text]))[0] for text in SENTENCES]
            return await model.embed(SENTENCES), alone

        together, alone = self.using(model, talk)

        assert len(together) == len(SENTENCES)
        for at, vector in enumerate(together):
            nearest = max(range(len(alone)), key=lambda other: cosine(vector, alone[other]))
            assert nearest == at, f"the vector of text {at} is that of text {nearest}"

    def test_all_vectors_have_one_length(self, model: EmbeddingModel) -> None:
        """If this fails: a store refuses them."""

        async def talk(model: EmbeddingModel) -> list[list[float]]:
            return [*await model.embed(SENTENCES), *await model.embed(["x", "word " * 200])]

        lengths = {len(vector) for vector in self.using(model, talk)}

        assert len(lengths) == 1
        assert lengths != {0}

    def test_vectors_are_lists_of_finite_floats_that_point_somewhere(
        self, model: EmbeddingModel
    ) -> None:
        """If this fails: nearness cannot be reckoned, or a journal cannot keep them."""
        vectors = self.using(model, lambda model: model.embed(SENTENCES))

        assert type(vectors) is list
        assert {type(vector) for vector in vectors} == {list}
        assert {type(value) for vector in vectors for value in vector} == {float}
        assert all(math.isfinite(value) for vector in vectors for value in vector)
        assert all(any(vector) for vector in vectors), "a vector of zeros has no direction"
        assert decode(encode(vectors)) == vectors

    def test_no_text_has_no_vector(self, model: EmbeddingModel) -> None:
        """If this fails: an empty batch fails the job."""
        assert self.using(model, lambda model: model.embed([])) == []

    def test_the_same_text_has_the_same_vector(self, model: EmbeddingModel) -> None:
        """If this fails: what was stored is not found by its own text."""

        async def talk(model: EmbeddingModel) -> list[list[float]]:
            text = SENTENCES[0]
            return [*await model.embed([text, SENTENCES[1], text]), *await model.embed([text])]

        first, _, again, later = self.using(model, talk)

        assert self.same(first, again)
        assert self.same(first, later)

    def test_different_texts_have_different_vectors(self, model: EmbeddingModel) -> None:
        """If this fails: everything is found by every question."""
        vectors = self.using(model, lambda model: model.embed(SENTENCES))

        assert len({tuple(vector) for vector in vectors}) == len(SENTENCES)

    def test_a_thousand_texts_are_taken_at_once(self, model: EmbeddingModel) -> None:
        """If this fails: the provider's limit of a batch is the caller's burden."""
        texts = [f"number {n}" for n in range(1000)]

        async def talk(model: EmbeddingModel) -> tuple[list[list[float]], list[list[float]]]:
            return await model.embed(texts), await model.embed([texts[0], texts[-1]])

        vectors, [first, last] = self.using(model, talk)

        assert len(vectors) == 1000
        assert self.same(vectors[0], first)
        assert self.same(vectors[-1], last)

    def test_every_writing_has_a_vector(self, model: EmbeddingModel) -> None:
        """If this fails: texts of some of the world cannot be kept."""
        vectors = self.using(model, lambda model: model.embed(WRITINGS))

        assert len(vectors) == len(WRITINGS)
        assert all(math.isfinite(value) for vector in vectors for value in vector)

    def test_a_question_has_a_vector_of_the_same_length(self, model: EmbeddingModel) -> None:
        """If this fails: nothing is found."""

        async def talk(model: EmbeddingModel) -> tuple[list[float], list[float]]:
            [text] = await model.embed([SENTENCES[0]])
            return text, await model.embed_query(SENTENCES[0])

        text, question = self.using(model, talk)

        assert len(question) == len(text)
        assert {type(value) for value in question} == {float}
        assert all(math.isfinite(value) for value in question)
        assert any(question)

    # ------------------------------------------------------------ its life
    def test_twenty_calls_at_a_time_get_their_own_vectors(self, model: EmbeddingModel) -> None:
        """If this fails: one model object cannot serve many runs."""
        texts = [SENTENCES[n % len(SENTENCES)] for n in range(20)]

        async def talk(model: EmbeddingModel) -> tuple[list[list[list[float]]], list[list[float]]]:
            many = await asyncio.gather(*(model.embed([text]) for text in texts))
            return many, await model.embed(SENTENCES)

        many, alone = self.using(model, talk)

        for at, vectors in enumerate(many):
            assert len(vectors) == 1
            assert self.same(vectors[0], alone[at % len(SENTENCES)])

    def test_a_cancelled_call_leaves_the_model_usable(self, model: EmbeddingModel) -> None:
        """If this fails: a time-out of one run breaks the others."""

        async def talk(model: EmbeddingModel) -> list[list[float]]:
            first = asyncio.ensure_future(model.embed(SENTENCES))
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            return await model.embed(SENTENCES)

        assert len(self.using(model, talk)) == len(SENTENCES)

    def test_closing_twice_is_harmless(self, model: EmbeddingModel) -> None:
        """If this fails: the end of a worker raises."""

        async def twice() -> None:
            await model.open()
            await model.close()
            await model.close()

        self.run(twice())

    # ------------------------------------------------------------ helpers
    def using(self, model: EmbeddingModel, talk: Callable[[EmbeddingModel], Awaitable[T]]) -> T:
        """Runs ``talk`` with the model open."""

        async def go() -> Any:
            await model.open()
            try:
                return await talk(model)
            finally:
                await model.close()

        result: T = self.run(go())
        return result

    def same(self, one: Sequence[float], other: Sequence[float]) -> bool:
        """Whether two vectors are those of one text."""
        return len(one) == len(other) and cosine(one, other) >= 1 - self.tolerance


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two directions are: 1 where they are the same."""
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))
