"""What servers on this machine share: headers of their answers, and which requests they take."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["HEADERS", "RefusedError", "check_token", "json_body"]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""What a browser is told of every answer."""


class RefusedError(Exception):
    """A request that is not taken."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


def check_token(request: Request, token: str | None) -> None:
    """Refuses a request that does not bring the token.

    Raises:
        RefusedError: It does not.
    """
    if token is None:
        return
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise RefusedError(401, "the token is missing or wrong", **{"WWW-Authenticate": "Bearer"})


async def json_body(request: Request, most_bytes: int) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        RefusedError: It brings none, or too long a one.
    """
    # Other sites' pages may send forms and texts here without asking, but no JSON.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedError(415, "the request must be application/json")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            raise RefusedError(413, f"the request is longer than {most_bytes} bytes")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the request is no JSON") from None
    if not isinstance(data, dict):
        raise RefusedError(400, "the request is no JSON object")
    return data
