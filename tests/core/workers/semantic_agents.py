"""Agents of the semantic suite: importable by name on every worker.

What an agent observes goes out by its outputs, so that a test asks the same of every engine.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from typing import Any

from headrace import (
    DEAD_LETTER,
    SKIP,
    Agent,
    Context,
    Event,
    InputEvent,
    NamedEvent,
    NonRetryableError,
    OutputEvent,
    RuntimeConfig,
    action,
    retry,
)

COUNTS: Counter[str] = Counter()
"""What happened in this worker, by a name that the test chose."""
_WAITING: dict[str, list[asyncio.Future[None]]] = {}


def itself(value: Any) -> Any:
    """The input is its own key."""
    return value


def by_key(value: Any) -> Any:
    """The input's field ``key``."""
    return value["key"]


def one_key(_value: Any) -> str:
    """All inputs have one key."""
    return "one"


async def meet(name: str, parties: int) -> None:
    """Waits until so many have come; whoever comes later goes on at once."""
    COUNTS[f"{name}/came"] += 1
    waiting = _WAITING.setdefault(name, [])
    if COUNTS[f"{name}/came"] < parties:
        waiting.append(asyncio.get_running_loop().create_future())
        await waiting[-1]
        return
    for future in waiting:
        if not future.done():
            future.set_result(None)
    waiting.clear()


class Echo(Agent):
    """Sends its input back."""

    @action(InputEvent)
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=event.input))


class Tally(Agent):
    """Counts the inputs of a key, and tells each with its number."""

    @action(InputEvent)
    async def tally(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["n"] = ctx.short_term.get("n", 0) + 1
        ctx.send(OutputEvent(output=[event.input, ctx.short_term["n"]]))


class Uneven(Agent):
    """Takes more time for some inputs than for the next ones of their key."""

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        for _ in range(7 - event.input["n"] % 8):
            await asyncio.sleep(0)
        if event.input["n"] % 3 == 0:
            await asyncio.sleep(0.002)
        ctx.send(OutputEvent(output=event.input))


class Meeting(Agent):
    """Its runs end only after so many of them are under way at the same time."""

    name: str
    parties: int

    @action(InputEvent)
    async def come(self, event: InputEvent, ctx: Context) -> None:
        await meet(self.name, self.parties)
        ctx.send(OutputEvent(output=event.input))


class Crowd(Agent):
    """Tells how many of its runs were under way, having waited until the limit was reached."""

    config = RuntimeConfig(max_in_flight=5)
    name: str

    @action(InputEvent)
    async def come(self, event: InputEvent, ctx: Context) -> None:
        COUNTS[self.name] += 1
        most = COUNTS[self.name]
        await meet(f"{self.name}/meeting", 5)
        await asyncio.sleep(0.001)
        most = max(most, COUNTS[self.name])
        COUNTS[self.name] -= 1
        ctx.send(OutputEvent(output=most))


class HotKey(Agent):
    """Waits a millisecond for every input."""

    config = RuntimeConfig(max_in_flight=10)

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        await asyncio.sleep(0.001)
        ctx.send(OutputEvent(output=event.input))


# ---------------------------------------------------------------- failures
class Flaw(Exception):
    """What these agents raise."""


class Half(Event):
    """The second half of a run."""

    n: int


class Policies(Agent):
    """An action for each policy; the input says which."""

    @action(InputEvent, when="event.input.do == 'retry'", on_failure=retry(5, backoff=0.001))
    async def third_time(self, event: InputEvent, ctx: Context) -> None:
        if ctx.attempt < 3:
            raise Flaw(f"attempt {ctx.attempt}")
        ctx.send(OutputEvent(output={"do": "retry", "attempt": ctx.attempt}))

    @action(
        InputEvent,
        when="event.input.do == 'exhaust'",
        on_failure=retry(3, backoff=0.001, then="dead_letter"),
    )
    async def never(self, event: InputEvent, ctx: Context) -> None:
        raise Flaw("no luck")

    @action(
        InputEvent,
        when="event.input.do == 'final'",
        on_failure=retry(3, backoff=0.001, then="dead_letter"),
    )
    async def final(self, event: InputEvent, ctx: Context) -> None:
        raise NonRetryableError("for good")

    @action(InputEvent, when="event.input.do == 'skip'", on_failure=SKIP)
    async def skipped(self, event: InputEvent, ctx: Context) -> None:
        raise Flaw("not worth it")

    @action(InputEvent, when="event.input.do == 'dead'", on_failure=DEAD_LETTER)
    async def dead(self, event: InputEvent, ctx: Context) -> None:
        await asyncio.sleep(0)
        raise Flaw("für immer")

    @action(InputEvent, when="event.input.do == 'half'")
    async def first_half(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["half"] = "written"
        ctx.send(OutputEvent(output={"do": "half"}))
        ctx.send(Half(n=event.input["n"]))

    @action(Half, on_failure=SKIP)
    async def second_half(self, event: Half, ctx: Context) -> None:
        ctx.short_term["other"] = "written"
        ctx.send(OutputEvent(output={"do": "half"}))
        await asyncio.sleep(0)
        raise Flaw("in the middle")

    @action(InputEvent, when="event.input.do == 'look'")
    async def look(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": "look", "memory": dict(ctx.short_term)}))

    @action(InputEvent, when="event.input.do == 'again'", on_failure=retry(2, backoff=0.001))
    async def again(self, event: InputEvent, ctx: Context) -> None:
        seen = {"memory": dict(ctx.short_term), "input": list(event.input["list"])}
        ctx.short_term["attempt"] = ctx.attempt
        event.input["list"].append("changed")
        ctx.send(OutputEvent(output={"do": "again", "attempt": ctx.attempt, "seen": seen}))
        if ctx.attempt == 1:
            raise Flaw("once")


class Fragile(Agent):
    """Fails the job."""

    @action(InputEvent)
    async def fragile(self, event: InputEvent, ctx: Context) -> None:
        await asyncio.sleep(0)
        raise Flaw(f"broke on {event.input}")


class Backing(Agent):
    """With one place in flight: a run that backs off must leave it to the others."""

    config = RuntimeConfig(max_in_flight=1)
    name: str

    @action(InputEvent, on_failure=retry(1000, backoff=0.001, max_backoff=0.001))
    async def work(self, event: InputEvent, ctx: Context) -> None:
        if event.input == "waits":
            if not COUNTS[self.name]:
                raise Flaw("the other one has not been there")
        else:
            COUNTS[self.name] += 1
        ctx.send(OutputEvent(output=event.input))


class Stumbling(Agent):
    """Every run fails once before it waits for anything: more of them than places in flight."""

    config = RuntimeConfig(max_in_flight=2)

    @action(InputEvent, on_failure=retry(2, backoff=0.001))
    async def work(self, event: InputEvent, ctx: Context) -> None:
        if ctx.attempt == 1:
            raise Flaw("first")
        await asyncio.sleep(0)
        ctx.send(OutputEvent(output=event.input))


class StumblingPair(Agent):
    """Two actions of one event that both fail once, with fewer places in flight than runs."""

    config = RuntimeConfig(max_in_flight=2)

    @action(InputEvent, on_failure=retry(2, backoff=0.001))
    async def left(self, event: InputEvent, ctx: Context) -> None:
        if ctx.attempt == 1:
            raise Flaw("left")

    @action(InputEvent, on_failure=retry(2, backoff=0.002))
    async def right(self, event: InputEvent, ctx: Context) -> None:
        await asyncio.sleep(0)
        if ctx.attempt == 1:
            raise Flaw("right")
        ctx.send(OutputEvent(output=event.input))


class Slow(Event):
    """Leads to an action that takes its time."""


class Slowly(Agent):
    """Time-outs: of an action, of what follows it, and of a back-off."""

    @action(InputEvent, when="event.input == 'late'", timeout=0.05, on_failure=DEAD_LETTER)
    async def late(self, event: InputEvent, ctx: Context) -> None:
        await asyncio.Event().wait()

    @action(
        InputEvent,
        when="event.input == 'blocked'",
        timeout=0.05,
        on_failure=DEAD_LETTER,
        blocking=True,
    )
    def blocked(self, event: InputEvent, ctx: Context) -> None:
        threading.Event().wait(1.0)

    @action(InputEvent, when="event.input == 'call'", on_failure=DEAD_LETTER)
    async def call(self, event: InputEvent, ctx: Context) -> None:
        await ctx.call(forever, timeout=0.05)

    @action(InputEvent, when="event.input == 'default'", on_failure=DEAD_LETTER)
    async def default(self, event: InputEvent, ctx: Context) -> None:
        await ctx.call(forever)

    @action(InputEvent, when="event.input == 'caught'", timeout=30)
    async def caught(self, event: InputEvent, ctx: Context) -> None:
        try:
            await ctx.call(forever, timeout=0.05)
        except TimeoutError:
            ctx.send(OutputEvent(output="caught"))

    @action(InputEvent, when="event.input == 'before'", timeout=0.05)
    async def quick(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(Slow())

    @action(Slow, timeout=30, on_failure=DEAD_LETTER)
    async def after(self, event: Slow, ctx: Context) -> None:
        await asyncio.sleep(0.15)
        ctx.send(OutputEvent(output="after"))

    @action(Slow, timeout=30, on_failure=DEAD_LETTER)
    async def beside(self, event: Slow, ctx: Context) -> None:
        await asyncio.sleep(0.15)
        ctx.send(OutputEvent(output="beside"))

    @action(
        InputEvent,
        when="event.input == 'pause'",
        timeout=0.05,
        on_failure=retry(2, backoff=0.15, jitter=0),
    )
    async def pause(self, event: InputEvent, ctx: Context) -> None:
        if ctx.attempt == 1:
            raise Flaw("before it waited")
        ctx.send(OutputEvent(output="pause"))

    config = RuntimeConfig(call_timeout=0.06)


class Cancelling(Agent):
    """Lets a cancellation out that is its own, not the runtime's."""

    @action(InputEvent, on_failure=DEAD_LETTER)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        task = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await task


class Endless(Agent):
    """Two actions that trigger each other for ever."""

    config = RuntimeConfig(max_steps=20, failure=DEAD_LETTER)

    @action(InputEvent, NamedEvent, "ping")
    async def ping(self, event: Event, ctx: Context) -> None:
        ctx.send(NamedEvent(type="ping"))


async def forever() -> None:
    """Never ends."""
    await asyncio.Event().wait()


_NUMBERS = itertools.count()


def fresh(name: str) -> str:
    """A name that no other test has used in this process."""
    import os

    return f"{name}-{os.getpid()}-{next(_NUMBERS)}"
