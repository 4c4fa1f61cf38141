"""From the errors of the vendor's client to those of headrace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import openai

from headrace.errors import ModelError
from headrace.providers import retry_after
from headrace_openai._codes import error_code, filters_said

if TYPE_CHECKING:
    from headrace.providers import Secrets

__all__ = ["model_error"]


def model_error(error: Exception, host: str, secrets: Secrets) -> ModelError:
    """The error of headrace for one of the client's; no secret is in its text.

    Args:
        error: What the client raised.
        host: The server that was asked.
        secrets: What must not be in the text.
    """
    if isinstance(error, openai.APIStatusError):
        body = error.body if isinstance(error.body, Mapping) else {}
        # The client's own text may be the whole body, by its version.
        message = str(body.get("message") or error.message)
        code = error_code(error.status_code, body, message)
        said = secrets.hide(message + filters_said(body))
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
