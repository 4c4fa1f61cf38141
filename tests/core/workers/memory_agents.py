"""Agents that keep things for a time, and send references to them."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace import (
    DEAD_LETTER,
    Agent,
    Context,
    Event,
    InputEvent,
    Lifetime,
    MemoryRef,
    OutputEvent,
    RuntimeConfig,
    action,
    retry,
    sub_agent,
    use,
)
from headrace.memory_events import MemoryEvent, MemoryReadEvent, MemoryWrittenEvent


class Shelf(Agent):
    """Keeps a cart whose time begins anew when it is read, and a note whose time does not."""

    config = RuntimeConfig(
        short_term_ttl=10, short_term_names={"cart": Lifetime(ttl=10, refresh="read")}
    )

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        do = event.input["do"]
        if do == "set":
            ctx.short_term["cart"] = ctx.short_term["note"] = 1
        elif do == "read":
            ctx.send(OutputEvent(output=[ctx.short_term.get("cart"), ctx.short_term.get("note")]))
        else:
            ctx.send(OutputEvent(output=sorted(ctx.short_term)))


class Reported(Event):
    """Says where a report is."""

    report: MemoryRef
    draft: MemoryRef


class Reporter(Agent):
    """Writes a report, and sends others where it is."""

    config = RuntimeConfig(short_term_names={"brief": Lifetime(ttl=10)})

    @action(InputEvent)
    async def write(self, event: InputEvent, ctx: Context) -> None:
        match event.input:
            case {"write": text}:
                ctx.short_term["report"] = ctx.short_term["brief"] = text
                ctx.sensory["draft"] = text.lower()
                for name in ("report", "brief"):
                    pinned = name == "report"
                    ctx.short_term["refs", name] = ctx.short_term.ref(name, pinned=pinned)
                ctx.short_term["refs", "draft"] = ctx.sensory.ref("draft")
                ctx.send(
                    Reported(report=ctx.short_term.ref("report"), draft=ctx.sensory.ref("draft"))
                )
            case {"rewrite": text}:
                ctx.short_term["report"] = text
            case {"resolve": name}:
                ref = ctx.short_term["refs", name]
                ctx.send(OutputEvent(output=_resolved(ctx, ref)))

    @action(Reported)
    async def read(self, event: Reported, ctx: Context) -> None:
        ctx.send(OutputEvent(output=[ctx.resolve(event.report), ctx.resolve(event.draft)]))


def _resolved(ctx: Context, ref: MemoryRef) -> Any:
    try:
        return ctx.resolve(ref)
    except LookupError as error:
        return str(error)


class Ask(Event):
    """Leads to a second action."""


class Audited(Agent):
    """Does something with memory, and puts out what it is told of it."""

    config = RuntimeConfig(
        memory_events=("began", "read", "written", "added", "updated", "deleted", "searched")
    )
    memory = use("memory", "sqlite", path=":memory:")

    @action(InputEvent, on_failure=retry(2, backoff=0, then="dead_letter"))
    async def do(self, event: InputEvent, ctx: Context) -> None:
        await getattr(self, event.input["do"])(ctx)
        ctx.send(OutputEvent(output=[ctx.key, "done"]))

    async def remember(self, ctx: Context) -> None:
        ctx.short_term["n"] = ctx.short_term.get("n", 0) + 1
        ctx.short_term["n"] = ctx.short_term["n"] + 1
        ctx.short_term["orders", "o-1"] = 1
        ctx.short_term.get("orders")

    async def forget(self, ctx: Context) -> None:
        ctx.short_term["a"] = 1
        del ctx.short_term["a"]

    async def long(self, ctx: Context) -> None:
        item = await ctx.long_term.add("Likes tulips.", user="ada")
        await ctx.long_term.update(item, "Likes roses.", user="ada")
        found = await ctx.long_term.search("roses", user="ada")
        await ctx.long_term.delete(found[0]["id"], user="ada")
        await ctx.long_term.erase(user="ada")

    async def poison(self, ctx: Context) -> None:
        ctx.short_term["poison"] = 1
        ctx.short_term["sound"] = 1

    async def fail(self, ctx: Context) -> None:
        ctx.short_term["n"] = 1
        raise ValueError("boom")

    async def again(self, ctx: Context) -> None:
        await ctx.long_term.add("Kept once.")
        if ctx.attempt == 1:
            raise ConnectionError("try again")

    @action(MemoryEvent)
    async def audit(self, event: MemoryEvent, ctx: Context) -> None:
        ctx.short_term["told"] = told = ctx.short_term.get("told", 0) + 1
        kind = type(event).event_type.removeprefix("memory.")
        said = event.model_dump(exclude={"action", "user"})
        if said.get("path") == ("poison",):
            ctx.send(OutputEvent(output=[ctx.key, "never seen"]))
            raise ValueError("the audit fails")
        ctx.send(Ask())
        ctx.send(OutputEvent(output=[ctx.key, kind, said, told]))

    @action(Ask)
    async def asked(self, event: Ask, ctx: Context) -> None:
        ctx.short_term["asked"] = ctx.short_term.get("asked", 0) + 1

    @action(Event)
    async def everything(self, event: Event, ctx: Context) -> None:
        if not isinstance(event, (InputEvent, Ask)):
            ctx.send(OutputEvent(output=[ctx.key, "told of all", type(event).__name__]))


class Quiet(Agent):
    """Subscribes to what is not switched on."""

    config = RuntimeConfig(memory_events=("read",))

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["n"] = ctx.short_term.get("n", 0) + 1

    @action(MemoryWrittenEvent)
    async def audit(self, event: MemoryWrittenEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output="told"))


class Forger(Agent):
    """Claims that something was read."""

    config = RuntimeConfig(failure=DEAD_LETTER)

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        forged: Event = MemoryReadEvent(path=("n",), found=True)
        ctx.send(forged)


class Sorted(Agent):
    """Keeps facts and wishes apart."""

    memory = use("memory", "sqlite", path=":memory:")

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        facts, wishes = ctx.long_term.of("facts"), ctx.long_term.of("wishes")
        await facts.add("The tea is green.")
        await wishes.add("More tea, please.")
        await ctx.long_term.add("Tea was served.")
        seen = {
            "facts": await facts.search("tea"),
            "wishes": await wishes.export(),
            "none": await ctx.long_term.search("tea"),
            "all": await ctx.long_term.export(all_sets=True),
        }
        gone = await facts.erase()
        seen["left"] = await ctx.long_term.export(all_sets=True)
        texts = {name: sorted(item["text"] for item in items) for name, items in seen.items()}
        ctx.send(OutputEvent(output={**texts, "gone": gone}))


class Kept(Agent):
    """Writes, and is told of it, as a sub-agent."""

    config = RuntimeConfig(memory_events=("began", "read", "written"))

    @action(InputEvent)
    async def keep(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["kept", "x"] = ctx.short_term.get("kept", 0)
        ctx.send(OutputEvent(output="kept"))

    @action(MemoryEvent)
    def note(self, event: MemoryEvent, ctx: Context) -> None:
        path = "/".join(getattr(event, "path", ()))
        ctx.short_term["noted"] = noted = ctx.short_term.get("noted", 0) + 1
        ctx.send(OutputEvent(output=[event.action, path, noted]))


class Keeper(Kept):
    """Writes under the same names, and has another one write."""

    kept = sub_agent(Kept(), many=True)

    @action(InputEvent)
    async def keep(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["kept", "x"] = "mine"
        inner = await ctx.agent("kept", event.input)
        mine = [list(ctx.short_term), ctx.short_term["kept", "x"]]
        ctx.send(OutputEvent(output={"inner": inner, "mine": mine}))


SAID: list[str] = []
"""What was asked in this process."""


async def said(what: str) -> str:
    """A durable call that depends on memory."""
    SAID.append(what)
    return what


class Lasting(Agent):
    """Asks about a value that lives for a time, before and after it waits."""

    name: str
    waits: bool = False

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        if event.input["do"] == "set":
            ctx.short_term.set("x", "there", ttl=10)
        elif event.input["do"] == "ask":
            told = [await ctx.call(said, ctx.short_term.get("x", "gone"))]
            there = "x" in ctx.short_term and len(ctx.short_term)
            told.append(await ctx.call(said, f"looked {there}"))
            if self.waits:
                await asyncio.get_running_loop().create_future()
            told.append(await ctx.call(said, ctx.short_term.get("x", "gone")))
            ctx.send(OutputEvent(output=told))
