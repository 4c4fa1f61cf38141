"""Agents whose models cost money, by a table of prices."""

from __future__ import annotations

from headrace import (
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    OutputEvent,
    RuntimeConfig,
    action,
    retry,
    sub_agent,
    tool,
    use,
)
from headrace.chat import Usage
from headrace.policy import DEAD_LETTER
from headrace.records import tell_skill

PRICES = {
    "currency": "EUR",
    "models": {"Teller/small": {"input": 100, "output": 1000}, "Teller/large": {"input": 700}},
}


class Teller(ChatModel):
    """Every answer uses 1000 tokens, and 100 to say it; no intelligence."""

    def __init__(self, model: str) -> None:
        self._model = model

    async def chat(self, request: ChatRequest) -> ChatResponse:
        return ChatResponse(
            message=Message(role="assistant", content="said"),
            usage=Usage(input_tokens=1000, output_tokens=100),
            model=self._model,
        )


class Helper(Agent):
    """Asks the small model as often as it is told."""

    small = use("chat_models", Teller, model="small")

    @action(InputEvent)
    async def help(self, event: InputEvent, ctx: Context) -> None:
        for number in range(event.input):
            await ctx.chat("small", f"help {number}")
        ctx.send(OutputEvent(output="helped"))


class Spender(Agent):
    """Asks models as its input says; a request of the small one costs 0.2, of the large 0.7."""

    config = RuntimeConfig(failure=DEAD_LETTER, prices=PRICES, budget={"cost": 1})  # type: ignore[arg-type]
    small = use("chat_models", Teller, model="small")
    large = use("chat_models", Teller, model="large")
    unknown = use("chat_models", Teller, model="unknown")
    gift = use("chat_models", Teller, model="unknown").with_policy(prices={})
    helper = sub_agent(Helper(), budget={"cost": 0.3})

    @tool()
    async def learn_skill(self, ctx: Context) -> str:
        """Takes up a skill."""
        tell_skill("loaded", "refunds")
        return "learned"

    @action(InputEvent, on_failure=retry(3, backoff=0, then="dead_letter"))
    async def spend(self, event: InputEvent, ctx: Context) -> None:
        cost = []
        for number, asked in enumerate(event.input["ask"]):
            if asked == "skill":
                await ctx.tool("learn_skill")
            elif asked == "helper":
                cost.append(await ctx.agent("helper", event.input["helps"]))
            else:
                answer = await ctx.chat(asked, f"{number}")
                cost.append(f"{answer.usage.cost.normalize():f}")
        if ctx.attempt <= event.input.get("fails", 0):
            raise ValueError("it stumbled")
        ctx.send(OutputEvent(output={"who": event.input["who"], "cost": cost}))
