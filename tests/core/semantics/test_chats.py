"""Chats, the same on every engine: forms, budgets, policies, parts of answers; and memory."""

from __future__ import annotations

import asyncio
import json

import pytest
from pydantic import BaseModel
from semantic_agents import by_key, fresh
from semantic_chat import ASKED, DOT, HEARD, Converser, Thrifty

from headrace import AgentPlan, ChatRequest, ChatRequestEvent, Message, ToolSpec
from headrace.errors import BudgetExceededError
from headrace.operator import Journal, Operator, RunInput

DO = [
    "form", "form_in_words", "repaired", "repaired_schema", "never", "no_form", "options", "stops",
    "tool_choice", "tool_choice_first", "no_tools", "cut", "picture", "runaway", "thirst", "dear",
    "within_budget", "retried", "fallback", "listened", "not_streamed", "parts", "by_event",
]  # fmt: skip
REMEMBER = ["remember", "export", "erase", "learn", "no_filter"]


@pytest.fixture(scope="module")
def ran(engine):
    ASKED.clear()
    HEARD.clear()
    inputs = [{"key": do, "do": do} for do in DO]
    inputs += [{"key": "memory", "do": do} for do in REMEMBER]  # one key: one after the other
    return engine.run(Converser(name=fresh("converser")), inputs, key=by_key)


@pytest.fixture
def saw(ran):
    def saw(do):
        return [output["saw"] for output in ran.of("do", do)]

    return saw


@pytest.fixture
def error(ran):
    def error(do):
        [letter] = [each for each in ran.dead_letters if each["input"]["do"] == do]
        return letter["error"]

    return error


class TestForms:
    def test_an_answer_is_what_was_asked_for(self, saw):
        assert saw("form") == [{"total": 3, "how": "asked", "told": "first"}]

    def test_a_model_that_keeps_to_no_form_is_told_it_in_the_system_prompt(self, saw):
        assert saw("form_in_words") == ["system"]

    def test_a_model_whose_answer_does_not_fit_is_told_what_is_wrong(self, saw):
        [[told, _]] = saw("repaired")

        assert told == (
            "That answer does not have the form that was asked for: total: Input should be a valid "
            "integer, unable to parse string as an integer; how: Field required; told: Field "
            "required. Answer again, with the JSON value alone."
        )

    def test_both_answers_count(self, saw):
        assert [tokens for _, tokens in saw("repaired")] == [1 + 3]

    def test_a_json_schema_is_kept_to_in_the_same_way(self, saw):
        assert saw("repaired_schema") == [3]

    def test_two_answers_that_do_not_fit_are_a_bad_response(self, saw):
        [[code, text]] = saw("never")

        assert code == "bad_response"
        assert "did not keep to the form of its answer" in text
        assert "total: Input should be a valid integer" in text

    def test_what_no_form_can_be_made_of_fails_the_action(self, error):
        assert error("no_form").startswith("TypeError: no form of an answer can be made of")


class TestWhatModelsAreTold:
    def test_options_that_all_providers_have_are_fields_of_the_request(self, saw):
        assert saw("options") == [
            {"max_tokens": 7, "temperature": 0.5, "stop": ["END"], "options": {"seed": 42}}
        ]

    def test_several_texts_may_end_an_answer(self, saw):
        assert saw("stops") == [["A", "B"]]

    def test_a_tool_that_must_be_called_must_be_called_in_the_first_round(self, saw):
        assert saw("tool_choice_first") == ["camera"]

    def test_after_it_was_called_the_model_is_free(self, saw):
        assert saw("tool_choice") == ["dropped"]

    def test_the_choice_of_none_stays(self, saw):
        assert saw("no_tools") == ["none"]

    def test_a_long_result_is_cut_and_says_so(self, saw):
        assert saw("cut") == ["x" * 256 + "\n[cut: 256 of 301 characters]"]

    def test_a_tools_picture_reaches_the_model(self, saw):
        assert saw("picture") == [["tool", "a dot", [{"data": DOT.data}]]]


class TestByEvent:
    def test_tools_that_a_request_names_are_called(self, saw):
        told, _ = saw("by_event")

        assert [message["role"] for message in told["messages"]] == ["user", "assistant", "tool"]
        assert (told["max_tokens"], [spec["name"] for spec in told["tools"]]) == (9, ["lengthy"])

    def test_a_form_that_a_request_names_is_kept(self, saw):
        _, form = saw("by_event")

        assert (type(form).__name__, form.total) == ("Order", 3)

    def test_a_request_that_brings_tools_of_its_own_is_refused(self):
        request = ChatRequest(
            messages=(Message(role="user", content="hi"),), tools=(ToolSpec(name="mine"),)
        )
        with pytest.raises(ValueError, match="the request brings tools or a form itself"):
            ChatRequestEvent(model="mirror", request=request, tools=("lengthy",))

    def test_a_form_that_no_worker_could_import_is_refused(self):
        class Here(BaseModel):
            total: int

        request = ChatRequest(messages=(Message(role="user", content="hi"),))
        with pytest.raises(ValueError, match="Here"):
            ChatRequestEvent(model="mirror", request=request, output=Here)


class TestBudgets:
    def test_a_loop_ends_after_so_many_calls(self, error):
        assert error("runaway").startswith(
            "BudgetExceededError: the run's models have used 6 calls of 6 (the setting "
            "budget.calls)"
        )

    def test_a_loop_ends_after_so_many_tokens(self, error):
        assert error("thirst").startswith(
            "BudgetExceededError: the run's models have used 6000 tokens of 5000 "
            "(the setting budget.tokens): 3 calls"
        )

    def test_a_loop_ends_after_such_a_cost(self, error):
        assert error("dear").startswith(
            "BudgetExceededError: the run's models have used 0.5 USD of 0.5 "
            "(the setting budget.cost): 2 calls, 200 tokens"
        )

    def test_a_run_may_use_all_of_it(self, saw):
        assert saw("within_budget") == [[2] * 6]


class TestPolicies:
    def test_a_model_that_fails_is_asked_again_as_often_as_its_policy_says(self, saw):
        assert saw("retried") == [["asked 3", 3]]

    def test_where_that_does_not_help_the_fallback_answers_at_its_price(self, saw):
        assert saw("fallback") == [["asked 1", 0.02, 3]]


class TestParts:
    def test_they_are_told_while_the_answer_is_written(self, saw):
        assert saw("listened") == [[["heard a", "told a", "heard b", "told b"], "ab"]]

    def test_a_model_that_cannot_stream_tells_one(self, saw):
        assert saw("not_streamed") == [['{"total"']]

    def test_asked_for_by_event_they_come_in_order_before_the_response(self, saw):
        seen = [each for each in saw("parts") if each[0] == "a b c"]

        assert seen == [["a b c", 0, "a"], ["a b c", 1, "b"], ["a b c", 2, "c"], ["a b c", "abc"]]

    def test_those_of_a_request_that_was_made_again_are_those_of_its_answer(self, saw):
        seen = [each for each in saw("parts") if each[0] == "d ! e"]

        assert seen == [["d ! e", 0, "d"], ["d ! e", 1, "e"], ["d ! e", "de"]]


class TestLongTermMemory:
    @pytest.fixture
    def scope(self, ran):
        from headrace.values import key_id

        def scope(user="", *, all_keys=False):
            key = {} if all_keys else {"key": key_id("memory")}
            return {"agent": "Converser", **key, "user": user, "set": ""}

        return scope

    def test_what_is_added_has_its_topic_its_time_and_its_metadata(self, saw, scope):
        [[first, *_]] = saw("remember")

        assert first == ["add", scope(), "a", {"colour": "red"}, True, "mill"]

    def test_where_they_are_not_given_there_are_none(self, saw, scope):
        [[_, second, *_]] = saw("remember")

        assert second == ["add", scope("u-1"), "b", {}, None, None]

    def test_a_search_is_narrowed_by_its_condition(self, saw, scope):
        [[_, _, third, _]] = saw("remember")

        assert third == ["search", scope(), "c", 9, {"colour": ["red"]}]

    def test_a_search_in_all_keys_has_no_key_in_its_scope(self, saw, scope):
        [[*_, fourth]] = saw("remember")

        assert fourth == ["search", scope("u-1", all_keys=True), "d", 9, None]

    def test_memories_are_exported_of_one_key_or_of_all(self, saw, scope):
        assert saw("export") == [[["export", scope("u-1", all_keys=True)], ["export", scope()]]]

    def test_memories_are_erased_of_one_key_or_of_all_and_counted(self, saw, scope):
        assert saw("erase") == [[1, [["erase", scope()], ["erase", scope("u-1", all_keys=True)]]]]

    def test_a_backend_without_a_model_refuses_to_learn(self, error):
        assert error("learn") == (
            "ResourceError: Ledger keeps texts as they are and has no model to learn with: use add"
        )

    def test_an_empty_condition_is_none(self, saw):
        assert saw("no_filter") == [1]


class TestReplays:
    """What a worker does that takes up a run whose worker died."""

    @pytest.fixture
    def begin(self):
        loop = asyncio.new_event_loop()
        operators = []

        def begin(way, journal=None):
            """Turns the run until it is done, or waits for what never comes."""
            plan = AgentPlan.from_agent(Thrifty(way=way))
            operators.append(Operator(plan, loop, on_done=lambda _run: None))
            stored = None if journal is None else Journal(json.loads(json.dumps(journal)))
            run = operators[-1].begin(RunInput("key", "skey", None, 0), {}, stored)

            async def turn():
                for _ in range(100):
                    await asyncio.sleep(0)

            loop.run_until_complete(turn())
            return run

        ASKED.clear()
        yield begin
        for operator in operators:
            loop.run_until_complete(operator.close())
        loop.close()

    def test_an_answer_that_is_recorded_is_not_asked_for_again(self, begin):
        crashed = begin("a stop")
        run = begin("a b", crashed.journal.stored())

        assert (run.outcome.outputs, ASKED["thrifty"]) == ([["asked 1", "asked 2"]], 2)

    def test_it_counts_as_it_did(self, begin):
        crashed = begin("a b stop")
        again = begin("a b stop", crashed.journal.stored())

        assert again.journal.spent.stored() == crashed.journal.spent.stored()

    def test_the_budget_ends_it_where_it_would_have(self, begin):
        crashed = begin("a b stop")
        run = begin("a b c d", crashed.journal.stored())

        assert isinstance(run.outcome.error, BudgetExceededError)
        assert ASKED["thrifty"] == 3

    def test_parts_of_a_recorded_answer_are_not_told_again(self, begin):
        crashed = begin("stream stop")
        run = begin("stream", crashed.journal.stored())

        assert run.outcome.outputs == [[]]
