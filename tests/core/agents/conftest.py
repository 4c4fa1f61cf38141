"""Ready agents on the embedded engine."""

from __future__ import annotations

import json

import pytest

from headrace import AgentPlan
from headrace.local import IterableSource, ListSink, LocalEngine


@pytest.fixture
def run():
    """Runs an agent over inputs of one key; gives the outputs."""

    def run(agent, *inputs, key=lambda _value: "key", observers=()):
        outputs = ListSink()
        plan = AgentPlan.from_agent(agent)
        engine = LocalEngine(plan, key=key, output=outputs, observers=observers)
        engine.run(IterableSource(inputs))
        return outputs.values

    return run


@pytest.fixture
def shown(run):
    """What the model is shown for one input."""

    def shown(agent, *inputs, **more):
        return json.loads(run(agent, *inputs, **more)[-1])

    return shown
