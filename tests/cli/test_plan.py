"""`agents plan`: as a tree, as JSON, as a chart."""

from __future__ import annotations

from headrace import AgentPlan


def test_the_tree_has_all_that_one_asks_for(place):
    result = place.run("plan", place.agent("Model"))
    assert result.exit_code == 0, result.output
    plan = AgentPlan.model_validate_json(place.run("plan", place.agent("Model"), "--json").stdout)
    for word in [
        "Model",
        "go (sync)",
        "on input when event.input.k > 1",
        "timeout: 3 s",
        'model = "none"',
        "headrace-core",
        plan.digest,
    ]:
        assert word in result.stdout


def test_json_is_the_plan_and_the_same_each_time(place):
    first = place.process("plan", place.agent("Echo"), "--json")
    second = place.process("plan", place.agent("Echo"), "--json")
    assert first.stdout == second.stdout
    plan = AgentPlan.model_validate_json(first.stdout)
    assert plan.model_dump_json(indent=2) + "\n" == first.stdout


def test_a_chart_quotes_what_people_write(place):
    result = place.run("plan", place.agent("Model"), "--mermaid")
    assert result.stdout.startswith("flowchart LR\n")
    assert '-->|"event.input.k #62; 1"| a0' in result.stdout


def test_it_is_written_to_a_file_whole(place):
    result = place.run("plan", place.agent("Echo"), "--json", "-o", "plan.json")
    assert (result.exit_code, result.stdout) == (0, "")
    AgentPlan.model_validate_json((place.folder / "plan.json").read_text())
    assert sorted(path.name for path in place.folder.glob("*plan*")) == ["plan.json"]
    assert place.run("plan", place.agent("Echo"), "-o", "none/plan").exit_code == 2


def test_two_forms_are_one_too_many(place):
    assert place.run("plan", place.agent("Echo"), "--json", "--mermaid").exit_code == 2
