"""Agents that keep things for a time, and send references to them."""

from __future__ import annotations

from typing import Any

from headrace import (
    Agent,
    Context,
    Event,
    InputEvent,
    Lifetime,
    MemoryRef,
    OutputEvent,
    RuntimeConfig,
    action,
)


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
