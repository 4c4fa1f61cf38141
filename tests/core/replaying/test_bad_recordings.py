"""A recording comes from somewhere: what is cut, changed or made up is refused, with its line."""

from __future__ import annotations

import json
import sys

import pytest
from replay_agents import Counter, Desk

from headrace.recording import RecordingError
from headrace.recording._format import MAX_LINE, check_of, line_of
from headrace.replaying import Rules, replay_each


@pytest.fixture
def two(tape):
    """A recording of two runs, on the lines 2 and 3."""
    tape.record(Counter(), "a", "b")
    return tape


def write(tape, lines):
    tape.path.write_bytes(b"".join(lines))


def lines(tape):
    return tape.path.read_bytes().splitlines(keepends=True)


def forged(line, change):
    """A line with other content and the right digest, as a stranger could write it."""
    data = json.loads(line)
    del data["check"]
    change(data)
    rest = json.dumps(data).encode()[1:]
    return b'{"check":"%b",' % check_of(rest) + rest + b"\n"


def refused(tape, text, agent=None):
    with pytest.raises(RecordingError, match=text) as raised:
        tape.replay(agent or Counter())
    return str(raised.value)


def forge_last(tape, change):
    *before, last = lines(tape)
    write(tape, [*before, forged(last, change)])


def moved(value):
    """The value, as if its class had been somewhere else."""
    value["t"] = "replay_agents:Gone"


class TestAccidents:
    def test_a_line_that_is_cut(self, two):
        *before, last = lines(two)
        write(two, [*before, last[: len(last) // 2]])

        assert f"{two.path}:3" in refused(two, "the line is cut")

    def test_a_line_that_was_changed(self, two):
        first, second, third = lines(two)
        write(two, [first, second.replace(b'"input":"a"', b'"input":"x"'), third])

        assert f"{two.path}:2" in refused(two, "was changed after it was written")

    def test_another_file(self, two):
        two.path.write_text('{"some": "json"}\n')

        assert f"{two.path}:1" in refused(two, "no line of a recording")

    def test_a_binary_file(self, two):
        two.path.write_bytes(b"\x00\xff\n" * 10)

        refused(two, "no line of a recording")

    def test_an_empty_file_has_no_runs(self, two):
        two.path.write_bytes(b"")

        assert two.replay(Counter()).summary.runs == 0

    def test_a_run_without_its_agent(self, two):
        write(two, lines(two)[1:])

        refused(two, "does not stand above it")

    def test_what_stands_before_it_is_given(self, two):
        from headrace.recording import read_recording

        *before, last = lines(two)
        write(two, [*before, last[:-5]])
        found = read_recording(two.path)

        assert next(found).run.input == "a"
        with pytest.raises(RecordingError):
            next(found)


class TestNewerFormats:
    def test_a_newer_version(self, two):
        forge_last(two, lambda data: data.update(format=2))

        refused(two, "has format 2; headrace-core here reads formats 1 to 1")

    def test_a_field_of_a_run(self, two):
        forge_last(two, lambda data: data["run"].update(mood="good"))

        refused(two, "mood: Extra inputs are not permitted")

    def test_a_field_of_a_line(self, two):
        forge_last(two, lambda data: data.update(mood="good"))

        refused(two, "neither a plan nor a run")

    def test_a_plan_of_a_newer_version(self, two):
        first, *rest = lines(two)
        write(two, [forged(first, lambda data: data["plan"].update(format=99)), *rest])

        refused(two, "this plan has format 99")


class TestStrangers:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("key_id", 7),
            ("sequence", "1"),
            ("timestamp", "now"),
            ("began", None),
            ("attempts", {"0.0": "two"}),
            ("memory", []),
            ("calls", {}),
            ("calls", [{"name": "chat:llm"}]),
            ("status", "fine"),
            ("outputs", "text"),
            ("changes", {"set": [], "gone": {}}),
            ("usage", {"input_tokens": -1}),
            ("inputs_ended", "yes"),
        ],
    )
    def test_a_field_of_another_type(self, two, field, value):
        forge_last(two, lambda data: data["run"].update({field: value}))

        assert f"{two.path}:3: run" not in refused(two, f"{two.path}:3: {field}")

    def test_a_line_that_never_ends(self, two):
        with two.path.open("ab") as file:
            file.truncate(two.path.stat().st_size + MAX_LINE + 1)  # zeros that take no room

        assert f"{two.path}:4" in refused(two, "longer than 64 MiB")

    def test_a_line_that_is_nested_without_end(self, two):
        deep = b'"format":1,"run":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        write(two, [*lines(two), b'{"check":"%b",' % check_of(deep) + deep + b"\n"])

        assert f"{two.path}:4" in refused(two, "no JSON|nested deeper")

    def test_a_value_that_is_nested_too_deep(self, two):
        value: object = "end"
        for _ in range(400):
            value = [value]
        forge_last(two, lambda data: data["run"].update(input=value))

        refused(two, "nested deeper than 320")

    @pytest.mark.parametrize("depth", [100, 310])
    def test_a_value_that_is_nested_as_deep_as_may_be_is_run(self, two, depth):
        value: object = "end"
        for _ in range(depth):
            value = [value]
        forge_last(two, lambda data: data["run"].update(input=value))

        assert two.replay(Counter()).summary.runs == 2

    def test_a_number_that_takes_a_day_to_read(self, two):
        rest = b'"format":1,"run":' + b"9" * 100_000 + b"}"
        write(two, [*lines(two), b'{"check":"%b",' % check_of(rest) + rest + b"\n"])

        refused(two, f"{two.path}:4")

    def test_a_call_that_is_inside_of_itself(self, tape):
        tape.record(Desk(), {"do": "order"})
        forge_last(tape, lambda data: data["run"]["calls"][0].update(inside=0))

        refused(tape, "calls.0.inside", Desk())

    def test_an_error_that_is_none(self, tape):
        tape.record(Desk(), {"do": "fails"})
        forge_last(tape, lambda data: data["run"]["calls"][0].update(outcome={"type": 1}))

        refused(tape, "its error is none", Desk())

    def test_a_model_is_asked_something_that_is_no_request(self, tape):
        tape.record(Desk(), {"do": "hides"})
        odd = {"messages": [7, {"images": ["x", {"url": 1}], "tool_calls": [3]}], "tools": [None]}
        forge_last(tape, lambda data: data["run"]["calls"][0].update(asked=odd))

        assert tape.only(Desk()).not_recorded is not None

    def test_an_answer_that_is_none(self, tape):
        tape.record(Desk(), {"do": "hides"})
        forge_last(tape, lambda data: data["run"]["calls"][0].update(outcome=[1, {"a": 2}]))

        assert tape.only(Desk()).verdict == "changed"


class TestClasses:
    def test_a_result_whose_class_has_moved_is_named(self, tape):
        tape.record(Desk(), {"do": "order"})
        forge_last(tape, lambda data: moved(data["run"]["calls"][0]["outcome"]))

        difference = tape.only(Desk())

        assert difference.verdict == "failed"
        assert "replay_agents:Gone" in str(difference.error[1])

    def test_arguments_whose_class_has_moved_are_others(self, tape):
        tape.record(Desk(), {"do": "order"})
        forge_last(tape, lambda data: moved(data["run"]["calls"][0]["asked"][0][0]))

        told = str(tape.only(Desk()).not_recorded)

        assert "of other classes than were recorded" in told

    def test_a_key_whose_class_has_moved_is_named(self, two):
        gone = {"$": "dataclass", "t": "replay_agents:Gone", "v": {}}
        forge_last(two, lambda data: data["run"].update(key=gone))

        difference = two.replay(Counter()).runs[-1]

        assert difference.verdict == "failed"
        assert "replay_agents:Gone" in str(difference.error[1])

    def test_an_input_whose_class_has_moved_is_named(self, two):
        gone = {"$": "dataclass", "t": "replay_agents:Gone", "v": {}}
        forge_last(two, lambda data: data["run"].update(input=gone))

        difference = two.replay(Counter()).runs[-1]

        assert "replay_agents:Gone" in str(difference.error[1])

    def test_one_of_a_module_that_the_agent_does_not_use_is_not_imported(self, two):
        strange = {"$": "dataclass", "t": "antigravity:Order", "v": {}}
        forge_last(two, lambda data: data["run"].update(input=strange))

        refused(two, "is of the class antigravity:Order")
        assert "antigravity" not in sys.modules

    def test_an_error_of_such_a_module_is_told_by_its_name(self, tape):
        tape.record(Desk(), {"do": "gives_up"})
        strange = {"type": "antigravity:Lost", "text": "lost", "args": ["lost"], "attributes": {}}

        def change(data):
            data["run"]["calls"][0].update(outcome=strange)
            data["run"]["error"] = {"type": "antigravity:Lost", "text": "lost"}

        forge_last(tape, change)

        assert tape.only(Desk()).verdict == "same"
        assert "antigravity" not in sys.modules


def test_lines_are_pure_ascii():
    line = line_of("run", {"text": "\u2028\ud800 \x1b[2J"})

    assert line.isascii()
    assert line.count(b"\n") == 1


def test_what_stands_before_a_bad_line_is_run_where_many_are_run_at_a_time(two):
    *before, last = lines(two)
    write(two, [*before, last[:-5]])
    runs = replay_each(two.path, Counter(), rules=Rules("all", {}))

    assert next(runs).verdict == "same"
    with pytest.raises(RecordingError, match="the line is cut"):
        next(runs)
