"""An agent that hears what people say of its runs."""

from __future__ import annotations

from headrace import Agent, Context, InputEvent, OutputEvent, VerdictEvent, action

__all__ = ["Listener"]


class Listener(Agent):
    """Counts complaints."""

    @action(InputEvent)
    def answer(self, event: InputEvent, ctx: Context) -> None:
        """Tells how many there are."""
        count = ctx.short_term.get("complaints", 0)
        ctx.send(OutputEvent(output=f"{event.input['do']} has {count} complaints"))

    @action(VerdictEvent, when="event.verdict == 'bad'")
    def hear(self, event: VerdictEvent, ctx: Context) -> None:
        """Counts one."""
        ctx.short_term["complaints"] = ctx.short_term.get("complaints", 0) + 1
        about = f"{event.input} -> {event.outputs}"
        said = f"{event.verdict}, says {event.by}: {event.note} ({', '.join(event.labels)})"
        ctx.send(OutputEvent(output=f"{ctx.key}: {said} of {about}"))
