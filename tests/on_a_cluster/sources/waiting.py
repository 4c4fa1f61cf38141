"""An agent whose runs wait for a file; its next version takes another path for one key."""

import asyncio
from pathlib import Path

from place import CHANGED, FOLDER

from headrace import Agent, Context, InputEvent, OutputEvent, action


async def ask(name):
    (Path(FOLDER) / "asked").open("a").write(f"{name}\n")
    return name


async def wait(name):
    (Path(FOLDER) / f"waits-{name}").touch()
    while not (Path(FOLDER) / "go").exists():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


class Desk(Agent):
    """Asks, waits and answers."""

    @action(InputEvent)
    async def answer(self, event: InputEvent, ctx: Context) -> None:
        name = event.input["k"]
        await ctx.call(ask, f"{name}, as before" if name != "moved" or not CHANGED else "anew")
        if name != "free":
            await ctx.call(wait, name, timeout=3600)
        ctx.send(OutputEvent(output=name))
