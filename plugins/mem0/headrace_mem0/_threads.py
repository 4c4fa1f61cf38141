"""What an open memory holds: the store, its thread, the models, and who is learning."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.errors import ModelError, ResourceError
from headrace_mem0._drafts import Draft
from headrace_mem0._models import Bridge, Embedder, Extractor
from headrace_mem0._scopes import told
from headrace_mem0._store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from headrace.interfaces import ChatModel, EmbeddingModel

__all__ = ["Held"]

T = TypeVar("T")

LEARNERS = 8
"""How many conversations are learned from at a time."""


class _Turn:
    __slots__ = ("lock", "waiting")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0


class Held:
    """An open memory's means.

    The store is used by one thread. What mem0 asks models for waits in other threads, and comes
    back to the store's thread for what it wants to know of the store.
    """

    def __init__(self, embedder: EmbeddingModel, model: ChatModel | None) -> None:
        self.embedder = embedder
        self.model = model
        self.store: Store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="headrace-mem0")
        self._learners = ThreadPoolExecutor(LEARNERS, thread_name_prefix="headrace-mem0-learn")
        self._bridges: set[Bridge] = set()
        self._turns: dict[tuple[str, ...], _Turn] = {}
        self._closed = False

    async def open(self, *settings: Any) -> None:
        """Opens the store."""
        try:
            self.store = await self.do(Store, *settings)
        except BaseException:
            self._stop()
            raise

    async def close(self) -> None:
        """Ends what is being learned, then closes the store, after the calls that it was given."""
        for bridge in self._bridges:
            bridge.cancel()
        self._closed = True
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self.store.close)
        self._stop()
        await closing

    async def do(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Runs something on the store's thread."""
        if self._closed:
            raise ResourceError("the mem0 memory was closed under this call")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def embed(self, text: str) -> list[float]:
        """The vector of a text."""
        [vector] = await self.embedder.embed([text])
        return vector

    @asynccontextmanager
    async def turn(self, scope: Mapping[str, str]) -> AsyncIterator[None]:
        """Waits for those who learn in the same scope."""
        name = tuple(scope.values())
        turn = self._turns.setdefault(name, _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[name]

    async def extract(
        self, model: ChatModel, scope: Mapping[str, str], said: list[dict[str, str]], now: float
    ) -> Draft:
        """What mem0 finds in a conversation, and what it was shown; nothing is written yet.

        Raises:
            ModelError: A model did not answer.
        """

        def near(vector: Sequence[float], limit: int) -> list[Any]:
            return self._thread.submit(self.store.near, scope, vector, limit, now).result()

        draft = Draft(near)
        loop = asyncio.get_running_loop()
        bridge = Bridge(loop)
        view = self.store.view(
            draft, Embedder.of(self.embedder, bridge), Extractor.of(model, bridge)
        )
        self._bridges.add(bridge)
        failure: BaseException | None
        try:
            # In this context: what the models cost there is counted where it is asked for here.
            learn = functools.partial(view.add, said, **told(scope), infer=True)
            here = contextvars.copy_context()
            await loop.run_in_executor(self._learners, here.run, learn)
        except asyncio.CancelledError:
            bridge.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - mem0 wraps what the bridge has kept
            failure = bridge.failure or ModelError(f"mem0 could not learn: {error}")
        else:
            # mem0 goes on where an embedder fails, and leaves the memory out.
            failure = bridge.failure
        finally:
            self._bridges.discard(bridge)
        if self._closed:
            raise ResourceError("the mem0 memory was closed while it learned")
        if failure is not None:
            raise failure
        return draft

    def _stop(self) -> None:
        self._learners.shutdown(wait=False)
        self._thread.shutdown(wait=False)
