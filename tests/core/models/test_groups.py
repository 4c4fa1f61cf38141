"""What models of one worker share, whichever agent and event loop they belong to."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
from semantic_agents import fresh

from headrace import (
    Agent,
    AgentPlan,
    Breaker,
    ChatModel,
    ChatResponse,
    Context,
    InputEvent,
    Message,
    ModelPolicy,
    OutputEvent,
    action,
    run_local,
    use,
)
from headrace.models._groups import group

INSIDE = {"now": 0, "most": 0, "done": 0}
LOCK = threading.Lock()


class Busy(ChatModel):
    """Notes how many of its requests are under way in this process."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def chat(self, request):
        with LOCK:
            INSIDE["now"] += 1
            INSIDE["most"] = max(INSIDE["most"], INSIDE["now"])
        for _ in range(3):
            await asyncio.sleep(0)
        with LOCK:
            INSIDE["now"] -= 1
            INSIDE["done"] += 1
        return ChatResponse(message=Message(role="assistant", content="done"))


class Left(Agent):
    """Asks the model."""

    model = use("chat_models", Busy, name="shared").with_policy(concurrency=2)

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=(await ctx.chat("model", str(event.input))).text))


class Right(Agent):
    """Asks the same model, as another agent."""

    other = use("chat_models", Busy, name="shared").with_policy(concurrency=2, timeout=30)

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=(await ctx.chat("other", str(event.input))).text))


def test_two_agents_on_loops_of_their_own_threads_share_a_models_limits():
    INSIDE.update(now=0, most=0, done=0)
    threads = [
        threading.Thread(target=run_local, args=(AgentPlan.from_agent(agent), list(range(100))))
        for agent in (Left(), Right())
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert INSIDE == {"now": 0, "most": 2, "done": 200}


def test_models_of_one_group_with_the_same_limits_have_one():
    name = fresh("group")
    first = group(name, ModelPolicy(concurrency=2, timeout=1))

    assert group(name, ModelPolicy(concurrency=2, fallback="small")) is first


@pytest.mark.parametrize(
    "other",
    [
        ModelPolicy(),
        ModelPolicy(concurrency=3),
        ModelPolicy(concurrency=2, requests_per_minute=1),
        ModelPolicy(concurrency=2, tokens_per_minute=1),
        ModelPolicy(concurrency=2, breaker=Breaker(failures=1)),
        ModelPolicy(concurrency=2, breaker=None),
    ],
)
def test_agents_that_disagree_on_the_limits_of_a_group_each_keep_to_their_own(other):
    name = fresh("group")
    first = group(name, ModelPolicy(concurrency=2))

    assert group(name, other) is not first


def test_a_group_is_gone_with_its_last_model():
    name, policy = fresh("group"), ModelPolicy(concurrency=2)
    before = group(name, policy)
    kept = id(before), before.breaker
    del before
    gc.collect()

    assert group(name, policy).breaker is not kept[1]
