"""Agents of the semantic suite whose tools fail, and have parameters that no model sees."""

from __future__ import annotations

import asyncio
import enum
import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from semantic_agents import Flaw

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
    ToolRequestEvent,
    ToolResponseEvent,
    Toolset,
    ToolSpec,
    action,
    sub_agent,
    tool,
    use,
)
from headrace.hidden import FromConfig, FromContext, FromMemory


class Puppet(ChatModel):
    """Calls the tools that a text names, and says what it was told of them: no intelligence."""

    async def chat(self, request: ChatRequest) -> ChatResponse:
        told = [m for m in request.messages if m.role == "tool"]
        if told:
            seen = {
                "told": [[m.content, m.failed] for m in told],
                "request": json.dumps(request.model_dump(mode="json")),
            }
            return ChatResponse(message=Message(role="assistant", content=json.dumps(seen)))
        calls = tuple(
            ToolCall(id=str(number), name=name, arguments=arguments)
            for number, (name, arguments) in enumerate(json.loads(request.messages[-1].content))
        )
        return ChatResponse(message=Message(role="assistant", tool_calls=calls))


class Colour(enum.Enum):
    """Paints."""

    RED = "red"
    BLUE = "blue"


class Shop(Agent):
    """Has its model call tools: an input is ``{"do": ..., "calls": [[name, arguments], ...]}``."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    region: str = "north"
    values: ClassVar[dict[str, Any]] = {"shop": {"currency": "EUR"}}
    puppet = use("chat_models", Puppet)

    # ------------------------------------------------------------ failing
    @tool()
    async def crashing(self, n: int = 0) -> str:
        """Fails as programs do."""
        raise Flaw("password=hunter2")

    @tool()
    def leaving(self) -> str:
        """Ends the process, it thinks."""
        raise SystemExit(3)

    @tool()
    async def telling(self) -> str:
        """Fails, and says why."""
        raise ToolError("the shop is closed")

    @tool(timeout=0.05)
    async def sleeping(self) -> str:
        """Takes too long."""
        await asyncio.Event().wait()
        return "never"

    @tool()
    def double(self, n: int) -> int:
        """Doubles."""
        return 2 * n

    @tool(on_error="fail")
    async def paying(self, amount: int) -> str:
        """Must not fail unseen."""
        if amount < 0:
            raise ToolError("no money")
        if amount == 0:
            raise Flaw("the bank is gone")
        return f"paid {amount}"

    @tool(on_error="fail")
    def owing(self, debtor: Annotated[str, FromMemory("debtor")]) -> str:
        """Must know whom."""
        return debtor

    # ------------------------------------------------------------ limits
    @tool()
    def painting(
        self,
        n: Annotated[int, Field(ge=1, le=3)],
        name: Annotated[str, Field(max_length=3)] = "abc",
        colour: Colour = Colour.RED,
        coat: Literal["thin", "thick"] = "thin",
        brush: int = Field(default=2, lt=9),
    ) -> list[Any]:
        """Paints."""
        return [n, name, colour.value, coat, brush]

    # ------------------------------------------------------------ hidden
    @tool()
    def orders(
        self,
        status: str,
        tenant: Annotated[str, FromMemory("user.tenant")],
        region: Annotated[str, FromConfig("region")],
        currency: Annotated[str, FromConfig("shop.currency")],
        who: Annotated[str, FromContext("input.customer.id")],
        key: Annotated[Any, FromContext("key")],
        agent: Annotated[str, FromContext("agent")],
        lane: Annotated[int, Field(ge=1), FromContext("sensory.lane")],
    ) -> list[Any]:
        """Lists orders."""
        return [status, tenant, region, currency, who, key, agent, lane]

    @tool()
    def moving(self, tenant: str, ctx: Context) -> str:
        """Writes the memory that others are filled in from."""
        ctx.short_term["user", "tenant"] = tenant
        return "moved"

    @tool()
    def settled(self, tenant: Annotated[str, FromMemory("user.tenant")], ctx: Context) -> Any:
        """Sees what it is filled in with, and memory."""
        return [tenant, ctx.short_term["user", "tenant"]]

    # ------------------------------------------------------------ actions
    @action(InputEvent, when="event.input.by == 'model'")
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        self._set_up(event.input, ctx)
        tools = ["crashing", "leaving", "telling", "sleeping", "double", "paying", "owing",
                 "painting", "orders", "moving", "settled"]  # fmt: skip
        answer = await ctx.chat("puppet", json.dumps(event.input["calls"]), tools=tools)
        ctx.send(OutputEvent(output={"do": event.input["do"], "saw": json.loads(answer.text)}))

    @action(InputEvent, when="event.input.by == 'code'")
    async def call(self, event: InputEvent, ctx: Context) -> None:
        self._set_up(event.input, ctx)
        [[name, arguments]] = event.input["calls"]
        try:
            saw = await ctx.tool(name, **arguments)
        except ToolError as error:
            saw = str(error)
        ctx.send(OutputEvent(output={"do": event.input["do"], "saw": saw}))

    @action(InputEvent, when="event.input.by == 'event'")
    async def send(self, event: InputEvent, ctx: Context) -> None:
        self._set_up(event.input, ctx)
        for name, arguments in event.input["calls"]:
            ctx.send(ToolRequestEvent(tool=name, arguments=arguments, tag=event.input["do"]))

    @action(ToolResponseEvent)
    async def answered(self, event: ToolResponseEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"do": event.tag, "saw": [event.result, event.failed]}))

    def _set_up(self, given: dict[str, Any], ctx: Context) -> None:
        if "tenant" in given:
            ctx.short_term["user", "tenant"] = given["tenant"]
        if "user" in given:
            ctx.short_term["user"] = given["user"]
        ctx.sensory["lane"] = given.get("lane", 7)


class StrictShop(Shop):
    """Fails its run with any tool that fails."""

    config = RuntimeConfig(failure=DEAD_LETTER, tool_errors="fail")

    @tool(on_error="tell")
    async def telling(self) -> str:
        """Fails, and may."""
        raise ToolError("the shop is closed")


class Crane(Toolset):
    """A toolset that is out of order."""

    def specs(self) -> list[ToolSpec]:
        return [ToolSpec(name="lift")]

    async def call(self, name: str, arguments: Any) -> Any:
        raise Flaw("password=hunter2")


class Yard(Agent):
    """Lifts by a toolset; the input says what follows when that fails."""

    config = RuntimeConfig(failure=DEAD_LETTER)
    on_error: Literal["tell", "fail"]

    def resources(self) -> dict[str, Any]:
        return {"crane": use("tools", Crane).with_on_error(self.on_error)}

    @action(InputEvent)
    async def lift(self, event: InputEvent, ctx: Context) -> None:
        try:
            ctx.send(OutputEvent(output=await ctx.tool("lift")))
        except ToolError as error:
            ctx.send(OutputEvent(output=str(error)))


class Clerk(Agent):
    """Is asked by another agent."""

    region: str = "south"

    @tool()
    def whose(
        self,
        region: Annotated[str, FromConfig("region")],
        who: Annotated[str, FromContext("input.who")],
        agent: Annotated[str, FromContext("agent")],
    ) -> list[str]:
        """Tells whose it is."""
        return [region, who, agent]

    @action(InputEvent)
    async def serve(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=await ctx.tool("whose")))


class Office(Agent):
    """Asks its clerk."""

    region: str = "north"
    clerk = sub_agent(Clerk())

    @action(InputEvent)
    async def serve(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=await ctx.agent("clerk", {"who": "the clerk's input"})))
