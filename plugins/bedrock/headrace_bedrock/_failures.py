"""From what goes wrong to the errors of headrace.

Codes are read from the names of the service's errors (its reference of Converse, ConverseStream and
InvokeModel, and AWS's common errors) and, where those say too little, from its words.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import aiohttp
from botocore import exceptions as vendor
from botocore.eventstream import ParserError

from headrace.errors import ModelError
from headrace.providers import retry_after

if TYPE_CHECKING:
    from headrace.providers import Secrets

__all__ = ["VENDORS", "hidden", "model_error"]

VENDORS = (
    vendor.BotoCoreError,
    vendor.ClientError,
    ParserError,
    aiohttp.ClientError,
    asyncio.TimeoutError,  # before Python 3.11 it is no OSError
    OSError,
    # What its reading of an answer ends with, where that has another form.
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    RecursionError,
)
"""What calls of the client end with."""

_BY_NAME = {
    "accessdeniedexception": "unauthorised",
    "expiredtokenexception": "unauthorised",
    "incompletesignature": "unauthorised",
    "internalserverexception": "overloaded",
    "invalidsignatureexception": "unauthorised",
    "missingauthenticationtoken": "unauthorised",
    "modelerrorexception": "overloaded",
    "modelnotreadyexception": "overloaded",
    "modelstreamerrorexception": "overloaded",
    "modeltimeoutexception": "timeout",
    "servicequotaexceededexception": "rate_limited",
    "serviceunavailableexception": "overloaded",
    "throttlingexception": "rate_limited",
    "toomanyrequestsexception": "rate_limited",
    "unrecognizedclientexception": "unauthorised",
}
_BY_STATUS = {
    401: "unauthorised",
    402: "unauthorised",
    403: "unauthorised",
    408: "timeout",
    413: "context_too_long",
    424: "overloaded",
    429: "rate_limited",
    504: "timeout",
}
_TOO_LONG = (
    "input is too long",
    "prompt is too long",
    "too many input tokens",
    "input tokens exceed",
    "maximum context length",
    "context window",
    "maximum number of tokens",
)
_SERVER_ERROR = 500
_REDIRECTS = range(300, 400)
_NEVER_SENT = (vendor.ParamValidationError, vendor.InvalidRegionError, vendor.UnknownEndpointError)
_NO_ONE_ASKS = (
    vendor.NoCredentialsError,
    vendor.PartialCredentialsError,
    vendor.CredentialRetrievalError,
    vendor.NoAuthTokenError,
    vendor.TokenRetrievalError,
    vendor.UnauthorizedSSOTokenError,
    vendor.SSOTokenLoadError,
)
_CONNECTIONS = (
    vendor.HTTPClientError,
    vendor.ConnectionError,
    aiohttp.ClientError,
    OSError,
)
_TIME_OUTS = (
    vendor.ReadTimeoutError,
    vendor.ConnectTimeoutError,
    aiohttp.ServerTimeoutError,
    asyncio.TimeoutError,
)
_TOKEN = re.compile(r"(?i)(x-amz-security-token\s*[:=]\s*)\S+")
"""What a failed signature is answered with quotes the request's headers, this one among them."""


def hidden(text: str, secrets: Secrets) -> str:
    """A text without secrets; those of credentials that the client renewed by itself, too."""
    return secrets.hide(_TOKEN.sub(r"\1***", text))


def model_error(error: Exception, host: str, secrets: Secrets) -> ModelError:
    """The error of headrace for one of the client's; no secret is in its text.

    Args:
        error: What the client raised.
        host: The server that was asked.
        secrets: What must not be in the text.
    """
    if isinstance(error, vendor.ClientError):
        return _told(error.response, host, secrets)
    inner = getattr(error, "kwargs", {}).get("error")
    if isinstance(inner, ModelError):  # of our own session, wrapped by the client
        return ModelError(str(inner), code=inner.code)
    if isinstance(error, _TIME_OUTS):
        return ModelError(f"{host} did not answer in time", code="timeout")
    why = hidden(f"{type(error).__name__}: {error}", secrets)
    if isinstance(error, _NO_ONE_ASKS):
        return ModelError(f"{host} cannot be asked: {why}", code="unauthorised")
    if isinstance(error, _NEVER_SENT):
        return ModelError(f"the request to {host} is none: {why}", code="bad_request")
    if isinstance(error, _CONNECTIONS):
        return ModelError(f"the connection to {host} failed: {why}", code="connection")
    return ModelError(f"the answer of {host} is none: {why}", code="bad_response")


def _told(response: Any, host: str, secrets: Secrets) -> ModelError:
    """The error for one that the service told, before its answer or inside of it."""
    told = response.get("Error") or {}
    metadata = response.get("ResponseMetadata") or {}
    status = metadata.get("HTTPStatusCode", 0)
    name, words = str(told.get("Code") or ""), str(told.get("Message") or "")
    said = ": ".join(each for each in (name, words) if each)
    text = f"{host} answered {hidden(said, secrets) or 'an error that its client does not know'}"
    if status in _REDIRECTS:
        text = f"{host} answered {status}: it points elsewhere, and is not followed; set base_url"
    return ModelError(
        text,
        code=_code(name.lower(), status, words.lower()),
        retry_after=retry_after(metadata.get("HTTPHeaders") or {}),
    )


def _code(name: str, status: int, words: str) -> str:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if any(said in words for said in _TOO_LONG):
        return "context_too_long"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if not (name or status):  # inside of a stream: all that the client does not know
        return "unknown"
    return "overloaded" if status >= _SERVER_ERROR else "bad_request"
