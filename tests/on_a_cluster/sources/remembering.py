"""An agent that remembers what it was told of a key: how often, and the sum."""

from __future__ import annotations

from headrace import Agent, Context, InputEvent, OutputEvent, action


class Remembering(Agent):
    """Adds up the numbers of a key."""

    @action(InputEvent)
    async def add(self, event: InputEvent, ctx: Context) -> None:
        count = ctx.short_term.get("count", 0) + 1
        total = ctx.short_term.get("total", 0) + event.input["number"]
        ctx.short_term["count"] = count
        ctx.short_term["total"] = total
        ctx.send(OutputEvent(output={"key": ctx.key, "count": count, "total": total}))
