"""A server written with the SDK, as people write theirs.

Started as ``python workshop.py`` it speaks over its pipes; with ``--http`` over HTTP, on a port
that it prints.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Annotated, Any

from mcp.server.mcpserver import Audio, Context, Image, MCPServer
from mcp_types import EmbeddedResource, ResourceLink, TextResourceContents, ToolAnnotations
from pydantic import BaseModel, Field

server = MCPServer("workshop", version="2.1", instructions="Measure twice.")
done: list[str] = []
stopped = asyncio.Event()


class Board(BaseModel):
    """A board."""

    length: float
    wood: str


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def saw(length: Annotated[float, Field(gt=0)], wood: str = "oak") -> Board:
    """Saws a board."""
    if wood == "iron":
        raise ValueError("iron is no wood")
    return Board(length=length, wood=wood)


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool(structured_output=False)
def greet(name: str) -> str:
    """Greets."""
    return f"Good morning, {name}."


@server.tool()
def show() -> list[Any]:
    """Shows all kinds of things."""
    return [
        "Here they are:",
        Image(data=b"12345", format="png"),
        Audio(data=b"1234567", format="wav"),
        EmbeddedResource(
            type="resource", resource=TextResourceContents(uri="shop://note", text="a note")
        ),
        ResourceLink(type="resource_link", name="plan", uri="shop://plan", size=12),
    ]


@server.tool(structured_output=False)
def huge(letters: int) -> str:
    """Gives a long text."""
    return "x" * letters


@server.tool(structured_output=False)
async def rest(ctx: Context) -> str:
    """Rests until it is told to stop."""
    await ctx.report_progress(1, 2, "resting")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        done.append("cancelled")
        stopped.set()
        raise
    return "rested"


@server.tool(structured_output=False)
async def stopped_resting() -> str:
    """Waits until a rest was cancelled."""
    await stopped.wait()
    return ", ".join(done)


@server.tool(structured_output=False)
async def work(ctx: Context) -> str:
    """Works, and says how far it is."""
    await ctx.report_progress(1, 2, "half")
    await ctx.warning("the saw is blunt", logger_name="saw")
    return "done"


@server.tool(structured_output=False)
async def ask(ctx: Context) -> str:
    """Asks the user for a name."""

    class Who(BaseModel):
        name: str

    answer = await ctx.elicit("Who are you?", Who)
    return str(answer.action)


@server.tool(structured_output=False)
async def refit(ctx: Context) -> str:
    """Changes one tool, drops another, and adds a third."""
    server.remove_tool("add")
    server.remove_tool("greet")
    server.add_tool(lambda name: name, name="greet", description="Greets, and tells the boss.")
    server.add_tool(lambda: "glued", name="glue", description="Glues.")
    await ctx.notify_tools_changed()
    return "refitted"


@server.resource("shop://price/{wood}")
def price(wood: str) -> str:
    """The price of a wood."""
    return f"{wood}: 7 a metre"


@server.resource("shop://logo", mime_type="image/png")
def logo() -> bytes:
    """The logo."""
    return b"123456789"


@server.prompt()
def offer(wood: str) -> str:
    """Writes an offer."""
    return f"Write an offer for {wood}."


def serve_http() -> None:
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    app = server.streamable_http_app(json_response="--json" in sys.argv)
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


if __name__ == "__main__":
    serve_http() if "--http" in sys.argv else server.run()
