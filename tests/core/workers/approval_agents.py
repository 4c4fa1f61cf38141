"""Agents whose tools wait for somebody's decision."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace import (
    DEAD_LETTER,
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    OutputEvent,
    RuntimeConfig,
    ToolCall,
    ToolError,
    Toolset,
    ToolSpec,
    action,
    sub_agent,
    tool,
    use,
)
from headrace.approvals import Approval

PAID: list[Any] = []
"""What was paid out in this process."""


class Cashier(ChatModel):
    """Calls the tools that it is told to; no intelligence."""

    async def chat(self, request: ChatRequest) -> ChatResponse:
        last = request.messages[-1]
        if last.role == "tool":
            said = " / ".join(m.content for m in request.messages if m.role == "tool")
            return ChatResponse(message=Message(role="assistant", content=said))
        calls = tuple(
            ToolCall(id=str(number), name=name, arguments={"amount": int(amount)})
            for number, (name, amount) in enumerate(
                part.split(":") for part in last.content.split()
            )
        )
        message = Message(role="assistant", tool_calls=calls)
        return ChatResponse(message=message, finish_reason="tool_calls")


class Vault(Toolset):
    """Two tools, of which one is dangerous."""

    def specs(self) -> list[ToolSpec]:
        return [ToolSpec(name="vault_look"), ToolSpec(name="vault_empty")]

    async def call(self, name: str, arguments: Any) -> Any:
        return f"{name} {arguments['amount']}"


class Clerk(Agent):
    """Pays by a model's wish where another agent asks it to."""

    cashier = use("chat_models", Cashier)

    @tool(approval=True)
    async def pay(self, amount: int) -> str:
        """Pays."""
        return f"the clerk paid {amount}"

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        answer = await ctx.chat("cashier", f"pay:{event.input}", tools=["pay"])
        ctx.send(OutputEvent(output=answer.text))


class Refunds(Agent):
    """Pays by a model's wish, or as the input says; above 100 somebody must agree."""

    config = RuntimeConfig(failure=DEAD_LETTER, action_timeout=20)
    name: str = "refunds"
    cashier = use("chat_models", Cashier)
    vault = use("tools", Vault).with_approval("*_empty")
    clerk = sub_agent(Clerk())

    @tool(approval=Approval(when="args.amount > 100"))
    async def pay(self, amount: int) -> str:
        """Pays.

        Args:
            amount: How much.
        """
        PAID.append(amount)
        return f"paid {amount}"

    @tool(approval=Approval(timeout=0.05))
    async def hurry(self, amount: int) -> str:
        """Waits for an answer, but not long."""
        return f"hurried {amount}"

    @tool(approval=Approval(timeout=0.05, on_timeout="fail"))
    async def insist(self, amount: int) -> str:
        """Fails without an answer."""
        return f"insisted {amount}"

    @tool(approval=Approval(when="args.amount.nothing"))
    async def broken(self, amount: int) -> str:
        """Has a condition that fails."""
        return f"broken {amount}"

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["seen"] = ctx.short_term.get("seen", 0) + 1
        await asyncio.sleep(event.input.get("nap", 0))
        wish = event.input.get("wish")
        if wish is None:
            said = "nothing"
        elif event.input["key"].startswith("clerk"):
            said = await ctx.agent("clerk", wish)
        elif event.input.get("twice"):
            said = await asyncio.gather(ctx.tool("pay", amount=wish), ctx.tool("pay", amount=wish))
        elif isinstance(wish, int):
            try:
                said = await ctx.tool("pay", amount=wish)
            except ToolError as error:
                said = str(error)
        else:
            tools = ["pay", "vault", "hurry", "insist", "broken"]
            said = (await ctx.chat("cashier", wish, tools=tools)).text
        ctx.send(OutputEvent(output={"key": event.input["key"], "said": said}))


class Impatient(Refunds):
    """May take no time at all."""

    config = RuntimeConfig(failure=DEAD_LETTER, action_timeout=0.2)
