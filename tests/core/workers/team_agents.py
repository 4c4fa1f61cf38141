"""Teams: agents that send each other what they put out."""

from __future__ import annotations

from typing import Any

from headrace import (
    DEAD_LETTER,
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    Event,
    InputEvent,
    Message,
    OutputEvent,
    Prompt,
    RuntimeConfig,
    action,
    tool,
    use,
)
from headrace.teams import OUT, Team, route


class Voice(ChatModel):
    """Says who it is and what it heard; no intelligence."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def chat(self, request: ChatRequest) -> ChatResponse:
        said = f"{self._name} hears {request.messages[-1].content}"
        return ChatResponse(message=Message(role="assistant", content=said))


class Thought(Event):
    """A step inside an agent; both members of the team have such."""

    text: str


class Writer(Agent):
    """Writes a draft; a better one each time that it is sent back."""

    sign: str = "w"
    llm = use("chat_models", Voice, name="writer")
    style = Prompt("write")

    @tool()
    def spell(self, word: str) -> str:
        """Spells."""
        return "-".join(word)

    @action(InputEvent)
    async def write(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["drafts"] = number = ctx.short_term.get("drafts", 0) + 1
        ctx.send(Thought(text=f"{self.sign}{number}"))

    @action(Thought)
    async def think(self, event: Thought, ctx: Context) -> None:
        said = (await ctx.chat("llm", ctx.prompt("style"))).text
        spelt = await ctx.tool("spell", word="ab")
        ctx.send(OutputEvent(output={"draft": event.text, "said": said, "spelt": spelt}))


class Editor(Agent):
    """Sends drafts back until they are good enough; all are told of the last one."""

    good: str = "w2"
    llm = use("chat_models", Voice, name="editor")
    style = Prompt("edit")

    @action(InputEvent)
    async def read(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["drafts"] = ctx.short_term.get("drafts", 0) + 10
        ctx.send(Thought(text=event.input["draft"]))

    @action(Thought)
    async def judge(self, event: Thought, ctx: Context) -> None:
        said = (await ctx.chat("llm", ctx.prompt("style"))).text
        verdict = "good" if event.text >= self.good else "revise"
        output = {"key": ctx.key, "draft": event.text, "verdict": verdict, "said": said}
        ctx.send(OutputEvent(output={**output, "drafts": ctx.short_term["drafts"]}))


class Archive(Agent):
    """Counts what comes out."""

    @action(InputEvent)
    async def keep(self, event: InputEvent, ctx: Context) -> None:
        if event.input.get("draft") == "burn":
            raise ValueError("it burns")
        ctx.short_term["kept"] = ctx.short_term.get("kept", 0) + 1
        ctx.send(OutputEvent(output={"kept": ctx.short_term["kept"]}))


def reviews(name: str, good: str = "w2", rounds: int = 5, **more: Any) -> Team:
    """Writer and editor in a circle; what is good is archived, and leaves too."""
    return Team(
        name,
        writer=Writer(),
        editor=Editor(good=good),
        archive=Archive(),
        routes=[
            route("writer", "editor"),
            route(
                "editor",
                "writer",
                when=f"output.verdict == 'revise' && rounds < {rounds}",
            ),
            route("editor", "archive", when="output.verdict == 'good'"),
            route("editor", OUT, when="output.verdict == 'good'"),
        ],
        config=RuntimeConfig(failure=DEAD_LETTER),
        **more,
    )
