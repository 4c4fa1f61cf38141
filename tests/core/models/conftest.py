"""Time that a test holds in its hands: a clock, and an event loop that jumps over its waits."""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from headrace import ChatModel, ChatResponse, Message, ModelError, ModelPolicy, Usage
from headrace.models import _governed
from headrace.models._groups import Group
from headrace.operator._eager import Deadlines
from headrace.records import TELLER

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class _Jumping(selectors.SelectSelector):
    """Does not wait: the loop's time is what it would have been."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("the loop waits for what never comes")
        if not ready:
            self._clock.now += timeout
        return ready


class TimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose waits take no time."""

    def __init__(self) -> None:
        self.clock = Clock()
        super().__init__(_Jumping(self.clock))
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self.clock.now

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Runs it; gives its result."""
        return self.run_until_complete(main)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def loop() -> Iterator[TimeLoop]:
    """A loop whose time jumps."""
    made = TimeLoop()
    yield made
    made.close()


class Played(ChatModel):
    """Plays its answers in order, the last one for ever: no intelligence.

    An answer is a text, a failure, a response, or a number of seconds to take for the next one.
    """

    def __init__(self, *answers: Any, structured: bool = False) -> None:
        self._answers = deque(answers or ["yes"])
        self.structured = structured
        self.requests: list[Any] = []
        self.times: list[float] = []

    async def chat(self, request: Any) -> ChatResponse:
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        answer = self._next()
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = self._next()
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, ChatResponse):
            return answer
        usage = Usage(input_tokens=1000, output_tokens=100)
        return ChatResponse(message=Message(role="assistant", content=answer), usage=usage)

    def _next(self) -> Any:
        return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]


class Governing:
    """Makes governed models that look for fallbacks among each other, on a loop's own time."""

    def __init__(self, loop: TimeLoop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = loop
        self.models: dict[str, Any] = {}
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self._deadlines = Deadlines(loop)
        self._groups: dict[str, Group] = {}
        monkeypatch.setattr(_governed, "group", self._group)

    def model(self, inner: Any, name: str = "model", *, call_timeout: Any = None, **policy: Any):
        """A model with its policy; retries wait a second, without chance, where none are given."""
        policy.setdefault("retry", {"attempts": 4, "backoff": 1.0, "jitter": 0.0})
        made = _governed.govern(
            inner,
            name,
            ModelPolicy.model_validate(policy),
            group_name=policy.get("group", name),
            timeout=call_timeout,
            deadlines=self._deadlines,
            lookup=self._lookup,
        )
        self.models[name] = made
        return made

    def watch(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Runs it, and notes what is told of it."""

        async def watched() -> Any:
            TELLER.set(lambda what, name, data: self.told.append((what, name, data)))
            return await main

        return self.loop.run(watched())

    def failure(self, main: Coroutine[Any, Any, Any]) -> ModelError:
        """Runs what fails; gives how."""
        with pytest.raises(ModelError) as raised:
            self.watch(main)
        return raised.value

    def _group(self, name: str, policy: ModelPolicy) -> Group:
        return self._groups.setdefault(name, Group(policy, self.loop.time))

    async def _lookup(self, _kind: str, name: str) -> Any:
        return self.models[name]

    def close(self) -> None:
        self._deadlines.close()


@pytest.fixture
def governing(loop: TimeLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Governing]:
    """Makes governed models."""
    made = Governing(loop, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def played() -> Callable[..., Played]:
    """Makes a model that plays answers."""
    return Played
