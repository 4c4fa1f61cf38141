"""What a provider says of an error, as a code of ``ModelError``.

Codes are read from the provider's own words where it has some, and from the HTTP status otherwise
(OpenAI's guide to error codes and its type of a failed response; Azure's and vLLM's words for the
same are taken too).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError

if TYPE_CHECKING:
    from headrace.providers import Secrets

__all__ = ["error_code", "filters_said", "told_error"]

_BY_STATUS = {
    401: "unauthorised",
    403: "unauthorised",
    408: "timeout",
    409: "overloaded",
    429: "rate_limited",
    504: "timeout",
}
_FILTERED = frozenset(
    {
        "bio_policy",
        "content_filter",
        "content_policy_violation",
        "image_content_policy_violation",
        "invalid_prompt",
        "misalignment_policy_violation",
        "responsibleaipolicyviolation",
    }
)
_TOO_LONG = ("context_length_exceeded", "context length", "exceed_context_size", "context window")
_BY_WORD = {
    "rate_limit_exceeded": "rate_limited",
    "rate_limit_error": "rate_limited",
    "insufficient_quota": "rate_limited",
    "server_error": "overloaded",
    "internal_server_error": "overloaded",
    "service_unavailable": "overloaded",
    "vector_store_timeout": "timeout",
    "invalid_api_key": "unauthorised",
    "authentication_error": "unauthorised",
    "invalid_request_error": "bad_request",
    "data_residency_mismatch": "bad_request",
    "empty_image_file": "bad_request",
    "failed_to_download_image": "bad_request",
    "image_file_not_found": "bad_request",
    "image_file_too_large": "bad_request",
    "image_parse_error": "bad_request",
    "image_too_large": "bad_request",
    "image_too_small": "bad_request",
    "invalid_base64_image": "bad_request",
    "invalid_image": "bad_request",
    "invalid_image_format": "bad_request",
    "invalid_image_mode": "bad_request",
    "invalid_image_url": "bad_request",
    "unsupported_image_media_type": "bad_request",
}
_ERROR = 400
_SERVER_ERROR = 500


def told_error(told: Any, host: str, secrets: Secrets) -> ModelError:
    """The error for one that the server told inside an answer that had begun well.

    Args:
        told: What it told: an object with ``message``, ``code``, ``type``, or anything.
        host: The server that was asked.
        secrets: What must not be in the text.
    """
    body = told if isinstance(told, Mapping) else {}
    message = str(body.get("message") or told)
    status = body.get("code")
    known = isinstance(status, int) and status >= _ERROR
    code = error_code(status if known else None, body, message)
    said = secrets.hide(message + filters_said(body))
    return ModelError(f"{host} told of an error in its answer: {said}", code=code)


def error_code(status: int | None, body: Mapping[str, Any], message: str) -> str:
    """The code of ``ModelError`` for an error.

    Args:
        status: The HTTP status, or what stands for one; ``None`` where there is none.
        body: The error's object: ``code``, ``type``, Azure's ``innererror``.
        message: Its text.
    """
    if status is not None:
        if status in _BY_STATUS:
            return _BY_STATUS[status]
        if status >= _SERVER_ERROR:
            return "overloaded"
    inner = body.get("innererror")
    said = [body.get("code"), body.get("type")]
    if isinstance(inner, Mapping):
        said.append(inner.get("code"))
    words = [word.lower() for word in said if isinstance(word, str)]
    if any(mark in word for mark in _TOO_LONG for word in (*words, message.lower())):
        return "context_too_long"
    if _FILTERED.intersection(words):
        return "content_filtered"
    if status is not None:
        return "bad_request"
    return next((_BY_WORD[word] for word in words if word in _BY_WORD), "bad_response")


def filters_said(body: Mapping[str, Any]) -> str:
    """What Azure's content filter found, in words to put after a message."""
    inner = body.get("innererror")
    results = inner.get("content_filter_result") if isinstance(inner, Mapping) else None
    if not isinstance(results, Mapping):
        return ""
    found = [
        f"{name} ({result['severity']})" if "severity" in result else str(name)
        for name, result in results.items()
        if isinstance(result, Mapping) and result.get("filtered")
    ]
    return f" [filtered: {', '.join(found)}]" if found else ""
