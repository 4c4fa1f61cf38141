"""An agent whose action fails after its model has answered."""

from __future__ import annotations

from headrace import (
    Agent,
    BudgetExceededError,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    OutputEvent,
    RunBudget,
    RuntimeConfig,
    Usage,
    action,
    retry,
    use,
)


class Meter(ChatModel):
    """Every answer costs three tokens; no intelligence."""

    async def chat(self, request: ChatRequest) -> ChatResponse:
        usage = Usage(input_tokens=2, output_tokens=1)
        return ChatResponse(message=Message(role="assistant", content="said"), usage=usage)


class Stumbling(Agent):
    """Fails as often as the input says, after its calls."""

    config = RuntimeConfig(budget=RunBudget(calls=2))
    meter = use("chat_models", Meter)

    @action(InputEvent, on_failure=retry(5, backoff=0))
    async def work(self, event: InputEvent, ctx: Context) -> None:
        refused = 0
        for number in range(event.input["calls"]):
            try:
                await ctx.chat("meter", f"{number}")
            except BudgetExceededError:
                refused += 1
        if ctx.attempt <= event.input["fails"]:
            raise ValueError("it stumbled")
        ctx.send(OutputEvent(output=refused))


class Improving(ChatModel):
    """Gives the number of the request, at first not as it was asked for; no intelligence."""

    structured = True

    def __init__(self) -> None:
        self._asked = 0

    async def chat(self, request: ChatRequest) -> ChatResponse:
        self._asked += 1
        text = f'{{"n": {self._asked}}}' if self._asked > 2 else "one"
        return ChatResponse(message=Message(role="assistant", content=text))


class Formal(Agent):
    """Asks for a number."""

    model = use("chat_models", Improving)

    @action(InputEvent, on_failure=retry(2, backoff=0))
    async def work(self, event: InputEvent, ctx: Context) -> None:
        form = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
        response = await ctx.chat("model", "a number", output=form)
        ctx.send(OutputEvent(output=response.output))
