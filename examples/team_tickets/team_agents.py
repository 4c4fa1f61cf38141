"""Teams that hand tickets to each other: each team is a key, and a ticket may come back to it."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from headrace import Agent, Context, InputEvent, OutputEvent, action

__all__ = ["Team", "Ticket"]

ASKS = {
    "support": {"refund": "billing", "invoice": "billing", "nobody": "engineering"},
    "billing": {"refund": "legal"},
    "legal": {"refund": "billing"},
    "engineering": {"nobody": "sales"},
    "sales": {"nobody": "support"},
}
"""Whom a team asks, by a word of the ticket; a ticket without such a word it settles itself."""
REMEMBERED = timedelta(days=7)


class Ticket(BaseModel):
    """A customer's request, with the teams that have had it."""

    id: str
    text: str
    team: str
    trail: list[str] = []


class Team(Agent):
    """Settles a ticket, or hands it to another team, and knows its own when it comes back."""

    most: int = 6
    """How many turns a ticket has at most: nothing else ends a circle of teams."""

    @action(InputEvent[Ticket])
    async def handle(self, event: InputEvent[Ticket], ctx: Context) -> None:
        """Settles a ticket or hands it on."""
        ticket = event.input
        trail = [*ticket.trail, ticket.team]
        asks = ASKS.get(ticket.team, {})
        asked = f"asked/{ticket.id}"
        to = next((team for word, team in asks.items() if word in ticket.text), None)
        if to is not None and ctx.short_term.pop(asked, None) == to == ticket.trail[-1]:
            answer = f"settled by {ticket.team}, which asked {to}"
        elif to is None:
            answer = f"settled by {ticket.team}"
        elif len(trail) >= self.most:
            answer = f"nobody's, after {len(trail)} turns: for a person to look at"
        else:
            ctx.short_term.set(asked, to, ttl=REMEMBERED)
            onward = Ticket(id=ticket.id, text=ticket.text, team=to, trail=trail)
            ctx.send(OutputEvent(output=onward.model_dump()))
            return
        ctx.send(OutputEvent(output={"id": ticket.id, "answer": answer, "trail": trail}))
