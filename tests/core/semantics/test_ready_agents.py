"""Ready agents, their history, and what the runtime retrieves: the same on every engine."""

from __future__ import annotations

import json

import pytest
from semantic_agents import by_key, itself, one_key
from semantic_ready import Chronicler, Clerk, Judge, Librarian, Talker


def said(output):
    """The conversation that the model was shown."""
    return json.loads(output)["messages"]


class TestReActAgent:
    @pytest.fixture(scope="class")
    def ran(self, engine):
        asked = [
            "call look a; weigh b > look c",
            "call weigh nothing",
            "call look a" + " > look a" * 5,
        ]
        return engine.run(Clerk(), [*asked, "fail"], key=itself)

    def answer(self, ran, asked):
        [output] = ran.of("key", asked)
        return output

    def test_tools_are_called_round_by_round_and_their_results_told(self, ran):
        output = self.answer(ran, "call look a; weigh b > look c")

        assert output["answer"] == "a seen | b weighed | c seen"

    def test_the_model_is_told_of_a_tool_that_failed(self, ran):
        assert self.answer(ran, "call weigh nothing")["answer"] == "Error: it has no weight"

    def test_the_usage_is_that_of_all_rounds(self, ran):
        usage = self.answer(ran, "call look a; weigh b > look c")["usage"]

        assert (usage["input_tokens"], usage["output_tokens"]) == (30, 3)

    def test_rounds_without_an_answer_end_by_the_agents_setting(self, ran):
        [letter] = [each for each in ran.dead_letters if "look a > " in each["input"]]

        assert "called tools for 3 rounds and did not answer" in letter["error"]

    def test_a_model_that_fails_is_a_failure_of_the_run_which_follows_its_policy(self, ran):
        [letter] = [each for each in ran.dead_letters if each["input"] == "fail"]

        assert (letter["action"], letter["error"]) == ("reply", "ModelError: not now")


class TestForms:
    @pytest.fixture(scope="class")
    def ran(self, engine):
        return engine.run(Judge(), ['say {"ok": true}', 'say {"ok": "perhaps"}'], key=itself)

    def test_the_answer_leaves_as_data_of_the_form(self, ran):
        assert ran.outputs == [{"ok": True, "why": "no reason"}]

    def test_an_answer_that_does_not_fit_also_when_it_was_told_why_fails(self, ran):
        [letter] = ran.dead_letters

        assert "did not keep to the form" in letter["error"]


class TestHistory:
    @pytest.fixture(scope="class")
    def ran(self, engine):
        inputs = [("a", "say one"), ("b", "say other"), ("a", "fail"), ("a", "two"), ("a", "three")]
        inputs += [("b", "back")]
        return engine.run(
            Talker(), [{"key": key, "text": text} for key, text in inputs], key=by_key
        )

    def shown(self, ran, text):
        [output] = ran.of("text", text)
        return said(output["answer"])

    def test_an_input_is_answered_with_what_was_said_before_with_its_key(self, ran):
        assert self.shown(ran, "back") == [
            ["user", "say other"],
            ["assistant", "other"],
            ["user", "back"],
        ]

    def test_a_run_that_failed_left_the_conversation_as_it_was(self, ran):
        assert self.shown(ran, "two") == [
            ["user", "say one"],
            ["assistant", "one"],
            ["user", "two"],
        ]

    def test_what_is_beyond_the_limit_is_forgotten_by_whole_turns(self, ran):
        shown = self.shown(ran, "three")

        assert [text for role, text in shown if role == "user"] == ["say one", "two", "three"]


def test_what_is_older_is_folded_into_notes(engine):
    asked = ["say 1", "say 2", "say 3", "say 4", "say 5", "say 6", "show"]

    ran = engine.run(Chronicler(), asked, key=one_key)

    assert said(ran.outputs[-1]) == [
        ["user", "Notes of the conversation up to here:\nnotes of say 1 say 2 say 3 say 4 say 5"],
        ["user", "say 6"],
        ["assistant", "6"],
        ["user", "show"],
    ]


class TestRetrieval:
    @pytest.fixture(scope="class")
    def ran(self, engine):
        inputs = [
            {"query": "harbour tide", "limit": 2, "tag": "best first"},
            {"query": "tide", "where": {"lang": "de"}, "tag": {"narrowed": True}},
            {"query": "tide", "store": "nowhere"},
        ]
        return engine.run(Librarian(), inputs, key=one_key)

    def test_the_response_has_the_passages_best_first(self, ran):
        [found] = ran.of("tag", "best first")

        assert found["ids"] == ["h3", "h1"]

    def test_the_response_carries_the_requests_id_and_tag(self, ran):
        assert [output["known"] for output in ran.outputs] == [True, True]

    def test_a_condition_narrows_what_is_found(self, ran):
        [found] = ran.of("tag", {"narrowed": True})

        assert found["ids"] == ["h3"]

    def test_a_store_that_was_not_declared_fails_the_run(self, ran):
        [letter] = ran.dead_letters

        assert "declares no resource 'nowhere' of the kind 'vector_stores'" in letter["error"]
