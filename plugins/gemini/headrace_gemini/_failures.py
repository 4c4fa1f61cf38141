"""From what goes wrong to the errors of headrace.

Codes are read from the provider's own words where those say more than the HTTP status (Google's
guide "Troubleshooting": the codes of errors, and what an ``INVALID_ARGUMENT`` says).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
from google.genai import errors

from headrace.errors import ModelError
from headrace.providers import retry_after

if TYPE_CHECKING:
    from headrace.providers import Secrets

__all__ = ["model_error"]

_BY_STATUS = {
    401: "unauthorised",
    402: "unauthorised",
    403: "unauthorised",
    408: "timeout",
    409: "overloaded",
    413: "context_too_long",
    429: "rate_limited",
    499: "overloaded",
    504: "timeout",
}
_WORDS = {
    "api key not valid": "unauthorised",
    "api key expired": "unauthorised",
    "api_key_invalid": "unauthorised",
    "input token count": "context_too_long",
    "exceeds the maximum number of tokens": "context_too_long",
    "request payload size exceeds": "context_too_long",
    "context length": "context_too_long",
    "context window": "context_too_long",
}
_SERVER_ERROR = 500
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_REDIRECTS = range(300, 400)


def model_error(error: Exception, host: str, secrets: Secrets, *, sent: bool) -> ModelError:
    """The error of headrace for one of the client's; no secret is in its text.

    Args:
        error: What the client raised.
        host: The server that was asked.
        secrets: What must not be in the text.
        sent: Whether the request had left.
    """
    if isinstance(error, errors.APIError):
        return _told(error, host, secrets)
    if isinstance(error, httpx.TimeoutException):
        return ModelError(f"{host} did not answer in time", code="timeout")
    why = secrets.hide(f"{type(error).__name__}: {error}")
    if isinstance(error, (httpx.HTTPError, httpx.StreamError)):
        return ModelError(f"the connection to {host} failed: {why}", code="connection")
    if not sent:
        text = f"the request to {host} could not be written: {why}"
        return ModelError(text, code="bad_request")
    return ModelError(f"the answer of {host} is none: {why}", code="bad_response")


def _told(error: errors.APIError, host: str, secrets: Secrets) -> ModelError:
    """The error for one that the server told, before its answer or inside of it."""
    status = error.code if isinstance(error.code, int) else 0
    said = " ".join(str(word) for word in (error.status, error.message) if word)
    text = f"{host} answered {status}: {secrets.hide(said)}"
    if status in _REDIRECTS:
        text = f"{host} answered {status}: it points elsewhere, and is not followed; set base_url"
    headers = getattr(error.response, "headers", None) or {}
    wait = retry_after(headers)
    return ModelError(
        text,
        code=_code(status, f"{said} {error.details}".lower()),
        retry_after=_delay(error.details) if wait is None else wait,
    )


def _code(status: int, said: str) -> str:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= _SERVER_ERROR or not status:
        return "overloaded" if status else "unknown"
    found = (code for words, code in _WORDS.items() if words in said)
    return next(found, "bad_request")


def _delay(details: Any) -> float | None:
    """Seconds to wait, as the body of an error may say (``google.rpc.RetryInfo``)."""
    error = details.get("error") if isinstance(details, dict) else None
    infos = error.get("details") if isinstance(error, dict) else None
    for info in infos if isinstance(infos, list) else ():
        delay = info.get("retryDelay") if isinstance(info, dict) else None
        if isinstance(delay, str) and (match := _DELAY.fullmatch(delay)):
            return float(match[1])
    return None
