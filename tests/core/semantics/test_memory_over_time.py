"""Memory over time and over restarts: by a clock of the tests', on the state of each engine."""

from __future__ import annotations

import pytest
from memory_agents import SAID, Lasting, Reporter, Shelf, Sorted

from headrace import AgentPlan
from headrace.local import IterableSource, ListSink, LocalEngine


class Clock:
    """Says the time that it is told."""

    now = 1_000.0

    def __call__(self):
        return self.now


class Local:
    """The local engine; with a state file, in a process of its own for each input."""

    def __init__(self, state):
        self.state = state

    def run(self, agent, inputs):
        clock, outputs = Clock(), ListSink()
        plan = AgentPlan.from_agent(agent)

        def engine():
            more = {"key": lambda value: value.get("key"), "state": self.state, "clock": clock}
            return LocalEngine(plan, output=outputs, **more)

        def arriving(values):
            for at, value in values:
                clock.now = 1_000.0 + at
                yield value

        if self.state is None:
            engine().run(IterableSource(arriving(inputs)))
        else:
            for one in inputs:
                engine().run(IterableSource(arriving([one])))
        return outputs.values


class Function:
    """The agent as a Flink function, restored from its state for each input."""

    def run(self, agent, inputs):
        from function_worker import Store, Worker

        clock, store, outputs = Clock(), Store(), []
        for at, value in inputs:
            clock.now = 1_000.0 + at
            worker = Worker(agent, store)
            worker.function._runs.operator.clock = clock
            outputs += worker.element({"key": None, **value})
            worker.function.close()
        return outputs


@pytest.fixture(params=["memory", "sqlite", pytest.param("function", marks=pytest.mark.flink)])
def host(request, tmp_path):
    if request.param == "function":
        pytest.importorskip("pyflink")
        return Function()
    return Local(tmp_path / "state.db" if request.param == "sqlite" else None)


SET, READ, LOOK = {"do": "set"}, {"do": "read"}, {"do": "look"}


class TestTimeToLive:
    def test_reading_begins_the_time_anew_where_the_settings_say_so(self, host):
        outputs = host.run(Shelf(), [(0, SET), (6, READ), (12, READ), (21, READ)])

        assert outputs == [[1, 1], [1, None], [1, None]]

    def test_looking_which_names_there_are_does_not(self, host):
        outputs = host.run(Shelf(), [(0, SET), (6, LOOK), (12, LOOK)])

        assert outputs == [["cart", "note"], []]

    def test_what_has_expired_is_not_seen_and_not_brought_back_by_reading_it(self, host):
        outputs = host.run(Shelf(), [(0, SET), (10, READ), (10, LOOK), (11, READ)])

        assert outputs == [[None, None], [], [None, None]]

    def test_setting_it_again_begins_anew(self, host):
        outputs = host.run(Shelf(), [(0, SET), (9, SET), (18, READ)])

        assert outputs == [[1, 1]]


class TestRunAgain:
    """A run that was cut off, and is run again when what it saw has expired."""

    def test_it_sees_what_it_saw_as_far_as_its_recorded_calls_go(self, tmp_path):
        state, clock, outputs = tmp_path / "state.db", Clock(), ListSink()

        def engine(*, waits):
            plan = AgentPlan.from_agent(Lasting(name="lasting", waits=waits))
            by_key = lambda value: value["key"]  # noqa: E731
            more = {"key": by_key, "state": state, "clock": clock, "stop_after": 0.0}
            return LocalEngine(plan, output=outputs, **more)

        def arriving():
            yield {"key": "a", "do": "set"}
            yield {"key": "a", "do": "ask"}
            while len(SAID) < 2:
                yield {"key": "turn", "do": "nothing"}
            clock.now += 20
            yield {"key": "b", "do": "set"}  # what has expired is dropped with it
            first.stop()
            yield {"key": "b", "do": "nothing"}

        SAID.clear()
        first = engine(waits=True)
        first.run(IterableSource(arriving()))
        engine(waits=False).run(IterableSource([]))

        assert outputs.values == [["there", "looked 1", "gone"]]
        assert SAID == ["there", "looked 1", "gone"]


class TestReferences:
    def test_one_that_travels_in_an_event_is_resolved_by_another_action(self, host):
        assert host.run(Reporter(), [(0, {"write": "All is WELL"})]) == [
            ["All is WELL", "all is well"]
        ]

    def test_one_that_was_kept_is_resolved_by_a_later_run(self, host):
        inputs = [(0, {"write": "All is well"}), (1, {"resolve": "report"})]

        assert host.run(Reporter(), inputs)[1] == "All is well"

    def test_a_pinned_one_whose_value_has_changed_says_so(self, host):
        inputs = [(0, {"write": "A"}), (1, {"rewrite": "B"}), (2, {"resolve": "report"})]

        assert "holds another value by now" in host.run(Reporter(), inputs)[1]

    def test_one_whose_value_has_expired_says_so(self, host):
        inputs = [(0, {"write": "A"}), (10, {"resolve": "brief"})]

        assert "was deleted or has expired" in host.run(Reporter(), inputs)[1]

    def test_one_into_the_sensory_memory_of_a_run_that_has_ended_says_so(self, host):
        inputs = [(0, {"write": "A"}), (1, {"resolve": "draft"})]

        assert "a run which has ended" in host.run(Reporter(), inputs)[1]


class TestNamedSets:
    @pytest.fixture
    def seen(self, engine):
        [seen] = engine.run(Sorted(), ["a"], key=lambda value: value).outputs
        return seen

    def test_a_set_and_the_memory_in_none_see_their_own_alone(self, seen):
        assert seen["facts"] == ["The tea is green."]
        assert seen["wishes"] == ["More tea, please."]
        assert seen["none"] == ["Tea was served."]

    def test_all_sets_may_be_asked_for(self, seen):
        assert seen["all"] == ["More tea, please.", "Tea was served.", "The tea is green."]

    def test_erasing_a_set_leaves_the_others(self, seen):
        assert (seen["gone"], seen["left"]) == (1, ["More tea, please.", "Tea was served."])
