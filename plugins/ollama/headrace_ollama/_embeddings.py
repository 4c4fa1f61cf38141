"""The embedding model: texts to vectors, in batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError, ResourceError
from headrace.interfaces import EmbeddingModel
from headrace_ollama._json import json_fault
from headrace_ollama._options import beside_options, option_faults
from headrace_ollama._server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace_ollama._client import Client

__all__ = ["OllamaEmbeddingModel"]

_WHAT = "the ollama embedding model"


class OllamaEmbeddingModel(EmbeddingModel):
    """Vectors of an Ollama server.

    Arguments are part of the plan, so none of them holds a secret. Retries and time-outs are the
    runtime's; the client has none.

    Args:
        model: The model, as ``ollama list`` shows it.
        host: The server, as in ``OLLAMA_HOST``: an address, or ``host:port``. ``OLLAMA_HOST`` of
            the worker, or else ``127.0.0.1:11434``, where ``None``.
        dimensions: The length of the vectors, for models that can give shorter ones; the model's
            own where ``None``.
        truncate: Whether a text that is too long is cut instead of refused.
        query_prefix: What is put before a question, for models that are trained so.
        text_prefix: What is put before a text that is to be found.
        batch: How many texts go into one request.
        keep_alive: How long the model stays loaded after a request: seconds, or ``"10m"``; the
            server's own choice where ``None``.
        options: Further options by Ollama's names, such as ``num_ctx``.
        api_key_env: The name of the environment variable that holds a key, sent as
            ``Authorization: Bearer``; ``None`` for a server that asks for none.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        model: str,
        *,
        host: str | None = None,
        dimensions: int | None = None,
        truncate: bool = False,
        query_prefix: str = "",
        text_prefix: str = "",
        batch: int = 64,
        keep_alive: float | str | None = None,
        options: Mapping[str, Any] | None = None,
        api_key_env: str | None = None,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
    ) -> None:
        self._model = model
        self._server = Server(host, api_key_env, headers, secret_headers)
        self._dimensions = dimensions
        self._truncate = truncate
        self._query_prefix = query_prefix
        self._text_prefix = text_prefix
        self._batch = batch
        given = {} if keep_alive is None else {"keep_alive": keep_alive}
        self._settings = {**(options or {}), **given}
        self._client: Client | None = None
        faults = [] if model.strip() else ["model is empty"]
        if dimensions is not None and dimensions < 1:
            faults.append("dimensions must be 1 or more")
        if batch < 1:
            faults.append("batch must be 1 or more")
        faults += [f"options: {text}" for text in option_faults(self._settings)]
        if "think" in self._settings:
            faults.append("options: think is for chat models")
        if given and "keep_alive" in (options or {}):
            faults.append("keep_alive is given twice: as itself and in options")
        faults += self._server.faults()
        if faults:
            raise ResourceError(f"{_WHAT} cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; the text
                names it.
        """
        self._client = self._server.connect(self._model, _WHAT)

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
        return await self._embed([self._text_prefix + text for text in texts])

    async def embed_query(self, text: str) -> list[float]:
        """The vector of a question.

        Raises:
            ModelError: As ``embed``.
            ResourceError: The model is not open.
        """
        [vector] = await self._embed([self._query_prefix + text])
        return vector

    async def _embed(self, texts: list[str]) -> list[list[float]]:
        if self._client is None:
            raise ResourceError(f"{_WHAT} is not open: await model.open() first")
        if fault := json_fault([texts, self._settings]):
            raise ModelError(f"the request cannot be written as JSON: {fault}", code="bad_request")
        options, beside = beside_options(self._settings)
        vectors: list[list[float]] = []
        for begin in range(0, len(texts), self._batch):
            batch = texts[begin : begin + self._batch]
            answer = await self._client.embed(
                {
                    "model": self._model,
                    "input": batch,
                    "truncate": self._truncate,
                    "dimensions": self._dimensions,
                    "options": options,
                    **beside,
                }
            )
            if len(answer.embeddings) != len(batch):
                raise ModelError(
                    f"ollama gave {len(answer.embeddings)} vectors for {len(batch)} texts",
                    code="bad_response",
                )
            vectors += [list(vector) for vector in answer.embeddings]
        self._check(vectors)
        return vectors

    def _check(self, vectors: Sequence[Sequence[float]]) -> None:
        lengths = {len(vector) for vector in vectors}
        if len(lengths) > 1:
            raise ModelError(
                f"ollama gave vectors of different lengths: {sorted(lengths)}", code="bad_response"
            )
        if self._dimensions is not None and lengths - {self._dimensions}:
            # Asked again, it would be so again.
            raise ModelError(
                f"{self._model} gave vectors of length {lengths.pop()}, not of {self._dimensions}: "
                "the model or this version of ollama cannot shorten them so (dimensions)",
                code="bad_request",
            )
        for vector in vectors:
            if not any(vector) or not all(map(math.isfinite, vector)):
                raise ModelError(
                    "ollama gave a vector that points nowhere: it is empty, all zeros, or holds "
                    "what is no number",
                    code="bad_response",
                )
