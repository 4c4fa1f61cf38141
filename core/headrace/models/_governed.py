"""A model as agents have it: with its policy around it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from headrace.chat import ChatDelta, ChatResponse
from headrace.errors import ModelError
from headrace.interfaces import ChatModel, EmbeddingModel
from headrace.metering import METER
from headrace.models._forms import in_words
from headrace.models._groups import group
from headrace.models.prices import PriceSettings
from headrace.records import tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from headrace.chat import ChatRequest
    from headrace.models._limits import CircuitBreaker
    from headrace.models.policy import ModelPolicy
    from headrace.operator._eager import Deadlines

__all__ = ["GovernedChatModel", "GovernedEmbeddingModel", "govern"]

T = TypeVar("T")
Model = TypeVar("Model", ChatModel, EmbeddingModel)

_PROVIDERS_FAULT = frozenset({"overloaded", "timeout", "connection"})
_LONGEST_PAUSE = 3600.0
_CHARACTERS_PER_TOKEN = 4
_TOKENS_OF_AN_IMAGE = 1000
_TOKENS_OF_AN_ANSWER = 500


class _Attempt:
    """One attempt at a request, by which the breaker knows the one that it lets through."""

    __slots__ = ("refused",)

    def __init__(self) -> None:
        self.refused = False  # by the breaker


class _Governed(Generic[Model]):
    """Makes the requests of one model, by its policy."""

    _kind: str

    def __init__(
        self,
        model: Model,
        name: str,
        policy: ModelPolicy,
        *,
        group_name: str,
        timeout: float | None,
        deadlines: Deadlines,
        lookup: Callable[[str, str], Awaitable[Any]],
        provider: str = "",
        called: str = "",
        prices: PriceSettings | None = None,
    ) -> None:
        self._provider = provider
        self._called = called
        self._prices = prices or PriceSettings()
        self.inner: Model = model
        self._name = name
        self._policy = policy
        self._group = group(group_name, policy)
        self._timeout = policy.timeout if policy.timeout is not None else timeout
        self._deadlines = deadlines
        self._lookup = lookup

    async def _ask(
        self,
        make: Callable[[], Awaitable[T]],
        otherwise: Callable[[Any], Awaitable[T]],
        tokens: int,
        again: Callable[[], None] | None = None,
    ) -> tuple[T, bool]:
        """Makes a request, and makes it again or elsewhere as the policy says.

        Returns:
            The result, and whether it is this model's own.

        Args:
            make: Makes it once.
            otherwise: Asks the fallback.
            tokens: What it will use, estimated.
            again: Told before it is made again.
        """
        policy = self._policy
        number = 1
        while True:
            attempt = _Attempt()
            try:
                return await self._once(make, tokens, attempt), True
            except ModelError as error:
                fallback = policy.fallback if error.code in policy.fallback_on else None
                # There is nothing to wait for where another can answer now.
                waits = fallback is None or not attempt.refused
                if waits and policy.retry.retryable(error, number):
                    wait = policy.retry.wait(error, number)
                    tell("retried", self._name, code=error.code, wait=round(wait, 3))
                    await asyncio.sleep(wait)
                    number += 1
                elif fallback is not None:
                    tell("fell back", self._name, code=error.code, to=fallback)
                    other = await self._lookup(self._kind, fallback)
                    if again is not None:
                        again()
                    return await otherwise(other), False
                else:
                    raise
            if again is not None:
                again()

    async def _once(self, make: Callable[[], Awaitable[T]], tokens: int, attempt: _Attempt) -> T:
        shared = self._group
        turn = await shared.enter(tokens)
        try:
            if turn.waited:
                tell("waited", self._name, seconds=round(turn.waited, 3))
            if shared.breaker is None:
                result = await self._in_time(make)
            else:
                result = await self._admitted(make, shared.breaker, attempt)
            if isinstance(result, ChatResponse) and result.usage.tokens:
                shared.used(turn, result.usage.tokens)
            return result
        finally:
            shared.leave()

    async def _admitted(
        self, make: Callable[[], Awaitable[T]], breaker: CircuitBreaker, attempt: _Attempt
    ) -> T:
        """Makes a request where the breaker lets it through, and tells the breaker how it went."""
        # Asked after the wait: what many waiters are told must be of now.
        closed_for = breaker.admit(attempt)
        if closed_for is not None:
            attempt.refused = True
            raise ModelError(
                f"the model {self._name!r} failed too often and is left alone for "
                f"{closed_for:.1f} s (its policy's breaker)",
                code="overloaded",
                retry_after=closed_for,
            )
        try:
            result = await self._in_time(make)
        except ModelError as error:
            if error.code not in _PROVIDERS_FAULT:
                breaker.succeeded()
            elif breaker.failed():
                tell("left alone", self._name, code=error.code)
            raise
        except BaseException:
            breaker.given_up(attempt)
            raise
        breaker.succeeded()
        return result

    async def _in_time(self, make: Callable[[], Awaitable[T]]) -> T:
        deadline = self._deadlines.within(self._timeout)
        try:
            with deadline:
                return await make()
        except TimeoutError as error:
            if not deadline.expired:
                raise
            raise ModelError(
                f"the model {self._name!r} {error} (its policy's timeout)", code="timeout"
            ) from None
        except ModelError as error:
            if error.code == "rate_limited" and error.retry_after:
                self._group.pause(min(error.retry_after, _LONGEST_PAUSE))
            raise

    async def close(self) -> None:
        """Closes the model."""
        await self.inner.close()


class GovernedChatModel(_Governed[ChatModel], ChatModel):
    """A chat model with its policy. Attributes: ``inner``, the plugin's own."""

    structured = True
    """A model that keeps to no form is told it in words."""
    _kind = "chat_models"

    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers one request.

        Raises:
            ModelError: Neither this model nor its fallbacks answered.
        """
        meter = METER.get()
        if meter is None:
            return await self._answer(request)
        meter.begin()
        token = METER.set(None)  # a fallback's answer is counted once
        try:
            response = await self._answer(request)
        finally:
            METER.reset(token)
        meter.add(response.usage)
        return response

    async def _answer(self, request: ChatRequest) -> ChatResponse:
        fitted = self._fitted(request)
        response, own = await self._ask(
            lambda: self.inner.chat(fitted),
            lambda other: other.chat(request),
            _estimate(request),
        )
        return self._priced(response) if own else response

    async def stream(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ChatResponse:
        """Answers one request and tells of its parts; one that is made again says so.

        Raises:
            ModelError: As ``chat``.
        """
        fitted = self._fitted(request)
        told = False

        def tell_part(delta: ChatDelta) -> None:
            nonlocal told
            told = True
            on_delta(delta)

        def again() -> None:
            nonlocal told
            if told:
                on_delta(ChatDelta(restarted=True))
            told = False

        response, own = await self._ask(
            lambda: self.inner.stream(fitted, tell_part),
            lambda other: other.stream(request, on_delta),
            _estimate(request),
            again,
        )
        return self._priced(response) if own else response

    def _fitted(self, request: ChatRequest) -> ChatRequest:
        if request.output is None or self.inner.structured:
            return request
        return in_words(request)

    def _priced(self, response: ChatResponse) -> ChatResponse:
        """The answer with its cost, or how many of its tokens have no price."""
        usage = response.usage
        model = response.model or self._called
        prices = self._policy.prices or self._prices.of(self._provider, model)
        update: dict[str, Any] = {}
        if prices is not None:
            update = {"cost": prices.cost(usage)}
        elif not usage.cost and usage.tokens:  # some providers tell it themselves
            update = {"unpriced_tokens": usage.tokens}
        own: dict[str, Any] = {"provider": self._provider, "model": model}
        if update:
            own["usage"] = usage.model_copy(update=update)
        return response.model_copy(update=own)


class GovernedEmbeddingModel(_Governed[EmbeddingModel], EmbeddingModel):
    """An embedding model with its policy. Attributes: ``inner``, the plugin's own."""

    _kind = "embedding_models"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order.

        Raises:
            ModelError: Neither this model nor its fallback answered.
        """
        vectors: list[list[float]]
        vectors, _ = await self._ask(
            lambda: self.inner.embed(texts), lambda other: other.embed(texts), _length(texts)
        )
        return vectors

    async def embed_query(self, text: str) -> list[float]:
        """The vector of a question.

        Raises:
            ModelError: As ``embed``.
        """
        vector: list[float]
        vector, _ = await self._ask(
            lambda: self.inner.embed_query(text),
            lambda other: other.embed_query(text),
            _length([text]),
        )
        return vector


def govern(
    model: ChatModel | EmbeddingModel, name: str, policy: ModelPolicy, **more: Any
) -> GovernedChatModel | GovernedEmbeddingModel:
    """A model with its policy around it; arguments as those of the classes here."""
    if isinstance(model, ChatModel):
        return GovernedChatModel(model, name, policy, **more)
    return GovernedEmbeddingModel(model, name, policy, **more)


def _estimate(request: ChatRequest) -> int:
    """The tokens that a request will use, roughly: put right when they are known."""
    images = sum(len(message.images) for message in request.messages)
    return (
        _length([message.content for message in request.messages])
        + images * _TOKENS_OF_AN_IMAGE
        + (request.max_tokens or _TOKENS_OF_AN_ANSWER)
    )


def _length(texts: Sequence[str]) -> int:
    return sum(map(len, texts)) // _CHARACTERS_PER_TOKEN + len(texts)
