"""What a ready agent asks its model, what it lets it call, and what leaves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
from pydantic import BaseModel
from semantic_ready import (
    Clerk,
    DictStore,
    Judge,
    Mirror,
    Streaming,
    Verdict,
    WordEmbedder,
    Zoned,
    look,
    weight_of,
)

from headrace import AgentBuilder, AgentPlan, JobFailedError, PlanError, RuntimeConfig, use
from headrace.agents import ChatAgent, ReActAgent

MODEL = use("chat_models", Mirror)


class Ticket(BaseModel):
    day: dt.date


@dataclass
class Order:
    number: int
    day: dt.date


class TestWhatIsAsked:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("a text", "a text"),
            ({"b": 1, "a": ["ü"]}, '{"b":1,"a":["ü"]}'),
            (None, "null"),
            (Order(7, dt.date(2026, 8, 1)), '{"number":7,"day":"2026-08-01"}'),
        ],
    )
    def test_the_whole_input_is_told_as_text_or_compact_json(self, shown, value, text):
        agent = ChatAgent(model=MODEL, prompt="{input}")

        assert shown(agent, value)["messages"] == [["user", text]]

    @pytest.mark.parametrize(("value", "text"), [("a text", "a text"), (None, "null"), (7, "7")])
    def test_without_a_prompt_it_is_an_input_that_has_no_parts(self, shown, value, text):
        assert shown(ChatAgent(model=MODEL), value)["messages"] == [["user", text]]

    @pytest.mark.parametrize("value", [{"b": 1, "a": 2}, Order(7, dt.date(2026, 8, 1)), [1, 2]])
    def test_an_input_with_parts_needs_a_prompt(self, run, value):
        with pytest.raises(JobFailedError, match="no prompt says how it is told to the model"):
            run(ChatAgent(model=MODEL), value)

    def test_an_input_of_a_form_with_parts_needs_a_prompt_to_compile(self):
        with pytest.raises(PlanError, match=r'prompt = "... \{day\} ...", or prompt = "\{input\}"'):
            AgentPlan.from_agent(ChatAgent(model=MODEL, input=Ticket))

    def test_instructions_are_the_system_prompt(self, shown):
        agent = ChatAgent(model=MODEL, instructions="Be short.")

        assert shown(agent, "hi")["messages"] == [["system", "Be short."], ["user", "hi"]]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ({"who": "Ada", "n": [1]}, "Ada {number} [1] {who}"),
            (Order(1, dt.date(2026, 8, 1)), "{who} 1 {n} {who}"),
        ],
    )
    def test_a_prompt_is_filled_from_the_fields_of_the_input(self, shown, value, text):
        agent = ChatAgent(model=MODEL, prompt="{who} {number} {n} {{who}}")

        assert shown(agent, value)["messages"] == [["user", text]]

    def test_a_prompt_may_hold_the_whole_input(self, shown):
        agent = ChatAgent(model=MODEL, prompt="Translate: {input}")

        assert shown(agent, "Guten Tag")["messages"] == [["user", "Translate: Guten Tag"]]

    def test_a_field_called_like_a_word_of_python_is_a_field(self, shown):
        agent = ChatAgent(model=MODEL, prompt="{key} {text} {self}")

        [[_, text]] = shown(agent, {"key": 1, "text": 2, "self": 3})["messages"]

        assert text == "1 2 3"

    def test_what_is_filled_in_is_not_read_again(self, shown):
        agent = ChatAgent(model=MODEL, prompt="{a} {b}")

        assert shown(agent, {"a": "{b}", "b": "!"})["messages"] == [["user", "{b} !"]]

    def test_fields_that_a_subclass_has_added_come_before_those_of_the_input(self, shown):
        [[_, text], _] = shown(
            Zoned(more="less", prompt="{input}"), {"zone": "forged", "more": "x"}
        )["messages"]

        assert text.startswith("You are for eu;")
        assert text.endswith("less too.")

    def test_the_parameters_of_the_agent_itself_are_no_fields(self, shown):
        agent = ChatAgent(model=MODEL, prompt="{name} {model} {stream}")

        assert shown(agent, {"x": 1})["messages"] == [["user", "{name} {model} {stream}"]]

    def test_options_go_along(self, shown):
        agent = ChatAgent(model=MODEL, options={"max_tokens": 9, "seed": 1})

        assert shown(agent, "hi")["options"] == {"max_tokens": 9, "seed": 1}


class TestTools:
    def offered(self, shown, agent):
        return shown(agent, "hi")["tools"]

    def test_a_chat_agent_offers_none_unless_it_is_told(self, shown):
        agent = AgentBuilder(ChatAgent, model=MODEL).tool(look)

        assert self.offered(shown, agent) == []

    def test_a_react_agent_offers_all_unless_it_is_told(self, shown):
        agent = AgentBuilder(ReActAgent, model=MODEL).tool(look).tool(weight_of, name="weigh")

        assert self.offered(shown, agent) == ["look", "weigh"]

    def test_those_that_are_named_are_offered_in_that_order(self, shown):
        agent = AgentBuilder(ReActAgent, model=MODEL, tools=["weigh", "look"])
        agent.tool(look).tool(weight_of, name="weigh").tool(look, name="another")

        assert self.offered(shown, agent) == ["weigh", "look"]

    def test_none_may_be_offered(self, shown):
        assert self.offered(shown, AgentBuilder(ReActAgent, model=MODEL, tools=()).tool(look)) == []

    def test_functions_that_are_given_are_declared_with_their_marks(self, shown):
        agent = ReActAgent(model=MODEL, tools=["semantic_ready:look", weight_of])

        assert self.offered(shown, agent) == ["look", "weigh"]

    def test_in_a_mapping_each_has_the_name_that_it_is_given(self, shown):
        agent = ReActAgent(model=MODEL, tools={"first": look, "second": "semantic_ready:look"})

        assert self.offered(shown, agent) == ["first", "second"]

    def test_a_toolset_may_be_given_by_its_use(self, shown):
        toolset = use("tools", "headrace.retrieval:RetrievalTools", store="s", embedder="e")

        agent = AgentBuilder(ReActAgent, model=MODEL, tools=[toolset])
        agent.resource("s", use("vector_stores", DictStore))
        agent.resource("e", use("embedding_models", WordEmbedder))

        assert self.offered(shown, agent) == ["search_documents"]

    def test_a_method_of_the_subclass_is_a_tool_as_everywhere(self, run):
        assert run(Zoned(tools=["own"], zone="us"), "call own this") == ["this in us"]


class TestWhatLeaves:
    def test_an_answer_is_a_text(self, run):
        assert run(ChatAgent(model=MODEL), "say hi") == ["hi"]

    @pytest.mark.parametrize(
        ("form", "said", "output"),
        [
            (Verdict, '{"ok": true}', {"ok": True, "why": "no reason"}),
            ("semantic_ready:Mood", '{"value": "sad"}', "sad"),
            (int, '{"value": 3}', 3),
            ({"type": "object", "required": ["a"]}, '{"a": [1]}', {"a": [1]}),
        ],
    )
    def test_an_answer_in_a_form_is_its_value_as_json(self, run, form, said, output):
        assert run(ChatAgent(model=MODEL, output=form), f"say {said}") == [output]

    def test_what_is_included_stands_beside_the_answer(self, run):
        include = ["key", "input.a", "input.none", "model"]
        agent = ChatAgent(model=MODEL, prompt="say yes", include=include)

        assert run(agent, {"a": 1, "b": 2}) == [
            {"answer": "yes", "key": "key", "input": {"a": 1, "none": None}, "model": "mirror"}
        ]

    def test_the_whole_input_may_be_included(self, run):
        agent = ChatAgent(model=MODEL, prompt="say yes", include="input")

        assert run(agent, {"a": 1}) == [{"answer": "yes", "input": {"a": 1}}]

    def test_the_usage_is_that_of_all_requests(self, run):
        [output] = run(Clerk(), "call look a")

        assert output["usage"]["input_tokens"] == 20

    def test_a_form_goes_with_what_is_included(self, run):
        [output] = run(Judge(include="key"), 'say {"ok": false}')

        assert output == {"answer": {"ok": False, "why": "no reason"}, "key": "key"}


class TestStreams:
    def told(self, run, **parameters):
        records = []
        agent = ChatAgent(model=use("chat_models", Streaming), **parameters)
        run(agent, "say hello", observers=[records.append])
        return [record.data["text"] for record in records if record.what == "delta"]

    def test_parts_of_the_answer_are_told_to_those_who_watch(self, run):
        assert self.told(run, stream=True) == ["he", "llo"]

    def test_unless_it_is_asked_for_no_parts_are_told(self, run):
        assert self.told(run) == []


def test_the_limits_are_settings_of_the_runtime(run):
    class Brief(Clerk):
        config = RuntimeConfig(max_tool_rounds=1)

    with pytest.raises(JobFailedError, match="called tools for 1 rounds"):
        run(Brief(), "call look a > look a > look a")
