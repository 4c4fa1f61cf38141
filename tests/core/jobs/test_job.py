"""`@job`: a function that puts streams together, with the agents that it may use."""

from __future__ import annotations

import dataclasses

import pytest

from headrace import Agent, AgentBuilder, InputEvent, action
from headrace.errors import HeadraceError
from headrace.jobs import Job, job


class Echo(Agent):
    times: int = 1

    @action(InputEvent)
    def echo(self, event, ctx): ...


def pipeline(env, plans):
    env.append(plans)


def test_a_function_becomes_a_job_with_its_agents():
    found = job(Echo(times=2), name="my job")(pipeline)
    assert isinstance(found, Job)
    assert (found.name, found.agents) == ("my job", (Echo(times=2),))


def test_it_is_called_as_its_function_is_unless_it_says_otherwise():
    assert job(Echo())(pipeline).name == "pipeline"


def test_a_class_stands_for_its_agent_without_parameters():
    assert job(Echo)(pipeline).agents == (Echo(),)


def test_agents_that_are_built_are_taken_too():
    built = AgentBuilder("built")
    assert job(built, Echo)(pipeline).agents == (built, Echo())


def test_calling_it_puts_the_streams_together():
    env, plans = [], {"Echo": object()}
    assert job(Echo())(pipeline)(env, plans) is None
    assert env == [plans]


def test_making_it_runs_nothing():
    def never(env, plans):
        raise AssertionError("it runs where the job is submitted")

    assert job(Echo())(never).pipeline is never


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        job(Echo())(pipeline).name = "other"


def test_a_job_without_an_agent_is_refused():
    with pytest.raises(HeadraceError, match=r"a job has at least one agent: @job\(MyAgent\(\)\)"):
        job()


@pytest.mark.parametrize("name", ["-x", " x", "a/b", "a\nb", "x" * 101, "ä", "${x}"])
def test_a_name_that_a_cluster_shows_badly_is_refused(name):
    with pytest.raises(HeadraceError, match="is no name for a job"):
        job(Echo(), name=name)(pipeline)


@pytest.mark.parametrize("name", ["x", "7", "Orders 2.0_beta-1", "x" * 100])
def test_other_names_are_taken(name):
    assert job(Echo(), name=name)(pipeline).name == name
