"""Inside one run: several calls, joins, the ids of events, and what is refused where it is done."""

from __future__ import annotations

import pytest
from semantic_agents import by_key, fresh
from semantic_run import Apart, Inside

DO = [
    "gather", "gather_fails", "gather_values", "chat_module", "join", "ids", "unsendable_event",
    "unsendable_named", "unsendable_output", "returns", "returns plainly",
    "returns from a thread", "gathers in a thread",
]  # fmt: skip


@pytest.fixture(scope="module")
def ran(engine):
    inputs = [{"key": do, "do": do} for do in DO]
    return engine.run(Inside(name=fresh("inside")), inputs, key=by_key)


@pytest.fixture
def saw(ran):
    return lambda do: [output["saw"] for output in ran.of("do", do)]


@pytest.fixture
def error(ran):
    def error(do):
        [text] = [each["error"] for each in ran.dead_letters if each["input"]["do"] == do]
        return text

    return error


class TestSeveralCalls:
    def test_they_are_made_side_by_side_and_give_their_results_in_order(self, saw):
        assert saw("gather") == [["pair 1", "slow hi", "pair 2"]]

    def test_where_one_fails_the_others_are_ended(self, saw):
        assert saw("gather_fails") == [["the one that fails", 1]]

    def test_what_is_no_call_is_refused(self, error):
        assert error("gather_values").startswith(
            "TypeError: ctx.gather takes calls that were not awaited; number 2 is a str"
        )

    def test_in_a_thread_each_was_made_when_it_was_written(self, saw):
        assert saw("gathers in a thread") == [[1, 2]]

    def test_a_function_of_a_module_called_chat_is_called(self, saw):
        assert saw("chat_module") == ["answered me"]


class TestAJoinByEvents:
    def test_one_event_has_all_answers_in_the_order_of_the_requests(self, saw):
        assert [each["results"] for each in saw("join")] == [["pair 1", "slow hi", "pair 2"]]

    def test_it_carries_the_id_that_sending_gave_and_the_tags(self, saw):
        [joined] = saw("join")
        assert joined["of"]
        assert joined["tags"] == ["all", "first"]
        assert joined["ids"] == 4

    def test_a_tool_that_failed_is_one_of_its_answers(self, saw):
        assert [each["broken"] for each in saw("join")] == [[True, "the tool broken failed"]]


class TestAJoinOfRequestsSentApart:
    @pytest.fixture(scope="class")
    def apart(self, engine):
        inputs = [{"key": do, "do": do} for do in ("at once", "later", "of a join", "of nothing")]
        return engine.run(Apart(name=fresh("apart")), inputs, key=by_key)

    def test_it_is_by_their_ids_and_in_the_order_of_the_join(self, apart):
        [joined] = apart.of("do", "at once")
        assert joined["saw"] == [["one", "pair 1"], ["said", "slow hi"], [None, "pair 2"]]

    def test_answers_that_are_there_already_are_joined_too(self, apart):
        [joined] = apart.of("do", "later")
        assert joined["saw"] == [["one", "single 1"], ["said", "slow hi"]]

    def test_a_join_may_be_joined(self, apart):
        [joined] = apart.of("do", "of a join")
        assert joined["saw"] == [["inner", ["slow hi"]], ["said", "slow hi"]]

    def test_who_waits_for_a_single_answer_has_it_as_well(self, apart):
        assert sorted(one["saw"] for one in apart.of("do", "alone")) == ["pair 1", "single 1"]

    def test_what_is_no_request_of_the_run_is_told(self, apart):
        [letter] = apart.dead_letters
        assert (
            "a join names 'nothing', which is no request that was sent in this run"
            in (letter["error"])
        )


class TestEvents:
    def test_equal_events_have_ids_of_their_own(self, saw):
        assert len({event_id for _, _, event_id in saw("ids")}) == 2

    def test_an_event_keeps_its_id_read_as_whatever_type(self, saw):
        assert [(who, known) for who, known, _ in saw("ids")] == [
            ("base", True), ("own", True), ("base", True), ("own", True),
        ]  # fmt: skip
        base, own = ([i for who, _, i in saw("ids") if who == each] for each in ("base", "own"))
        assert base == own

    @pytest.mark.parametrize(
        ("do", "place"),
        [
            ("unsendable_event", "Anything cannot be sent: "),
            ("unsendable_named", "NamedEvent cannot be sent: "),
            ("unsendable_output", "the output cannot be sent: "),
        ],
    )
    def test_a_value_that_cannot_be_sent_is_refused_with_its_nested_place(self, error, do, place):
        text = error(do)
        nested = {"unsendable_event": "lock", "unsendable_named": "[0]", "unsendable_output": "[2]"}

        assert text.startswith(f"MemoryValueError: {place}")
        assert "rows" in text
        assert nested[do] in text


@pytest.mark.parametrize(
    ("do", "kind"),
    [("returns", "int"), ("returns plainly", "dict"), ("returns from a thread", "str")],
)
def test_a_value_that_an_action_returns_is_told(error, do, kind):
    assert f"returned a value ({kind}), which would be lost" in error(do)
