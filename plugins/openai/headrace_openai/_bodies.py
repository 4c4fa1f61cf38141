"""Bodies of answers, read and checked.

They are read here and not by the vendor's client, which builds its objects without checking them:
a broken answer would be found much later, or never. What is checked is only what is used, as
compatible servers leave out much of the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pydantic_core
from pydantic import BaseModel, ValidationError

from headrace.errors import ModelError
from headrace_openai._codes import told_error

if TYPE_CHECKING:
    from headrace_openai._client import Client

__all__ = [
    "parse_arguments",
    "read_arguments",
    "read_body",
    "refused_body",
    "validation_faults",
]

Model = TypeVar("Model", bound=BaseModel)


def read_body(kind: type[Model], body: bytes, what: str, client: Client) -> Model:
    """A body as what it should be.

    Args:
        kind: What it should be.
        body: What the server sent.
        what: The same in words, for the error: ``a chat completion``.
        client: What had asked.

    Raises:
        ModelError: It is something else: ``bad_response``, or as the error says that it holds.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        faults = validation_faults(error)
    raise refused_body(body, what, faults, client)


def validation_faults(error: ValidationError) -> str:
    """What is wrong, in words.

    Pydantic's error itself goes no further, not even as a context: it quotes the body.
    """
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)[:5]
    )


def refused_body(body: bytes, what: str, faults: str, client: Client) -> ModelError:
    """The error for a body that is not what it should be.

    ``bad_response``, or as the error says that the body holds.
    """
    if told := _told(body):
        return told_error(told, client.host, client.secrets)
    begin = client.secrets.hide(body.decode("utf-8", "replace"), 200)
    return ModelError(
        f"the answer is not {what}: {client.secrets.hide(faults)}. It begins: {begin!r}",
        code="bad_response",
    )


def read_arguments(name: str, arguments: str, client: Client, *, cut: bool) -> dict[str, Any]:
    """The arguments of a call; a tool without parameters may come with an empty text.

    Args:
        name: The tool's.
        arguments: The text that should be JSON.
        client: What had asked.
        cut: Whether the answer was cut at its length limit, for the error.

    Raises:
        ModelError: ``bad_response``: they are no JSON object.
    """
    values = parse_arguments(arguments)
    if isinstance(values, dict):
        return values
    hint = " (the answer was cut at its length limit)" if cut else ""
    begin = client.secrets.hide(arguments, 200)
    raise ModelError(
        f"the arguments of the tool call {name} are {values}{hint}. They begin: {begin!r}",
        code="bad_response",
    )


def parse_arguments(arguments: str) -> dict[str, Any] | str:
    """The arguments of a call, or in words what they are instead."""
    if not arguments.strip():
        return {}
    try:
        values = pydantic_core.from_json(arguments, allow_inf_nan=False)
    except ValueError as error:
        return f"not JSON: {error}"
    return values if isinstance(values, dict) else f"a {type(values).__name__}, not an object"


def _told(body: bytes) -> Any:
    """The error that a body tells of, if it does."""
    try:
        said = pydantic_core.from_json(body)
    except ValueError:
        return None
    return said.get("error") if isinstance(said, dict) else None
