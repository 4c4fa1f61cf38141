"""The calls of a worker that wait for a decision."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from headrace.approvals import Approval, ApprovalRequest, Decision
from headrace.errors import ApprovalTimeoutError, ConditionError, ToolError
from headrace.values import Stored, digest, encode, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.operator._context import RunContext
    from headrace.operator._operator import Operator
    from headrace.operator._run import Run

__all__ = ["Approvals"]

_INPUT_ENDED = "the inputs have ended, so no decision can come"


class Approvals:
    """What waits, and the way of decisions to it."""

    def __init__(
        self,
        operator: Operator,
        asked: Callable[[Run, Stored], None] | None,
        holding: Callable[[Run, int], None] | None,
    ) -> None:
        self._operator = operator
        self._asked = asked
        self._holding = holding or (lambda _run, _change: None)
        self._waiting: dict[str, tuple[Run, asyncio.Future[Decision | None]]] = {}
        self._ended = False

    # ------------------------------------------------------------ the calls' side
    async def check(
        self,
        context: RunContext,
        rule: Approval,
        tool: str,
        arguments: dict[str, Any],
        *,
        strict: bool,
    ) -> None:
        """Lets a call go on, at once or when somebody has said yes.

        Args:
            context: The action's.
            rule: Which calls wait.
            tool: What is to be called.
            arguments: With what, as JSON.
            strict: Whether the arguments have the tool's types, so that a condition that fails is
                the rule's fault and not the model's.

        Raises:
            ToolError: Somebody said no, or nobody said anything in time; or the arguments are none
                that the rule's condition can be asked of.
            ConditionError: The same, where they have the tool's types.
            ApprovalTimeoutError: Nobody said anything in time, and the rule says ``fail``.
        """
        try:
            covered = rule.covers(tool, arguments, to_jsonable(context.key))
        except ConditionError as error:
            if strict:
                raise
            raise ToolError(f"the arguments of the tool {tool} do not fit: {error}") from None
        if not covered:
            return
        identity = encode(arguments)
        request_id = self._id(context, tool, identity)

        async def make() -> dict[str, Any]:
            decision = await self._ask(context, rule, tool, identity, request_id)
            # Recorded too: what the model is told must be the same in a replay.
            return {"ended": self._ended} if decision is None else decision.model_dump(mode="json")

        said = await context.durable(f"approval:{tool}", identity, make, timeout=None)
        if "ended" in said:
            text = f"nobody decided whether {tool} may be called"
            text += f": {_INPUT_ENDED}" if said["ended"] else f" within {rule.timeout} s"
            raise (ApprovalTimeoutError(text) if rule.on_timeout == "fail" else ToolError(text))
        decision = Decision.model_validate(said)
        if not decision.approved:
            by = f" by {decision.by}" if decision.by else ""
            why = f": {decision.note}" if decision.note else ""
            raise ToolError(f"the call of {tool} was refused{by}{why}")

    async def _ask(
        self, context: RunContext, rule: Approval, tool: str, arguments: Stored, request_id: str
    ) -> Decision | None:
        run, operator = context._run, self._operator  # noqa: SLF001 - one part with it
        journal, now = run.journaled(), operator.clock()
        if request_id not in journal.approvals:
            expires = None if rule.timeout is None else now + rule.timeout
            journal.approvals[request_id] = [expires, None]
            request = ApprovalRequest(
                id=request_id,
                agent=operator.plan.name,
                key=to_jsonable(context.key),
                key_id=run.item.key_id,
                run=run.id,
                tool=tool,
                arguments=arguments,
                asked=now,
                expires=expires,
            )
            if self._asked is not None:
                self._asked(run, request.model_dump(mode="json"))
            if operator.telling.on:
                operator.telling.record(
                    run, "call", "asked", name=f"approval:{tool}", id=request_id
                )
            await operator.recorded(run)
        expires, said = journal.approvals[request_id]
        if said is not None:
            return Decision.model_validate(said)
        return await self._wait(context, request_id, expires)

    async def _wait(
        self, context: RunContext, request_id: str, expires: float | None
    ) -> Decision | None:
        run, loop = context._run, asyncio.get_running_loop()  # noqa: SLF001
        future: asyncio.Future[Decision | None] = loop.create_future()
        self._waiting[request_id] = (run, future)
        timer = None
        if expires is not None:
            left = max(0.0, expires - self._operator.clock())
            timer = loop.call_later(left, _give_up, future)
        context.hold()
        run.held_calls += 1
        if run.held_calls == 1:
            self._holding(run, 1)
        self._operator.release(run)
        try:
            return await future
        finally:
            self._operator.regain(run)
            context.unhold()
            run.held_calls -= 1
            if run.held_calls == 0:
                self._holding(run, -1)
            del self._waiting[request_id]
            if timer is not None:
                timer.cancel()

    @staticmethod
    def _id(context: RunContext, tool: str, arguments: Stored) -> str:
        task = context._task  # noqa: SLF001
        content = digest([tool, arguments])
        number = context.calls.number(f"approval {content}")
        return f"{context.run_id}.{digest([task.id, content, number])[:12]}"

    # ------------------------------------------------------------ the engine's side
    def decide(self, decision: Decision) -> Run | None:
        """Takes a decision; gives the run that it is for, whose journal is to be kept.

        ``None``: nothing waits for it. It came too late, or twice, or its run is not here.
        """
        run = self._run_of(decision)
        if run is None:
            return None
        # It may not have come to its question yet, where it was begun again just now.
        asked = run.journaled().approvals.setdefault(decision.id, [None, None])
        if asked[1] is not None:
            return None
        asked[1] = decision.model_dump(mode="json")
        run.journaled().touch()
        waiting = self._waiting.get(decision.id)
        if waiting is not None and not waiting[1].done():
            waiting[1].set_result(decision)
        return run

    def _run_of(self, decision: Decision) -> Run | None:
        waiting = self._waiting.get(decision.id)
        if waiting is not None:
            return waiting[0]
        run_id = decision.id.rpartition(".")[0]
        for run in self._operator.suspended:
            if run.item.key_id == decision.key_id and run.id == run_id:
                return run
        return None

    @property
    def held(self) -> set[Run]:
        """The runs that can go on only by a decision."""
        return {run for run, _ in self._waiting.values() if _only_waits(run)}

    def expire(self) -> None:
        """Gives up all that wait: there will be no further input, and so no decision."""
        self._ended = True
        for _, future in self._waiting.values():
            _give_up(future)


def _give_up(future: asyncio.Future[Decision | None]) -> None:
    if not future.done():
        future.set_result(None)


def _only_waits(run: Run) -> bool:
    """Whether all calls under way are questions, or were made around one."""
    if run.journal is None:
        return False
    under_way = run.journal.under_way()
    waiting = [entry for entry in under_way if entry.name.startswith("approval:")]
    around = set()
    for entry in waiting:
        outer = entry.outer
        while outer is not None:
            around.add(id(outer))
            outer = outer.outer
    return all(entry in waiting or id(entry) in around for entry in under_way)
