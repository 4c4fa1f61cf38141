"""Agents that plan; the model is played by rules, and says what it was asked in its answers."""

from __future__ import annotations

import json
from typing import Any

from headrace import (
    Agent,
    ChatModel,
    ChatRequest,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    OutputEvent,
    action,
    sub_agent,
    use,
)
from headrace.agents import PlanExecuteAgent

PLANS: dict[str, list[Any]] = {
    "trip": [
        {"steps": [
            {"id": "a", "task": "find a train"},
            {"id": "b", "task": "find an inn"},
            {"id": "c", "task": "book both", "after": ["a", "b"]},
        ]}
    ],
    "bad form": [
        {"steps": [
            {"id": "a", "task": "x", "after": ["b"]},
            {"id": "b", "task": "y", "after": ["a"]},
        ]},
        {"steps": [{"id": "a", "task": "find a train"}]},
    ],
    "revised": [
        {"steps": [{"id": "a", "task": "burn"}, {"id": "b", "task": "never", "after": ["a"]}]},
        {"plan": {"steps": [{"id": "d", "task": "find a train"}]}},
    ],
    "enough": [
        {"steps": [{"id": "a", "task": "burn"}]},
        {"enough": True},
    ],
    "hopeless": [
        {"steps": [{"id": "a", "task": "burn"}]},
        {"plan": {"steps": [{"id": "a", "task": "burn"}]}},
        {"plan": {"steps": [{"id": "a", "task": "burn"}]}},
    ],
}  # fmt: skip


class Planner(ChatModel):
    """Plans by the table above, does steps by repeating them, answers with what it was told."""

    def __init__(self) -> None:
        self._planned: dict[str, int] = {}

    async def chat(self, request: ChatRequest) -> ChatResponse:
        last = request.messages[-1].content
        if any(word in last for word in ("rite a plan", "rite a new plan", "have the form")):
            asked = next(m.content for m in request.messages if m.role == "user")
            number = self._planned.get(asked, 0)
            self._planned[asked] = number + 1
            return _said(json.dumps(PLANS[asked][number]))
        if last.startswith("The whole task"):
            after = " after" if "<step" in last else ""
            return _said(f"did {last.rpartition('Do: ')[2]}{after}")
        return _said(last)


def _said(text: str) -> ChatResponse:
    return ChatResponse(message=Message(role="assistant", content=text))


class Trip(PlanExecuteAgent):
    """Its steps are done by the model."""

    model = use("chat_models", Planner)


class Worker(Agent):
    """Does a step; two at a time have to meet."""

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        task = event.input.rpartition("Do: ")[2]
        if task == "burn":
            raise ValueError("it burns")
        ctx.send(OutputEvent(output={"worked": task}))


class Delegating(PlanExecuteAgent):
    """Its steps are done by a sub-agent."""

    model = use("chat_models", Planner)
    worker = "doer"
    doer = sub_agent(Worker())


def trips() -> list[Any]:
    return [Trip(), PlanExecuteAgent(name="Trip", model=use("chat_models", Planner))]
