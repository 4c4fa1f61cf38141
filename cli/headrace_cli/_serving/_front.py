"""Inputs that come one by one from requests, and the answers to them, on the local engine."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.local import END, NOTHING, CallSink, LocalEngine, Source
from headrace.values import decode, to_jsonable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from headrace.metrics import Metrics
    from headrace.operator import Run, RunInput
    from headrace.plan import AgentPlan
    from headrace.records import Record

__all__ = ["BusyError", "Front", "Question"]


class BusyError(Exception):
    """There are as many requests under way as may be."""


@dataclass(slots=True)
class Question:
    """One request: its input, and what comes of it, event by event."""

    key: Any
    value: Any
    loop: asyncio.AbstractEventLoop
    item: RunInput | None = None
    """What the engine has made of it, once it was read."""
    events: asyncio.Queue[tuple[str, Any]] = field(default_factory=asyncio.Queue)

    def tell(self, what: str, data: Any) -> None:
        """Passes an event to who asked, from the engine's thread."""
        with suppress(RuntimeError):  # the server has ended: nobody listens
            self.loop.call_soon_threadsafe(self.events.put_nowait, (what, data))

    async def told(self) -> AsyncGenerator[tuple[str, Any], None]:
        """What comes of it, up to its end."""
        while True:
            what, data = await self.events.get()
            yield what, data
            if what in {"done", "error"}:
                return


class _Questions(Source):
    """The source of the engine: questions as they are asked."""

    def __init__(self, under_way: dict[int, Question]) -> None:
        self._waiting: deque[Question] = deque()
        self._under_way = under_way
        self._current: Question | None = None
        self._ended = False
        self._wake: Callable[[], None] = lambda: None

    def start(self, position: Any, wake: Callable[[], None]) -> None:  # noqa: ARG002
        self._wake = wake

    @property
    def waiting(self) -> int:
        """How many questions have not been read."""
        return len(self._waiting)

    def put(self, question: Question) -> None:
        self._waiting.append(question)
        self._wake()

    def left(self) -> list[Question]:
        """The questions that nobody will read."""
        return list(self._waiting)

    def end(self) -> None:
        self._ended = True
        self._wake()

    def poll(self) -> Any:
        if not self._waiting:
            return END if self._ended else NOTHING
        self._current = self._waiting.popleft()
        return self._current.value

    def key(self, _value: Any) -> Any:
        assert self._current is not None  # noqa: S101 - asked for the input that was just given
        return self._current.key

    def taken(self, item: RunInput) -> None:
        assert self._current is not None  # noqa: S101 - told of the input that was just given
        self._current.item = item
        self._under_way[item.sequence] = self._current


class Front:
    """Answers requests by the runs of one agent, in a thread of its own.

    Args:
        plan: The agent.
        state: The file that memory survives in; ``None``: it ends with the process.
        limit: How many requests may be under way.
        metrics: Counts what happens.
        ended: Told, in the engine's thread, when the engine has ended, by itself or not.
    """

    def __init__(
        self,
        plan: AgentPlan,
        *,
        state: Path | None,
        limit: int,
        metrics: Metrics | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.error: BaseException | None = None
        self._limit = limit
        self._ended = ended
        self._under_way: dict[int, Question] = {}
        self._source = _Questions(self._under_way)
        self._engine = LocalEngine(
            plan,
            key=self._source.key,
            state=state,
            output=CallSink(lambda _: None),
            dead_letters=CallSink(lambda _: None),
            observers=(self._observe,),
            metrics=metrics,
            committed=self._committed,
        )
        self._thread = threading.Thread(target=self._run, name="headrace-serve", daemon=True)

    def start(self) -> None:
        """Starts the engine."""
        self._thread.start()

    def stop(self) -> None:
        """Lets what is under way finish, and ends the engine; waits for it."""
        self._source.end()
        self._engine.stop()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether requests are answered."""
        return self._thread.is_alive()

    def ask(self, key: Any, value: Any) -> AsyncGenerator[tuple[str, Any], None]:
        """Asks, and gives what comes: ``delta``, ``restart``, and at the end ``done`` or ``error``.

        A question that is given up goes on: its run commits.

        Raises:
            BusyError: There are as many requests under way as may be.
        """
        # Those count, too, whose answers nobody waits for any more.
        if self._source.waiting + len(self._under_way) >= self._limit:
            raise BusyError
        question = Question(key, value, asyncio.get_running_loop())
        self._source.put(question)
        return question.told()

    # ------------------------------------------------------------ the engine's thread
    def _run(self) -> None:
        try:
            self._engine.run(self._source)
        except BaseException as error:  # noqa: BLE001 - told by the command, after the server
            self.error = error
        finally:
            for question in (*self._under_way.values(), *self._source.left()):
                question.tell("error", "the server is shutting down")
            self._ended()

    def _observe(self, record: Record) -> None:
        if record.kind != "resource" or record.what != "delta":
            return
        asked = (
            one for one in self._under_way.values() if one.item and one.item.name == record.run
        )
        question = next(asked, None)
        if question is None:
            return
        if record.data.get("restarted"):
            question.tell("restart", None)
        if text := record.data.get("text"):
            question.tell("delta", text)

    def _committed(self, run: Run) -> None:
        question = self._under_way.pop(run.item.sequence, None)
        if question is None or run.outcome is None:
            return
        if run.outcome.status == "finished":
            outputs = [to_jsonable(decode(output)) for output in run.outcome.outputs]
            question.tell("done", outputs)
        else:
            question.tell("error", "the agent could not answer")
