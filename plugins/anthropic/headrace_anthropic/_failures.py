"""From the vendor's errors to those of headrace.

Codes are read from the provider's own words where those say more than the HTTP status (Anthropic's
"Errors": the types of errors, and the texts of an ``invalid_request_error``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import httpx2

from headrace.errors import ModelError
from headrace.providers import retry_after

if TYPE_CHECKING:
    from headrace.providers import Secrets

__all__ = ["model_error", "told_error"]

_BY_STATUS = {
    401: "unauthorised",
    402: "unauthorised",
    403: "unauthorised",
    408: "timeout",
    409: "overloaded",
    413: "context_too_long",
    429: "rate_limited",
    504: "timeout",
}
_BY_TYPE = {
    "api_error": "overloaded",
    "authentication_error": "unauthorised",
    "billing_error": "unauthorised",
    "conflict_error": "overloaded",
    "not_found_error": "bad_request",
    "overloaded_error": "overloaded",
    "permission_error": "unauthorised",
    "rate_limit_error": "rate_limited",
    "request_too_large": "context_too_long",
    "timeout_error": "timeout",
}
_TOO_LONG = (
    "prompt is too long",
    "input is too long",
    "exceed context limit",
    "context window",
    "context length",
)
_FILTERED = ("content filtering policy",)
_SERVER_ERROR = 500


def model_error(error: Exception, host: str, secrets: Secrets) -> ModelError:
    """The error of headrace for one of the client's; no secret is in its text.

    Args:
        error: What the client raised.
        host: The server that was asked.
        secrets: What must not be in the text.
    """
    if isinstance(error, anthropic.APIStatusError):
        said = _said(error.body) or error.message
        asked = f" (request {error.request_id})" if error.request_id else ""
        return ModelError(
            f"{host} answered {error.status_code}: {secrets.hide(said)}{secrets.hide(asked, 100)}",
            code=_status_code(error.status_code, said),
            retry_after=retry_after(error.response.headers),
        )
    if isinstance(error, (anthropic.APITimeoutError, httpx2.TimeoutException)):
        return ModelError(f"{host} did not answer in time", code="timeout")
    if isinstance(error, (anthropic.APIConnectionError, httpx2.HTTPError)):
        cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) else error
        why = secrets.hide(f"{type(cause).__name__}: {cause}" if cause else str(error))
        return ModelError(f"the connection to {host} failed: {why}", code="connection")
    # The client could not write the request: a value that is not JSON, a text that is not UTF-8.
    why = secrets.hide(f"{type(error).__name__}: {error}")
    code = "unknown" if isinstance(error, anthropic.AnthropicError) else "bad_request"
    return ModelError(f"the request to {host} could not be sent: {why}", code=code)


def told_error(error: dict[str, Any], host: str, secrets: Secrets) -> ModelError:
    """The error of headrace for one that came as an event of a stream."""
    kind, said = str(error.get("type")), str(error.get("message"))
    code = _BY_TYPE.get(kind, "unknown")
    if kind == "invalid_request_error":
        code = _words_code(said)
    return ModelError(f"{host} broke off with {secrets.hide(f'{kind}: {said}')}", code=code)


def _said(body: object) -> str:
    """The provider's own words in the body of an error, where it has its form."""
    error = body.get("error") if isinstance(body, dict) else None
    said = error.get("message") if isinstance(error, dict) else None
    return said if isinstance(said, str) else ""


def _status_code(status: int, said: str) -> str:
    if status < _SERVER_ERROR and status not in _BY_STATUS:
        return _words_code(said)
    return _BY_STATUS.get(status, "overloaded")


def _words_code(said: str) -> str:
    words = said.lower()
    if any(mark in words for mark in _TOO_LONG):
        return "context_too_long"
    if any(mark in words for mark in _FILTERED):
        return "content_filtered"
    return "bad_request"
