"""What calls of models and tools cost, and whether limits are kept, beside the bare client.

::

    python benchmarks/run.py --only calls [--quick]

1. 1,000 model calls of one second at a time on one worker: how long all of them take, and what
   memory each needs while it waits.
2. What ``ctx.chat`` and ``ctx.tool`` add to a call that is answered at once.
3. Whether a limit is kept, with 1,000 calls that wait: what begins in each minute.

The server is a real one on the loopback, in a process of its own, and speaks just enough HTTP. Its
answers are told by the model's name: ``delay=1&tokens=100``. Every measurement has a process of its
own, with an asyncio program on the bare ``openai`` client as its yardstick.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs

from figures import Figure, alternating

from headrace import (
    Agent,
    AgentPlan,
    Context,
    InputEvent,
    OutputEvent,
    RuntimeConfig,
    action,
    run_local,
    tool,
    use,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["measure"]

HERE = Path(__file__).parent
CALLS = 1000
CALLS_OF_A_RUN = 10
OVERHEAD = 1.0
"""Milliseconds that a call may take beyond the bare one."""
OFF = 2.0
"""Per cent that a minute may be off its limit."""


# ---------------------------------------------------------------- the server
class Connection(asyncio.Protocol):
    """One connection; requests come one after the other."""

    starts: ClassVar[dict[str, list[float]]] = {}
    """When the requests of a model came, by the model."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if len(rest) < int(length or 0):
            return
        self._received.clear()
        if head.startswith(b"GET"):
            self._answer(json.dumps(self.starts).encode())
            return
        model = json.loads(rest)["model"]
        self.starts.setdefault(model, []).append(self._loop.time())
        asked = parse_qs(model)
        answer = completion(model, int(asked["tokens"][0]))
        self._loop.call_later(float(asked["delay"][0]), self._answer, answer)

    def _answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        self._transport.write(f"{head}\r\n\r\n".encode() + body)


def completion(model: str, tokens: int) -> bytes:
    """An answer, as OpenAI's chat completions give it."""
    message = {"role": "assistant", "content": "An answer of some words.", "refusal": None}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
    }
    return json.dumps(body).encode()


async def serve() -> None:
    """Serves until the standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import asyncio, model_calls; asyncio.run(model_calls.serve())"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


# ---------------------------------------------------------------- what is measured
class Asker(Agent):
    """Asks once for each input."""

    config = RuntimeConfig(max_in_flight=CALLS, action_timeout=None)

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        response = await ctx.chat("model", f"question {event.input}")
        ctx.send(OutputEvent(output=response.usage.tokens))


class Timing(Agent):
    """Tells how long each of its calls took."""

    @tool()
    async def add(self, a: int, b: int) -> int:
        """Adds."""
        return a + b

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        seconds = []
        for number in range(CALLS_OF_A_RUN):
            began = time.perf_counter()
            if event.input["do"] == "chat":
                await ctx.chat("model", f"question {number}")
            else:
                assert await ctx.tool("add", a=number, b=1) == number + 1
            seconds.append(time.perf_counter() - began)
        ctx.send(OutputEvent(output=seconds))


async def add(a: int, b: int) -> int:
    """The tool, bare."""
    return a + b


def plan_of(agent: Any, url: str, model: str, **policy: Any) -> AgentPlan:
    """An agent with the model of the server."""
    from headrace import AgentBuilder

    asked = use("chat_models", "openai", model=model, base_url=url, api_key_env=None)
    return AgentPlan.from_agent(
        AgentBuilder(type(agent)).resource("model", asked.with_policy(**policy))
    )


def client_of(url: str) -> Any:
    """The bare client."""
    import openai

    return openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=None)


async def bare(url: str, model: str, count: int) -> None:
    """So many calls at a time."""

    async def one(number: int) -> None:
        messages: Any = [{"role": "user", "content": f"question {number}"}]
        response = await client.chat.completions.create(model=model, messages=messages)
        assert response.usage.total_tokens

    async with client_of(url) as client:
        await asyncio.gather(*(one(number) for number in range(count)))


class Resident:
    """The most memory of this process, beyond what it was at first (KiB)."""

    def __init__(self) -> None:
        gc.collect()
        self._first = self.most = self._now()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def end(self) -> float:
        """Stops; gives the growth."""
        self._ended.set()
        self._thread.join()
        return self.most - self._first

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self.most = max(self.most, self._now())

    @staticmethod
    def _now() -> float:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - it is quick
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def at_once(url: str, kind: str) -> dict[str, float]:
    """Seconds for 1,000 calls of a second each, and the memory of one (KiB)."""

    def run(model: str, count: int) -> None:
        if kind == "bare":
            asyncio.run(bare(url, model, count))
        else:
            outputs = run_local(plan_of(Asker(), url, model), range(count))
            assert len(outputs) == count

    run("delay=0&tokens=100", 1)
    resident = Resident()
    began = time.perf_counter()
    run("delay=1&tokens=100", CALLS)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "memory": resident.end() / CALLS}


def one_by_one(url: str, kind: str, runs: int) -> float:
    """The median of many calls, one after the other (milliseconds)."""
    seconds: list[float] = []
    if kind == "bare chat":

        async def ask() -> None:
            async with client_of(url) as client:
                for number in range(runs * CALLS_OF_A_RUN):
                    messages: Any = [{"role": "user", "content": f"question {number}"}]
                    began = time.perf_counter()
                    await client.chat.completions.create(
                        model="delay=0&tokens=100", messages=messages
                    )
                    seconds.append(time.perf_counter() - began)

        asyncio.run(ask())
    elif kind == "bare tool":

        async def call() -> None:
            for number in range(runs * CALLS_OF_A_RUN):
                began = time.perf_counter()
                assert await add(number, 1) == number + 1
                seconds.append(time.perf_counter() - began)

        asyncio.run(call())
    else:
        what, _, kept = kind.partition(" in ")
        plan = plan_of(Timing(), url, "delay=0&tokens=100")
        inputs = [{"do": what, "n": number} for number in range(runs)]
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder) / "state.db" if kept else None
            for output in run_local(plan, inputs, key=lambda _value: "one", state=state):
                seconds += output
    return statistics.median(seconds[CALLS_OF_A_RUN:]) * 1000


LIMITS: dict[str, tuple[int, int, dict[str, float]]] = {
    "requests_per_minute": (100, 1, {"requests_per_minute": 1}),
    "tokens_per_minute, fewer than estimated": (100, 100, {"tokens_per_minute": 100}),
    "tokens_per_minute, more than estimated": (2000, 2000, {"tokens_per_minute": 2000}),
}
"""By name: tokens of an answer, what one request takes of the limit, the limit for one a minute."""


def limited(url: str, name: str, per_minute: float, count: int) -> None:
    """So many calls at a time, within a limit."""
    _, _, one = LIMITS[name]
    (setting, amount), *_ = one.items()
    plan = plan_of(Asker(), url, limited_model(name), **{setting: amount * per_minute})
    assert len(run_local(plan, range(count))) == count


def limited_model(name: str) -> str:
    """The model of a limit: its answers take half a second."""
    tokens, _, _ = LIMITS[name]
    return f"delay=0.5&tokens={tokens}&of={name.replace(' ', '_')}"


def kept(starts: list[float], per_minute: float, window: float) -> dict[str, float]:
    """How far what began in any window is off the limit, and the rate over all (per minute)."""
    starts = sorted(starts)
    limit = per_minute * window / 60
    whole = [begin for begin in starts if begin + window <= starts[-1]]
    counts = [bisect_left(starts, begin + window) - place for place, begin in enumerate(whole)]
    return {
        "fullest": max(counts),
        "emptiest": min(counts),
        "limit": limit,
        "off": max(abs(count - limit) for count in counts) / limit * 100,
        "rate": (len(starts) - 1) / (starts[-1] - starts[0]) * 60,
    }


# ---------------------------------------------------------------- the figures
def measure(*, quick: bool) -> list[Figure]:
    """All of them."""
    rounds = 3 if quick else 5
    with serving() as url:
        return [
            *_at_once(url, rounds),
            *_one_by_one(url, rounds, 20 if quick else 100),
            *_limits(url, quick=quick),
        ]


def _at_once(url: str, rounds: int) -> list[Figure]:
    memory: dict[str, list[float]] = {"headrace": [], "bare": []}

    def run(kind: str) -> float:
        found = child(f"at_once({url!r}, {kind!r})")
        memory[kind].append(found["memory"])
        return float(found["seconds"])

    seconds, seen = alternating(
        rounds, {"headrace": lambda: run("headrace"), "bare": lambda: run("bare")}
    )
    needed = {kind: statistics.median(values) for kind, values in memory.items()}
    client = "the bare openai client"
    return [
        Figure(
            "1,000 model calls of 1 s at a time", seconds["headrace"], "s", client,
            seconds["bare"], target=1.25, higher_is_better=False, rounds=seen,
        ),
        Figure(
            "the same, memory of a call", needed["headrace"], "KiB", client,
            needed["bare"], target=None, higher_is_better=False, rounds=memory,
        ),
    ]  # fmt: skip


def _one_by_one(url: str, rounds: int, runs: int) -> list[Figure]:
    kinds: dict[str, Callable[[], float]] = {}
    for kind in ("chat", "bare chat", "chat in SQLite", "tool", "bare tool"):
        kinds[kind] = lambda kind=kind: float(  # type: ignore[misc]
            child(f"one_by_one({url!r}, {kind!r}, {runs})")
        )
    took, seen = alternating(rounds, kinds)
    figures = []
    for name, kind, what in (
        ("a model call", "chat", "openai client"),
        ("a tool call", "tool", "function"),
    ):
        least = took[f"bare {kind}"]
        figures += [
            Figure(
                f"{name}, answered at once", took[kind], "ms", f"the bare {what}, and 1 ms",
                least + OVERHEAD, target=1, higher_is_better=False, rounds=seen,
            ),
            Figure(
                f"{name}, what headrace adds", took[kind] - least, "ms", "1 ms",
                OVERHEAD, target=1, higher_is_better=False,
            ),
        ]  # fmt: skip
    figures.append(
        Figure(
            "a model call, recorded in SQLite", took["chat in SQLite"], "ms",
            "the bare openai client", took["bare chat"], target=None, higher_is_better=False,
        )
    )  # fmt: skip
    return figures


def _limits(url: str, *, quick: bool) -> list[Figure]:
    per_minute = 600.0
    window, count = (10.0, 300) if quick else (60.0, CALLS)
    waiting = [
        subprocess.Popen(command(f"limited({url!r}, {name!r}, {per_minute}, {count})"), cwd=HERE)
        for name in LIMITS
    ]
    for process in waiting:
        assert process.wait(600) == 0
    starts = child(f"starts({url!r})")
    figures = []
    for name in LIMITS:
        found = kept(starts[limited_model(name)], per_minute, window)
        figures += [
            Figure(
                f"{name}, {count:,} waiting: any {window:g} s ({found['emptiest']:g} to "
                f"{found['fullest']:g} requests), off its limit by",
                found["off"], "%", "2 %", OFF, target=1, higher_is_better=False,
            ),
            Figure(
                f"{name}, over the whole", found["rate"], "requests/min", "the limit",
                per_minute, target=None,
            ),
        ]  # fmt: skip
    return figures


def starts(url: str) -> Any:
    """When the requests of each model came to the server."""
    from urllib.request import urlopen

    with urlopen(f"{url}/starts", timeout=60) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def command(expression: str) -> list[str]:
    """A process that prints, as JSON, what an expression of this module gives."""
    code = f"import json, model_calls; print(json.dumps(model_calls.{expression}))"
    return [sys.executable, "-W", "ignore", "-c", code]


def child(expression: str) -> Any:
    """What an expression of this module gives in a process of its own."""
    done = subprocess.run(
        command(expression), cwd=HERE, check=False, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
