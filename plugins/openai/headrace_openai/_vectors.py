"""From the body of an embeddings answer to vectors."""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from typing import TYPE_CHECKING, Annotated

from pydantic import AllowInfNan, BaseModel

from headrace.errors import ModelError
from headrace_openai._bodies import read_body

if TYPE_CHECKING:
    from headrace_openai._client import Client

__all__ = ["read_vectors"]


class _Embedding(BaseModel):
    embedding: str | list[Annotated[float, AllowInfNan(False)]]
    index: int | None = None


class _Embeddings(BaseModel):
    data: list[_Embedding]


def read_vectors(body: bytes, count: int, client: Client) -> list[list[float]]:
    """The vectors of an answer, in the order of the texts.

    Args:
        body: What the server sent.
        count: How many texts were asked for.
        client: What had asked.

    Raises:
        ModelError: ``bad_response``: they are not as many, not in an order, or no finite numbers.
    """
    found = read_body(_Embeddings, body, "a list of embeddings", client).data
    if len(found) != count:
        raise _bad(f"there are {len(found)} vectors for {count} texts")
    indexes = [one.index for one in found]
    # A server that numbers none gives them in order.
    if any(index is not None for index in indexes):
        if set(indexes) != set(range(count)):
            raise _bad(f"its indexes are not those of {count} texts")
        found.sort(key=lambda one: one.index or 0)
    return [_vector(one.embedding) for one in found]


def _vector(embedding: str | list[float]) -> list[float]:
    vector = _decoded(embedding) if isinstance(embedding, str) else embedding
    if not vector:
        raise _bad("a vector is empty")
    if not all(map(math.isfinite, vector)):
        raise _bad("a vector holds a number that is not finite")
    return vector


def _decoded(text: str) -> list[float]:
    """Numbers of 32 bits, the lowest byte first, in base64."""
    numbers = array("f")
    fault = ""
    try:
        numbers.frombytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        fault = str(error)
    if fault:
        raise _bad(f"a vector is no base64 of numbers: {fault}")
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def _bad(why: str) -> ModelError:
    return ModelError(f"the answer is not a list of embeddings: {why}", code="bad_response")
