"""What happens to a run that fails: tried again, then failed, skipped, or put aside."""

from __future__ import annotations

import random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from headrace.errors import ModelError, NonRetryableError, SubAgentError

__all__ = ["DEAD_LETTER", "FAIL", "SKIP", "FailurePolicy", "retry"]


_LONGEST_TOLD = 3600.0


class FailurePolicy(BaseModel):
    """How often to try, how long to wait between, and what to do when that did not help."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(default=1, ge=1)
    """How often it is tried in all."""
    backoff: float = Field(default=0.1, ge=0)
    """Seconds before the second attempt; doubled before each further one."""
    max_backoff: float = Field(default=60.0, ge=0)
    """The longest wait, in seconds."""
    jitter: float = Field(default=0.1, ge=0, le=1)
    """The part of a wait that is left to chance, so that failures do not come back in step."""
    then: Literal["fail", "skip", "dead_letter"] = "fail"
    """What follows the last attempt: fail the job, drop the run, or send it to the dead letters."""

    def retryable(self, error: BaseException, attempt: int) -> bool:
        """Whether to try again after ``attempt`` attempts; the error's type has a say."""
        if attempt >= self.attempts or isinstance(error, NonRetryableError):
            return False
        if isinstance(error, (ModelError, SubAgentError)):
            return error.retryable
        return isinstance(error, Exception)

    def wait(self, error: BaseException, attempt: int) -> float:
        """Seconds to wait after the attempt of this number (from 1) failed.

        Exponential back-off with proportional jitter; a provider's own ``retry_after`` is a floor,
        believed up to an hour.
        """
        seconds = min(self.max_backoff, self.backoff * 2.0 ** min(attempt - 1, 60))
        seconds *= 1 - self.jitter * random.random()  # noqa: S311 - no secret
        told = getattr(error, "retry_after", None) or 0.0
        return max(seconds, min(told, _LONGEST_TOLD) if told > 0 else 0.0)


FAIL = FailurePolicy()
"""A failure fails the job (the default)."""
SKIP = FailurePolicy(then="skip")
"""A failed run is dropped, with a record in the log."""
DEAD_LETTER = FailurePolicy(then="dead_letter")
"""A failed run goes to the dead letters: its input, the error and the trace."""


def retry(
    attempts: int = 3,
    backoff: float = 0.1,
    *,
    jitter: float = 0.1,
    max_backoff: float = 60.0,
    then: Literal["fail", "skip", "dead_letter"] = "fail",
) -> FailurePolicy:
    """A policy that tries up to ``attempts`` times; times are in seconds."""
    values: dict[str, Any] = {"attempts": attempts, "backoff": backoff, "jitter": jitter}
    return FailurePolicy(**values, max_backoff=max_backoff, then=then)
