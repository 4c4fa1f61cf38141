"""A plan is data: it comes back from JSON as it was, and is the same bytes everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from definition_agents import Watcher
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import Agent, AgentPlan, Context, InputEvent, OutputEvent, action
from headrace.errors import PlanVersionError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


class Holder(Agent):
    """Holds anything."""

    value: object = None
    other: object = None

    @action(InputEvent)
    def answer(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=self.value))


@settings(max_examples=80, deadline=None)
@given(VALUES, VALUES)
def test_json_comes_back_as_the_same_plan_and_the_same_bytes(value, other):
    plan = AgentPlan.from_agent(Holder(value=value, other=other))
    text = plan.model_dump_json()
    back = AgentPlan.model_validate_json(text)
    assert (back, back.model_dump_json(), back.digest) == (plan, text, plan.digest)


def test_bytes_and_digest_are_the_same_in_every_process_and_hash_seed():
    code = (
        "from definition_agents import Watcher; from headrace import AgentPlan\n"
        "plan = AgentPlan.from_agent(Watcher()); print(plan.digest, plan.model_dump_json())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    plan = AgentPlan.from_agent(Watcher())
    assert said == {f"{plan.digest} {plan.model_dump_json()}\n".encode()}


def test_another_parameter_is_another_digest():
    assert (
        AgentPlan.from_agent(Watcher(limit=4)).digest
        != AgentPlan.from_agent(Watcher(limit=5)).digest
    )


@pytest.mark.parametrize("found", [0, 2, 99, "1", None])
def test_a_plan_of_another_format_is_refused_and_says_what_to_do(found):
    data = json.loads(AgentPlan.from_agent(Watcher()).model_dump_json())
    data["format"] = found
    with pytest.raises(PlanVersionError, match=r"formats 1 to 1\. Compile the agent again"):
        AgentPlan.model_validate(data)


def test_a_field_that_the_plan_does_not_have_is_refused():
    data = json.loads(AgentPlan.from_agent(Watcher()).model_dump_json())
    with pytest.raises(ValueError, match="surprise"):
        AgentPlan.model_validate({**data, "surprise": 1})


def test_compiling_runs_no_code_of_a_plugin():
    code = (
        "import sys; from definition_agents import Watcher; from headrace import AgentPlan\n"
        "AgentPlan.from_agent(Watcher()); print('headrace_scripted' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
