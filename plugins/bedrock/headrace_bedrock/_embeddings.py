"""The embedding model: its settings, and the way from texts to vectors.

The service has no words of its own for embeddings: each family of models has its own body, which
goes by InvokeModel (AWS's reference of the parameters of Titan's and of Cohere's models).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from headrace.errors import ModelError
from headrace.interfaces import EmbeddingModel
from headrace_bedrock._connection import Connected
from headrace_bedrock._json import json_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BedrockEmbeddingModel"]

_MOST = {"cohere": 96, "titan": 1}
"""Texts of one request, by the family of models."""
_TITAN_DIMENSIONS = "dimensions"
_COHERE_DIMENSIONS = "output_dimension"


@dataclass(kw_only=True, eq=False, repr=False)
class BedrockEmbeddingModel(Connected, EmbeddingModel):
    """Embeds texts through models of Titan or Cohere on Amazon Bedrock.

    Titan takes one text a request, Cohere 96; the requests of one call go one after the other.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variables that the worker finds them in; where none is named, the worker's own
    credentials count. Retries and time-outs are the runtime's.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    family: Literal["cohere", "titan"] | None = None
    """Whose words the model speaks; told by its name where ``None``, which an ARN may not hold."""
    dimensions: int | None = None
    """The length of the vectors, for models that can give shorter ones; the model's own where
    ``None``."""
    text_prefix: str = ""
    """Put before each text that is to be found."""
    query_prefix: str = ""
    """Put before each question."""

    what: ClassVar[str] = "the bedrock embedding model"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order, all of one length.

        Raises:
            ModelError: There are no vectors; its ``code`` says why, and no secret is in its text.
            ResourceError: The model is not open.
        """
        return await self._embed([self.text_prefix + text for text in texts], "search_document")

    async def embed_query(self, text: str) -> list[float]:
        """The vector of a question; Cohere's models treat those unlike the texts to be found.

        Raises:
            ModelError: As ``embed``.
            ResourceError: The model is not open.
        """
        [vector] = await self._embed([self.query_prefix + text], "search_query")
        return vector

    def _faults(self) -> list[str]:
        faults = []
        if self.family not in {None, *_MOST}:
            faults.append("family is neither cohere nor titan")
        elif self._family is None:
            faults.append("family is missing: cohere or titan, which the model's name does not say")
        if self.dimensions is not None and self.dimensions < 1:
            faults.append("dimensions must be 1 or more")
        return faults

    @property
    def _family(self) -> str | None:
        return self.family or next((name for name in _MOST if name in self.model.lower()), None)

    async def _embed(self, texts: list[str], task: str) -> list[list[float]]:
        client = self.client
        if fault := json_fault(texts):
            raise ModelError(f"the request cannot be written as JSON: {fault}", code="bad_request")
        vectors: list[list[float]] = []
        most = _MOST[self._family or ""]
        for begin in range(0, len(texts), most):
            batch = texts[begin : begin + most]
            body = self._titan(batch[0]) if most == 1 else self._cohere(batch, task)
            answer = await client.invoke(self.model, json.dumps(body).encode())
            vectors += self._read(answer, len(batch))
        self._check(vectors)
        return vectors

    def _titan(self, text: str) -> dict[str, Any]:
        return {"inputText": text, **self._shortened(_TITAN_DIMENSIONS)}

    def _cohere(self, texts: list[str], task: str) -> dict[str, Any]:
        shortened = self._shortened(_COHERE_DIMENSIONS)
        return {"texts": texts, "input_type": task, "embedding_types": ["float"], **shortened}

    def _shortened(self, name: str) -> dict[str, int]:
        return {} if self.dimensions is None else {name: self.dimensions}

    def _read(self, body: bytes, wanted: int) -> list[list[float]]:
        """The vectors of one answer, each of which points somewhere."""
        vectors: list[list[float]] | None = None
        try:
            answer = json.loads(body)
            found = [answer["embedding"]] if "embedding" in answer else answer["embeddings"]
            # Older models of Cohere answer with the vectors themselves.
            listed = found["float"] if isinstance(found, dict) else found
            if isinstance(listed, list) and all(map(_is_vector, listed)):
                vectors = [list(map(float, vector)) for vector in listed]
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
            vectors = None
        if vectors is None:
            raise ModelError(f"{self.model} gave no vectors", code="bad_response")
        if len(vectors) != wanted:
            raise ModelError(
                f"{self.model} gave {len(vectors)} vectors for {wanted} texts", code="bad_response"
            )
        return vectors

    def _check(self, vectors: Sequence[Sequence[float]]) -> None:
        lengths = {len(vector) for vector in vectors}
        if len(lengths) > 1:
            raise ModelError(
                f"{self.model} gave vectors of different lengths: {sorted(lengths)}",
                code="bad_response",
            )
        if self.dimensions is not None and lengths - {self.dimensions}:
            # Asked again, it would be so again.
            raise ModelError(
                f"{self.model} gave vectors of length {lengths.pop()}, not of {self.dimensions}: "
                "the model cannot shorten them so (dimensions)",
                code="bad_request",
            )


def _is_vector(value: Any) -> bool:
    """Whether a value is a vector that points somewhere."""
    return (
        isinstance(value, list)
        and all(type(number) in {int, float} and math.isfinite(number) for number in value)
        and any(value)
    )
