"""What runs do while the server of their action store is in trouble, the same for all servers.

A plugin's tests subclass ``TroubledServer``, and say what troubles there are.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from headrace import Agent, AgentPlan, Context, InputEvent, OutputEvent, action, use
from headrace.local import IterableSource, ListSink, LocalEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from headrace.action_stores import ActionStore

__all__ = ["Desk", "TroubledServer"]

FIRST, LAST = "first", "last"


class Desk(Agent):
    """Makes a durable call for each input; the second input finds the server in trouble."""

    store: str
    arguments: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies it
    made: ClassVar[Counter[str]] = Counter()
    begin: ClassVar[Callable[[], None]]

    def resources(self) -> dict[str, Any]:
        """The store."""
        return {"calls": use("action_stores", self.store, **self.arguments)}

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        """Makes the call."""
        if event.input == "troubled":
            await asyncio.to_thread(Desk.begin)
        ctx.send(OutputEvent(output=await ctx.call(effect, event.input)))


async def effect(value: str) -> str:
    """What must not happen twice."""
    Desk.made[value] += 1
    return value


class TroubledServer:
    """Fixtures that a subclass gives: ``desk``, ``trouble`` and ``afterwards``."""

    @pytest.fixture
    def desk(self) -> Desk:
        """The agent, whose store is on the server."""
        raise NotImplementedError

    @pytest.fixture
    def trouble(self) -> AbstractContextManager[Any]:
        """The server is in trouble within it."""
        raise NotImplementedError

    @pytest.fixture
    def afterwards(self) -> ActionStore:
        """A store of the same, to see what it has."""
        raise NotImplementedError

    @pytest.fixture
    def job(
        self,
        desk: Desk,
        trouble: AbstractContextManager[Any],
        afterwards: ActionStore,
        tmp_path: Any,
        caplog: Any,
    ) -> Iterator[Callable[..., tuple[list[str], int]]]:
        """Runs three inputs, the second of which begins the trouble; it ends when that was told.

        Gives the outputs, and how many runs the store knows of in the end.
        """
        ended = threading.Event()
        ending: list[threading.Thread] = []

        def end() -> None:
            while "the action store cannot" not in caplog.text and not ended.wait(0.01):
                pass
            trouble.__exit__(None, None, None)

        def begin() -> None:
            trouble.__enter__()
            ending.append(threading.Thread(target=end))
            ending[0].start()

        def inputs() -> Iterator[str]:
            yield from ("before", "troubled")
            number = 0
            while "the action store is back" not in caplog.text:
                yield f"after {(number := number + 1)}"
                ended.wait(0.002)  # not more than a slow machine writes later on

        def run(**settings: Any) -> tuple[list[str], int]:
            outputs = ListSink()
            plan = AgentPlan.from_agent(desk)
            config = plan.config.model_copy(update={"action_store_keep": 3600.0, **settings})
            plan = plan.model_copy(update={"config": config})
            state = tmp_path / "state.db"
            # One key: what comes later shows whether runs go on.
            LocalEngine(plan, key=lambda _: "k", output=outputs, state=state).run(
                IterableSource(inputs())
            )
            return outputs.values, asyncio.run(kept())

        async def kept() -> int:
            await afterwards.open()
            try:
                return len(await afterwards.runs("Desk", [0]))
            finally:
                await afterwards.close()

        Desk.made = Counter()
        Desk.begin = staticmethod(begin)
        try:
            yield run
        finally:
            ended.set()
            for thread in ending:
                thread.join()

    def test_runs_wait_and_nothing_is_lost_or_made_twice(self, job: Any) -> None:
        outputs, runs = job()

        assert (outputs[:2], max(Desk.made.values()), runs) == (
            ["before", "troubled"], 1, len(outputs),
        )  # fmt: skip

    def test_runs_may_go_on_and_what_they_did_is_kept_when_it_is_back(
        self, job: Any, caplog: Any
    ) -> None:
        outputs, runs = job(action_store_errors="go_on")

        told = "calls that end now may be made again" in caplog.text
        assert (told, max(Desk.made.values()), runs) == (True, 1, len(outputs))
