"""From what goes wrong to the errors of headrace.

Codes are read from Ollama's words where they tell more than the HTTP status: the words were taken
from its server's source (``server/routes.go``, ``llm/server.go``), older forms too.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import httpx
import ollama
from pydantic import ValidationError

from headrace.errors import ModelError
from headrace.providers import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.providers import Secrets

__all__ = ["client_error", "status_error"]

_BY_STATUS = {
    401: "unauthorised",
    403: "unauthorised",
    408: "timeout",
    429: "rate_limited",
    499: "overloaded",
    504: "timeout",
}
_TOO_LONG = ("context length", "context window", "context size", "prompt too long")
_NEVER = ("requires more system memory", "required for image input", "does not support")
"""Said with a server's error, of what another try does not mend."""
_NOT_THERE = re.compile(r"model .*not found")
_NOT_FOUND = 404
_FAULTS_OF_CALLER = range(400, 500)
_REDIRECTS = range(300, 400)


def status_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    where: str,
    model: str,
    secrets: Secrets,
) -> ModelError:
    """The error for an answer that is none.

    Args:
        status: The HTTP status.
        headers: The headers of the answer.
        body: What the server said.
        where: The server.
        model: The model that was asked.
        secrets: What must not be in the text.
    """
    said = _said(body)
    text = f"{where} answered {status}: {secrets.hide(said)}"
    if status == _NOT_FOUND and _NOT_THERE.search(said):
        text += f". Pull it there: ollama pull {model}"
    elif status in _REDIRECTS:
        text = f"{where} answered {status}: it points elsewhere, and is not followed; set host"
    return ModelError(text, code=_code(status, said.lower()), retry_after=retry_after(headers))


def client_error(error: Exception, where: str, secrets: Secrets) -> ModelError:
    """The error for one of the vendor's client or of its HTTP client.

    Args:
        error: What was raised.
        where: The server that was asked.
        secrets: What must not be in the text.
    """
    if isinstance(error, ollama.ResponseError):  # a line of a stream: there is no status any more
        said = str(error.error)
        return ModelError(
            f"{where} failed while it answered: {secrets.hide(said)}",
            code=_words(said.lower()) or "overloaded",
        )
    if isinstance(error, httpx.TimeoutException):
        return ModelError(f"{where} did not answer in time", code="timeout")
    if isinstance(error, (httpx.HTTPError, ConnectionError)):
        why = secrets.hide(f"{type(error).__name__}: {error}")
        return ModelError(f"the connection to {where} failed: {why}", code="connection")
    if isinstance(error, ValidationError):
        # Pydantic's own text goes no further: it quotes the body.
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)[:5]
        )
        if not error.title.endswith("Response"):
            return ModelError(
                f"the request to {where} could not be made: {secrets.hide(faults)}",
                code="bad_request",
            )
        return ModelError(
            f"the answer of {where} is none: {secrets.hide(faults)}", code="bad_response"
        )
    why = secrets.hide(f"{type(error).__name__}: {error}")
    return ModelError(f"the answer of {where} is none: {why}", code="bad_response")


def _said(body: bytes) -> str:
    """The server's words: of Ollama's form, of others', or all of the body."""
    text = body.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    found = data.get("error") if isinstance(data, dict) else None
    if isinstance(found, dict):
        found = found.get("message")
    return found if isinstance(found, str) else text


def _code(status: int, said: str) -> str:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if found := _words(said):
        return found
    return "bad_request" if status in _REDIRECTS or status in _FAULTS_OF_CALLER else "overloaded"


def _words(said: str) -> str | None:
    if any(mark in said for mark in _TOO_LONG):
        return "context_too_long"
    if any(mark in said for mark in _NEVER):
        return "bad_request"
    return None
