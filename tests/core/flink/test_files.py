"""A job over files on Flink reads, and refuses, what the local engine does."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("pyflink")

from unit_agents import Counting

from headrace import AgentPlan
from headrace.flink import run_files
from headrace.local import InputError

PLAN = AgentPlan.from_agent(Counting())


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("in.jsonl", '{"k": 1}\n\n{"q": 1}\n', "in.jsonl:3: no key 'k': there is no 'k'; the f"),
        ("in.jsonl", '{"k": 1}\n{"k": \n', "in.jsonl:2, column 7: this is not JSON"),
        ("in.jsonl", '"text"\n', "in.jsonl:1: no key 'k': the input is a text, and has no fields"),
        ("in.csv", "k,v\n1\n", "in.csv:2: 1 fields, and the header has 2"),
    ],
)
def test_a_wrong_input_is_told_with_its_line_before_flink_starts(tmp_path, name, text, said):
    source, output = tmp_path / name, tmp_path / "out"
    source.write_text(text)
    with pytest.raises(InputError, match="^.*" + said.replace(".", r"\.")):
        run_files(PLAN, input=source, output=output, key_field="k", options={"no": "flink"})
    assert not output.exists()


@pytest.mark.slow
@pytest.mark.flink
@pytest.mark.usefixtures("java")
def test_csv_is_read_and_empty_lines_are_passed_over(tmp_path):
    source, output = tmp_path / "in.csv", tmp_path / "out"
    source.write_text('k,v\na,1\n\nb,"2,5"\na,3\n')
    result = run_files(PLAN, input=source, output=output, key_field="k")
    assert sorted(map(json.loads, output.read_text().splitlines())) == [1, 1, 2]
    assert (result.inputs, result.outputs, result.dead_letters) == (3, 3, 0)
