"""The local engine: an agent that gives back its input, and one that waits 50 ms each time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench_agents import BUSY, BackingOff, Counting, Identity
from figures import Figure, alternating
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent

from headrace import AgentPlan, run_local

__all__ = ["measure"]

KEYS = 1000
WAIT = 0.05
IN_FLIGHT = 1000


class Give(Workflow):
    """The same as ``Identity``, in llama-index-workflows."""

    @step
    async def give(self, event: StartEvent) -> StopEvent:
        """Sends the input."""
        return StopEvent(result=event.input)


def inputs(count: int) -> list[dict[str, Any]]:
    """So many inputs of 1,000 keys."""
    return [{"k": f"k{number * 7919 % KEYS}", "i": number} for number in range(count)]


def headrace_identity(count: int) -> float:
    """Events a second."""
    values = inputs(count)
    began = time.perf_counter()
    outputs = run_local(Identity(), values, key=lambda value: value["k"])
    seconds = time.perf_counter() - began
    assert outputs == values
    return count / seconds


def workflows_identity(count: int) -> float:
    """Events a second; 100 runs at a time, which is its best here."""
    values = inputs(count)

    async def all_of_them() -> float:
        flow = Give(timeout=None)
        await flow.run(input=None)
        began = time.perf_counter()
        for start in range(0, count, 100):
            some = values[start : start + 100]
            assert await asyncio.gather(*(flow.run(input=each) for each in some)) == some
        return count / (time.perf_counter() - began)

    return asyncio.run(all_of_them())


def headrace_waiting(count: int) -> float:
    """Events a second with a wait of 50 ms in each, 1,000 in flight."""
    plan = AgentPlan.from_agent(Counting(wait=WAIT))
    assert plan.config.max_in_flight == IN_FLIGHT
    values = inputs(count)
    began = time.perf_counter()
    outputs = run_local(plan, values, key=lambda value: value["k"])
    seconds = time.perf_counter() - began
    assert len(outputs) == count
    return count / seconds


def bare_waiting(count: int) -> float:
    """The same wait in a task of its own, 1,000 at a time, and nothing else."""

    async def all_of_them() -> float:
        room = asyncio.Semaphore(IN_FLIGHT)

        async def one() -> None:
            try:
                await asyncio.sleep(WAIT)
            finally:
                room.release()

        began = time.perf_counter()
        tasks = []
        for _ in range(count):
            await room.acquire()
            tasks.append(asyncio.create_task(one()))
        await asyncio.gather(*tasks)
        return count / (time.perf_counter() - began)

    return asyncio.run(all_of_them())


def beside_back_off(count: int, failing: str) -> float:
    """Events a second of 999 keys, while the key ``failing`` waits for its next attempt.

    It comes first, once; where it is empty, none waits.
    """
    others = [each for each in inputs(count) if each["k"] != "k0"]
    values = [{"k": "k0", "i": -1}, *others]
    began = time.perf_counter()
    outputs = run_local(BackingOff(key=failing), values, key=lambda value: value["k"])
    assert len(outputs) == len(values)
    return len(others) / (BUSY["last"] - began)


def measure(*, quick: bool) -> list[Figure]:
    """All agents."""
    rounds = 3 if quick else 7
    ours, theirs = (20_000, 1_000) if quick else (60_000, 3_000)
    speed, seen = alternating(
        rounds,
        {
            "headrace": lambda: headrace_identity(ours),
            "workflows": lambda: workflows_identity(theirs),
        },
    )
    identity = Figure(
        "local, identity, 1,000 keys",
        speed["headrace"],
        "events/s",
        "llama-index-workflows",
        speed["workflows"],
        target=10,
        rounds=seen,
    )
    count = 20_000 if quick else 60_000
    speed, seen = alternating(
        rounds,
        {"headrace": lambda: headrace_waiting(count), "bare": lambda: bare_waiting(count)},
    )
    waiting = Figure(
        "local, 50 ms calls, 1,000 keys, 1,000 in flight",
        speed["headrace"],
        "events/s",
        "what 1,000 / 0.05 s allows",
        IN_FLIGHT / WAIT,
        target=0.9,
        rounds=seen,
    )
    bare = Figure(
        "the same, beside bare asyncio tasks",
        speed["headrace"],
        "events/s",
        "`asyncio.sleep` and nothing else",
        speed["bare"],
        target=None,
        rounds=seen,
    )
    count = 10_000 if quick else 30_000  # less than the back-off takes, so that it covers all
    speed, seen = alternating(
        rounds,
        {"one": lambda: beside_back_off(count, "k0"), "none": lambda: beside_back_off(count, "")},
    )
    backing_off = Figure(
        "local, 999 keys while one is in back-off",
        speed["one"],
        "events/s",
        "none is in back-off",
        speed["none"],
        target=0.95,
        rounds=seen,
    )
    return [identity, waiting, bare, backing_off]
