"""An agent whose memory learns with a model that has a price."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headrace import (
    DEAD_LETTER,
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    OutputEvent,
    RunBudget,
    RuntimeConfig,
    Usage,
    action,
    use,
)


class Clerk(ChatModel):
    """In the place of a model's intelligence: finds one fact, and nothing outdated."""

    asked = 0

    async def chat(self, request: ChatRequest) -> ChatResponse:
        Clerk.asked += 1
        learning = "## New Messages" in request.messages[-1].content
        facts = [{"id": "0", "text": "User likes tea", "attributed_to": "user"}]
        answer = {"memory": facts} if learning else {"outdated": []}
        return ChatResponse(
            message=Message(role="assistant", content=json.dumps(answer)),
            usage=Usage(input_tokens=100, output_tokens=10),
        )


class Learner(Agent):
    """Learns from what is said, until it has cost what it may."""

    config = RuntimeConfig(failure=DEAD_LETTER, budget=RunBudget(tokens=150))
    clerk = use("chat_models", "learning_agents:Clerk")
    words = use("embedding_models", "lexical")
    folder: str

    def resources(self) -> Mapping[str, Any]:
        path = self.folder
        return {"memories": use("memory", "mem0", path=path, embedder="words", model="clerk")}

    @action(InputEvent)
    async def learn(self, event: InputEvent, ctx: Context) -> None:
        for number in range(event.input):
            learned = await ctx.long_term.learn(f"I like tea, I said {number}.")
            texts = [item["text"] for item in learned]
            ctx.send(OutputEvent(output=[texts, learned.usage.tokens]))
