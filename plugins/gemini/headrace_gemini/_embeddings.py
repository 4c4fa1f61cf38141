"""The embedding model: texts to vectors, in batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError, ResourceError
from headrace.interfaces import EmbeddingModel
from headrace_gemini._json import json_fault
from headrace_gemini._server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace_gemini._client import Client

__all__ = ["GeminiEmbeddingModel"]

_WHAT = "the gemini embedding model"
_MOST = 100
"""Texts that the provider takes in one request."""


class GeminiEmbeddingModel(EmbeddingModel):
    """Vectors of Google's Gemini API (``batchEmbedContents``).

    Arguments are part of the plan, so none of them holds a secret. Retries and time-outs are the
    runtime's; the client's are off.

    Args:
        model: The model, as the provider calls it.
        dimensions: The length of the vectors, for models that can give shorter ones; the model's
            own where ``None``.
        text_task: What the vectors of texts are for, in the provider's words
            (``RETRIEVAL_DOCUMENT``), for models that are told so.
        query_task: What the vectors of questions are for (``RETRIEVAL_QUERY``).
        text_prefix: What is put before a text that is to be found, for models that are told in
            words.
        query_prefix: What is put before a question.
        batch: How many texts go into one request; at most 100.
        base_url: The server; ``GOOGLE_GEMINI_BASE_URL`` of the worker, or else the provider's own,
            where ``None``.
        api_version: The version of the interface.
        api_key_env: The name of the environment variable that holds the API key; ``None`` for a
            server that asks for none, or for it in another header.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.
        http_client: The project's own function, as ``module:function``, that makes the HTTP client
            (an ``httpx.AsyncClient``); the usual one where ``None``.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        model: str,
        *,
        dimensions: int | None = None,
        text_task: str | None = None,
        query_task: str | None = None,
        text_prefix: str = "",
        query_prefix: str = "",
        batch: int = _MOST,
        base_url: str | None = None,
        api_version: str = "v1beta",
        api_key_env: str | None = "GEMINI_API_KEY",
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
        http_client: str | None = None,
    ) -> None:
        self._model = model
        self._server = Server(
            base_url=base_url,
            api_version=api_version,
            api_key_env=api_key_env,
            headers=headers,
            secret_headers=secret_headers,
            http_client=http_client,
        )
        self._dimensions = dimensions
        self._text_task = text_task
        self._query_task = query_task
        self._text_prefix = text_prefix
        self._query_prefix = query_prefix
        self._batch = batch
        self._client: Client | None = None
        faults = [] if model.strip() else ["model is empty"]
        if dimensions is not None and dimensions < 1:
            faults.append("dimensions must be 1 or more")
        if not 1 <= batch <= _MOST:
            faults.append(f"batch must be 1 to {_MOST}")
        faults += self._server.faults()
        if faults:
            raise ResourceError(f"{_WHAT} cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; the text
                names it.
        """
        self._client = self._server.connect(_WHAT)

    async def close(self) -> None:
        """Closes the client and its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order.

        Raises:
            ModelError: There are no vectors; its ``code`` says why, and no secret is in its text.
            ResourceError: The model is not open.
        """
        return await self._embed([self._text_prefix + text for text in texts], self._text_task)

    async def embed_query(self, text: str) -> list[float]:
        """The vector of a question.

        Raises:
            ModelError: As ``embed``.
            ResourceError: The model is not open.
        """
        [vector] = await self._embed([self._query_prefix + text], self._query_task)
        return vector

    async def _embed(self, texts: list[str], task: str | None) -> list[list[float]]:
        if self._client is None:
            raise ResourceError(f"{_WHAT} is not open: await model.open() first")
        if fault := json_fault(texts):
            raise ModelError(f"the request cannot be written as JSON: {fault}", code="bad_request")
        asked = {"taskType": task, "outputDimensionality": self._dimensions}
        config = {name: value for name, value in asked.items() if value is not None}
        vectors: list[list[float]] = []
        for begin in range(0, len(texts), self._batch):
            vectors += await self._ask(self._client, texts[begin : begin + self._batch], config)
        self._check(vectors)
        return vectors

    async def _ask(
        self, client: Client, texts: list[str], config: dict[str, Any]
    ) -> list[list[float]]:
        from google.genai import types

        from headrace_gemini._requests import checked

        # Contents, each of its own: several texts would become one content of newer models.
        contents = [types.Content(parts=[types.Part(text=text)]) for text in texts]
        answer = await client.embed(
            {
                "model": self._model,
                "contents": contents,
                "config": checked(types.EmbedContentConfig, config, "the settings"),
            }
        )
        found = [each.values or [] for each in answer.embeddings or ()]
        if len(found) != len(texts):
            raise ModelError(
                f"{client.host} gave {len(found)} vectors for {len(texts)} texts",
                code="bad_response",
            )
        return [list(map(float, vector)) for vector in found]

    def _check(self, vectors: Sequence[Sequence[float]]) -> None:
        lengths = {len(vector) for vector in vectors}
        if len(lengths) > 1:
            raise ModelError(
                f"{self._model} gave vectors of different lengths: {sorted(lengths)}",
                code="bad_response",
            )
        if self._dimensions is not None and lengths - {self._dimensions}:
            # Asked again, it would be so again.
            raise ModelError(
                f"{self._model} gave vectors of length {lengths.pop()}, not of {self._dimensions}: "
                "the model cannot shorten them so (dimensions)",
                code="bad_request",
            )
        for vector in vectors:
            if not any(vector) or not all(map(math.isfinite, vector)):
                raise ModelError(
                    f"{self._model} gave a vector that points nowhere: it is empty, all zeros, or "
                    "holds what is no number",
                    code="bad_response",
                )
