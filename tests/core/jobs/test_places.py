"""Paths of a job's zip: marked in the plan that travels, and real where it runs."""

from __future__ import annotations

import pytest

from headrace.errors import HeadraceError
from headrace.jobs.places import MARK, located, map_texts
from headrace.plan import AgentPlan, ResourceProvider


def plan(parameters=None, **arguments):
    provider = ResourceProvider(kind="chat_models", name="llm", plugin="x", arguments=arguments)
    return AgentPlan(
        name="Triage",
        parameters=parameters or {},
        actions={},
        actions_by_event={},
        resource_providers={"chat_models": {"llm": provider}},
        core_version="0.1.0",
    )


def arguments(found):
    return found.resource_providers["chat_models"]["llm"].arguments


def test_a_marked_path_becomes_one_of_this_workers_folder(tmp_path):
    found = located(plan(policy="job:/app/policy.yaml"), tmp_path)
    assert arguments(found) == {"policy": f"{tmp_path}/app/policy.yaml"}


def test_marks_are_found_in_parameters_lists_and_tables(tmp_path):
    nested = {"a": ["job:/app/x", {"b": ("job:/app/y",)}], "n": 1, "none": None}
    found = located(plan(parameters={"rules": nested}), tmp_path)
    assert found.parameters["rules"] == {
        "a": [f"{tmp_path}/app/x", {"b": [f"{tmp_path}/app/y"]}],
        "n": 1,
        "none": None,
    }


@pytest.mark.parametrize("text", ["job", "a job:/app/x", "/app/x", "", "jobs:/app/x"])
def test_other_texts_stay_as_they_are(tmp_path, text):
    assert arguments(located(plan(note=text), tmp_path)) == {"note": text}


def test_the_folder_is_else_the_one_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADRACE_JOB", str(tmp_path))
    assert arguments(located(plan(policy=f"{MARK}app/p"))) == {"policy": f"{tmp_path}/app/p"}


def test_a_plan_without_marks_needs_no_zip(monkeypatch):
    monkeypatch.delenv("HEADRACE_JOB", raising=False)
    assert located(plan(policy="/etc/policy")) == plan(policy="/etc/policy")


def test_a_plan_of_a_zip_outside_of_one_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.delenv("HEADRACE_JOB", raising=False)
    with pytest.raises(HeadraceError, match=r"agents run JOB\.zip") as caught:
        located(plan(policy="job:/app/policy.yaml"))
    assert "job:/app/policy.yaml" in str(caught.value)


def test_the_plan_that_travelled_is_not_changed(tmp_path):
    before = plan(policy="job:/app/x")
    digest = before.digest
    located(before, tmp_path)
    assert before.digest == digest
    assert arguments(before) == {"policy": "job:/app/x"}


def test_every_text_is_passed_to_the_change():
    seen = []
    map_texts(
        plan(parameters={"p": "1"}, a="2", b=["3", {"c": "4"}]), lambda t: seen.append(t) or t
    )
    assert sorted(seen) == ["1", "2", "3", "4"]
