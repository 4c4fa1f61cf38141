"""What ends a replay of a run."""

from __future__ import annotations

from headrace.errors import NonRetryableError

__all__ = ["End", "NotRecordedError"]


class NotRecordedError(NonRetryableError):
    """A replay came to a call whose outcome was not recorded, and that it may not make.

    Attributes:
        call: What was to be called.
        action: The action that was to call it.
        difference: How it differs from the nearest recorded one, as a unified diff; may be empty.
    """

    def __init__(
        self, message: str, *, call: str = "", action: str = "", difference: str = ""
    ) -> None:
        super().__init__(message)
        self.call = call
        self.action = action
        self.difference = difference


class End(BaseException):
    """Ends a run from within a call; no ``except Exception`` of an agent holds it up."""
