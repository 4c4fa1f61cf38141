"""Chats: a model asked until it answers, with the rounds of its tools in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from headrace.chat import ChatRequest, Message, Usage
from headrace.errors import ModelError, NonRetryableError
from headrace.interfaces import Toolset
from headrace.models._forms import Form, FormError
from headrace.models.prices import priced_as
from headrace.operator._gathering import together
from headrace.operator._spending import Spending
from headrace.operator._tools import answer, telling

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from headrace.chat import ChatDelta, ChatResponse, ToolSpec
    from headrace.interfaces import ChatModel
    from headrace.operator._context import RunContext
    from headrace.operator._operator import Operator
    from headrace.operator._prompting import Opening

__all__ = ["COMMON", "Chat", "ask", "ask_in_parts"]

T = TypeVar("T")

COMMON = ("max_tokens", "temperature", "stop", "tool_choice")
"""Options that are fields of a request, because every provider has them."""


class Chat:
    """One ``ctx.chat``; see ``Context.chat`` for what it is given."""

    def __init__(
        self,
        context: RunContext,
        operator: Operator,
        model: str,
        tools: tuple[str, ...],
        output: Any,
        on_delta: Callable[[ChatDelta], None] | None,
        options: Mapping[str, Any] | None,
    ) -> None:
        self._context = context
        self._operator = operator
        self._model = model
        self._tools = tools
        self._form = None if output is None else Form(output)
        self._on_delta = on_delta
        given = dict(options or {})
        self._common = {name: given.pop(name) for name in COMMON if name in given}
        if isinstance(self._common.get("stop"), str):
            self._common["stop"] = (self._common["stop"],)
        self._options = given
        self._usage = Usage()

    async def ask(self, opening: Opening) -> ChatResponse:
        """Asks until there is an answer, in the form that was asked for."""
        offered = await self._context.resources.tools(self._tools)
        specs = tuple(spec for spec, _ in offered.values())
        begin = await opening.messages()
        instructions = await self._instructions(begin)
        said: tuple[Message, ...] = ()
        repaired = False
        rounds = self._context.settings.max_tool_rounds
        for number in range(rounds + 2):
            if number:
                begin = await opening.messages()  # what tools have changed is told anew
            before = self._context.calls.begun
            response = await self._once((*_with(begin, instructions), *said), specs, number)
            calls = response.message.tool_calls
            if calls:
                results = await together(
                    answer(self._context, self._operator, call, offered.get(call.name))
                    for call in calls
                )
                said = (*said, response.message, *results)
            else:
                fault = self._fault(response)
                self._tell_parsed(fault)
                if isinstance(fault, Result):
                    since = (*said, response.message)
                    update = {"usage": self._usage, "output": fault.value, "messages": since}
                    return response.model_copy(update=update)
                # Both are recorded; a further attempt of the action asks anew all the same.
                self._context.calls.ask_again(f"chat:{self._model}", before)
                if repaired:
                    raise ModelError(
                        f"the model {self._model!r} did not keep to the form of its answer, also "
                        f"not when it was told what is wrong: {fault}",
                        code="bad_response",
                    )
                repaired = True
                said = (*said, response.message, _repair(fault))
            if number - repaired >= rounds:
                break
        raise NonRetryableError(
            f"the model {self._model!r} called tools for {rounds} rounds and did not answer (the "
            "setting max_tool_rounds)"
        )

    async def _once(
        self, messages: tuple[Message, ...], specs: tuple[ToolSpec, ...], number: int
    ) -> ChatResponse:
        common = dict(self._common)
        if number and common.get("tool_choice") not in {None, "auto", "none"}:
            del common["tool_choice"]  # it was called: a choice that stays would never end
        request = ChatRequest(
            messages=messages,
            tools=specs,
            output=None if self._form is None else self._form.schema,
            options=self._options,
            **common,
        )
        response = await ask(self._context, self._operator, self._model, request, self._on_delta)
        self._usage = self._usage + response.usage
        return response

    def _tell_parsed(self, fault: Result | str) -> None:
        telling = self._operator.telling
        if self._form is not None and telling.on:
            context = self._context
            telling.parsed(
                context.task,
                self._model,
                f"{context.task.id}/parse.{context.calls.begun}",
                fault if isinstance(fault, str) else None,
            )

    def _fault(self, response: ChatResponse) -> Result | str:
        """The answer as what was asked for, or what is wrong with it."""
        if self._form is None:
            return Result(None)
        try:
            return Result(self._form.read(response.text))
        except FormError as error:
            cut = response.finish_reason == "length"
            return f"{error}{' (it was cut at its limit of tokens)' if cut else ''}"

    async def _instructions(self, messages: tuple[Message, ...]) -> str:
        """What the toolsets have to say.

        What is the same each time comes first, so that providers can cache it.
        """
        texts, suggested = [], []
        for name in self._tools:
            if name in self._context.resources.agents:
                continue
            resource = await self._context.resources.get("tools", name)
            if not isinstance(resource, Toolset):
                continue
            if text := resource.instructions():
                texts.append(text)
            if resource.selective:
                asked = next((one.content for one in reversed(messages) if one.role == "user"), "")
                if text := await self._suggestions(name, resource, asked):
                    suggested.append(text)
        return "\n\n".join(texts + suggested)

    def _suggestions(self, name: str, toolset: Toolset, asked: str) -> Coroutine[Any, Any, str]:
        async def make() -> str:
            with telling(self._context, self._operator, f"{name}.suggestions"):
                return await toolset.suggestions(asked)

        return self._context.durable(f"suggestions:{name}", asked, make)


def _with(messages: tuple[Message, ...], instructions: str) -> tuple[Message, ...]:
    """Puts instructions at the end of the system prompt."""
    if not instructions:
        return messages
    if messages[0].role == "system":
        content = f"{messages[0].content}\n\n{instructions}"
        return (messages[0].model_copy(update={"content": content}), *messages[1:])
    return (Message(role="system", content=instructions), *messages)


class Result:
    """An answer that keeps to its form; its value may be anything, ``None`` too."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


async def ask(
    context: RunContext,
    operator: Operator,
    model: str,
    request: ChatRequest,
    on_delta: Callable[[ChatDelta], None] | None = None,
) -> ChatResponse:
    """Makes one request: a durable call, within the run's budget."""
    response, _ = await _recorded(context, operator, model, request, on_delta)
    return response


async def ask_in_parts(
    context: RunContext, operator: Operator, model: str, request: ChatRequest
) -> tuple[ChatResponse, list[ChatDelta]]:
    """The same; gives the parts of the answer too, which are recorded with it."""
    parts: list[ChatDelta] = []

    def take(part: ChatDelta) -> None:
        if part.restarted:
            parts.clear()
        else:
            parts.append(part)

    return await _recorded(context, operator, model, request, take, parts)


async def _recorded(
    context: RunContext,
    operator: Operator,
    model: str,
    request: ChatRequest,
    on_delta: Callable[[ChatDelta], None] | None,
    parts: Sequence[ChatDelta] = (),
) -> tuple[ChatResponse, list[ChatDelta]]:
    chat_model: ChatModel = await context.resources.get("chat_models", model)
    spending = Spending(context, operator)

    async def make() -> tuple[ChatResponse, list[ChatDelta]]:
        spending.begin()
        with telling(context, operator, model):
            if on_delta is None:
                response = await chat_model.chat(request)
            else:
                response = await chat_model.stream(request, on_delta)
        spending.add(response.usage, priced_as(response.provider, response.model) or model)
        if operator.telling.on:
            operator.telling.used(context.task, model, response.usage)
        return response, list(parts)

    answered: tuple[ChatResponse, list[ChatDelta]] = await context.durable(
        f"chat:{model}",
        request.model_dump(mode="json"),
        make,
        timeout=None,  # each request has its own: see headrace.models
    )
    return answered


def _repair(fault: str) -> Message:
    return Message(
        role="user",
        content=f"That answer does not have the form that was asked for: {fault}. Answer again, "
        "with the JSON value alone.",
    )
