"""What a replay may really call: models if asked to, tools if named, people never."""

from __future__ import annotations

import pytest
from replay_agents import CALLS, RELIES, Counter, Desk, Warm

from headrace.replaying import Rules


@pytest.fixture
def chat(tape):
    tape.record(Desk(), {"do": "chat look abc"})
    return tape


def asked():
    return CALLS.count("model asked")


class TestModels:
    def test_a_request_that_was_not_recorded_is_made(self, chat):
        difference = chat.only(Desk(tone="Be brief."), ask="changed")

        assert (difference.made, asked()) == (2, 2)

    def test_what_comes_of_it_is_compared(self, chat):
        [change] = chat.only(Desk(tone="Be brief."), ask="changed").outputs

        assert (change.path, change.before, change.after) == (
            "[0].said", "Hello, Be kind. cba", "Hello, Be brief. cba",
        )  # fmt: skip

    def test_one_that_was_recorded_is_not_made_again(self, chat):
        assert (chat.only(Desk(), ask="changed").made, CALLS) == (0, [])

    def test_tools_give_what_was_recorded(self, chat):
        RELIES["abc"] = "something else"

        chat.only(Desk(tone="Be brief."), ask="changed")

        assert "look abc" not in CALLS

    def test_a_tool_that_is_asked_another_thing_ends_the_run(self, chat):
        difference = chat.only(Desk(instead="look xyz"), ask="changed")

        assert difference.not_recorded.call == "tool:look"

    def test_all_of_them_can_be_asked_anew(self, chat):
        difference = chat.only(Desk(), ask="all")

        assert (difference.verdict, asked()) == ("same", 2)

    def test_ids_that_a_provider_makes_up_are_no_difference(self, chat):
        chat.only(Desk(), ask="all")  # so that the next ids are others
        difference = chat.only(Desk(), ask="all")

        assert difference.requests == ()

    def test_another_model_is_asked(self, chat):
        difference = chat.only(Warm(), ask="changed")

        assert (difference.made, difference.verdict) == (2, "same")

    def test_what_they_cost_is_told_before_and_after(self, chat):
        before, after = chat.only(Desk(tone="Be brief."), ask="changed").usage

        assert (before.cost, after.cost) == (1.0, 1.0)

    def test_answers_within_a_tool_count_where_the_tool_is_not_called(self, tape):
        tape.record(Desk(), {"do": "chat research abc"})

        before, after = tape.only(Desk()).usage

        assert (before.cost, after.cost) == (1.5, 1.5)


class TestTools:
    def test_one_that_is_named_is_called_where_it_is_asked_another_thing(self, chat):
        difference = chat.only(Desk(instead="look xyz"), ask="changed", calls=["look"])

        assert difference.not_recorded is None
        assert "look xyz" in CALLS

    def test_one_that_is_named_is_not_called_where_it_is_asked_the_same(self, chat):
        chat.only(Desk(), calls=["look"])

        assert CALLS == []

    def test_one_can_be_called_always(self, chat):
        chat.only(Desk(), calls={"look": "all"})

        assert CALLS == ["look abc"]

    def test_what_a_tool_calls_is_held_to_the_same_rules(self, tape):
        tape.record(Desk(), {"do": "chat research abc"})

        difference = tape.only(Desk(), calls={"research": "all"})

        assert (difference.verdict, CALLS) == ("same", [])

    def test_a_prompt_within_a_tool_is_seen_where_the_tool_is_called(self, tape):
        tape.record(Desk(), {"do": "chat research abc"})

        [request] = tape.only(Desk(inner="Seek"), calls={"research": "all"}).requests

        assert "-Find ABC\n+Seek ABC" in request.text

    def test_patterns_name_many(self, tape):
        tape.record(Desk(), {"do": "parallel"})

        tape.only(Desk(), calls={"replay_agents:*": "all"})

        assert sorted(CALLS) == ["a", "b", "c"]

    def test_a_pattern_for_all_of_them_names_no_model(self, chat):
        chat.only(Desk(), calls={"*": "all"})

        assert CALLS == ["look abc"]

    def test_one_model_can_be_named(self, chat):
        chat.only(Desk(), calls={"chat:llm": "all"})

        assert asked() == 2

    def test_memory_is_named_like_them(self, tape):
        tape.record(Desk(), {"do": "remember"})

        tape.only(Desk(), calls={"memory:search": "all"})

        assert CALLS == ["memory searched"]

    def test_a_name_that_no_call_has_is_told(self, tape):
        tape.record(Counter(), "a")

        assert tape.replay(Counter(), calls=["lok"]).notes == ["no call was named 'lok'"]

    def test_a_server_is_not_asked_what_it_offers(self, tape):
        tape.record(Desk(), {"do": "chat remote abc"})

        tape.only(Desk())

        assert "server asked" not in CALLS

    def test_a_module_of_functions_that_is_called_chat_is_no_model(self):
        rules = Rules("all", {})

        assert rules.mode("function:chat:answer") == "recorded"
        assert rules.mode("chat:answer") == "all"


class TestPeople:
    def test_nobody_is_asked_whatever_may_be_called(self, chat):
        difference = chat.only(Desk(instead="pay ten"), ask="all", calls={"*": "all"})

        assert difference.not_recorded.call == "approval:pay"


class TestWrongUse:
    def test_a_mode_that_there_is_not(self, chat):
        with pytest.raises(ValueError, match="'sometimes' is none of recorded, changed, all"):
            chat.replay(Desk(), ask="sometimes")

    def test_a_text_for_a_list(self, chat):
        with pytest.raises(TypeError, match="a list of names"):
            chat.replay(Desk(), calls="look")
