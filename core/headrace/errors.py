"""The errors of headrace: one tree, whose *types* say what may be done about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ActionError",
    "ApprovalTimeoutError",
    "BudgetExceededError",
    "CallTimeoutError",
    "ConditionError",
    "Fault",
    "HeadraceError",
    "JobFailedError",
    "MemoryConflictError",
    "MemoryReferenceError",
    "MemoryValueError",
    "ModelError",
    "NonDeterminismError",
    "NonRetryableError",
    "PlanError",
    "PlanVersionError",
    "PluginError",
    "PromptError",
    "ReplayedError",
    "ResourceError",
    "StateError",
    "SubAgentError",
    "ToolArgumentsError",
    "ToolError",
    "ToolFailedError",
    "WorkerMismatchError",
]


class HeadraceError(Exception):
    """The base of every error that headrace raises."""


class NonRetryableError(HeadraceError):
    """A failure that trying again cannot mend: policies do not retry it.

    Raise it (or a subclass) in an action, a tool or a model to say so.
    """


class Fault:
    """One thing that is wrong with a definition: where it stands, what it is, what to do."""

    __slots__ = ("hint", "message", "where")

    def __init__(self, where: str, message: str, hint: str = "") -> None:
        self.where = where
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}"
        return f"{text}\n    {self.hint}" if self.hint else text

    def __repr__(self) -> str:
        return f"Fault({self.where!r}, {self.message!r}, {self.hint!r})"


def placed(faults: Sequence[Fault], places: Mapping[str, str]) -> list[Fault]:
    """Faults with the places in files of what they name.

    Args:
        faults: The faults.
        places: For what a fault names (or what that begins with) its place.
    """
    found = []
    for fault in faults:
        fitting = [
            name
            for name in places
            if fault.where == name or fault.where.startswith(tuple(name + end for end in ".: "))
        ]
        if fitting:
            where = f"{places[max(fitting, key=len)]}: {fault.where}"
            found.append(Fault(where, fault.message, fault.hint))
        else:
            found.append(fault)
    return found


class PlanError(NonRetryableError):
    """An agent that does not compile. ``faults`` holds all that was found, each with its place."""

    def __init__(self, agent: str, faults: Sequence[Fault]) -> None:
        self.agent = agent
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        lines = "\n".join(f"  {number}. {fault}" for number, fault in enumerate(self.faults, 1))
        super().__init__(f"the agent {agent!r} has {count}:\n{lines}")

    def __reduce__(self) -> tuple[type[PlanError], tuple[str, tuple[Fault, ...]]]:
        return type(self), (self.agent, self.faults)


class PlanVersionError(NonRetryableError):
    """A plan whose format this version of headrace does not read."""


class ConditionError(NonRetryableError):
    """A condition that is no valid expression, or that failed on an event."""


class PluginError(NonRetryableError):
    """The base of what can be wrong with a plugin."""


class ResourceError(NonRetryableError):
    """A resource that is not declared, or that could not be built."""


class WorkerMismatchError(NonRetryableError):
    """A worker whose distributions are not the ones that the plan was compiled with."""


class PromptError(NonRetryableError, TypeError):
    """What a model is to be asked cannot be made of a prompt and of what was given for it."""


class MemoryValueError(NonRetryableError, TypeError):
    """A value that cannot be kept in memory or sent, with the nested place of what is wrong."""


class MemoryConflictError(NonRetryableError):
    """Two actions of one step wrote different values to the same name in memory."""


class MemoryReferenceError(NonRetryableError, LookupError):
    """A reference into memory whose value is gone, has changed, or is in another memory."""


class StateError(NonRetryableError):
    """Stored state that cannot be read, or that belongs to something else."""


class NonDeterminismError(NonRetryableError):
    """A replay that took another path than its journal: names the recorded and the new call."""


class ActionError(HeadraceError):
    """An action that failed; ``__cause__`` is what it raised."""


class CallTimeoutError(HeadraceError, TimeoutError):
    """An action or a durable call that took longer than its time-out (seconds)."""


class ReplayedError(HeadraceError):
    """A recorded failure whose own type cannot be built here; ``type_name`` tells what it was."""

    def __init__(self, type_name: str, message: str) -> None:
        super().__init__(type_name, message)
        self.type_name = type_name
        self.message = message

    def __str__(self) -> str:
        return f"{self.type_name}: {self.message}"


class ToolError(HeadraceError):
    """A tool that failed; its text is what the model is told.

    Raise it in a tool to tell the model what went wrong. Of every other exception the model is told
    only that the tool failed: its text may hold secrets, and goes to the log.
    """


class ToolArgumentsError(ToolError):
    """Arguments that do not fit a tool; the text says what to mend, so who called it is told."""


class ToolFailedError(HeadraceError):
    """A tool that failed where its policy (``on_error="fail"``) makes that fail the run."""


class ModelError(HeadraceError):
    """A chat model that could not answer.

    Attributes:
        code: One of ``rate_limited``, ``overloaded``, ``timeout``, ``connection``,
            ``context_too_long``, ``refused``, ``bad_request``, ``unauthorised``,
            ``content_filtered``, ``bad_response``, ``unknown``.
        retry_after: Seconds that the provider asks to wait, where it said so.
    """

    RETRYABLE = frozenset({"rate_limited", "overloaded", "timeout", "connection", "bad_response"})
    CODES = RETRYABLE | {
        "context_too_long",
        "refused",
        "bad_request",
        "unauthorised",
        "content_filtered",
        "unknown",
    }

    def __init__(
        self, message: str, *, code: str = "unknown", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.code in self.RETRYABLE


class ApprovalTimeoutError(NonRetryableError):
    """A tool call that nobody decided on in time, where its rule says ``fail``."""


class BudgetExceededError(NonRetryableError):
    """A run whose models have cost what they may (the setting ``budget``).

    Attributes:
        agent: Whose budget it is, where it is a sub-agent's; empty: the run's.
        limit: Which of its limits is reached: ``calls``, ``tokens``, ``cost``.
    """

    def __init__(self, message: str, *, agent: str = "", limit: str = "") -> None:
        super().__init__(message)
        self.agent = agent
        self.limit = limit


class SubAgentError(HeadraceError):
    """A sub-agent that failed, where an action awaits it; ``__cause__`` is why.

    Attributes:
        told: What a model is told: nothing of an exception's own text, which may hold secrets.
        agent: Which; a sub-agent's own sub-agents come after it, with dots between.
        retryable: Whether trying again may help, as the type of what it failed by says.
        retry_after: Seconds that a provider asks to wait, where one did.
    """

    def __init__(
        self,
        message: str,
        *,
        told: str,
        agent: str,
        retryable: bool,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.told = told
        self.agent = agent
        self.retryable = retryable
        self.retry_after = retry_after


class JobFailedError(HeadraceError):
    """A run failed and its policy was to fail the job; names the key, the input and the cause."""
