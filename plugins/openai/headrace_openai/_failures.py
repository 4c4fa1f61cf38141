"""From the vendor's errors to those of headrace.

Codes are read from the provider's own words where it has some, and from the HTTP status otherwise
(OpenAI's guide to error codes; Azure's and vLLM's words for the same are taken too).
"""

from __future__ import annotations

import math
import time
from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING

import openai

from headrace.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_openai._secrets import Secrets

__all__ = ["model_error", "retry_after"]

_BY_STATUS = {
    401: "unauthorised",
    403: "unauthorised",
    408: "timeout",
    409: "overloaded",
    429: "rate_limited",
    504: "timeout",
}
_FILTERED = frozenset(
    {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}
)
_TOO_LONG = ("context_length_exceeded", "context length", "exceed_context_size", "context window")
_SERVER_ERROR = 500


def model_error(error: Exception, host: str, secrets: Secrets) -> ModelError:
    """The error of headrace for one of the client's; no secret is in its text.

    Args:
        error: What the client raised.
        host: The server that was asked.
        secrets: What must not be in the text.
    """
    if isinstance(error, openai.APIStatusError):
        code = _status_code(error)
        said = secrets.hide(error.message)
        return ModelError(
            f"{host} answered {error.status_code}: {said}",
            code=code,
            retry_after=retry_after(error.response.headers),
        )
    if isinstance(error, openai.APITimeoutError):
        return ModelError(f"{host} did not answer in time", code="timeout")
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__
        why = secrets.hide(f"{type(cause).__name__}: {cause}" if cause else error.message)
        return ModelError(f"the connection to {host} failed: {why}", code="connection")
    # The client could not write the request: a value that is not JSON, a text that is not UTF-8.
    why = secrets.hide(f"{type(error).__name__}: {error}")
    code = "unknown" if isinstance(error, openai.OpenAIError) else "bad_request"
    return ModelError(f"the request to {host} could not be sent: {why}", code=code)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, as the server asks: in milliseconds, in seconds, or until a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name))
        if seconds is not None:
            return seconds * unit
    date = parsedate_tz(headers.get("retry-after", ""))
    if date is None:
        return None
    try:
        return max(0.0, mktime_tz(date) - time.time())
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _status_code(error: openai.APIStatusError) -> str:
    status = error.status_code
    if status < _SERVER_ERROR and status not in _BY_STATUS:
        words = " ".join(str(word) for word in (error.code, error.type) if word).lower()
        if any(mark in words or mark in error.message.lower() for mark in _TOO_LONG):
            return "context_too_long"
        if _FILTERED & set(words.split()):
            return "content_filtered"
        return "bad_request"
    return _BY_STATUS.get(status, "overloaded")
