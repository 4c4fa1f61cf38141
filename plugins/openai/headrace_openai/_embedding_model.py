"""The embedding model: its settings, and the way from texts to vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from headrace.errors import ModelError
from headrace.interfaces import EmbeddingModel
from headrace.options import option_faults
from headrace_openai._connection import Connected
from headrace_openai._vectors import read_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["OpenAIEmbeddingModel"]

_TYPED = frozenset({"dimensions", "encoding_format", "input", "model"})
"""Options that are told in another way, or that would change what an answer is."""
_MOST_TEXTS = 2048
"""Texts of one request (OpenAI's reference of ``/embeddings``)."""
_MOST_BYTES = 300_000
"""UTF-8 bytes of one request: OpenAI takes 300,000 tokens, and no token is shorter than a byte."""
_LIMIT_BASE = 2**20
_LIMIT_TEXT = 2**18
"""Bytes of an answer, and of it for each text: 4,096 numbers of 20 digits are a third of it."""


@dataclass(kw_only=True, eq=False, repr=False)
class OpenAIEmbeddingModel(Connected, EmbeddingModel):
    """Embeds texts through OpenAI's embeddings, Azure's, or a server that speaks the same.

    Texts go in as many requests as the provider's limits ask for, one after the other.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variable that the worker finds them in. Retries and time-outs are the runtime's.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    dimensions: int | None = None
    """The length of the vectors, for models that can shorten theirs; the model's own where
    ``None``."""
    encoding: Literal["base64", "float"] = "base64"
    """How vectors travel: ``base64`` (a quarter of the size) or ``float``. Answers in either are
    read."""
    batch_size: int = _MOST_TEXTS
    """The most texts of one request, up to 2,048."""
    batch_bytes: int = _MOST_BYTES
    """The most bytes of one request's texts, in UTF-8; a text that is longer goes alone."""
    text_prefix: str = ""
    """Put before each text that is to be found, for models that ask for it."""
    query_prefix: str = ""
    """Put before each question."""

    what: ClassVar[str] = "the openai embedding model"
    _length: int | None = field(init=False)

    def __post_init__(self) -> None:
        self._length = self.dimensions
        super().__post_init__()

    def _faults(self) -> list[str]:
        faults = [f"options: {text}" for text in option_faults(self.options or {}, _TYPED)]
        if self.dimensions is not None and self.dimensions < 1:
            faults.append("dimensions must be at least 1")
        if self.encoding not in {"base64", "float"}:
            faults.append("encoding is neither base64 nor float")
        if not 1 <= self.batch_size <= _MOST_TEXTS:
            faults.append(f"batch_size must be from 1 to {_MOST_TEXTS}")
        if self.batch_bytes < 1:
            faults.append("batch_bytes must be at least 1")
        return faults

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order, all of one length.

        Raises:
            ModelError: There are no vectors; its ``code`` says why, and no secret is in its text.
            ResourceError: The model is not open.
        """
        return await self._embed([self.text_prefix + text for text in texts])

    async def embed_query(self, text: str) -> list[float]:
        """The vector of a question.

        Raises:
            ModelError: As ``embed``.
            ResourceError: The model is not open.
        """
        [vector] = await self._embed([self.query_prefix + text])
        return vector

    async def _embed(self, texts: list[str]) -> list[list[float]]:
        client = self.client
        vectors: list[list[float]] = []
        for batch in self._batches(texts):
            parameters: dict[str, Any] = {
                "model": self.asked_model,
                "input": batch,
                "encoding_format": self.encoding,
            }
            if self.dimensions is not None:
                parameters["dimensions"] = self.dimensions
            limit = _LIMIT_BASE + _LIMIT_TEXT * len(batch)
            body = await client.ask("embeddings", parameters, dict(self.options or {}), limit)
            found = read_vectors(body, len(batch), client)
            self._check_length(found)
            vectors += found
        return vectors

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        size = 0
        for text in texts:
            length = len(text.encode("utf-8", "replace"))
            full = len(batch) == self.batch_size or size + length > self.batch_bytes
            if batch and full:
                yield batch
                batch, size = [], 0
            batch.append(text)
            size += length
        if batch:
            yield batch

    def _check_length(self, vectors: list[list[float]]) -> None:
        """Holds vectors to one length, over all calls: a store takes no other."""
        wanted = self._length or len(vectors[0])
        for vector in vectors:
            if len(vector) != wanted:
                said = "dimensions asks for" if self.dimensions else "those before have"
                raise ModelError(
                    f"a vector has {len(vector)} numbers, and {said} {wanted}",
                    # A server that passes over `dimensions` will do so again.
                    code="bad_request" if self.dimensions else "bad_response",
                )
        self._length = wanted
