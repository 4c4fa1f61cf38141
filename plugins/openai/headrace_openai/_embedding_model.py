"""The embedding model: its settings, and the way from texts to vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from headrace.errors import ModelError, ResourceError
from headrace.interfaces import EmbeddingModel
from headrace.options import option_faults
from headrace_openai._connection import Connection
from headrace_openai._vectors import read_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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


class OpenAIEmbeddingModel(EmbeddingModel):
    """Embeds texts through OpenAI's embeddings, Azure's, or a server that speaks the same.

    Texts go in as many requests as the provider's limits ask for, one after the other.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variable that the worker finds them in. Retries and time-outs are the runtime's.

    Args:
        model: The model, as the provider calls it; on Azure, the deployment.
        base_url: The server; ``OPENAI_BASE_URL`` of the worker, or else OpenAI's own, where
            ``None``.
        api_key_env: The name of the environment variable that holds the API key; where it is left
            out ``OPENAI_API_KEY``, on Azure ``AZURE_OPENAI_API_KEY``; ``None`` for a server that
            asks for none.
        organization: OpenAI's organisation; ``OPENAI_ORG_ID`` of the worker where ``None``.
        project: OpenAI's project; ``OPENAI_PROJECT_ID`` of the worker where ``None``.
        dimensions: The length of the vectors, for models that can shorten theirs; the model's own
            where ``None``.
        encoding: How vectors travel: ``base64`` (a quarter of the size) or ``float``. Answers in
            either are read.
        batch_size: The most texts of one request, up to 2,048.
        batch_bytes: The most bytes of one request's texts, in UTF-8; a text that is longer goes
            alone.
        text_prefix: Put before each text that is to be found, for models that ask for it.
        query_prefix: Put before each question.
        options: Further options of the provider, by their names in its HTTP interface.
        azure_endpoint: The address of an Azure resource, in place of ``base_url``.
        api_version: Azure's version of the interface, such as ``2024-10-21``.
        azure_deployment: The name of the deployment on Azure, where it is not ``model``.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.
        http_client: The project's own function, as ``module:function``, that makes the HTTP client
            (an ``AsyncClient`` of what the vendor's client sends with); the usual one where
            ``None``.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_env: str | None = "OPENAI_API_KEY",
        organization: str | None = None,
        project: str | None = None,
        dimensions: int | None = None,
        encoding: Literal["base64", "float"] = "base64",
        batch_size: int = _MOST_TEXTS,
        batch_bytes: int = _MOST_BYTES,
        text_prefix: str = "",
        query_prefix: str = "",
        options: Mapping[str, Any] | None = None,
        azure_endpoint: str | None = None,
        api_version: str | None = None,
        azure_deployment: str | None = None,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
        http_client: str | None = None,
    ) -> None:
        self._dimensions = dimensions
        self._encoding = encoding
        self._batch_size = batch_size
        self._batch_bytes = batch_bytes
        self._text_prefix = text_prefix
        self._query_prefix = query_prefix
        self._options = dict(options or {})
        self._length: int | None = dimensions
        faults = [f"options: {text}" for text in option_faults(self._options, _TYPED)]
        if dimensions is not None and dimensions < 1:
            faults.append("dimensions must be at least 1")
        if encoding not in {"base64", "float"}:
            faults.append("encoding is neither base64 nor float")
        if not 1 <= batch_size <= _MOST_TEXTS:
            faults.append(f"batch_size must be from 1 to {_MOST_TEXTS}")
        if batch_bytes < 1:
            faults.append("batch_bytes must be at least 1")
        self._connection = Connection(
            "the openai embedding model",
            model=model,
            base_url=base_url,
            api_key_env=api_key_env,
            organization=organization,
            project=project,
            azure_endpoint=azure_endpoint,
            api_version=api_version,
            azure_deployment=azure_deployment,
            headers=headers,
            secret_headers=secret_headers,
            http_client=http_client,
        )
        faults = [*self._connection.faults(), *faults]
        if faults:
            raise ResourceError("the openai embedding model cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; the text
                names it.
        """
        self._connection.open()

    async def close(self) -> None:
        """Closes the client and its connections."""
        await self._connection.close()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order, all of one length.

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
        client = self._connection.client
        vectors: list[list[float]] = []
        for batch in self._batches(texts):
            parameters: dict[str, Any] = {
                "model": self._connection.asked_model,
                "input": batch,
                "encoding_format": self._encoding,
            }
            if self._dimensions is not None:
                parameters["dimensions"] = self._dimensions
            limit = _LIMIT_BASE + _LIMIT_TEXT * len(batch)
            body = await client.ask("embeddings", parameters, self._options, limit)
            found = read_vectors(body, len(batch), client)
            self._check_length(found)
            vectors += found
        return vectors

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        size = 0
        for text in texts:
            length = len(text.encode("utf-8", "replace"))
            full = len(batch) == self._batch_size or size + length > self._batch_bytes
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
                said = "dimensions asks for" if self._dimensions else "those before have"
                raise ModelError(
                    f"a vector has {len(vector)} numbers, and {said} {wanted}",
                    # A server that passes over `dimensions` will do so again.
                    code="bad_request" if self._dimensions else "bad_response",
                )
        self._length = wanted
