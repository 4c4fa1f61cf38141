"""Access to a server by tokens that end, and are had anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx2

__all__ = ["Access", "AccessError"]


class AccessError(Exception):
    """No token is to be had.

    Args:
        why: What happened.
        lasting: Whether it will be the same until somebody does something.
    """

    def __init__(self, why: str, *, lasting: bool) -> None:
        super().__init__(why)
        self.lasting = lasting


class Access(Protocol):
    """Gives tokens for the requests to a server."""

    async def token(self) -> str | None:
        """The token that there is; ``None``: the server has to say first what it wants.

        Raises:
            AccessError: There is none to be had.
        """

    async def renew(self, answer: httpx2.Response, refused: str | None) -> None:
        """Has another token made, unless somebody has done so meanwhile.

        Args:
            answer: The server's refusal.
            refused: The token that it refused.

        Raises:
            AccessError: There is none to be had.
        """

    def secrets(self) -> Iterable[str]:
        """What no text may show, as it is now."""
