"""Effects that are held back until the run that asked for them is sure: what is kept of each."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from headrace.context import DEFAULT
from headrace.errors import MemoryValueError, NonRetryableError
from headrace.policy import FailurePolicy
from headrace.references import reference, unimportable
from headrace.values import Stored, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.operator._context import RunContext

__all__ = ["ASKS", "Effect", "held_back", "wants_key"]

ASKS = "idempotency_key"
"""The parameter by which a function asks for its effect's idempotency key."""
_OURS = frozenset({"number", "again"})
"""What the engine knows of an effect, beside what is kept of it."""
_HISTORY = 50
"""Tries that are told of one effect: the first, and the last ones."""


@dataclass(slots=True)
class Effect:
    """An effect that a run asked for. Times are seconds since the epoch."""

    function: str
    """The function, by reference."""
    arguments: Stored
    """Its arguments: a list of those by place, and a mapping of those by name."""
    key: str
    """The idempotency key."""
    of: Stored
    """The stream's key."""
    key_id: str
    """The same as a text."""
    run: str
    """The run that asked for it."""
    id: str
    """Names it within the run."""
    action: str
    """The action that asked for it."""
    member: str | None
    """Whose action that is: a team's member, a sub-agent, or (``None``) the agent itself."""
    asked: float
    """When it was asked for."""
    timeout: float | None
    """Seconds that one try may take."""
    expires: float | None = None
    """When it is too late for it."""
    retry: Stored = None
    """Its own policy; ``None``: that of the setting ``outbox``."""
    reconcile: str | None = None
    """The function that tells whether it was done."""
    attempts: int = 0
    """How often it was tried."""
    due: float = 0.0
    """When it is tried next."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """The tries that failed: number, time and error."""
    untold: bool | None = None
    """Whether the event log is told nothing of its run, for it takes but a share of them."""
    number: int = -1
    """Its place in the engine's state."""
    again: bool = False
    """Whether an earlier process had it already, and may have done it."""

    def stored(self) -> Stored:
        """For the engine's state."""
        kept = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _OURS}
        return {name: value for name, value in kept.items() if value is not None}

    @classmethod
    def read(cls, stored: Stored) -> Effect:
        """What ``stored`` gave."""
        known = {one.name: stored[one.name] for one in fields(cls) if one.name in stored}
        return cls(**{"member": None, "timeout": None, **known})

    @property
    def policy(self) -> FailurePolicy | None:
        """Its own policy."""
        return None if self.retry is None else FailurePolicy.model_validate(self.retry)

    def failed(self, error: str, now: float) -> None:
        """Notes a try that failed."""
        self.history.append({"attempt": self.attempts, "time": now, "error": error})
        if len(self.history) > _HISTORY:
            del self.history[1]


def held_back(
    context: RunContext,
    function: Callable[..., Any],
    args: Sequence[Any],
    how: Mapping[str, Any],
) -> Effect:
    """The effect that an action asks for; see ``Context.after_commit``.

    Args:
        context: The action's.
        function: What is to be done.
        args: Its arguments by place.
        how: Those by name, and what ``Context.after_commit`` itself takes.

    Raises:
        NonRetryableError: A worker could not find a function again.
        TypeError: The arguments are not the function's.
        MemoryValueError: An argument cannot be kept; the message names the nested place.
    """
    if not callable(function):
        raise TypeError(
            f"ctx.after_commit takes a function and its arguments, got a {type(function).__name__}:"
            " write ctx.after_commit(function, argument), it is called later"
        )
    kwargs = dict(how)
    key, retry = kwargs.pop("key", None), kwargs.pop("retry", None)
    reconcile, expires = kwargs.pop("reconcile", None), kwargs.pop("expires", None)
    timeout = kwargs.pop("timeout", DEFAULT)
    name = _named(context, function)
    asked = None if reconcile is None else _named(context, reconcile)
    for one in (function, reconcile):
        if one is not None:
            _check_arguments(one, args, kwargs)
    try:
        kept = encode([list(args), kwargs])
    except MemoryValueError as error:
        raise MemoryValueError(
            f"the arguments of the effect {name} cannot be kept until the run is sure: {error}. "
            "Pass data, and make the rest in the function"
        ) from None
    if expires is not None and expires <= 0:
        raise ValueError(f"expires is a number of seconds above 0, not {expires!r}")
    run, task = context.run, context.task
    named = f"{task.id}/{context.next_effect()}"
    now = run.operator.clock()
    return Effect(
        function=name,
        arguments=kept,
        key=key or f"{run.id}/{named}",
        of=encode(run.item.key),
        key_id=run.item.key_id,
        run=run.id,
        id=named,
        action=task.action.name,
        member=context.member,
        asked=now,
        timeout=context.settings.call_timeout if timeout is DEFAULT else timeout,
        expires=None if expires is None else now + expires,
        retry=None if retry is None else retry.model_dump(mode="json"),
        reconcile=asked,
        untold=None if run.operator.telling.tells(run) else True,
    )


def wants_key(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a function asks for its effect's idempotency key, and is not given one anyway.

    Raises:
        TypeError: The arguments are not the function's.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # it is written in C, and tells nothing
        return False
    given = signature.bind_partial(*args, **kwargs).arguments
    return ASKS in signature.parameters and ASKS not in given


def _check_arguments(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    name = getattr(function, "__qualname__", function)
    try:
        more = {ASKS: ""} if wants_key(function, args, kwargs) else {}
        try:
            signature = inspect.signature(function)
        except ValueError:
            return
        signature.bind(*args, **kwargs, **more)
    except TypeError as error:
        raise TypeError(f"the arguments of the effect {name} do not fit: {error}") from None


def _named(context: RunContext, function: Any) -> str:
    agent = context.run.operator.agent_of(context.member)
    if inspect.ismethod(function) and agent is not None and function.__self__ is agent:
        function = function.__func__  # made anew of the agent's parameters when it is done
    why = unimportable(function)
    if why is not None:
        raise NonRetryableError(
            f"ctx.after_commit: {why}. It is called when the run is sure, maybe by another "
            "process: use a function of a module, or a method of the agent's class"
        )
    return reference(function)
