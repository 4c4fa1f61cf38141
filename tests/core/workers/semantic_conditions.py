"""An agent of the semantic suite whose conditions fail, and one that is asked of every event."""

from __future__ import annotations

from typing import Any

from headrace import (
    DEAD_LETTER,
    Agent,
    Context,
    Event,
    InputEvent,
    NamedEvent,
    OutputEvent,
    RuntimeConfig,
    action,
)


class Heated(Event, type="semantic.heated"):
    """An event of a class."""

    degrees: int
    by: str | None = None


class Watchers(Agent):
    """Each action tells that it was triggered, and by what."""

    config = RuntimeConfig(failure=DEAD_LETTER, condition_errors="skip")

    def told(self, who: str, event: Any, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"key": ctx.key, "who": who, "event": type(event).__name__}))

    @action(InputEvent, when="event.input.level > 2")
    def skipping(self, event: InputEvent, ctx: Context) -> None:
        self.told("skipping", event, ctx)

    @action(InputEvent, when="event.input.stop", on_condition_error="fail")
    def failing(self, event: InputEvent, ctx: Context) -> None:
        self.told("failing", event, ctx)

    @action(InputEvent, when="has(event.input.user)")
    def present(self, event: InputEvent, ctx: Context) -> None:
        self.told("present", event, ctx)

    @action(InputEvent, when="has(event.input.user) && event.input.user == null")
    def null(self, event: InputEvent, ctx: Context) -> None:
        self.told("null", event, ctx)

    @action(InputEvent, when="has(event.input.heat)")
    def heat(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(Heated(degrees=event.input["heat"]))
        ctx.send(NamedEvent(type="semantic.noted"))

    @action(when="event.degrees > 20")
    def warm(self, event: Event, ctx: Context) -> None:
        self.told("warm", event, ctx)

    @action(when="event_type == 'semantic.noted' || event_type == 'semantic.heated'")
    def either(self, event: Event, ctx: Context) -> None:
        self.told("either", event, ctx)
