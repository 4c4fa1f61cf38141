"""Tools that fail, limits of their parameters, and parameters that no model sees."""

from __future__ import annotations

import pytest
from semantic_agents import by_key
from semantic_tools import Office, Shop, StrictShop

HOME = {"customer": {"id": "c-1"}, "tenant": "acme"}


def asked(do, *calls, by="model", **more):
    return {"key": do, "do": do, "by": by, "calls": [list(call) for call in calls], **more}


SHOP = [
    asked("fails", ("crashing", {}), ("leaving", {}), ("telling", {}), ("sleeping", {}),
          ("nothing", {}), ("double", {"n": "many"}), ("double", {"n": 4})),
    asked("code crashes", ("crashing", {}), by="code"),
    asked("event crashes", ("crashing", {}), by="event"),
    asked("event gives", ("double", {"n": 2}), by="event"),
    asked("pays", ("paying", {"amount": 5})),
    asked("pays nothing", ("paying", {"amount": 0})),
    asked("pays less", ("paying", {"amount": -1})),
    asked("pays words", ("paying", {"amount": "words"})),
    asked("pays by event", ("paying", {"amount": 0}), by="event"),
    asked("owes", ("owing", {})),
    asked("paints", ("painting", {"n": 1, "colour": "blue", "coat": "thick"})),
    asked("paints too much", ("painting", {"n": 4}), ("painting", {"n": 1, "name": "long"}),
          ("painting", {"n": 1, "colour": "green"}), ("painting", {"n": 1, "coat": "odd"}),
          ("painting", {"n": 1, "brush": 9})),
    asked("orders", ("orders", {"status": "open"}), **HOME),
    asked("orders by code", ("orders", {"status": "open"}), by="code", **HOME),
    asked("orders by event", ("orders", {"status": "open"}), by="event", **HOME),
    asked("orders for others", ("orders", {"status": "open", "tenant": "other"}), **HOME),
    asked("orders of a value", ("orders", {"status": "open"}),
          customer={"id": "c-2"}, user={"tenant": "in a value"}),
    asked("orders of nobody", ("orders", {"status": "open"}), customer={"id": "c-1"}),
    asked("orders of number", ("orders", {"status": "open"}), **{**HOME, "tenant": 12345}),
    asked("orders off lane", ("orders", {"status": "open"}), **HOME, lane=0),
    asked("moves", ("moving", {"tenant": "new"}), ("settled", {}), **HOME),
]  # fmt: skip


@pytest.fixture(scope="module")
def ran(engine):
    return engine.run(Shop(), SHOP, key=by_key)


@pytest.fixture
def saw(ran):
    def saw(do):
        [output] = ran.of("do", do)
        return output["saw"]

    return saw


@pytest.fixture
def told(saw):
    return lambda do: saw(do)["told"]


@pytest.fixture
def error(ran):
    def error(do):
        [letter] = [each["error"] for each in ran.dead_letters if each["input"]["do"] == do]
        return letter

    return error


class TestAToolThatFails:
    def test_the_model_is_told_of_each_call_and_the_run_goes_on(self, told):
        crashed, left, said, slept, unknown, misfit, doubled = told("fails")

        assert crashed == ["Error: the tool crashing failed", True]
        assert left == ["Error: the tool leaving failed", True]
        assert said == ["Error: the shop is closed", True]
        assert slept == ["Error: the tool sleeping took longer than 0.05 s", True]
        assert unknown == ["Error: there is no tool called 'nothing'", True]
        assert misfit[0].startswith("Error: the arguments of the tool double do not fit: n: ")
        assert doubled == ["8", False]

    def test_what_it_raised_is_in_no_request(self, saw):
        assert "hunter2" not in saw("fails")["request"]

    def test_an_action_that_called_it_is_told_the_same(self, saw):
        assert saw("code crashes") == "the tool crashing failed"

    def test_a_request_by_event_is_told_the_same(self, saw):
        assert saw("event crashes") == ["the tool crashing failed", True]
        assert saw("event gives") == [4, False]


class TestAToolWhoseFailureFailsTheRun:
    def test_it_gives_its_result_as_any(self, told):
        assert told("pays") == [["paid 5", False]]

    def test_an_exception_fails_the_run_and_its_author_is_told(self, error):
        text = "ToolFailedError: the tool paying failed: Flaw: the bank is gone"
        assert error("pays nothing") == text
        assert error("pays by event") == text

    def test_a_tool_error_fails_the_run(self, error):
        assert error("pays less") == "ToolFailedError: the tool paying failed: no money"

    def test_arguments_that_the_model_may_mend_do_not(self, told):
        [[text, failed]] = told("pays words")
        assert text.startswith("Error: the arguments of the tool paying do not fit")
        assert failed

    def test_a_missing_hidden_parameter_fails_the_run(self, error):
        assert "the tool owing was not called" in error("owes")


class TestLimits:
    def test_arguments_within_them_have_their_types(self, told):
        assert told("paints") == [['[1, "abc", "blue", "thick", 2]', False]]

    def test_arguments_beyond_them_are_refused_with_what_to_mend(self, told):
        faults = [text.partition("do not fit: ")[2] for text, _ in told("paints too much")]

        assert [fault.partition(":")[0] for fault in faults] == [
            "n", "name", "colour", "coat", "brush",
        ]  # fmt: skip
        assert "less than or equal to 3" in faults[0]


class TestHiddenParameters:
    @pytest.mark.parametrize("do", ["orders", "orders by code", "orders by event"])
    def test_they_are_filled_in_whoever_calls(self, saw, do):
        got = saw(do)
        answer = {
            "orders": lambda: got["told"],
            "orders by code": lambda: got,
            "orders by event": lambda: got[0],
        }[do]()
        filled = ["open", "acme", "north", "EUR", "c-1", do, "Shop", 7]

        expected = [[str(filled).replace("'", '"'), False]] if do == "orders" else filled
        assert answer == expected

    def test_no_request_holds_their_names_or_values(self, saw):
        request = saw("orders for others")["request"]

        assert "acme" not in request
        assert '"region"' not in request

    def test_a_model_that_sets_one_is_refused(self, told):
        [[text, failed]] = told("orders for others")
        assert "tenant: Extra inputs are not permitted" in text
        assert failed

    def test_a_path_leads_into_a_value(self, told):
        [[text, _]] = told("orders of a value")
        assert '"in a value"' in text

    def test_where_one_is_missing_the_tool_is_not_run_and_the_answer_names_the_path(self, told):
        [[text, failed]] = told("orders of nobody")
        assert text == (
            "Error: the tool orders was not called: what it needs is not there: "
            "tenant (memory user.tenant)"
        )
        assert failed

    @pytest.mark.parametrize("do", ["orders of number", "orders off lane"])
    def test_a_value_that_does_not_fit_is_a_failure_that_does_not_tell_it(self, saw, do):
        assert saw(do)["told"] == [["Error: the tool orders failed", True]]
        assert "12345" not in saw(do)["request"]

    def test_they_are_what_they_were_when_the_call_was_placed(self, told):
        assert told("moves")[1] == ['["acme", "new"]', False]


def test_a_sub_agents_tools_are_filled_in_with_what_is_its_own(engine):
    ran = engine.run(Office(), [{"key": "k", "who": "the run's input"}], key=by_key)

    assert ran.outputs == [["south", "the clerk's input", "Office.clerk"]]


class TestAnAgentWhoseToolsFailItsRuns:
    @pytest.fixture(scope="class")
    def strict(self, engine):
        inputs = [
            asked("crashes", ("crashing", {})),
            asked("unknown", ("nothing", {})),
            asked("unknown by event", ("nothing", {}), by="event"),
            asked("tells", ("telling", {})),
        ]
        return engine.run(StrictShop(), inputs, key=by_key)

    def test_an_exception_fails_the_run(self, strict):
        [letter] = [each for each in strict.dead_letters if each["input"]["do"] == "crashes"]
        assert letter["error"].startswith("ToolFailedError: the tool crashing failed")

    @pytest.mark.parametrize("do", ["unknown", "unknown by event"])
    def test_a_tool_that_there_is_not_fails_the_run(self, strict, do):
        [letter] = [each for each in strict.dead_letters if each["input"]["do"] == do]
        assert letter["error"].endswith("there is no tool called 'nothing'")

    def test_a_tool_may_say_otherwise(self, strict):
        [output] = strict.of("do", "tells")
        assert output["saw"]["told"] == [["Error: the shop is closed", True]]
