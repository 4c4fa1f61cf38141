"""One action handles one event: its attempts, its time, the thread it is run in.

An action is tried as often as its policy says. Each attempt has a context of its own, so nothing is
left of one that failed; the branch joins what the last one did.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import time
from typing import TYPE_CHECKING

from headrace.errors import ActionError, NonRetryableError
from headrace.operator._blocking import BlockingContext
from headrace.operator._context import RunContext
from headrace.operator._logs import LOGGING
from headrace.operator._served import serve

if TYPE_CHECKING:
    from headrace.events import Event
    from headrace.operator._bound_action import BoundAction
    from headrace.operator._branch import Branch
    from headrace.operator._eager import Deadline
    from headrace.operator._run import Run

__all__ = ["ActionFailure", "ActionTask", "perform"]


class ActionTask:
    """One event handed to one action: its identity, its lineage and what it did."""

    __slots__ = (
        "action",
        "attempt",
        "branch",
        "context",
        "deadline",
        "event",
        "event_id",
        "holds",
        "id",
        "sent",
    )

    def __init__(
        self,
        branch: Branch,
        action: BoundAction,
        event: Event,
        event_id: str,
        number: str,
        sent: Event | None,
    ) -> None:
        self.branch = branch
        self.action = action
        self.event = event
        self.sent = sent  # the event as it was sent, which no action changes; None: the input
        self.event_id = event_id
        self.id = number
        self.attempt = 1
        self.context: RunContext | None = None
        self.deadline: Deadline | None = None
        self.holds = 0  # its calls that wait for somebody's decision

    def hold(self) -> None:
        """Stops its time, and that of the actions that wait for it, while somebody decides."""
        self.holds += 1
        if self.holds == 1:
            if self.deadline is not None:
                self.deadline.pause()
            self.branch.hold()

    def unhold(self) -> None:
        """Lets it go on."""
        self.holds -= 1
        if self.holds == 0:
            if self.deadline is not None:
                self.deadline.resume()
            self.branch.unhold()


class ActionFailure(Exception):  # noqa: N818 - travels between an action task and its branch only
    """An action has failed for good."""

    def __init__(self, task: ActionTask, error: Exception) -> None:
        self.task = task
        self.error = error


async def perform(task: ActionTask) -> None:
    """Has an action handle its event, as often as its policy says.

    Raises:
        ActionFailure: It failed for good.
    """
    branch = task.branch
    run = branch.run
    telling = run.operator.telling
    policy = task.action.spec.policy or branch.config.failure
    if run.journal is not None:
        task.attempt = run.journal.attempt(task.id)
    while True:
        began = 0.0
        if run.heard:
            began = time.monotonic()
            if telling.starts:
                telling.action_started(task)
        try:
            await _attempt(task)
        except (Exception, asyncio.CancelledError) as raised:
            error = _of_its_own(branch, raised)
            if error is None:
                raise
            if run.heard:
                telling.action_ended(task, "failed", began, error)
            if not policy.retryable(error, task.attempt):
                raise ActionFailure(task, error) from error
            wait = policy.wait(error, task.attempt)
            if run.heard:
                telling.retried(task, wait)
            await _back_off(run, wait)
            task.attempt += 1
            run.journaled().begin_attempt(task.id, task.attempt)
            task.event = branch.copy_of(task.sent)  # the last attempt may have changed its copy
        else:
            if run.heard:
                telling.action_ended(task, "finished", began)
            return


def _of_its_own(branch: Branch, raised: BaseException) -> Exception | None:
    """The failure of an action; ``None`` where something outside put an end to it."""
    if isinstance(raised, Exception):
        return raised
    # What is around a sub-agent may cancel it at any time: a time-out, the action that asked.
    if branch.ending or branch.run.ending or branch.asked_by is not None:
        return None
    error = ActionError("it awaited something that was cancelled, and not by the runtime")
    error.__cause__ = raised
    return error


async def _attempt(task: ActionTask) -> None:
    task.context = context = RunContext(task.branch.run, task)
    before = LOGGING.get()
    LOGGING.set(context)
    try:
        await _make(task, context)
    finally:
        LOGGING.set(before)  # not by a token: who drops a task closes it in another context
    context.end()


async def _make(task: ActionTask, context: RunContext) -> None:
    action, run = task.action, task.branch.run
    event = action.typed(task.event)
    if action.served is not None:
        await serve(event, context)
    elif action.mode == "async":
        context.asyncio_task = asyncio.current_task()
        deadlines = run.operator.deadlines
        if task.branch.asked_by is not None:  # the action around it is the run's current one
            task.deadline = deadlines.within(action.timeout)
            with task.deadline:
                _nothing_lost(action.name, await action.call(event, context))
        else:
            run.current = task
            task.deadline = deadline = deadlines.within(action.timeout, late=run.eager)
            try:
                with deadline:
                    _nothing_lost(action.name, await action.call(event, context))
            finally:
                run.current = None  # what the run waits for next is not this action's time
    elif action.mode == "sync":
        returned = action.call(event, context)
        if returned is not None and inspect.isawaitable(returned):
            returned = await returned
        _nothing_lost(action.name, returned)
    else:
        await _in_thread(task, context, event)


async def _in_thread(task: ActionTask, context: RunContext, event: Event) -> None:
    action, operator = task.action, task.branch.run.operator
    loop = asyncio.get_running_loop()
    blocking = BlockingContext(context, loop)
    task.deadline = operator.deadlines.within(action.timeout)
    with task.deadline:
        call = functools.partial(contextvars.copy_context().run, action.call, event, blocking)
        returned = await loop.run_in_executor(operator.threads, call)
        _nothing_lost(action.name, returned)


async def _back_off(run: Run, seconds: float) -> None:
    run.operator.release(run)
    try:
        await asyncio.sleep(seconds)
    finally:
        run.operator.regain(run)


def _nothing_lost(action: str, returned: object) -> None:
    if returned is not None:
        raise NonRetryableError(
            f"the action {action!r} returned a value ({type(returned).__name__}), which would be "
            "lost: send it (ctx.send(...)), and return nothing"
        )
