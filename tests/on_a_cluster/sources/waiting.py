"""An agent whose runs wait for files; its next version takes another path for two keys."""

import asyncio
from pathlib import Path

from place import CHANGED, FOLDER

from headrace import Agent, Context, InputEvent, OutputEvent, action, use


async def ask(name):
    (Path(FOLDER) / "asked").open("a").write(f"{name}\n")
    return name


async def wait(name, file):
    (Path(FOLDER) / f"waits-{name}").touch()
    while not (Path(FOLDER) / file).exists():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


class Desk(Agent):
    """Asks, waits and answers; one key asks late."""

    def resources(self):
        return {"calls": use("action_stores", "sqlite", path=str(Path(FOLDER) / "calls.db"))}

    @action(InputEvent)
    async def answer(self, event: InputEvent, ctx: Context) -> None:
        name = event.input["k"]
        if name == "late":
            await ctx.call(wait, name, "go-late", timeout=3600)
        moves = CHANGED and name in {"moved", "late"}
        await ctx.call(ask, "anew" if moves else f"{name}, as before")
        if name != "free":
            await ctx.call(wait, f"{name}-for-long", "go", timeout=3600)
        ctx.send(OutputEvent(output=name))
