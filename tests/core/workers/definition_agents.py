"""Agents to compile: one that is written in three ways, and many that are at fault."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

from pydantic import BaseModel

from headrace import (
    Agent,
    AgentBuilder,
    Context,
    Event,
    InputEvent,
    NamedEvent,
    OutputEvent,
    Prompt,
    action,
    prompt,
    retry,
    tool,
    use,
)


class Place(BaseModel):
    city: str
    floor: int = 0


class Opened(Event, type="incident.opened"):
    cluster: str
    severity: int
    where: Place | None = None
    at: Place = Place(city="here")


# ---------------------------------------------------------------- one agent, three ways
async def note(event: InputEvent, ctx: Context) -> None:
    """Notes an input."""
    ctx.send(Opened(cluster=event.input["cluster"], severity=event.input["severity"]))


def tell(event: Opened, ctx: Context) -> None:
    """Tells of an incident."""
    ctx.send(OutputEvent(output=event.cluster))


def look(name: str, depth: int = 1) -> dict[str, int]:
    """Looks something up.

    Args:
        name: What to look up.
        depth: How far to go.
    """
    return {name: depth}


class Watcher(Agent):
    """Watches clusters."""

    config: ClassVar[dict[str, Any]] = {"max_in_flight": 7}
    zone: str = "eu"
    limit: int = 3
    answers = use("chat_models", "scripted", policy={"rules": []})
    greeting = Prompt("Look at {cluster}.")
    note = staticmethod(action(InputEvent, when="event.input.severity > 1")(note))
    tell = staticmethod(action(Opened, on_failure=retry(2), timeout=5)(tell))
    look = staticmethod(tool()(look))


def built() -> AgentBuilder:
    return (
        AgentBuilder("Watcher", description="Watches clusters.", limit=3, zone="eu")
        .configure(max_in_flight=7)
        .resource("greeting", Prompt("Look at {cluster}."))
        .resource("answers", use("chat_models", "scripted", policy={"rules": []}))
        .action(note, InputEvent, when="event.input.severity > 1")
        .action(tell, Opened, on_failure=retry(2), timeout=5)
        .tool(look)
    )


YAML = """\
name: Watcher
description: Watches clusters.
parameters: {limit: 3, zone: eu}
config: {max_in_flight: 7}
resources:
  answers: {kind: chat_models, use: scripted, with: {policy: {rules: []}}}
prompts:
  greeting: Look at {cluster}.
tools:
  - function: definition_agents:look
actions:
  - function: definition_agents:note
    on: input
    when: event.input.severity > 1
  - function: definition_agents:tell
    on: [incident.opened]
    on_failure: {attempts: 2}
    timeout: 5
"""
YAML = YAML.replace("[incident.opened]", '["definition_agents:Opened"]').replace(
    "Look at {cluster}.", '"Look at {cluster}."'
)


# ---------------------------------------------------------------- inheritance
class Base(Agent):
    suffix: str = "!"

    @action(InputEvent)
    def answer(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=f"{self.greet()} {event.input}{self.suffix}"))

    def greet(self) -> str:
        return "hello"


class Overrides(Base):
    """Overrides the action without marking it again."""

    def answer(self, event: InputEvent, ctx: Context) -> None:
        super().answer(event, ctx)
        ctx.send(OutputEvent(output="and more"))


class OverridesHelper(Base):
    def greet(self) -> str:
        return "good day"


class MarksAgain(Base):
    @action(InputEvent, when="event.input != 'quiet'")
    def answer(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output="again"))


class TakesAway(Base):
    answer: ClassVar[None] = None  # as Python takes a method away

    @action(InputEvent)
    def other(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output="other"))


class Mixin(Agent):
    @action(InputEvent, name="mixed")
    def extra(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output="mixed in"))


class Both(Mixin, Base):
    pass


# ---------------------------------------------------------------- many faults at once
class Faulty(Agent):
    live: Any = None
    model = use("chat_modles", "scripted")
    other = use("chat_models", "no-such-model")
    code = use("tools", "definition_agents:NoSuchClass")

    @action(InputEvent, when="event.inputt > 1")
    def wrong_field(self, event: InputEvent, ctx: Context) -> None: ...

    @action(Opened, when="event.at.city == 'x' && event.at.street == 'y'")
    def wrong_nested_field(self, event: Opened, ctx: Context) -> None: ...

    @action(InputEvent, when="event.input >")
    def no_expression(self, event: InputEvent, ctx: Context) -> None: ...

    @action(InputEvent, when="severity > 1")
    def unknown_name(self, event: InputEvent, ctx: Context) -> None: ...

    @action(OutputEvent)
    def on_output(self, event: OutputEvent, ctx: Context) -> None: ...

    @action(InputEvent)
    def returns(self, event: InputEvent, ctx: Context) -> str:
        return "lost"

    @action(InputEvent)
    def yields(self, event: InputEvent, ctx: Context) -> None:
        yield event

    @action(InputEvent)
    def takes_too_few(self, event: InputEvent) -> None: ...

    @action(InputEvent, blocking=True)
    async def async_and_blocking(self, event: InputEvent, ctx: Context) -> None: ...

    @action(InputEvent, timeout=-1)
    def negative(self, event: InputEvent, ctx: Context) -> None: ...

    @action()
    def untriggered(self, event: InputEvent, ctx: Context) -> None: ...

    @action(InputEvent)
    def sends_unhandled(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(Closed())

    @tool()
    def untyped(self, what) -> str:
        return what

    @prompt
    def broken(self) -> str:
        raise ValueError("no words")


class Closed(Event):
    pass


class Unreachable(Agent):
    @action(InputEvent)
    def answer(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=1))

    @action(Opened)
    def never(self, event: Opened, ctx: Context) -> None: ...


class HandsOn(Agent):
    """Hands its context on: what is sent cannot be seen."""

    @action(InputEvent)
    def answer(self, event: InputEvent, ctx: Context) -> None:
        elsewhere(ctx)

    @action(Opened)
    def opened(self, event: Opened, ctx: Context) -> None: ...


def elsewhere(ctx: Context) -> None:
    ctx.send(Opened(cluster="c", severity=1))


class ByName(Agent):
    @action(InputEvent)
    def answer(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(NamedEvent(type="ticket.made", data={"n": 1}))

    @action("ticket.made", when="event.data.n == 1")
    def made(self, event: NamedEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=event.data))


class Twice(Agent):
    @action(InputEvent, name="same")
    def one(self, event: InputEvent, ctx: Context) -> None: ...

    @action(InputEvent, name="same")
    def two(self, event: InputEvent, ctx: Context) -> None: ...


class Deaf(Agent):
    @action("something.else")
    def answer(self, event: NamedEvent, ctx: Context) -> None: ...


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@decorated
def wrapped(event: InputEvent, ctx: Context) -> None:
    ctx.send(OutputEvent(output="wrapped"))


def closure():
    def inner(event: InputEvent, ctx: Context) -> None: ...

    return inner


async def coroutine(event: InputEvent, ctx: Context) -> None: ...
