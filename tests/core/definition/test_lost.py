"""Calls that are never awaited, and values that actions return, are seen in the source."""

from __future__ import annotations

import inspect

import lost_agents
import pytest
from lost_agents import Losing, look

from headrace import AgentPlan, PlanError
from headrace.calls import function_name, kind_of
from headrace.compiling._lost import lost


@pytest.fixture(scope="module")
def told():
    with pytest.raises(PlanError) as caught:
        AgentPlan.from_agent(Losing())
    return {fault.where.partition(" ")[0]: fault for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("where", "words", "hint"),
    [
        ("call_not_awaited", "ctx.call(...) is not awaited", "write: await ctx.call(...)"),
        ("memory_not_awaited", "ctx.long_term.add(...) is not awaited", "await ctx.long_term.add"),
        ("gather_not_awaited", "ctx.gather(...) is not awaited", "await ctx.gather"),
        ("plain_calls", "ctx.tool(...) is to be awaited, which a plain def", "blocking=True"),
        ("returns_name", "the action returns a value", "ctx.send(...)"),
        ("returns_field", "the action returns a value", "ctx.send(...)"),
        ("losing", "ctx.call(...) is not awaited", "write: await ctx.call(...)"),
    ],
)
def test_what_is_lost_is_told_with_what_to_do(told, where, words, hint):
    assert words in told[where].message
    assert hint in told[where].hint


def test_the_line_is_that_of_the_file(told):
    line = int(told["call_not_awaited"].message.partition(":")[0].removeprefix("line "))

    assert inspect.getsource(lost_agents).splitlines()[line - 1].strip() == "ctx.call(look, 1)"


@pytest.mark.parametrize(
    ("name", "mode"), [("awaits", "async"), ("gives_back_what_is_awaited", "sync"),
                       ("waits", "blocking")],
)  # fmt: skip
def test_nothing_is_told_of_what_is_kept(name, mode):
    assert list(lost(getattr(lost_agents.Keeping, name), mode)) == []


def test_nothing_is_concluded_where_the_source_is_not_there():
    assert list(lost(eval("lambda event, ctx: ctx.call(print)"), "sync")) == []  # noqa: S307


class TestNamesOfCalls:
    def test_a_function_is_named_by_where_it_is(self):
        assert function_name(look) == "lost_agents:look"

    def test_one_whose_module_is_called_like_a_kind_is_told_apart(self):
        import chat

        assert function_name(chat.answer) == "function:chat:answer"

    @pytest.mark.parametrize(
        ("name", "kind"),
        [("chat:answer", "chat"), ("function:chat:answer", "function"), ("memory:add", "memory"),
         ("shop:chat", "function"), ("chatty:answer", "function")],
    )  # fmt: skip
    def test_a_name_tells_what_is_called(self, name, kind):
        assert kind_of(name) == kind
